// Makes a backup of a store while it is written to: backup_file.h says what is in one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/backup.pb.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/x25519.h"
#include "server/backup/backup_file.h"
#include "server/store/store.h"

namespace coalition::backup {

// What was made so far.
struct BackupTotals {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

// Not thread-safe, and one step may be taken by another thread than the one before. Blocks on the store,
// which must outlive it.
class BackupWriter {
 public:
  // Of plaintext in one step, at most.
  static constexpr size_t kStepChunks = 16;
  static constexpr size_t kStepBytes = kStepChunks * kChunkBytes;

  // A backup of what is live at meta.revision(), which must be committed. INVALID_ARGUMENT: the recipient's
  // key is none that can be agreed with.
  static absl::StatusOr<std::unique_ptr<BackupWriter>> Open(const store::Store& store,
                                                            const storage::v1::BackupMeta& meta,
                                                            const X25519PublicKey& recipient, Random& random);

  // The file's next bytes; empty when it is whole. ABORTED: the store has given up the revision meanwhile, so
  // that it takes a new backup. DATA_LOSS and the like: the store's own, and there is no backup. After an
  // error it answers that one.
  absl::StatusOr<std::string> Next();

  BackupTotals totals() const { return totals_; }
  // Of all bytes so far. Once, when the file is whole.
  Sha256Digest FinishDigest() { return file_digest_.Finish(); }

 private:
  BackupWriter(const store::Store& store, const storage::v1::BackupMeta& meta, const FileHeader& header,
               std::unique_ptr<ChunkCipher> cipher);

  absl::Status Step(std::string* out);
  // Adds rows to plain_, until it is long enough or there are no more.
  absl::Status ReadRows();
  void AddRow(std::string_view key, std::string_view value, store::Revision revision);
  void AddEnd();
  void AddFrame(char type, std::string_view payload);
  // Seals the next few, as far as it is known which is the last.
  absl::Status SealChunks(std::string* out);

  const store::Store& store_;
  const storage::v1::BackupMeta meta_;
  const FileHeader header_;
  const std::unique_ptr<ChunkCipher> cipher_;
  std::string from_;        // the next key
  std::string plain_;       // frames that are not sealed yet
  bool begun_ = false;      // the header and meta_ are in
  bool rows_done_ = false;  // and BackupEnd
  bool done_ = false;
  absl::Status failed_;
  BackupTotals totals_;
  Sha256Stream plain_digest_;
  Sha256Stream file_digest_;
};

}  // namespace coalition::backup
