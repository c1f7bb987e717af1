// The file of one generation of a mirror: responses, one behind the other, each with checksums.
//
//   8 bytes    "COALMIR1"
//   8 bytes    up to where it is surely on the disk: written behind each sync, so the file is never shorter
//   4 bytes    CRC-32 of these 16
//   4 bytes    zero
//   frames     length, CRC-32 of the payload, CRC-32 of these 8 bytes, payload: its kind, then its contents
//
// Numbers are little-endian. The first frame is the start: the filter. What is not sound is damage where it
// surely was on the disk, also where it is missing; behind that it is what a crash has left, and is not read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/fd.h"

namespace coalition::client::internal {

enum class FrameKind : uint8_t {
  kStart = 1,     // a RecordFilter
  kResponse = 2,  // when it was received, 8 bytes of nanoseconds since the Unix epoch; a WatchRecordsResponse
  kRewind = 3,    // what came behind the last cursor does not count; empty
};

// Not thread-safe.
class MirrorLogWriter {
 public:
  // A new file, mode 0600, whose first frame is on the disk. An old one is replaced.
  static absl::StatusOr<std::unique_ptr<MirrorLogWriter>> Create(const std::string& path,
                                                                 const v1::RecordFilter& filter);
  // Goes on at `end`, where reading has ended, and cuts off what is behind it.
  static absl::StatusOr<std::unique_ptr<MirrorLogWriter>> GoOn(const std::string& path, uint64_t end);

  absl::Status Append(FrameKind kind, std::string_view contents);
  absl::Status AppendResponse(int64_t received_ns, const v1::WatchRecordsResponse& response);
  // What was appended is on the disk when it returns OK.
  absl::Status Sync();
  uint64_t size() const { return size_; }

 private:
  MirrorLogWriter(const std::string& path, Fd fd, uint64_t size)
      : path_(path), fd_(std::move(fd)), size_(size) {}
  absl::Status WriteAll(std::string_view bytes);

  const std::string path_;
  const Fd fd_;
  uint64_t size_;
  std::string buffer_;
};

// What a file has up to its last response with a cursor.
struct MirrorLogFacts {
  std::string cursor;
  // Of the last response with a cursor that told it; and when that was received. 0: none has.
  int64_t complete_until_ns = 0;
  int64_t received_ns = 0;
  // The snapshot was complete and afterwards, or with it, the feed said until when.
  bool complete = false;
  // Behind the response that made it complete: what there was at the beginning.
  uint64_t snapshot_bytes = 0;

  // Of the response that comes next. It has a cursor, and the file then ends at `end`. `snapshot_complete`:
  // it says so, or one without a cursor before it did.
  void Take(int64_t received_ns, const v1::WatchRecordsResponse& response, bool snapshot_complete,
            uint64_t end);

 private:
  bool snapshot_seen_ = false;
};

// All that reading a file finds, but for its events.
struct MirrorLogContents {
  v1::RecordFilter filter;
  MirrorLogFacts facts;
  // Of the last whole frame; and whether responses without a cursor stand there.
  uint64_t end = 0;
  bool ends_without_cursor = false;
};

// One file as it was when it was opened, whatever is appended afterwards, and also when it is removed.
// Thread-safe.
class MirrorLog {
 public:
  // NOT_FOUND. DATA_LOSS: it is none, or of another version.
  static absl::StatusOr<std::unique_ptr<MirrorLog>> Open(const std::string& path);

  // With the events that count, in order, for `see`, which may be null. DATA_LOSS.
  absl::StatusOr<MirrorLogContents> Read(const std::function<void(const v1::WatchEvent&)>& see) const;
  // The newest form of each record that there is. An error of `see` ends it.
  absl::Status ReadRecords(const std::function<absl::Status(const v1::Record&)>& see) const;

 private:
  class Frames;
  MirrorLog(const std::string& path, Fd fd, uint64_t durable, uint64_t size)
      : path_(path), fd_(std::move(fd)), durable_(durable), size_(size) {}

  absl::Status Damaged(std::string_view what) const;

  const std::string path_;
  const Fd fd_;
  const uint64_t durable_;
  const uint64_t size_;
};

// DATA_LOSS: what is damaged, and what to do.
absl::Status MirrorDamaged(const std::string& path, std::string_view what);

}  // namespace coalition::client::internal
