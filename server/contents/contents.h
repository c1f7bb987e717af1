// What records say, under keys of their own: destroying a record's key ends its contents wherever they lie,
// in the store, its history, its copies and its backups.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/aes_gcm.h"
#include "common/hash.h"
#include "common/key_tree_file.h"
#include "common/keyed_hash.h"
#include "common/policy/header.h"
#include "common/punctured_tree.h"

namespace coalition::contents {

using RecordId = policy::RecordIdBytes;

// The files, in key_dir.
inline constexpr char kErasureKeysFile[] = "erasure_keys";  // the tree of keys (common/key_tree_file.h)
inline constexpr char kPseudonymFile[] = "pseudonym";  // 32 bytes: names sellers and external ids in keys

// Seals contents with AES-256-GCM, each record's under the key that the tree has for the first 48 bits of its
// id; and gives pseudonyms to what stands in the store's keys and can't be sealed, since it is looked up. A
// pseudonym tells nothing without the key, and stays what it is when contents are erased.
//
// Thread-safe. Only Erase blocks.
class ContentKeys {
 public:
  static constexpr size_t kPseudonymKeyBytes = 32;
  static constexpr unsigned kTreeBits = 48;
  // What Seal adds.
  static constexpr size_t kSealBytes = kGcmSealBytes;

  // `file`: where the tree, of kTreeBits, is kept; empty: nowhere, for tests. `pseudonym` has
  // kPseudonymKeyBytes.
  static std::shared_ptr<ContentKeys> Make(std::string file, PuncturedTree tree, std::string_view pseudonym);

  // Random bytes (12), ciphertext, tag (16); bound to the id. Of an erased record nobody opens it.
  std::string Seal(const RecordId& id, std::string_view contents) const;
  // nullopt: the record is erased, or these are not bytes that were sealed for it.
  std::optional<std::string> Open(const RecordId& id, std::string_view sealed) const;
  bool IsErased(const RecordId& id) const;

  // Destroys their keys, as KeyTreeFile does that: durable when it returns OK, also of what was erased
  // before.
  absl::Status Erase(std::span<const RecordId> ids);

  // The seller's name in keys: 26 characters of base 32. Empty for an empty seller_id (an outcome that names
  // the platform alone).
  std::string SellerToken(std::string_view platform, std::string_view seller_id) const;
  // A member's own name of a record, in keys: 26 characters of base 32.
  std::string ExternalIdToken(uint32_t member, std::string_view external_id) const;
  // Of what somebody wrote about the record, by its SHA-256: to be compared. Nobody without the record's key
  // can try out what it was, and it ends with that: an erased record's equals none.
  Sha256Digest Fingerprint(const RecordId& id, const Sha256Digest& of) const;

  // To be kept in the store: whether it is of these files.
  std::string Mark() const;
  // FAILED_PRECONDITION, naming the file, where the mark was made by others.
  absl::Status CheckMark(std::string_view mark) const;

  // SHA-256 of the tree's file: changes with each erasure, so that copies can be told apart.
  Sha256Digest Digest() const;

 private:
  // 128 bits: SipHash-2-4 under two keys.
  class TokenHash {
   public:
    // A hash of its own for each `domain`.
    TokenHash(std::string_view pseudonym, std::string_view domain);
    std::string TokenOf(std::string_view text) const;

   private:
    explicit TokenHash(const Sha256Digest& keys);
    KeyedHash high_, low_;
  };
  ContentKeys(std::string file, PuncturedTree tree, std::string_view pseudonym);

  KeyTreeFile keys_;
  const TokenHash sellers_;
  const TokenHash external_ids_;
  const Sha256Digest pseudonym_mark_;
};

}  // namespace coalition::contents
