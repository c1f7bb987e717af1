// Proposals as they are kept, named and shown.
#pragma once

#include <cstdint>
#include <string>

#include "coalition/storage/v1/storage.pb.h"
#include "coalition/v1/proposal.pb.h"
#include "server/membership/acts.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// proposals/{number}
std::string NameOfNumber(uint64_t number);
// nullptr: there is no such proposal.
const storage::v1::StoredProposal* Find(const StoredState& stored, const std::string& name);
// EXPIRED where its time is over.
v1::ProposalState StateOf(const storage::v1::StoredProposal& proposal, int64_t now_ns);
// Of what approvals are of: number, change and terms.
std::string DigestOf(const storage::v1::StoredProposal& proposal);
v1::Proposal ToPublic(const Snapshot& current, const storage::v1::StoredProposal& stored, int64_t now_ns);
store::Write ProposalWrite(const storage::v1::StoredProposal& proposal);
// The act of `what`, on the proposal as it was proposed.
Act ActOn(const storage::v1::StoredProposal& proposal, std::string what);

}  // namespace coalition::membership
