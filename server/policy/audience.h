// From the audience that a contributor writes to the grants and exclusions of the header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coalition/v1/record.pb.h"
#include "server/policy/header.h"
#include "server/policy/state.h"

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

// Resolves names and checks the label's cap (record.proto, Label). Every problem is found, not only the
// first. `attached` is given to grants that are not in `before`; a grant that is keeps its own. Duplicates
// are merged.
CompiledAudience CompileAudience(const State& state, const v1::Audience& audience, v1::Label label,
                                 uint64_t attached, const std::vector<HeaderGrant>& before);

}  // namespace coalition::policy
