// Which fields a revision replaces.
#pragma once

#include "absl/status/status.h"
#include "coalition/v1/record.pb.h"
#include "google/protobuf/field_mask.pb.h"

namespace coalition::exchange {

inline constexpr int kMaskPathsMax = 100;

// Copies the fields that `mask` names from `source` to `record`; one that `source` has not is cleared. Paths
// are label, permitted_action, audience, expire_time, the payload, or a field of the payload.
// INVALID_ARGUMENT: INVALID_FIELD for an empty mask, an unknown path, or one that goes into a field of the
// payload; IMMUTABLE_FIELD for a field that can't be changed, the class included.
absl::Status ApplyMask(const google::protobuf::FieldMask& mask, const v1::Record& source, v1::Record* record);

}  // namespace coalition::exchange
