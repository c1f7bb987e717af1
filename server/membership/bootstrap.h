// From the reviewed bootstrap file to what the store keeps.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/storage/v1/storage.pb.h"
#include "server/store/store.h"

namespace coalition::membership {

// The keys of this room: one prefix, numbers in big-endian so that a scan gives them in order.
inline constexpr std::string_view kCoalitionKey = "m/coalition";
inline constexpr std::string_view kGroupPrefix = "m/g/";
inline constexpr std::string_view kMemberPrefix = "m/m/";
inline constexpr std::string_view kPlatformPrefix = "m/p/";
inline constexpr std::string_view kGroupEnd = "m/g0";  // '0' follows '/'
inline constexpr std::string_view kMemberEnd = "m/m0";
inline constexpr std::string_view kPlatformEnd = "m/p0";

// OK, or INVALID_ARGUMENT with all that is wrong, each with its place: 'members[2] "aurore": no such group:
// "brands"'.
absl::Status CheckBootstrap(const config::v1::Bootstrap& bootstrap);

// INVALID_ARGUMENT where two credentials share a key: one person's key would then speak for two. Apart from
// CheckBootstrap, which also judges the made-up members of tests.
absl::Status CheckDistinctKeys(const config::v1::Bootstrap& bootstrap);

// SHA-256 of the message's deterministic serialisation: comments and layout of the file do not count.
std::string BootstrapDigest(const config::v1::Bootstrap& bootstrap);

// The writes that apply a checked bootstrap at `revision`: numbers are dense from 1 in the file's order, and
// everybody holds what the file says from `revision` on.
std::vector<store::Write> BootstrapWrites(const config::v1::Bootstrap& bootstrap, store::Revision revision);

}  // namespace coalition::membership
