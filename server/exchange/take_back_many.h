// Taking many records back in one commit, or in few if they are large.
#pragma once

#include "server/exchange/exchange.h"
#include "server/exchange/room.h"

namespace coalition::exchange {

// As the functions of Exchange. `room` must outlive the call.
void BatchWithdrawRecords(const Room& room, const CallContext& context,
                          const v1::BatchWithdrawRecordsRequest& request,
                          Exchange::Done<v1::BatchWithdrawRecordsResponse> done);
void BatchClearRecords(const Room& room, const CallContext& context,
                       const v1::BatchClearRecordsRequest& request,
                       Exchange::Done<v1::BatchClearRecordsResponse> done);

}  // namespace coalition::exchange
