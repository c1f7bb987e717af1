// The decision: what one member may see of one record now.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "common/policy/header.h"
#include "common/policy/state.h"
#include "common/policy/view.h"

namespace coalition::policy {

struct Decision {
  View view;             // zero: hidden
  bool owner = false;    // the member contributed the record and sees all of it
  ViewSet view_ids = 0;  // each granted view that took part
  bool visible() const { return !view.hidden(); }
};

// view(m, r, now) = live ∧ standing ∧ (owner: all | coalition's ceiling ∧ contributor's own ceiling
//                     ∧ OR{ matching grants } ∧ ¬excluded ∧ ¬denied ), by the rules of docs/architecture.md,
//                     "Access".
// Pure, allocation-free, thread-safe. An unknown member, class, label, view or kind hides.
//
// - A grant to a member always matches it; one to a group or kind matches a member that has held it without a
//   break since before the grant was attached; EVERYONE matches a member admitted (kind held) since before
//   then.
// - An exclusion, the record's or its contributor's own, and a denial match whoever held what they name at
// any
//   time since the record was made, or is under common control with such a member.
// - Of the coalition's policy and of the contributor's own, a record is shown what every version since it was
//   made shows. A contributor can accept later versions of the coalition's for its older records.
// - LIMITED sees its own records only; SUSPENDED, EXITED and APPLICANT nothing.
// - While its contributor is SUSPENDED, others see a record only if the newest version of the coalition's
// policy
//   does not hide such records. Of a contributor with any other standing its records stay.
// - A contributor, or a member or group in an exclusion or a denial, that the state does not know hides the
//   record from others too.
//
// An opinion must further be met with its subject's decision: the caller does, since it has the subject's
// header.
Decision Decide(const State& state, uint32_t member, const HeaderView& header, int64_t now_s);

// Everybody who sees the record but its contributor: `seen` is called for each, in the order of their
// numbers.
void WhoCanSee(const State& state, const HeaderView& header, int64_t now_s,
               absl::FunctionRef<void(uint32_t member, const Decision& decision)> seen);

// What is left of an opinion for a member with decision `subject` about the record that the opinion is about:
// nothing if that is hidden, and header fields (seller, contributor, times) no higher than there. The
// opinion's owner sees its own words always, and of the seller, which is the subject's, what it sees there.
Decision MeetWithSubject(const Decision& opinion, const Decision& subject);

// The bound that the subject sets; zero: the opinion is hidden.
View SubjectBound(bool owner, const Decision& subject);

// kHost: has held the record's platform without a break since before the record was made, and still does.
// kFormerOrUnassigned: holds or held it otherwise; or nobody holds it, or it is unknown, and the member is a
// marketplace.
Relation RelationOf(const State& state, const MemberState& member, const HeaderView& header);

// Whether the grant applies to the member.
bool GrantMatches(const MemberState& member, const HeaderGrant& grant);

// The revision from which on the coalition's policy counts for the record: that of its making, or the one up
// to which its contributor has accepted later versions.
uint64_t PolicyBase(const State& state, const HeaderView& header);

}  // namespace coalition::policy
