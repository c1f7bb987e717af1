// The journal of denials: what was decided against somebody's seeing something, kept in the second directory
// (ledger/head.h), so that a store that is put back to an earlier state does not forget it.
//
// One file, `denials`. It begins with the line "coalition-denials/v1", and then has frames:
//
//   "DNY1"      4 bytes
//   length      of the payload, 4 bytes, big-endian
//   SHA-256     of length and payload: its first 16 bytes
//   payload     storage.v1.StoredDenials, ascending by revision
//
// It grows while it is open, and is rewritten when it is opened and half of it has been superseded: of each
// row of the coalition and of each record the newest entry stays, with the word that it was erased where an
// older one has it. So it is bounded by how many there are.
//
// Beside it `denials.lock`, empty: whoever has the journal open holds a lock on it (flock), for two would
// write over each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/storage/v1/denial.pb.h"
#include "common/fd.h"
#include "common/policy/header.h"
#include "server/store/store.h"

namespace coalition::denials {

// What a journal says: of each key, and of each record by its id, the newest.
struct Denied {
  store::Revision revision = 0;  // the high-water mark: the store was there already
  std::map<std::string, storage::v1::DeniedRow, std::less<>> rows;
  std::map<std::string, storage::v1::DeniedRecord, std::less<>> records;

  void Add(storage::v1::StoredDenials frame);
  // The records that were erased.
  std::vector<policy::RecordIdBytes> Erased() const;
};

struct JournalOptions {
  std::string dir;  // made, mode 0700, if it is not there
  // Makes durable what was written; 0 or errno. Unset: fdatasync. For tests: a disk that fails.
  std::function<int(int fd)> sync = {};
};

// Not thread-safe. Blocks on the disk; errors of the disk are UNAVAILABLE and name the file.
class Journal {
 public:
  // Reads the whole file, or makes it. What a power cut left of a last frame is cut off, with a line in the
  // log; so is told that it could not be rewritten, which can wait. DATA_LOSS: a frame is damaged before the
  // end, or it is no such file. FAILED_PRECONDITION: another has it open, or others may read it. Both say
  // what to do.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const JournalOptions& options);
  // As Open, of a directory in which nothing is changed, and of which no lock is taken: a last frame that was
  // cut short stays, and is left out; a file that is not there is an empty journal, with is_new(). Who else
  // may read it is not asked.
  static absl::StatusOr<std::unique_ptr<const Journal>> Read(const std::string& dir);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  static std::string FileIn(const std::string& dir) { return dir + "/denials"; }
  static std::string LockIn(const std::string& dir) { return dir + "/denials.lock"; }

  // Durable when it returns OK. After an error the file is as before, once the next call has succeeded: to be
  // repeated. UNAVAILABLE too where somebody has removed the file meanwhile: then until it is opened anew.
  absl::Status Append(const storage::v1::StoredDenials& frame);

  // Whether Open made it, or Read found none.
  bool is_new() const { return is_new_; }
  const std::string& file() const { return file_; }
  // What was read, and appended until Release.
  const Denied& denied() const { return denied_; }
  // Forgets denied(), which is large, but for its revision.
  void Release();

 private:
  Journal(std::string file, Fd lock, std::function<int(int)> sync);

  absl::Status Load();
  // Opens the file, from which so many bytes were read.
  absl::Status OpenRead(size_t read_bytes, const absl::Status& rewritten);
  absl::Status ReadFrames(std::string_view bytes);
  absl::Status Rewrite();

  const std::string file_;
  const Fd lock_;
  const std::function<int(int)> sync_;
  int fd_ = -1;
  bool is_new_ = false;
  bool released_ = false;
  uint64_t size_ = 0;  // of what is whole
  Denied denied_;
};

}  // namespace coalition::denials
