// What can be proposed: who gains by it, and what it writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coalition/v1/proposal.pb.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// The members that would see or do more, by their numbers. Of an admission none before its applicant is
// there.
std::vector<uint32_t> GainersOf(const Snapshot& current, const v1::ProposedChange& change);
// Whether the member's standing, or the credential's keys, were taken away after that time.
bool TakenAwaySince(const Snapshot& current, const v1::ProposedChange& change, int64_t time_ns);
// Whether others can see to it that a gainer never sees their records: an admission or a re-instatement.
bool CanBeObjectedTo(const v1::ProposedChange& change);

// The applicant of an admission, if it is not there yet, with the next number. nullopt: nothing is to be
// written.
std::optional<storage::v1::StoredMember> NewApplicant(const Snapshot& current,
                                                      const v1::ProposedChange& change);

// What is to be written to make the change in `state`, at `revision`.
std::vector<store::Write> MakeProposedChange(const v1::ProposedChange& change, store::Revision revision,
                                             int64_t now_ns, const StoredState& state);

// What it is about and what it does, for people: {"members/souk", "admitted as MARKETPLACE"}.
struct Described {
  std::string subject;
  std::string text;
};
Described Describe(const v1::ProposedChange& change);

}  // namespace coalition::membership
