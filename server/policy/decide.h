// The decision: what one member may see of one record now.
#pragma once

#include <cstdint>

#include "server/policy/header.h"
#include "server/policy/state.h"
#include "server/policy/view.h"

namespace coalition::policy {

struct Decision {
  View view;             // zero: hidden
  bool owner = false;    // the member contributed the record and sees all of it
  uint8_t view_ids = 0;  // bit (1 << ViewId) for each granted view that took part
  bool visible() const { return !view.hidden(); }
};

// view(m, r, now) = live ∧ standing ∧ (owner: full | ceiling ∧ OR{ matching grants } ∧ ¬excluded), by the
// rules of docs/architecture.md, "Access". Pure, allocation-free, thread-safe. An unknown member, class,
// label, view or kind hides.
//
// - A grant to a member always matches it; one to a group or kind matches a member that has held it without a
// break since
//   before the grant was attached; EVERYONE matches a member admitted (kind held) since before then.
// - An exclusion matches whoever, or anyone under common control with whom, held what it names at any time
// since the record
//   was made.
// - LIMITED sees its own records only; SUSPENDED, EXITED and APPLICANT nothing.
// - A contributor, or a member or group in an exclusion, that the state does not know hides the record from
// others too.
//
// An opinion must further be met with its subject's decision: the caller does, since it has the subject's
// header.
Decision Decide(const State& state, uint32_t member, const HeaderView& header, int64_t now_s);

// What is left of an opinion for a member with decision `subject` about the record that the opinion is about:
// nothing if that is hidden, and header fields (seller, contributor, times) no higher than there. The
// opinion's owner sees all of it still.
Decision MeetWithSubject(const Decision& opinion, const Decision& subject);

// kHost: has held the record's platform without a break since before the record was made, and still does.
// kFormerOrUnassigned: holds or held it otherwise; or nobody holds it, or it is unknown, and the member is a
// marketplace.
Relation RelationOf(const State& state, const MemberState& member, const HeaderView& header);

}  // namespace coalition::policy
