// What entries say, under keys of their own: destroying an entry's key ends its contents wherever they lie,
// in the store, its history, its copies and its backups. Hashes and proofs are of what stays in clear.
#pragma once

#include <cstddef>
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
#include "common/punctured_tree.h"
#include "common/random.h"

namespace coalition::ledger {

// The file, in key_dir.
inline constexpr char kEntryKeysFile[] = "ledger_contents";

// Seals with AES-256-GCM, each entry under a key of a tree of 48 bits (common/key_tree_file.h), which the
// file has: its name is the day, in days since 1970-01-01, in the high 16 bits, and 32 random ones below. So
// a day's keys can be destroyed as one, and what one entry costs are the 8 hashes below its day, whose node
// the tree keeps. Two entries of a day share a key with a chance of 2^-32.
//
// Thread-safe. Only what destroys blocks.
class EntryKeys {
 public:
  // Random bytes that Seal takes.
  static constexpr size_t kChanceBytes = 16;
  // What Seal adds.
  static constexpr size_t kSealBytes = kGcmSealBytes;

  // Reads the file in `dir`, mode 0600, or makes it, if it is missing and `may_create` (an empty store).
  // Blocks. FAILED_PRECONDITION: it is missing, open to others or damaged; says what to do.
  static absl::StatusOr<std::shared_ptr<EntryKeys>> Load(const std::string& dir, bool may_create,
                                                         Random& random);
  // New ones, in memory alone: for tests and benchmarks.
  static std::shared_ptr<EntryKeys> Make(Random& random);

  struct Sealed {
    uint64_t key = 0;   // its name
    std::string bytes;  // 12 random ones, ciphertext, tag
  };
  // `time_ns`: since 1970; of a day whose keys are destroyed: the first day after it that has some. `chance`:
  // new random bytes, of a source that nobody steers. `bound`: in clear beside it; without it nothing opens.
  Sealed Seal(int64_t time_ns, std::span<const uint8_t, kChanceBytes> chance, std::string_view contents,
              std::string_view bound) const;
  // nullopt: the key is destroyed. DATA_LOSS: it is not, and these are not bytes that were sealed with it.
  absl::StatusOr<std::optional<std::string>> Open(uint64_t key, std::string_view sealed,
                                                  std::string_view bound) const;
  bool IsDestroyed(uint64_t key) const;

  // Destroys these, as KeyTreeFile does that: durable when it returns OK, also of what was destroyed before.
  // An entry that has the same key ends with it.
  absl::Status Destroy(std::span<const uint64_t> keys);
  // All of the days before that one. As Destroy; costs nothing where it was done, by this program or before
  // RemoveLeftovers.
  absl::Status DestroyDaysBefore(int64_t day);

  static int64_t DayOf(uint64_t key) { return static_cast<int64_t>(key >> kBitsOfDay); }
  // SHA-256 of the file: changes when something is destroyed, so that copies can be told apart.
  Sha256Digest Digest() const;

 private:
  static constexpr unsigned kBitsOfDay = 32;

  EntryKeys(std::string file, PuncturedTree tree);

  KeyTreeFile keys_;
};

}  // namespace coalition::ledger
