#include "server/denials/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/big_endian.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/key_file.h"
#include "common/log.h"
#include "common/strings.h"

namespace coalition::denials {
namespace {

using storage::v1::StoredDenials;

constexpr std::string_view kFirstLine = "coalition-denials/v1\n";
constexpr std::string_view kMagic = "DNY1";
constexpr size_t kLengthBytes = sizeof(uint32_t);
constexpr size_t kSumBytes = 16;
constexpr size_t kHeadBytes = kMagic.size() + kLengthBytes + kSumBytes;
// Of one frame of a rewritten file, about.
constexpr size_t kFrameBytes = size_t{1} << 20;
// A smaller file is not worth rewriting.
constexpr uint64_t kRewriteBytes = uint64_t{256} << 10;

std::string FrameOf(const StoredDenials& denials) {
  const std::string payload = denials.SerializeAsString();
  std::string length;
  AppendBigEndian(static_cast<uint32_t>(payload.size()), &length);
  std::string frame(kMagic);
  frame += length;
  frame += Bytes(Sha256({length, payload})).substr(0, kSumBytes);
  frame += payload;
  return frame;
}

// The payload of the frame that `bytes` begin with. nullopt: they begin with none that is whole.
std::optional<std::string_view> PayloadAt(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  const std::string_view length = bytes.substr(kMagic.size(), kLengthBytes);
  const size_t size = ReadBigEndian<uint32_t>(length);
  if (bytes.size() - kHeadBytes < size) return std::nullopt;
  const std::string_view payload = bytes.substr(kHeadBytes, size);
  const std::string_view sum = bytes.substr(kMagic.size() + kLengthBytes, kSumBytes);
  if (Bytes(Sha256({length, payload})).substr(0, kSumBytes) != sum) return std::nullopt;
  return payload;
}

bool HasFrame(std::string_view bytes) {
  for (size_t at = bytes.find(kMagic); at != std::string_view::npos; at = bytes.find(kMagic, at + 1)) {
    if (PayloadAt(bytes.substr(at))) return true;
  }
  return false;
}

template <class Map, class Item>
void Keep(std::string key, Item&& item, Map* map) {
  auto [at, fresh] = map->try_emplace(std::move(key));
  if (fresh || at->second.revision() <= item.revision()) at->second = std::forward<Item>(item);
}

int WriteAt(int fd, std::string_view bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(count));
    at += static_cast<uint64_t>(count);
  }
  return 0;
}

absl::Status Refused(const std::string& file, int error) {
  return absl::UnavailableError(
      absl::StrCat("the journal of denials, ", file, ", could not be written: ", std::strerror(error)));
}

absl::StatusOr<Fd> Lock(const std::string& dir) {
  const std::string path = Journal::LockIn(dir);
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", path));
  return absl::FailedPreconditionError(
      absl::StrCat("another server or a restore has the journal of denials in ", dir,
                   ": stop it first, or set ledger.head_dir to this store's own"));
}

}  // namespace

std::vector<policy::RecordIdBytes> Denied::Erased() const {
  std::vector<policy::RecordIdBytes> ids;
  for (const auto& [id, record] : records) {
    policy::RecordIdBytes bytes;
    if (!record.erased() || id.size() != bytes.size()) continue;
    std::copy(id.begin(), id.end(), bytes.begin());
    ids.push_back(bytes);
  }
  return ids;
}

void Denied::Add(StoredDenials frame) {
  revision = std::max<store::Revision>(revision, frame.revision());
  for (auto& row : *frame.mutable_rows()) Keep(row.key(), std::move(row), &rows);
  for (auto& record : *frame.mutable_records()) {
    // That it is erased stays, whatever is written of it later.
    const auto known = records.find(record.id());
    const bool erased = record.erased() || (known != records.end() && known->second.erased());
    std::string id = record.id();
    Keep(id, std::move(record), &records);
    if (erased) records.at(id).set_erased(true);
  }
}

Journal::Journal(std::string file, Fd lock, std::function<int(int)> sync)
    : file_(std::move(file)),
      lock_(std::move(lock)),
      sync_(sync ? std::move(sync) : [](int fd) { return fdatasync(fd) == 0 ? 0 : errno; }) {}

Journal::~Journal() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const JournalOptions& options) {
  if (absl::Status made = MakeDir(options.dir, 0700); !made.ok()) return made;
  absl::StatusOr<Fd> lock = Lock(options.dir);
  if (!lock.ok()) return lock.status();
  std::unique_ptr<Journal> journal(new Journal(FileIn(options.dir), *std::move(lock), options.sync));
  if (absl::Status loaded = journal->Load(); !loaded.ok()) return loaded;
  return journal;
}

absl::StatusOr<std::unique_ptr<const Journal>> Journal::Read(const std::string& dir) {
  std::unique_ptr<Journal> journal(new Journal(FileIn(dir), Fd(-1), {}));
  const absl::StatusOr<std::string> bytes = ReadFile(journal->file_, std::numeric_limits<size_t>::max());
  journal->is_new_ = absl::IsNotFound(bytes.status());
  const absl::Status read = bytes.ok() ? journal->ReadFrames(*bytes) : bytes.status();
  if (!read.ok() && !journal->is_new_) return read;
  return std::unique_ptr<const Journal>(std::move(journal));
}

absl::Status Journal::Load() {
  absl::StatusOr<std::string> bytes = ReadFile(file_, std::numeric_limits<size_t>::max());
  is_new_ = absl::IsNotFound(bytes.status());
  if (is_new_) {
    bytes = std::string(kFirstLine);
    if (absl::Status made = WriteFileAtomic(file_, *bytes, 0600); !made.ok()) return made;
  }
  if (!bytes.ok()) return bytes.status();
  if (absl::Status is_private = CheckPrivateFile(file_, "who was denied what"); !is_private.ok())
    return is_private;
  if (absl::Status read = ReadFrames(*bytes); !read.ok()) return read;
  const size_t read_bytes = bytes->size();
  bytes->clear();
  bytes->shrink_to_fit();
  return OpenRead(read_bytes, Rewrite());
}

absl::Status Journal::OpenRead(size_t read_bytes, const absl::Status& rewritten) {
  fd_ = open(file_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  struct stat facts {};
  if (fd_ < 0 || fstat(fd_, &facts) != 0) return Refused(file_, errno);
  if (!rewritten.ok()) {
    // As long as the old one is in its place: it says the same.
    if (facts.st_size != static_cast<off_t>(read_bytes)) return rewritten;
    Log::Warn("denials_not_rewritten", {{"file", file_}, {"error", Std(rewritten.message())}});
  }
  if (size_ < read_bytes && ftruncate(fd_, static_cast<off_t>(size_)) != 0) return Refused(file_, errno);
  return absl::OkStatus();
}

absl::Status Journal::ReadFrames(std::string_view bytes) {
  const auto damaged = [this](std::string_view what) {
    return absl::DataLossError(absl::StrCat(
        file_, " ", std::string(what),
        ": who was suspended, revoked or excluded, and what was taken back, may not all be known. Restore it "
        "from your copy of the directory. If there is none and you trust the store, move the file away and "
        "create a file adopt beside it: the next start takes what the store says."));
  };
  if (bytes.substr(0, kFirstLine.size()) != kFirstLine) return damaged("is no journal of denials");
  size_ = kFirstLine.size();
  while (size_ < bytes.size()) {
    const std::string_view rest = bytes.substr(size_);
    const std::optional<std::string_view> payload = PayloadAt(rest);
    StoredDenials frame;
    if (payload && frame.ParseFromArray(payload->data(), static_cast<int>(payload->size()))) {
      denied_.Add(std::move(frame));
      size_ += kHeadBytes + payload->size();
      continue;
    }
    // One frame at a time is written: only the last can have been cut short.
    if (payload || HasFrame(rest.substr(1))) return damaged(absl::StrCat("is damaged at byte ", size_));
    Log::Warn("denials_torn", {{"file", file_}, {"at", size_}, {"bytes", rest.size()}});
    break;
  }
  return absl::OkStatus();
}

absl::Status Journal::Rewrite() {
  if (size_ < kRewriteBytes) return absl::OkStatus();
  std::string bytes(kFirstLine);
  StoredDenials frame;
  size_t frame_bytes = 0;
  const auto end_frame = [&] {
    // What stays is not in the order of revisions: each frame has the mark of all.
    frame.set_revision(denied_.revision);
    bytes += FrameOf(std::exchange(frame, {}));
    frame_bytes = 0;
  };
  for (const auto& [key, row] : denied_.rows) {
    *frame.add_rows() = row;
    if ((frame_bytes += row.ByteSizeLong()) > kFrameBytes) end_frame();
  }
  for (const auto& [id, record] : denied_.records) {
    *frame.add_records() = record;
    if ((frame_bytes += record.ByteSizeLong()) > kFrameBytes) end_frame();
  }
  end_frame();
  if (bytes.size() > size_ / 2) return absl::OkStatus();
  if (absl::Status written = WriteFileAtomic(file_, bytes, 0600); !written.ok()) return written;
  size_ = bytes.size();
  return absl::OkStatus();
}

absl::Status Journal::Append(const StoredDenials& frame) {
  struct stat facts {};
  if (fstat(fd_, &facts) != 0) return Refused(file_, errno);
  if (facts.st_nlink == 0) {
    return absl::UnavailableError(absl::StrCat("the journal of denials, ", file_,
                                               ", was removed: put it back, and restart the server"));
  }
  const std::string bytes = FrameOf(frame);
  // Of an earlier call that failed something may be there.
  int error = ftruncate(fd_, static_cast<off_t>(size_)) == 0 ? 0 : errno;
  if (error == 0) error = WriteAt(fd_, bytes, size_);
  if (error == 0) error = sync_(fd_);
  if (error != 0) return Refused(file_, error);
  size_ += bytes.size();
  denied_.revision = std::max<store::Revision>(denied_.revision, frame.revision());
  if (!released_) denied_.Add(frame);
  return absl::OkStatus();
}

void Journal::Release() {
  denied_.rows.clear();
  denied_.records.clear();
  released_ = true;
}

}  // namespace coalition::denials
