// Erasing records: taking them back, and destroying the keys of what they say.
#pragma once

#include "coalition/v1/erasure_service.pb.h"
#include "server/exchange/exchange.h"
#include "server/exchange/room.h"

namespace coalition::exchange {

// As EraseRecords of erasure_service.proto, whose errors it answers; STATE_CONFLICT, {"state": "SHARED_KEY"},
// names a record that would be lost with another. `room` must outlive the call.
//
// Three steps, of which each holds when the next begins:
//
//   commits   take back what is there, mark all of it as erased (`t`), note what is left to do (`z`), and say
//             so in the ledger: each its part of the records, as they were read. With them it is in the
//             journal of denials
//   keys      of all the records are destroyed
//   a commit  removes the notes
//
// Where the second or the third fails, the caller repeats the call, or the next opening finishes it
// (erasures.h). Calls about the same records may run at once. A seller's records are those of the moment when
// the call came. To look alone (validate_only) is one commit: of an act of the ledger.
void EraseRecords(const Room& room, const CallContext& context, const v1::EraseRecordsRequest& request,
                  Exchange::Done<v1::EraseRecordsResponse> done);

}  // namespace coalition::exchange
