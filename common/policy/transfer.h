// A member's records going to another member: what must hold so that nobody but the new contributor sees
// more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/policy/header.h"
#include "common/policy/state.h"

namespace coalition::policy {

// Why the records of `from` can't go to `to` without others seeing more of them than before, or why `to`
// can't have them; for people. Empty: they can. `to` must be another member, ACTIVE and of the same kind,
// since denials name contributors by kind. `from` must not have bounded its records by ceilings of its own,
// ever: a record can't carry those. And `to` must not have accepted later versions of the coalition's policy
// for its older records than `from` has. What `to` decides of its own records afterwards is its affair.
std::string WrongWithTransfer(const State& state, uint32_t from, uint32_t to);

// Whom `from`'s own policy keeps from its records that were made at `made`, as exclusions of the record
// itself: they mean the same there. In no order; each once.
struct CarriedExclusions {
  std::vector<HeaderExclusion> named;
  // It names somebody whom the state does not know, which hides the record from everybody but its
  // contributor; a header has no exclusion that says so.
  bool all = false;
};
CarriedExclusions ExclusionsToCarry(const State& state, uint32_t from, uint64_t made);

// The record's header with `to` as its contributor. It shows nobody but `to` more than before, today and
// whatever becomes of members, groups, platforms and the coalition's policy later, if nothing is wrong with
// the transfer: its revision of creation and its grants' stay, its exclusions stay, and those of `from`'s own
// policy come to them. Where they do not fit, the grants go: nobody but `to` sees the record then.
Header GivenTo(const State& state, Header header, uint32_t to);

// The header's audience as a record says it: members, groups and views by name.
v1::Audience AudienceOf(const State& state, const Header& header);

}  // namespace coalition::policy
