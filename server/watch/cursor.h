// Positions as members keep them: sealed, and bound to the member and to what it asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/exchange_service.pb.h"
#include "common/sealed.h"
#include "server/watch/position.h"

namespace coalition::watch {

// Records of FeedPosition::ahead that a cursor holds at most.
inline constexpr size_t kAheadInCursorMax = 256;

// What a cursor seals: equal bytes are equal positions.
std::string PositionBytes(const FeedPosition& position);
// Empty: there are more; so only of a watch that is far behind, while much that it was told of changes again
// in what it has yet to go through. The length tells nothing but how many those are, in steps.
std::string MakeCursor(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                       const FeedPosition& position);
// INVALID_ARGUMENT, CURSOR_INVALID.
absl::StatusOr<FeedPosition> ReadCursor(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                                        std::string_view cursor);

// OUT_OF_RANGE, CURSOR_TOO_OLD.
absl::Status CursorTooOld();

}  // namespace coalition::watch
