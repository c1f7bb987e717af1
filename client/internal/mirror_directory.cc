#include "client/internal/mirror_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/internal/mirror_log.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition::client::internal {
namespace {

constexpr char kGeneration[] = "generation-";
constexpr char kLock[] = "lock";
constexpr char kNote[] = "wiped";
constexpr char kTemporary[] = ".tmp";
constexpr size_t kNoteBytesMax = 16'384;

absl::Status SystemError(int error, std::string_view act, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", Absl(act), " ", path));
}

absl::StatusOr<std::vector<std::string>> Names(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (directory == nullptr) return SystemError(errno, "open", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return SystemError(errno, "read", path);
  return names;
}

// nullopt: it is none.
std::optional<uint64_t> NumberOf(absl::string_view name) {
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&name, kGeneration) || !absl::SimpleAtoi(name, &number)) return std::nullopt;
  return number;
}

bool IsHalfMade(absl::string_view name) {
  return absl::ConsumeSuffix(&name, kTemporary) &&
         (NumberOf(name.substr(0, name.find('.'))) || name.substr(0, name.find('.')) == kNote);
}

bool IsOurs(const std::string& name) {
  return name == kLock || name == kNote || NumberOf(name) || IsHalfMade(name);
}

// When, why, and a checksum, one a line.
std::string NoteText(const MirrorWiping& wiping) {
  std::string text = absl::StrCat(wiping.time_ns, "\n", wiping.reason, "\n");
  return absl::StrCat(text, HexEncode(Bytes(Sha256(text))), "\n");
}

absl::StatusOr<Fd> Lock(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kLock);
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return SystemError(errno, "open", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return SystemError(errno, "lock", path);
  return absl::FailedPreconditionError(absl::StrCat("another process keeps the mirror in ", directory,
                                                    " in step: stop it first, or use another directory"));
}

}  // namespace

absl::StatusOr<MirrorDirectory> MirrorDirectory::Own(const std::string& path) {
  if (absl::Status status = MakeDir(path, 0700); !status.ok()) return status;
  const absl::StatusOr<std::vector<std::string>> names = Names(path);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (IsOurs(name)) continue;
    return absl::InvalidArgumentError(absl::StrCat(path, " has files that are not a mirror's (",
                                                   Absl(Quoted(name)), "): name another directory"));
  }
  if (::chmod(path.c_str(), 0700) != 0) return SystemError(errno, "set the mode of", path);
  absl::StatusOr<Fd> lock = Lock(path);
  if (!lock.ok()) return lock.status();
  MirrorDirectory directory(path, *std::move(lock));
  if (absl::Status status = directory.Tidy(); !status.ok()) return status;
  return directory;
}

absl::StatusOr<MirrorDirectory> MirrorDirectory::Look(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> names = Names(path);
  if (!names.ok() && !absl::IsNotFound(names.status())) return names.status();
  if (!names.ok() || std::find(names->begin(), names->end(), kLock) == names->end()) {
    return absl::NotFoundError(
        absl::StrCat("there is no mirror in ", path, ": `coalition mirror run --dir ", path, "` makes one"));
  }
  return MirrorDirectory(path, Fd(-1));
}

absl::Status MirrorDirectory::Unlink(const std::string& file) const {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return SystemError(errno, "remove", file);
  return absl::OkStatus();
}

absl::Status MirrorDirectory::Tidy() const {
  const absl::StatusOr<std::vector<std::string>> names = Names(path_);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!IsHalfMade(name)) continue;
    if (absl::Status status = Unlink(absl::StrCat(path_, "/", name)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint64_t>> MirrorDirectory::Generations() const {
  const absl::StatusOr<std::vector<std::string>> names = Names(path_);
  if (!names.ok()) return names.status();
  std::vector<uint64_t> numbers;
  for (const std::string& name : *names) {
    if (const auto number = NumberOf(name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  return numbers;
}

std::string MirrorDirectory::PathOf(uint64_t generation) const {
  return absl::StrCat(path_, "/", kGeneration, generation);
}

absl::Status MirrorDirectory::Publish(uint64_t generation) const {
  if (::rename(TemporaryPathOf(generation).c_str(), PathOf(generation).c_str()) != 0)
    return SystemError(errno, "make", PathOf(generation));
  return SyncDirectory(path_);
}

absl::Status MirrorDirectory::Remove(uint64_t generation) const {
  if (absl::Status status = Unlink(PathOf(generation)); !status.ok()) return status;
  return SyncDirectory(path_);
}

absl::Status MirrorDirectory::Discard(uint64_t generation) const {
  if (absl::Status status = Unlink(TemporaryPathOf(generation)); !status.ok()) return status;
  return Remove(generation);
}

absl::StatusOr<std::optional<MirrorWiping>> MirrorDirectory::Wiped() const {
  const std::string path = absl::StrCat(path_, "/", kNote);
  const absl::StatusOr<std::string> text = ReadFile(path, kNoteBytesMax);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return text.status();
  MirrorWiping wiping;
  const size_t line = text->find('\n');
  const size_t end = text->find('\n', line == std::string::npos ? line : line + 1);
  if (end != std::string::npos && absl::SimpleAtoi(text->substr(0, line), &wiping.time_ns)) {
    wiping.reason = text->substr(line + 1, end - line - 1);
    if (NoteText(wiping) == *text) return wiping;
  }
  return MirrorDamaged(path, "it is not as it was written");
}

absl::Status MirrorDirectory::Wipe(const MirrorWiping& wiping) const {
  MirrorWiping noted = wiping;
  noted.reason = CleanUtf8(noted.reason, kNoteBytesMax / 2);
  std::replace(noted.reason.begin(), noted.reason.end(), '\n', ' ');
  absl::Status status = WriteFileAtomic(absl::StrCat(path_, "/", kNote), NoteText(noted), 0600);
  // A full disk keeps nobody from removing.
  const absl::StatusOr<std::vector<uint64_t>> generations = Generations();
  if (!generations.ok()) return generations.status();
  for (const uint64_t generation : *generations) status.Update(Unlink(PathOf(generation)));
  status.Update(SyncDirectory(path_));
  return status;
}

absl::Status MirrorDirectory::RemoveNote() const {
  if (absl::Status status = Unlink(absl::StrCat(path_, "/", kNote)); !status.ok()) return status;
  return SyncDirectory(path_);
}

}  // namespace coalition::client::internal
