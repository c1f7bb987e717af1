// Reports about a seller that were cleared before another one was made: who lists the seller again is told.
#pragma once

#include "absl/status/status.h"
#include "coalition/v1/record.pb.h"
#include "server/exchange/draft.h"
#include "server/exchange/room.h"
#include "server/exchange/visibility.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Notes in the draft of a report, which is not sealed yet, that its seller had been cleared at that revision,
// whoever may know of it: so that nothing is looked for with most records. Of others it does nothing, and
// next to nothing for a seller of which there never was a report. Errors: the store's.
absl::Status NoteClearedBefore(const Room& room, store::Revision at, Draft* draft);

// Adds to `shown` what had been cleared when the record was made (now, if it is not made yet) and the asker
// could see with its seller: the newest ones of those, so that what it may not know of moves nothing. It sees
// the record's seller. Errors: the store's, the watch's.
absl::Status ShowClearedBefore(const store::Store& store, const contents::ContentKeys& contents,
                               const Asker& asker, const policy::HeaderView& header, const v1::Record& record,
                               v1::Record* shown);

}  // namespace coalition::exchange
