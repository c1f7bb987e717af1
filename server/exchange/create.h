// Creating one record.
#pragma once

#include "server/exchange/room.h"

namespace coalition::exchange {

// As Exchange::Create. `room` must outlive the call.
void CreateRecord(const Room& room, const CallContext& context, const v1::CreateRecordRequest& request,
                  Exchange::DoneShowing<v1::CreateRecordResponse> done);

}  // namespace coalition::exchange
