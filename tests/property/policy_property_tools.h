// What the properties of decisions have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/property/policy_properties.h"

namespace coalition::testing {

// a shows nothing that b does not.
inline bool Within(policy::View a, policy::View b) { return policy::Meet(a, b) == a; }

inline Violation Wrong(const std::string& what, uint32_t member) {
  return what + " (member " + std::to_string(member) + ")";
}

// What each member sees, by number - 1.
inline std::vector<policy::Decision> DecideAll(const Decider& decide, const World& world) {
  const policy::State state = world.MakeState();
  std::vector<policy::Decision> decisions;
  for (const policy::MemberState& member : world.members) {
    decisions.push_back(decide(state, member.number, world.header, world.now_s));
  }
  return decisions;
}

// The first member for whom `bad(before, after)`.
template <class Bad>
Violation Compare(const Decider& decide, const World& before, const World& after, const char* what,
                  const Bad& bad) {
  const auto old_decisions = DecideAll(decide, before);
  const auto new_decisions = DecideAll(decide, after);
  for (size_t i = 0; i < old_decisions.size(); ++i) {
    if (bad(old_decisions[i], new_decisions[i])) return Wrong(what, static_cast<uint32_t>(i + 1));
  }
  return std::nullopt;
}

inline bool SeesMore(const policy::Decision& was, const policy::Decision& is) {
  return !Within(is.view, was.view);
}
inline bool SeesLess(const policy::Decision& was, const policy::Decision& is) {
  return !Within(was.view, is.view);
}
inline bool SeesOther(const policy::Decision& was, const policy::Decision& is) {
  return was.view != is.view || was.view_ids != is.view_ids;
}

inline policy::MemberState& Chosen(World& world, uint32_t choice) {
  return world.members[choice % world.members.size()];
}

// What the ceilings show the member of the record, whatever it is to it.
inline policy::View UnderAnyRelation(const policy::CeilingTable& ceilings, const policy::MemberState& member,
                                     const policy::Header& header) {
  policy::View any;
  for (const auto relation :
       {policy::Relation::kOther, policy::Relation::kHost, policy::Relation::kFormerOrUnassigned}) {
    any = policy::Join(any, ceilings.At(member.kind, relation, header.record_class, header.label));
  }
  return any;
}

// Everybody is granted everything, as strongly as can be.
inline void GrantToAll(World* world) {
  for (const policy::MemberState& member : world->members) {
    world->header.grants.push_back({policy::SubjectKind::kMember, policy::kViewFull, member.number, 1});
  }
}

}  // namespace coalition::testing
