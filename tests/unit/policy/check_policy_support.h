// A sound policy, and what is said of one that is not.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/policy/check_policy.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {

inline std::vector<std::pair<std::string, std::string>> Said(const std::vector<PolicyProblem>& problems) {
  std::vector<std::pair<std::string, std::string>> said;
  for (const PolicyProblem& problem : problems) said.emplace_back(problem.path, problem.message);
  return said;
}

// What `add` adds to a sound text, and the one problem that it makes.
struct Mistake {
  std::string add;
  std::string path;
  std::string message;
};

inline constexpr char kNamesNobody[] = "names nobody: set member, group, kind or everyone";
inline constexpr char kNotForCeilings[] =
    "a ceiling is for HOST or OTHER; FORMER_OR_UNASSIGNED sees what both see, and an OWNER all";

inline constexpr char kSound[] = R"(
    title: "Brands"
    views {
      name: "peer" record_class: RECORD_CLASS_OFFENDER_REPORT description: "For brands"
      full: ["seller.platform", "infringement_types"] token: "contributor" coarse: "create_time"
    }
    views { name: "notice" record_class: RECORD_CLASS_OFFENDER_REPORT full: "infringement_types" }
    views { name: "peer" record_class: RECORD_CLASS_OPINION full: "verdict" }
    ceilings {
      kinds: MEMBER_KIND_BRAND relations: [RELATION_HOST, RELATION_OTHER]
      record_classes: [RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_OPINION] labels: LABEL_AMBER view: "peer"
    }
    ceilings {
      kinds: MEMBER_KIND_AGENCY relations: RELATION_OTHER
      record_classes: RECORD_CLASS_TAKEDOWN_NOTICE labels: LABEL_RED view: "none"
    }
    denies { id: "ring" subject { group: "groups/ring" } labels: [LABEL_RED, LABEL_AMBER] reason: "For now" }
    limits {
      labels: [LABEL_RED, LABEL_AMBER]
      lifetimes { record_classes: RECORD_CLASS_OPINION labels: LABEL_RED days_max: 36500 }
      widening { approvals: 1000 electorate: MEMBER_KIND_BRAND }
    }
    audiences {
      id: "peers" description: "Every brand"
      audience { grants { subject { kind: MEMBER_KIND_BRAND } view: "peer" } exclusions { member: "members/x" } }
    }
    policy_test {
      name: "a brand sees who reports as a token"
      as { kind: MEMBER_KIND_BRAND member: "members/y" groups: "groups/z" relation: RELATION_HOST }
      read {
        record_class: RECORD_CLASS_OFFENDER_REPORT label: LABEL_RED contributor_kind: MEMBER_KIND_AUTHORITY
        audience { include: "audiences/peers" }
      }
      expect { view: "peer" full: "infringement_types" token: "contributor" coarse: "create_time" omitted: "comment" }
    }
    policy_test {
      name: "an agency sees nothing"
      as { kind: MEMBER_KIND_AGENCY }
      read { record_class: RECORD_CLASS_OPINION }
      expect { hidden: true }
    })";

// That policy with more of the same language.
inline v1::CoalitionPolicy SoundWith(const std::string& more) {
  auto policy = FromText<v1::CoalitionPolicy>(kSound);
  google::protobuf::TextFormat::Parser parser;
  EXPECT_TRUE(parser.MergeFromString(more, &policy)) << more;
  return policy;
}

inline std::string Long() { return std::string(1001, 'x'); }

inline std::string IsNoId(const std::string& subject) {
  return subject + ": expected a lower-case letter, then at most 62 lower-case letters, digits and hyphens";
}
inline std::string NameEach(const std::string& what) {
  return "is missing: name each " + what + "; nothing is meant by leaving it out";
}

}  // namespace coalition::policy
