// How a value is stored: schema version, kind, CRC-32, payload. The checksum covers the physical key too, so
// that a value under the wrong key or revision is damage as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace coalition::store {

// Replaces `out`. A payload of nullopt is a tombstone.
void EncodeValue(std::string_view physical_key, std::optional<std::string_view> payload, std::string& out);

// Sets `payload` to a view into `stored`, nullopt for a tombstone. DATA_LOSS: the checksum does not fit, or
// the schema version is not one this build knows.
absl::Status DecodeValue(std::string_view physical_key, std::string_view stored,
                         std::optional<std::string_view>& payload);

// The payload of a change log entry: the user keys a commit wrote, in order.
void AppendKeyToList(std::string_view key, std::string& list);
// Replaces `keys` by views into `list`. False: malformed.
bool ParseKeyList(std::string_view list, std::vector<std::string_view>& keys);

}  // namespace coalition::store
