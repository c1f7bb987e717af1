#include "common/policy/default_policy.h"

#include "common/policy/check.h"
#include "common/textproto.h"

namespace coalition::policy {
namespace {

// clang-format off
constexpr std::string_view kText = R"textproto(# What a coalition has that has not written its own policy. docs/policy.md explains the language.
title: "Members share as they choose; a host sees what it needs to act"

# Each view is a list of what it shows. A field that is in no list is hidden.
views {
  name: "full"
  record_class: RECORD_CLASS_OFFENDER_REPORT
  full: [
    "contributor", "seller.platform", "seller.seller_id", "create_time", "update_time",
    "expire_time", "seller_display_name", "seller_storefront_url", "rights.type", "rights.office",
    "rights.registration_number", "infringement_types", "product_category", "listings.url",
    "listings.listing_id", "evidence.type", "evidence.hash", "evidence.reference", "case_type",
    "grounds_code", "first_observed_time", "last_observed_time", "human_reviewed", "legal_basis",
    "correction_contact", "comment"
  ]
}
views {
  name: "notice"
  record_class: RECORD_CLASS_OFFENDER_REPORT
  full: ["seller.platform", "seller.seller_id", "infringement_types", "product_category"]
  token: ["contributor"]
  coarse: ["create_time"]
}
views {
  name: "full"
  record_class: RECORD_CLASS_TAKEDOWN_NOTICE
  full: [
    "contributor", "seller.platform", "seller.seller_id", "create_time", "update_time",
    "expire_time", "listings.url", "listings.listing_id", "whole_account", "requested_action",
    "right.type", "right.office", "right.registration_number", "deadline_time", "report", "comment"
  ]
}
views {
  name: "notice"
  record_class: RECORD_CLASS_TAKEDOWN_NOTICE
  full: [
    "seller.platform", "seller.seller_id", "listings.url", "listings.listing_id", "whole_account",
    "requested_action", "right.type", "right.office", "right.registration_number", "deadline_time"
  ]
  token: ["contributor"]
  coarse: ["create_time"]
}
views {
  name: "full"
  record_class: RECORD_CLASS_TAKEDOWN_OUTCOME
  full: [
    "contributor", "seller.platform", "seller.seller_id", "create_time", "update_time",
    "expire_time", "action_taken", "notice", "report", "reinstated", "reinstated_time",
    "appeal_result", "uuid", "decision_visibility", "decision_visibility_other",
    "end_date_visibility_restriction", "decision_monetary", "decision_monetary_other",
    "end_date_monetary_restriction", "decision_provision", "end_date_service_restriction",
    "decision_account", "end_date_account_restriction", "account_type", "decision_ground",
    "decision_ground_reference_url", "illegal_content_legal_ground", "illegal_content_explanation",
    "incompatible_content_ground", "incompatible_content_explanation",
    "incompatible_content_illegal", "category", "category_addition", "category_specification",
    "category_specification_other", "content_type", "content_type_other", "content_language",
    "content_date", "content_id_ean", "territorial_scope", "application_date", "decision_facts",
    "source_type", "source_identity", "automated_detection", "automated_decision", "platform_name",
    "platform_uid", "created_at"
  ]
}
views {
  name: "notice"
  record_class: RECORD_CLASS_TAKEDOWN_OUTCOME
  full: [
    "contributor", "seller.platform", "seller.seller_id", "action_taken", "reinstated",
    "appeal_result", "decision_visibility", "decision_monetary", "decision_provision",
    "decision_account", "account_type", "decision_ground", "category", "category_specification",
    "territorial_scope", "platform_name"
  ]
  coarse: ["create_time", "application_date"]
}
views {
  name: "full"
  record_class: RECORD_CLASS_OPINION
  full: [
    "contributor", "seller.platform", "seller.seller_id", "create_time", "update_time",
    "expire_time", "subject", "verdict", "comment"
  ]
}
views {
  name: "notice"
  record_class: RECORD_CLASS_OPINION
  full: ["seller.platform", "seller.seller_id", "verdict"]
  token: ["contributor"]
  coarse: ["create_time"]
}

# Members other than marketplaces, observers and the secretariat see what they are granted.
ceilings {
  kinds: [MEMBER_KIND_BRAND, MEMBER_KIND_PAYMENT, MEMBER_KIND_LOGISTICS, MEMBER_KIND_AUTHORITY, MEMBER_KIND_AGENCY]
  relations: [RELATION_HOST, RELATION_OTHER]
  record_classes: [
    RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_TAKEDOWN_NOTICE, RECORD_CLASS_TAKEDOWN_OUTCOME, RECORD_CLASS_OPINION
  ]
  labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR]
  view: "full"
}
# So do marketplaces, of sellers that they do not host.
ceilings {
  kinds: MEMBER_KIND_MARKETPLACE
  relations: RELATION_OTHER
  record_classes: [
    RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_TAKEDOWN_NOTICE, RECORD_CLASS_TAKEDOWN_OUTCOME, RECORD_CLASS_OPINION
  ]
  labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR]
  view: "full"
}
# The host must not sit close to investigations: of reports and opinions on its own sellers it gets what it needs to act.
ceilings {
  kinds: MEMBER_KIND_MARKETPLACE
  relations: RELATION_HOST
  record_classes: [RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_OPINION]
  labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR]
  view: "notice"
}
# Notices are addressed to it, and outcomes are its own kind's.
ceilings {
  kinds: MEMBER_KIND_MARKETPLACE
  relations: RELATION_HOST
  record_classes: [RECORD_CLASS_TAKEDOWN_NOTICE, RECORD_CLASS_TAKEDOWN_OUTCOME]
  labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR]
  view: "full"
}
ceilings {
  kinds: MEMBER_KIND_OBSERVER
  relations: [RELATION_HOST, RELATION_OTHER]
  record_classes: [
    RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_TAKEDOWN_NOTICE, RECORD_CLASS_TAKEDOWN_OUTCOME, RECORD_CLASS_OPINION
  ]
  labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR]
  view: "notice"
}

# What more than one member must agree to: two, beside the secretariat.
limits {
  widening {
    approvals: 2
    electorate: [MEMBER_KIND_BRAND, MEMBER_KIND_MARKETPLACE, MEMBER_KIND_PAYMENT, MEMBER_KIND_LOGISTICS, MEMBER_KIND_AUTHORITY]
  }
}

policy_test {
  name: "nobody sees what is granted to nobody"
  as { kind: MEMBER_KIND_BRAND }
  read { record_class: RECORD_CLASS_OFFENDER_REPORT }
  expect { hidden: true }
}
policy_test {
  name: "a brand sees what is granted to brands"
  as { kind: MEMBER_KIND_BRAND }
  read {
    record_class: RECORD_CLASS_OFFENDER_REPORT
    audience { grants { subject { kind: MEMBER_KIND_BRAND } view: "full" } }
  }
  expect { view: "full" }
}
policy_test {
  name: "the host of the seller sees a report as a notice, and its reporter as a token"
  as { kind: MEMBER_KIND_MARKETPLACE relation: RELATION_HOST }
  read {
    record_class: RECORD_CLASS_OFFENDER_REPORT
    label: LABEL_GREEN
    audience { grants { subject { everyone: true } view: "full" } }
  }
  expect { view: "notice" token: "contributor" omitted: ["evidence.hash", "comment"] }
}
policy_test {
  name: "the secretariat sees nothing"
  as { kind: MEMBER_KIND_SECRETARIAT }
  read {
    record_class: RECORD_CLASS_OPINION
    label: LABEL_GREEN
    audience { grants { subject { everyone: true } view: "full" } }
  }
  expect { hidden: true }
}
)textproto";
// clang-format on

}  // namespace

std::string_view DefaultPolicyText() { return kText; }

const v1::CoalitionPolicy& DefaultPolicy() {
  static const auto& policy = *[] {
    auto* made = new v1::CoalitionPolicy;
    Check(ParseTextproto(kText, "default policy", made).ok(), "the default policy parses");
    return made;
  }();
  return policy;
}

}  // namespace coalition::policy
