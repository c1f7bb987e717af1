#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace coalition {
namespace {

absl::Status SystemError(int error, std::string_view act, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", Absl(act), " ", path));
}

// Closes on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  // Closes now and says whether the system kept what was written. 0 or errno.
  int Close() { return close(std::exchange(fd_, -1)) == 0 ? 0 : errno; }

 private:
  int fd_;
};

std::string DirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// 0 or errno.
int WriteAll(int fd, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t count = write(fd, contents.data(), contents.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    contents.remove_prefix(static_cast<size_t>(count));
  }
  return 0;
}

// `path`: what the file becomes, which is what errors are about.
absl::Status WriteTemporary(const std::string& temporary, const std::string& path, std::string_view contents,
                            unsigned mode) {
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (file.get() < 0) return SystemError(errno, "create", path);
  // Again, since the umask took bits away from the mode above.
  if (fchmod(file.get(), mode) != 0) return SystemError(errno, "set the mode of", path);
  if (const int error = WriteAll(file.get(), contents); error != 0) return SystemError(error, "write", path);
  if (fsync(file.get()) != 0) return SystemError(errno, "sync", path);
  if (const int error = file.Close(); error != 0) return SystemError(error, "close", path);
  return absl::OkStatus();
}

std::string TemporaryBeside(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return absl::StrCat(path, ".", static_cast<int>(getpid()), ".", counter.fetch_add(1), ".tmp");
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return SystemError(errno, "open", path);
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return SystemError(errno, "read", path);
  if (S_ISDIR(facts.st_mode))
    return absl::InvalidArgumentError(absl::StrCat(path, " is a directory, not a file"));
  std::string contents;
  // Reads on to the end, and not to the size told: a pipe has none, and a file may grow meanwhile.
  char buffer[16384];
  while (true) {
    const ssize_t count = read(file.get(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno, "read", path);
    if (count == 0) return contents;
    contents.append(buffer, static_cast<size_t>(count));
    if (contents.size() > bytes_max) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is larger than ", bytes_max, " bytes"));
    }
  }
}

absl::Status WriteFileAtomic(const std::string& path, std::string_view contents, unsigned mode) {
  const std::string temporary = TemporaryBeside(path);
  absl::Status status = WriteTemporary(temporary, path, contents, mode);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = SystemError(errno, "replace", path);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(DirectoryOf(path));
}

absl::Status WriteNewFile(const std::string& path, std::string_view contents, unsigned mode) {
  const std::string temporary = TemporaryBeside(path);
  absl::Status status = WriteTemporary(temporary, path, contents, mode);
  // A rename would replace what is there, a link does not.
  if (status.ok() && link(temporary.c_str(), path.c_str()) != 0) {
    status = errno == EEXIST ? absl::AlreadyExistsError(absl::StrCat(path, " is there already"))
                             : SystemError(errno, "make", path);
  }
  unlink(temporary.c_str());
  return status.ok() ? SyncDirectory(DirectoryOf(path)) : status;
}

absl::Status SyncDirectory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return SystemError(errno, "open", path);
  if (fsync(directory.get()) != 0) return SystemError(errno, "sync", path);
  return absl::OkStatus();
}

absl::Status RemoveFile(const std::string& path) {
  const int error = unlink(path.c_str()) == 0 ? 0 : errno;
  if (error != 0 && error != ENOENT) return SystemError(error, "remove", path);
  if (absl::Status synced = SyncDirectory(DirectoryOf(path)); !synced.ok()) return synced;
  return error == 0 ? absl::OkStatus() : SystemError(error, "remove", path);
}

absl::Status MakeDir(const std::string& path, unsigned mode) {
  if (path.empty()) return absl::InvalidArgumentError("the name of a directory is empty");
  for (size_t slash = path.find('/', 1); true; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), mode) != 0) {
      const int error = errno;
      struct stat facts {};
      if (error != EEXIST) return SystemError(error, "make the directory", part);
      if (stat(part.c_str(), &facts) != 0) return SystemError(errno, "read", part);
      if (!S_ISDIR(facts.st_mode))
        return absl::FailedPreconditionError(absl::StrCat(part, " is not a directory"));
    }
    if (slash == std::string::npos) return absl::OkStatus();
  }
}

std::string ResolvePath(const std::string& base, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::path(base).parent_path() / path).string();
}

}  // namespace coalition
