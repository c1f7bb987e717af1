// coalitiond --verify: the configured store, read to the end and told of.
#pragma once

#include <cstdio>

#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"

namespace coalition::server {

// Verifies the store of a complete configuration, which no server may have open, and writes to `out` how far
// it is, each finding with what to do, and a last sentence. Whether the store is sound. Writes nothing into
// store, key_dir and ledger.head_dir. Errors, where it could not be read: of verify::VerifyStore and of the
// keys. Blocks.
absl::StatusOr<bool> VerifyAndTell(const config::v1::ServerConfig& config, std::FILE* out);

}  // namespace coalition::server
