// From the audience that a contributor writes to the grants and exclusions of the header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coalition/v1/record.pb.h"
#include "common/policy/header.h"
#include "common/policy/state.h"

namespace coalition::policy {

struct AudienceProblem {
  std::string path;     // relative to the audience: "grants[2].subject.member"
  std::string message;  // "no such member"
  bool label_forbids = false;
};

struct CompiledAudience {
  std::vector<HeaderGrant> grants;
  std::vector<HeaderExclusion> exclusions;
  std::vector<AudienceProblem> problems;  // not empty: the audience must be refused
};

// Resolves names, by the views that the policy in force defines for the class, and checks the label's cap
// (record.proto, Label). Every problem is found, not only the first. `attached` is given to grants that are
// not in `before`; a grant that is keeps its own, and its view even if that is defined no more. Duplicates
// are merged. What is included must have been added already.
CompiledAudience CompileAudience(const State& state, const v1::Audience& audience,
                                 v1::RecordClass record_class, v1::Label label, uint64_t attached,
                                 const std::vector<HeaderGrant>& before);

}  // namespace coalition::policy
