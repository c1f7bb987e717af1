#include "client/internal/mirror_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "client/internal/mirror_index.h"
#include "common/file.h"
#include "common/strings.h"
#include "google/protobuf/arena.h"

namespace coalition::client::internal {
namespace {

constexpr std::string_view kMagic = "COALMIR1";
constexpr size_t kHeadBytes = 24;
constexpr size_t kFrameHeadBytes = 12;
constexpr size_t kReadBytes = size_t{1} << 20;

uint32_t Crc(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void PutNumber(uint64_t number, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
}

uint64_t GetNumber(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) number |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return number;
}

std::string Head(uint64_t durable) {
  std::string head(kMagic);
  PutNumber(durable, 8, &head);
  PutNumber(Crc(head), 4, &head);
  PutNumber(0, 4, &head);
  return head;
}

// nullopt: it is none.
std::optional<uint64_t> ParseHead(std::string_view head) {
  if (head.size() != kHeadBytes) return std::nullopt;
  const uint64_t durable = GetNumber(head.substr(8, 8));
  return head == Head(durable) ? std::optional(durable) : std::nullopt;
}

// `payload` begins behind `at` bytes of room for the frame's head.
void FillFrameHead(size_t at, std::string* frame) {
  const std::string_view payload = std::string_view(*frame).substr(at + kFrameHeadBytes);
  std::string head;
  PutNumber(payload.size(), 4, &head);
  PutNumber(Crc(payload), 4, &head);
  PutNumber(Crc(head), 4, &head);
  frame->replace(at, kFrameHeadBytes, head);
}

absl::Status SystemError(int error, std::string_view act, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", Absl(act), " ", path));
}

// Up to `count` bytes, less only at the end of the file.
absl::StatusOr<std::string> ReadAt(int fd, const std::string& path, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  size_t have = 0;
  while (have < count) {
    const ssize_t n = ::pread(fd, bytes.data() + have, count - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(errno, "read", path);
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

int64_t Nanoseconds(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000'000 + time.nanos();
}

}  // namespace

absl::Status MirrorDamaged(const std::string& path, std::string_view what) {
  return absl::DataLossError(absl::StrCat("the mirror is damaged: ", path, ": ", Absl(what),
                                          "; remove its directory and run the mirror again"));
}

absl::StatusOr<std::unique_ptr<MirrorLogWriter>> MirrorLogWriter::Create(const std::string& path,
                                                                         const v1::RecordFilter& filter) {
  std::string file(kHeadBytes + kFrameHeadBytes, '\0');
  file.push_back(static_cast<char>(FrameKind::kStart));
  file += filter.SerializeAsString();
  FillFrameHead(kHeadBytes, &file);
  file.replace(0, kHeadBytes, Head(file.size()));
  if (absl::Status status = WriteFileAtomic(path, file, 0600); !status.ok()) return status;
  return GoOn(path, file.size());
}

absl::StatusOr<std::unique_ptr<MirrorLogWriter>> MirrorLogWriter::GoOn(const std::string& path,
                                                                       uint64_t end) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(errno, "open", path);
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return SystemError(errno, "read", path);
  if (static_cast<uint64_t>(facts.st_size) > end && ::ftruncate(fd.get(), static_cast<off_t>(end)) != 0)
    return SystemError(errno, "cut", path);
  return std::unique_ptr<MirrorLogWriter>(new MirrorLogWriter(path, std::move(fd), end));
}

absl::Status MirrorLogWriter::WriteAll(std::string_view bytes) {
  uint64_t at = size_;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(errno, "write", path_);
    bytes.remove_prefix(static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
  }
  size_ = at;
  return absl::OkStatus();
}

absl::Status MirrorLogWriter::Append(FrameKind kind, std::string_view contents) {
  buffer_.assign(kFrameHeadBytes, '\0');
  buffer_.push_back(static_cast<char>(kind));
  buffer_ += contents;
  FillFrameHead(0, &buffer_);
  return WriteAll(buffer_);
}

absl::Status MirrorLogWriter::AppendResponse(int64_t received_ns, const v1::WatchRecordsResponse& response) {
  buffer_.assign(kFrameHeadBytes, '\0');
  buffer_.push_back(static_cast<char>(FrameKind::kResponse));
  PutNumber(static_cast<uint64_t>(received_ns), 8, &buffer_);
  if (!response.AppendToString(&buffer_)) return absl::InvalidArgumentError("the response is too large");
  FillFrameHead(0, &buffer_);
  return WriteAll(buffer_);
}

absl::Status MirrorLogWriter::Sync() {
  if (::fdatasync(fd_.get()) != 0) return SystemError(errno, "sync", path_);
  const std::string head = Head(size_);
  if (::pwrite(fd_.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
    return SystemError(errno, "write", path_);
  return absl::OkStatus();
}

void MirrorLogFacts::Take(int64_t received, const v1::WatchRecordsResponse& response, bool snapshot_complete,
                          uint64_t end) {
  cursor = response.cursor();
  snapshot_seen_ = snapshot_seen_ || snapshot_complete;
  if (!response.has_complete_until()) return;
  complete_until_ns = Nanoseconds(response.complete_until());
  received_ns = received;
  if (!complete && snapshot_seen_) snapshot_bytes = end;
  complete = complete || snapshot_seen_;
}

// One frame after the other.
class MirrorLog::Frames {
 public:
  explicit Frames(const MirrorLog& log) : log_(log), offset_(kHeadBytes) {}

  // False: no whole frame follows.
  absl::StatusOr<bool> Next(FrameKind* kind, std::string_view* contents) {
    absl::StatusOr<std::string_view> head = Bytes(offset_, kFrameHeadBytes);
    if (!head.ok()) return head.status();
    if (head->size() < kFrameHeadBytes) return false;
    const uint64_t length = GetNumber(head->substr(0, 4));
    const uint64_t crc = GetNumber(head->substr(4, 4));
    if (GetNumber(head->substr(8, 4)) != Crc(head->substr(0, 8)) || length == 0 ||
        offset_ + kFrameHeadBytes + length > log_.size_) {
      return false;
    }
    const absl::StatusOr<std::string_view> payload = Bytes(offset_ + kFrameHeadBytes, length);
    if (!payload.ok()) return payload.status();
    if (payload->size() != length || Crc(*payload) != crc) return false;
    *kind = static_cast<FrameKind>(payload->front());
    *contents = payload->substr(1);
    offset_ += kFrameHeadBytes + length;
    return true;
  }
  uint64_t offset() const { return offset_; }

 private:
  // Less at the end of what there was. Lives until the next call.
  absl::StatusOr<std::string_view> Bytes(uint64_t offset, size_t count) {
    count = std::min<uint64_t>(count, log_.size_ - std::min(offset, log_.size_));
    if (offset < begin_ || offset + count > begin_ + buffer_.size()) {
      absl::StatusOr<std::string> bytes =
          ReadAt(log_.fd_.get(), log_.path_, offset,
                 std::max(count, std::min<uint64_t>(kReadBytes, log_.size_ - std::min(offset, log_.size_))));
      if (!bytes.ok()) return bytes.status();
      buffer_ = *std::move(bytes);
      begin_ = offset;
    }
    return std::string_view(buffer_).substr(offset - begin_, count);
  }
  const MirrorLog& log_;
  uint64_t offset_;
  std::string buffer_;
  uint64_t begin_ = 0;
};

absl::StatusOr<std::unique_ptr<MirrorLog>> MirrorLog::Open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(errno, "open", path);
  // Again: a head that is just being written may look torn.
  for (int tries = 3;; --tries) {
    const absl::StatusOr<std::string> head = ReadAt(fd.get(), path, 0, kHeadBytes);
    if (!head.ok()) return head.status();
    const std::optional<uint64_t> durable = ParseHead(*head);
    if (!durable && tries > 0) continue;
    if (!durable) return MirrorDamaged(path, "it does not begin as it should, or is of another version");
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0) return SystemError(errno, "read", path);
    const auto size = static_cast<uint64_t>(facts.st_size);
    return std::unique_ptr<MirrorLog>(new MirrorLog(path, std::move(fd), *durable, size));
  }
}

absl::Status MirrorLog::Damaged(std::string_view what) const { return MirrorDamaged(path_, what); }

namespace {

// Responses since the last one with a cursor: they count when the next one comes.
class Pending {
 public:
  using See = std::function<void(const v1::WatchEvent&)>;

  bool Take(std::string_view contents, uint64_t end, MirrorLogFacts* facts, const See& see) {
    constexpr size_t kTimeBytes = 8;
    if (contents.size() < kTimeBytes) return false;
    const auto received_ns = static_cast<int64_t>(GetNumber(contents.substr(0, kTimeBytes)));
    contents.remove_prefix(kTimeBytes);
    auto* const response = google::protobuf::Arena::CreateMessage<v1::WatchRecordsResponse>(&arena_);
    if (!response->ParseFromArray(contents.data(), static_cast<int>(contents.size()))) return false;
    waiting_.push_back(response);
    if (response->cursor().empty()) return true;
    const bool snapshot_complete =
        std::any_of(waiting_.begin(), waiting_.end(),
                    [](const v1::WatchRecordsResponse* counted) { return counted->snapshot_complete(); });
    facts->Take(received_ns, *response, snapshot_complete, end);
    for (const v1::WatchRecordsResponse* counted : waiting_) {
      if (!see) break;
      for (const v1::WatchEvent& event : counted->events()) see(event);
    }
    Drop();
    return true;
  }
  void Drop() {
    waiting_.clear();
    arena_.Reset();
  }
  bool empty() const { return waiting_.empty(); }

 private:
  google::protobuf::Arena arena_;
  std::vector<const v1::WatchRecordsResponse*> waiting_;
};

}  // namespace

absl::StatusOr<MirrorLogContents> MirrorLog::Read(
    const std::function<void(const v1::WatchEvent&)>& see) const {
  MirrorLogContents read;
  Pending pending;
  Frames frames(*this);
  FrameKind kind{};
  std::string_view contents;
  bool started = false;
  for (;;) {
    const absl::StatusOr<bool> more = frames.Next(&kind, &contents);
    if (!more.ok()) return more.status();
    if (!*more) break;
    bool sound = started != (kind == FrameKind::kStart);
    if (kind == FrameKind::kStart) {
      started = true;
      sound = sound && read.filter.ParseFromArray(contents.data(), static_cast<int>(contents.size()));
    } else if (kind == FrameKind::kResponse) {
      sound = sound && pending.Take(contents, frames.offset(), &read.facts, see);
    } else if (kind == FrameKind::kRewind) {
      pending.Drop();
    } else {
      sound = false;
    }
    if (!sound) return Damaged(absl::StrCat("the frame before byte ", frames.offset(), " makes no sense"));
  }
  if (!started || frames.offset() < durable_)
    return Damaged(absl::StrCat("it is sound up to byte ", frames.offset(), " of ", durable_));
  read.end = frames.offset();
  read.ends_without_cursor = !pending.empty();
  return read;
}

absl::Status MirrorLog::ReadRecords(const std::function<absl::Status(const v1::Record&)>& see) const {
  // Of each record, the number of its last event.
  absl::flat_hash_map<RecordIdBytes, uint32_t> last;
  uint32_t number = 0;
  const auto note = [&](const v1::WatchEvent& event) {
    ++number;
    if (const auto id = IdOfRecordName(event.upsert().name()); id && event.has_upsert()) last[*id] = number;
    if (const auto id = IdOfRecordName(event.retract().name()); id && event.has_retract()) last.erase(*id);
  };
  if (const auto read = Read(note); !read.ok()) return read.status();
  number = 0;
  absl::Status status;
  const auto show = [&](const v1::WatchEvent& event) {
    ++number;
    if (!status.ok() || !event.has_upsert()) return;
    const auto id = IdOfRecordName(event.upsert().name());
    const auto found = id ? last.find(*id) : last.end();
    if (found != last.end() && found->second == number) status = see(event.upsert());
  };
  if (const auto read = Read(show); !read.ok()) return read.status();
  return status;
}

}  // namespace coalition::client::internal
