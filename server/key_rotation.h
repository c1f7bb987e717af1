// Keys of key_dir that the operator changes (coalitiond --rotate-key, --end-key-overlap): what is done here
// holds from the server's next start on. Every function blocks.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/random.h"

namespace coalition::server {

// Makes a new key in the place of that one, while the server does not run, and says what was done and what is
// to be done next:
//
//   ledger_key   signs from now on, the former one beside it; the log names it in its next act
//   page_token   seals from now on, the former one still opens
//   seller_hash  the store's presence keys are made anew at the next start
//   etag         etags that members keep are refused once
//
// The first two keep the former key, in an overlap: in a file of its own, ending in .old.
//
// FAILED_PRECONDITION: the server runs, there is no such key to change, or it is in an overlap already, or
// the ledger's newest checkpoint is not signed with it; or it is token_master, pseudonym, erasure_keys or
// ledger_contents, which are not changed (docs/operations.md). INVALID_ARGUMENT: no key has that name. And
// errors of the disk. What can't be done to the end leaves the key as it was.
absl::StatusOr<std::string> RotateKey(const config::v1::ServerConfig& config, const std::string& name,
                                      Random& random);

// Removes the former key of ledger_key or page_token, and says so. FAILED_PRECONDITION: there is none, or
// the new key has not signed the ledger yet, so that without the former one nobody could go on with it.
// INVALID_ARGUMENT: no overlap has that name.
absl::StatusOr<std::string> EndKeyOverlap(const config::v1::ServerConfig& config, const std::string& name);

// Removes the former page token key once it opens nothing more: no cursor is good for longer than the
// store's history is kept.
absl::Status EndKeyOverlapInTime(const config::v1::ServerConfig& config, int64_t now_s);

}  // namespace coalition::server
