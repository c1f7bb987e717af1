// What a mirror has in its directory: generations, a lock, and the note that it was wiped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/mirror.h"
#include "common/fd.h"

namespace coalition::client::internal {

// Not thread-safe. Errors name the directory and say what to do.
class MirrorDirectory {
 public:
  // Makes it, mode 0700, and takes its lock, which ends with the process; removes what a crash left half
  // made. FAILED_PRECONDITION: another process has the lock. INVALID_ARGUMENT: it has files that are not a
  // mirror's.
  static absl::StatusOr<MirrorDirectory> Own(const std::string& path);
  // NOT_FOUND: there is no such directory, or no mirror in it.
  static absl::StatusOr<MirrorDirectory> Look(const std::string& path);

  // Numbers, the highest first.
  absl::StatusOr<std::vector<uint64_t>> Generations() const;
  std::string PathOf(uint64_t generation) const;
  // Where a generation is written that is not to be met half written.
  std::string TemporaryPathOf(uint64_t generation) const { return PathOf(generation) + ".tmp"; }
  absl::Status Publish(uint64_t generation) const;
  // OK if it was not there.
  absl::Status Remove(uint64_t generation) const;
  // Also where it was to be written.
  absl::Status Discard(uint64_t generation) const;

  // nullopt: it was not wiped. DATA_LOSS: it was, and the note is damaged.
  absl::StatusOr<std::optional<MirrorWiping>> Wiped() const;
  // Leaves the note, then removes every generation. Where that is interrupted, the note counts.
  absl::Status Wipe(const MirrorWiping& wiping) const;
  absl::Status RemoveNote() const;

 private:
  MirrorDirectory(const std::string& path, Fd lock) : path_(path), lock_(std::move(lock)) {}
  absl::Status Tidy() const;
  absl::Status Unlink(const std::string& file) const;

  std::string path_;
  Fd lock_;
};

}  // namespace coalition::client::internal
