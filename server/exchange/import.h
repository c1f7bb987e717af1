// Creating many records in one commit.
#pragma once

#include "server/exchange/room.h"

namespace coalition::exchange {

// As Exchange::Import. `room` must outlive the call.
void ImportRecords(const Room& room, const CallContext& context, const v1::ImportRecordsRequest& request,
                   Exchange::Done<v1::ImportRecordsResponse> done);

}  // namespace coalition::exchange
