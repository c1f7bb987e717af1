// Reads a backup: backup_file.h says what is in one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/backup.pb.h"
#include "common/x25519.h"
#include "server/store/store.h"

namespace coalition::backup {

// What was live under a key, and the revision that wrote it. The views live until the visitor returns.
struct Row {
  std::string_view key;
  std::string_view value;
  store::Revision revision = 0;
};

// Takes one row; another status than OK ends the reading, which returns it.
using RowVisitor = std::function<absl::Status(const Row& row)>;

// Where the file's bytes come from: appends at most `bytes_max` of the next ones to `to`. Nothing was
// appended: there are no more. Errors of the disk.
using ByteSource = std::function<absl::Status(size_t bytes_max, std::string* to)>;

// Of a file. Errors, at once or later: those of common/file.h.
absl::StatusOr<ByteSource> OpenFile(const std::string& path);

// One reading of one backup. Not thread-safe. Blocks on the source.
//
// What is handed out was authenticated and stands where it was written; that nothing is missing behind it is
// known only when ReadRows has returned OK. So whoever restores keeps what it has read aside until then.
//
// Errors: DATA_LOSS says at which byte of the file it is damaged, cut off, or has more behind its end.
// FAILED_PRECONDITION: it is a backup, and made for another key, whose public part is named.
// INVALID_ARGUMENT: it is no backup, or one of another version. And the source's own.
class BackupReader {
 public:
  // Reads up to the first row.
  static absl::StatusOr<std::unique_ptr<BackupReader>> Open(ByteSource source, const X25519Key& key);
  ~BackupReader();
  BackupReader(const BackupReader&) = delete;
  BackupReader& operator=(const BackupReader&) = delete;

  const storage::v1::BackupMeta& meta() const;

  // Once: every row, ascending by key, each key once; then verifies the end and answers what it says.
  absl::StatusOr<storage::v1::BackupEnd> ReadRows(const RowVisitor& visit);

 private:
  class Impl;
  explicit BackupReader(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

// Whom the backup is encrypted to, without a private key. Errors as above.
absl::StatusOr<X25519PublicKey> ReadRecipient(const ByteSource& source);

}  // namespace coalition::backup
