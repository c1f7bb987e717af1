// The syncs of this process, in the C library's place: what is made durable, and a disk that refuses. A test
// that includes this has failing_sync.cc among its sources.
#pragma once

#include <sys/types.h>

#include <atomic>

namespace coalition::testing {

// Which of the syncs to come fails with EIO, counted down; 0: none.
extern std::atomic<int> fsync_fails, fdatasync_fails;
// What fsync was called for last.
extern std::atomic<ino_t> last_synced;

}  // namespace coalition::testing
