// Reads everything that a store has and says whether it is sound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/contents/contents.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/seal.h"
#include "server/store/leveldb_store.h"
#include "server/store/store.h"
#include "server/verify/findings.h"

namespace coalition::verify {

struct VerifyOptions {
  store::LevelDbOptions store;  // `env` and `wrap_db` unset
  // As ExchangeKeys::seller_hash. With another one than the store's it is not checked which sellers are found
  // to be listed: the server finds that out anew when it starts.
  std::string seller_hash_key;
  // As ExchangeKeys::contents.
  std::shared_ptr<const contents::ContentKeys> contents;
  // What the ledger's entries say is sealed with.
  std::shared_ptr<const ledger::EntryKeys> entry_keys;
  // Who signs the log of a coalition with that trust domain; asked for once. Its error ends the verification,
  // unless the store has no log yet.
  std::function<absl::StatusOr<ledger::LogSigner>(const std::string& trust_domain)> log_signer;
  std::string head_dir;
  // Of what else has to go with the store; each is called once. FAILED_PRECONDITION and DATA_LOSS are
  // findings, other errors end the verification.
  std::vector<std::function<absl::Status(const store::Store& store)>> beside = {};
  // Keys of the kind k of rooms that are not known here; their rows may be there, and are empty.
  std::vector<std::string> facts_beside = {};
  // After so many it is enough.
  size_t findings_max = 100;
  // Told what is being read, and how many rows of it were. May be empty.
  std::function<void(std::string_view what, uint64_t rows)> progress = {};
};

struct VerifyReport {
  std::vector<Finding> findings;
  // There are more, and not everything was read.
  bool cut_off = false;
  uint64_t rows = 0;  // all versions of all keys, and the log of changes
  uint64_t records = 0;
  uint64_t entries = 0;
  uint64_t ticks = 0;
};

// Reads a store that no server has open, and the head beside it; writes nothing in either (ReadOnlyStore).
// Takes some minutes for a million records, and memory for what LevelDB's log holds; the rest does not grow
// with the store. Goes on after a finding. Blocks.
//
// Errors, where it could not be read: of ReadOnlyStore::Open, but for damage, which is a finding; of the
// disk; of `log_signer`.
absl::StatusOr<VerifyReport> VerifyStore(const VerifyOptions& options);

}  // namespace coalition::verify
