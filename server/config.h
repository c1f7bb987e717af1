// The configuration: read, completed with the defaults, checked. In one place, so that the rest may trust
// every number.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/host_port.h"  // IWYU pragma: export
#include "common/x25519.h"

namespace coalition::server {

// Replaces what is absent by its default (see server_config.proto) and makes paths relative to the directory
// of the file `base`. INVALID_ARGUMENT names each field that is missing, out of its range or at odds with
// another, one a line. Thread-safe.
absl::Status CompleteConfig(const std::string& base, config::v1::ServerConfig* config);

// From a textproto file, complete. Errors as of CompleteConfig, and with file, line and column what can't be
// read. Blocks.
absl::StatusOr<config::v1::ServerConfig> LoadConfig(const std::string& path);

// The configured bootstrap file, judged: INVALID_ARGUMENT names the file and all that is wrong in it. Whether
// it is the one that the store was made with is for membership::Directory to say.
absl::StatusOr<config::v1::Bootstrap> LoadBootstrap(const config::v1::ServerConfig& config);

// Whom backups are encrypted to; nullopt: no file is configured. Errors: of ReadX25519PublicKeyFile. Blocks.
absl::StatusOr<std::optional<X25519PublicKey>> LoadBackupKey(const config::v1::ServerConfig& config);

// Everything that can be said without the store: LoadConfig's configuration, with the TLS files, the
// bootstrap file and the backups' key read and judged. Blocks.
absl::StatusOr<config::v1::ServerConfig> CheckConfig(const std::string& path, int64_t now_s);

}  // namespace coalition::server
