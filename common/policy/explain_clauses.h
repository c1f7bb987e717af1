// The clauses that take part in one decision. For use within this room.
#pragma once

#include <cstdint>
#include <vector>

#include "common/policy/explain.h"

namespace coalition::policy {

// What a clause does to the answer: it hides all, bounds what is seen, shows something, or is only told.
enum class Role : uint8_t { kHides, kBounds, kShows, kTold };

struct Part {
  Role role = Role::kTold;
  View view;    // of kBounds the bound, of kShows what it shows
  Cause cause;  // `without` is not set
};

struct Parts {
  v1::Relation relation = v1::RELATION_UNSPECIFIED;
  std::vector<Part> parts;
};

// All clauses that decide what the member sees of the record, an opinion's subject left aside. None for a
// member or a contributor that the state does not know. Thread-safe.
Parts PartsOf(const State& state, uint32_t member, const HeaderView& header, int64_t now_s);

}  // namespace coalition::policy
