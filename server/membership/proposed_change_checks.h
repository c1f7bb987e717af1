// Whether what is proposed fits the coalition as it is.
#pragma once

#include "absl/status/status.h"
#include "coalition/v1/proposal.pb.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// INVALID_FIELD, all that is wrong; NOT_FOUND: it names what is not there; NAME_TAKEN; STATE_CONFLICT: there
// is nothing to change, or not from the state that it is in. Judged when it is proposed, and again when it is
// applied.
absl::Status CheckProposedChange(const Snapshot& current, const v1::ProposedChange& change);

}  // namespace coalition::membership
