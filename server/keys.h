// The server's secrets: files of their own, outside the store and outside its backups.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ed25519.h"
#include "common/random.h"
#include "server/exchange/exchange.h"

namespace coalition::server {

// The files, in key_dir.
inline constexpr char kTokenMasterKey[] = "token_master";
inline constexpr char kPageTokenKey[] = "page_token";
inline constexpr char kFormerPageTokenKey[] = "page_token.old";
inline constexpr char kSellerHashKey[] = "seller_hash";
inline constexpr char kEtagKey[] = "etag";
inline constexpr char kLedgerKey[] = "ledger_key.pem";
inline constexpr char kFormerLedgerKey[] = "ledger_key.old.pem";

inline constexpr size_t kKeyBytes = 32;  // of those that are neither PEM nor a tree
inline constexpr size_t kKeyFileBytesMax = 4096;

// Reads token_master, page_token, seller_hash, etag and pseudonym from `dir`: 32 random bytes each, mode
// 0600; erasure_keys, the tree of keys that contents are sealed under (server/contents/contents.h); and
// page_token.old, where page_token was changed (key_rotation.h). Beside an empty store those that are missing
// are made, and the directory. Blocks.
//
// FAILED_PRECONDITION: a key is missing beside a store that is not empty, has another size or was changed, or
// the directory or a file is open to others; or the store is empty and these keys had one: it was lost, or
// its disk is not mounted, and a new one would say of every seller that it is not listed. Says what to do.
absl::StatusOr<exchange::ExchangeKeys> LoadKeys(const std::string& dir, bool store_is_empty, Random& random);

// Removes what an erasure that was cut short has left beside the trees of keys, erasure_keys and
// ledger_contents, and makes durable what these are (common/key_tree_file.h). For a program that may write,
// when it has read them. Blocks.
absl::Status RemoveKeyLeftovers(const std::string& dir);

// Reads ledger_key.pem from `dir`, the key that the ledger's checkpoints are signed with: Ed25519 (PKCS #8
// PEM), mode 0600. Beside a store whose ledger is empty (ledger::LogIsEmpty) it is made if it is missing, and
// the directory: that is a new store, or one of a version that had no ledger. Blocks.
//
// FAILED_PRECONDITION: it is missing beside a ledger, or it or the directory is open to others;
// INVALID_ARGUMENT: it is no such key. Says what to do.
absl::StatusOr<Ed25519Key> LoadLedgerKey(const std::string& dir, bool ledger_is_empty, Random& random);

// Reads ledger_key.old.pem, which signs beside ledger_key.pem until the operator ends that (key_rotation.h).
// nullopt: there is none. Errors as above. Blocks.
absl::StatusOr<std::optional<Ed25519Key>> LoadFormerLedgerKey(const std::string& dir);

// Notes in `dir` that the store of these keys has begun. Does nothing where that is noted. Blocks.
absl::Status MarkStoreBegun(const std::string& dir);

}  // namespace coalition::server
