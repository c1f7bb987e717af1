#include "tests/support/failing_sync.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace coalition::testing {

std::atomic<int> fsync_fails{0}, fdatasync_fails{0};
std::atomic<ino_t> last_synced{0};

namespace {

int SyncOrFail(std::atomic<int>& fails, long call, int fd) {
  if (fails > 0 && --fails == 0) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(call, fd));
}

}  // namespace
}  // namespace coalition::testing

extern "C" int fsync(int fd) {
  struct stat facts {};
  if (fstat(fd, &facts) == 0) coalition::testing::last_synced = facts.st_ino;
  return coalition::testing::SyncOrFail(coalition::testing::fsync_fails, SYS_fsync, fd);
}
extern "C" int fdatasync(int fd) {
  return coalition::testing::SyncOrFail(coalition::testing::fdatasync_fails, SYS_fdatasync, fd);
}
