// coalitiond --restore: a store from a backup.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/clock.h"
#include "common/random.h"

namespace coalition::server {

struct RestoreRequest {
  std::string file;      // the backup
  std::string key_file;  // the private half of the key that it is encrypted to
};

// Makes the store of `config` from the backup, and of the ledger a new log:
//
//   rows     of the backup, in a store that goes on beyond every revision that is known of the old one
//   erasures what the journal has as erased is destroyed in key_dir, and left out of the rows
//   ledger   the backup's ticks are proved against its checkpoint. Then they go: a new log seals the entries
//            again, and its first tick has an act that names the old one and what is missing
//   denials  what the journal in ledger.head_dir has beyond the backup is denied again
//   head     of the new log; the old one's is kept beside it, as `head-before-restore`
//
// Refused (FAILED_PRECONDITION) where store_dir is not empty and has more than a store without a commit, the
// backup is of another trust domain or of a version that could not erase, or ledger.origin names the old log,
// of which there would be two histories. And, without the word `adopt`, where ledger.head_dir has no journal;
// where no ledger key in key_dir has signed the backup's checkpoint, for whoever has the recipient's public
// key can make a backup; or where the backup says that it is newer than the journal and the head, for then it
// would hold what was denied against it. The backup is read twice: to its end, before anything is written,
// and for its rows. A restore that was cut short after that leaves a mark in ledger.head_dir
// (restoring_mark.h), with which no server starts; begin it again, with store_dir empty. `say`: a line for
// each thing done. The server must not run. Errors say what to do. Blocks.
absl::Status Restore(const config::v1::ServerConfig& config, const RestoreRequest& request,
                     const Clock& clock, Random& random, const std::function<void(const std::string&)>& say);

}  // namespace coalition::server
