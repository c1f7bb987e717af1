// Whom a grant, an exclusion or a denial names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coalition/v1/record.pb.h"
#include "common/policy/header.h"

namespace coalition::policy {

class State;
struct MemberState;

struct ResolvedSubject {
  std::optional<HeaderExclusion> subject;  // nullopt: it names nobody that is there
  std::string path;                        // of what is wrong, relative to the subject: ".member"
  std::string problem;                     // "no member "…"; say members/{member}"
};

// By the members and groups of `state`.
ResolvedSubject ResolveSubject(const State& state, const v1::Subject& subject);

// What is wrong with it, whoever is in the coalition; empty: nothing.
std::string WrongWithSubject(const v1::Subject& subject);

// Up to which revision `member` itself is named: kStill if it holds the group now or lost it with its
// standing, was ever admitted as of the kind, is named itself, or what is named can't be resolved; 0 if it
// never held it. Whoever held it at any time since a revision below is
// meant.
uint64_t NamedUntil(const State& state, const MemberState& member, const HeaderExclusion& named);

// The same of the member and all under common control with it: the latest.
uint64_t ControlledNamedUntil(const State& state, uint32_t member, const HeaderExclusion& named);

}  // namespace coalition::policy
