// The server's secrets: files of their own, outside the store and outside its backups.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/random.h"
#include "server/exchange/exchange.h"

namespace coalition::server {

// Reads token_master, page_token, seller_hash and etag from `dir`: 32 random bytes each, mode 0600. Beside an
// empty store
// (`may_create`) those that are missing are made, and the directory. Blocks.
//
// FAILED_PRECONDITION: a key is missing beside a store that is not empty, has another size, or the directory
// or a file is open to others; says what to do.
absl::StatusOr<exchange::ExchangeKeys> LoadKeys(const std::string& dir, bool may_create, Random& random);

}  // namespace coalition::server
