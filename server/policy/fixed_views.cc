// The two views of each class, field by field. There are no wildcards: a field that is added to the proto is
// hidden until it is added here, also from "full".
#include "server/policy/schema.h"

namespace coalition::policy {
namespace {

constexpr Level kFull = Level::kFull;
constexpr Level kToken = Level::kPartial;
constexpr Level kDay = Level::kPartial;

std::vector<ShownField> AllFull(const std::vector<const char*>& paths) {
  std::vector<ShownField> shown;
  for (const char* path :
       {"contributor", "seller.platform", "seller.seller_id", "create_time", "update_time", "expire_time"}) {
    shown.push_back({path, kFull});
  }
  for (const char* path : paths) shown.push_back({path, kFull});
  return shown;
}

const std::vector<ShownField>& ReportFull() {
  static const auto& shown = *new std::vector<ShownField>(AllFull({"seller_display_name",
                                                                   "seller_storefront_url",
                                                                   "rights.type",
                                                                   "rights.office",
                                                                   "rights.registration_number",
                                                                   "infringement_types",
                                                                   "product_category",
                                                                   "listings.url",
                                                                   "listings.listing_id",
                                                                   "evidence.type",
                                                                   "evidence.hash",
                                                                   "evidence.reference",
                                                                   "case_type",
                                                                   "grounds_code",
                                                                   "first_observed_time",
                                                                   "last_observed_time",
                                                                   "human_reviewed",
                                                                   "legal_basis",
                                                                   "correction_contact",
                                                                   "comment"}));
  return shown;
}

const std::vector<ShownField>& ReportNotice() {
  static const auto& shown = *new std::vector<ShownField>{
      {"contributor", kToken},     {"create_time", kDay},         {"seller.platform", kFull},
      {"seller.seller_id", kFull}, {"infringement_types", kFull}, {"product_category", kFull},
  };
  return shown;
}

const std::vector<ShownField>& NoticeFull() {
  static const auto& shown = *new std::vector<ShownField>(
      AllFull({"listings.url", "listings.listing_id", "whole_account", "requested_action", "right.type",
               "right.office", "right.registration_number", "deadline_time", "report", "comment"}));
  return shown;
}

const std::vector<ShownField>& NoticeNotice() {
  static const auto& shown = *new std::vector<ShownField>{
      {"contributor", kToken},
      {"create_time", kDay},
      {"seller.platform", kFull},
      {"seller.seller_id", kFull},
      {"listings.url", kFull},
      {"listings.listing_id", kFull},
      {"whole_account", kFull},
      {"requested_action", kFull},
      {"right.type", kFull},
      {"right.office", kFull},
      {"right.registration_number", kFull},
      {"deadline_time", kFull},
  };
  return shown;
}

const std::vector<ShownField>& OutcomeFull() {
  static const auto& shown = *new std::vector<ShownField>(AllFull({"action_taken",
                                                                   "notice",
                                                                   "report",
                                                                   "reinstated",
                                                                   "reinstated_time",
                                                                   "appeal_result",
                                                                   "uuid",
                                                                   "decision_visibility",
                                                                   "decision_visibility_other",
                                                                   "end_date_visibility_restriction",
                                                                   "decision_monetary",
                                                                   "decision_monetary_other",
                                                                   "end_date_monetary_restriction",
                                                                   "decision_provision",
                                                                   "end_date_service_restriction",
                                                                   "decision_account",
                                                                   "end_date_account_restriction",
                                                                   "account_type",
                                                                   "decision_ground",
                                                                   "decision_ground_reference_url",
                                                                   "illegal_content_legal_ground",
                                                                   "illegal_content_explanation",
                                                                   "incompatible_content_ground",
                                                                   "incompatible_content_explanation",
                                                                   "incompatible_content_illegal",
                                                                   "category",
                                                                   "category_addition",
                                                                   "category_specification",
                                                                   "category_specification_other",
                                                                   "content_type",
                                                                   "content_type_other",
                                                                   "content_language",
                                                                   "content_date",
                                                                   "content_id_ean",
                                                                   "territorial_scope",
                                                                   "application_date",
                                                                   "decision_facts",
                                                                   "source_type",
                                                                   "source_identity",
                                                                   "automated_detection",
                                                                   "automated_decision",
                                                                   "platform_name",
                                                                   "platform_uid",
                                                                   "created_at"}));
  return shown;
}

const std::vector<ShownField>& OutcomeNotice() {
  static const auto& shown = *new std::vector<ShownField>{
      {"contributor", kFull},
      {"create_time", kDay},
      {"seller.platform", kFull},
      {"seller.seller_id", kFull},
      {"action_taken", kFull},
      {"reinstated", kFull},
      {"appeal_result", kFull},
      {"decision_visibility", kFull},
      {"decision_monetary", kFull},
      {"decision_provision", kFull},
      {"decision_account", kFull},
      {"account_type", kFull},
      {"decision_ground", kFull},
      {"category", kFull},
      {"category_specification", kFull},
      {"territorial_scope", kFull},
      {"platform_name", kFull},
      {"application_date", kDay},
  };
  return shown;
}

const std::vector<ShownField>& OpinionFull() {
  static const auto& shown = *new std::vector<ShownField>(AllFull({"subject", "verdict", "comment"}));
  return shown;
}

const std::vector<ShownField>& OpinionNotice() {
  static const auto& shown = *new std::vector<ShownField>{
      {"contributor", kToken},     {"create_time", kDay}, {"seller.platform", kFull},
      {"seller.seller_id", kFull}, {"verdict", kFull},
  };
  return shown;
}

}  // namespace

const std::vector<ShownField>* FixedViewFields(v1::RecordClass record_class, ViewId id) {
  if (id != ViewId::kFull && id != ViewId::kNotice) return nullptr;
  const bool full = id == ViewId::kFull;
  switch (record_class) {
    case v1::RECORD_CLASS_OFFENDER_REPORT:
      return full ? &ReportFull() : &ReportNotice();
    case v1::RECORD_CLASS_TAKEDOWN_NOTICE:
      return full ? &NoticeFull() : &NoticeNotice();
    case v1::RECORD_CLASS_TAKEDOWN_OUTCOME:
      return full ? &OutcomeFull() : &OutcomeNotice();
    case v1::RECORD_CLASS_OPINION:
      return full ? &OpinionFull() : &OpinionNotice();
    default:
      return nullptr;
  }
}

}  // namespace coalition::policy
