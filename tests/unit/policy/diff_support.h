// A policy that changes, and what is told of it, for the tests of differences.
#pragma once

#include <string>
#include <vector>

#include "common/policy/diff.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {

// Brands and payment firms see "full", marketplaces "notice" of sellers of others.
inline constexpr char kBase[] = R"(
    title: "Brands"
    views {
      name: "full" record_class: RECORD_CLASS_OFFENDER_REPORT
      full: ["seller.seller_id", "comment"] token: "contributor" coarse: "create_time"
    }
    views {
      name: "notice" record_class: RECORD_CLASS_OFFENDER_REPORT full: "seller.seller_id"
      description: "Enough to act"
    }
    ceilings {
      kinds: [MEMBER_KIND_BRAND, MEMBER_KIND_PAYMENT] relations: [RELATION_HOST, RELATION_OTHER]
      record_classes: RECORD_CLASS_OFFENDER_REPORT
      labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR] view: "full"
    }
    ceilings {
      kinds: MEMBER_KIND_MARKETPLACE relations: RELATION_OTHER record_classes: RECORD_CLASS_OFFENDER_REPORT
      labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR] view: "notice"
    }
    limits {
      lifetimes { days_max: 1000 }
      labels: [LABEL_RED, LABEL_AMBER]
      widening { approvals: 2 electorate: [MEMBER_KIND_BRAND, MEMBER_KIND_PAYMENT] }
    }
    audiences {
      id: "peers" description: "Every brand"
      audience {
        grants { subject { kind: MEMBER_KIND_BRAND } view: "full" }
        grants { subject { member: "members/paylink" } view: "notice" }
        exclusions { member: "members/corsa" }
      }
    }
    policy_test {
      name: "a brand sees the seller"
      as { kind: MEMBER_KIND_BRAND }
      read {
        record_class: RECORD_CLASS_OFFENDER_REPORT
        audience { grants { subject { kind: MEMBER_KIND_BRAND } view: "full" } }
      }
      expect { full: "seller.seller_id" }
    })";

inline v1::CoalitionPolicy Base() { return FromText<v1::CoalitionPolicy>(kBase); }

// "WIDENS: a BRAND …", as the changes stand.
template <class Changes>
std::vector<std::string> Sentences(const Changes& changes) {
  std::vector<std::string> sentences;
  for (const auto& change : changes) {
    const std::string direction = v1::Direction_Name(change.direction());
    sentences.push_back(direction.substr(sizeof("DIRECTION_") - 1) + ": " + change.sentence());
  }
  return sentences;
}

class DiffTest : public ::testing::Test {
 protected:
  PolicyDiff Diff() const { return DiffPolicies(CoalitionState(), before_, 1, after_); }
  State CoalitionState() const { return MakeState(members_, {{kBazaar, {1, kStill}}}, RulesOf(before_)); }

  v1::CoalitionPolicy before_ = Base(), after_ = Base();
  std::vector<MemberState> members_ = Members();
};

}  // namespace coalition::policy
