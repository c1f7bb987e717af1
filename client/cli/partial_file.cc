#include "client/cli/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace coalition::cli {
namespace {

constexpr mode_t kMode = 0600;

absl::Status SystemError(int error, const char* act, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", act, " ", path));
}

absl::Status IsThere(const std::string& path) {
  return absl::AlreadyExistsError(
      absl::StrCat(path, " is there already, and is not replaced: name another file"));
}

bool Exists(const std::string& path) {
  struct stat facts {};
  return lstat(path.c_str(), &facts) == 0;
}

}  // namespace

absl::StatusOr<PartialFile> PartialFile::Create(const std::string& path) {
  if (Exists(path)) return IsThere(path);
  const std::string partial = path + ".partial";
  Fd file(open(partial.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (file.get() < 0) return SystemError(errno, "create", partial);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("another process is writing ", partial));
  }
  if (fchmod(file.get(), kMode) != 0) return SystemError(errno, "set the mode of", partial);
  if (ftruncate(file.get(), 0) != 0) return SystemError(errno, "write", partial);
  return PartialFile(path, std::move(file));
}

PartialFile::PartialFile(std::string path, Fd file)
    : path_(std::move(path)), partial_(path_ + ".partial"), file_(std::move(file)) {}

PartialFile::~PartialFile() {
  if (file_.get() >= 0) unlink(partial_.c_str());
}

absl::Status PartialFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno, "write", partial_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status PartialFile::Finish() {
  if (fsync(file_.get()) != 0) return SystemError(errno, "sync", partial_);
  if (renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return IsThere(path_);
    // A file system that can't say so: there is a moment in which somebody else's file would be replaced.
    if (errno != EINVAL) return SystemError(errno, "rename to", path_);
    if (Exists(path_)) return IsThere(path_);
    if (rename(partial_.c_str(), path_.c_str()) != 0) return SystemError(errno, "rename to", path_);
  }
  close(file_.release());
  const std::string parent = std::filesystem::path(path_).parent_path().string();
  return SyncDirectory(parent.empty() ? "." : parent);
}

}  // namespace coalition::cli
