// A large file that appears under its name only when it is whole.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/fd.h"

namespace coalition::cli {

// Grows as PATH.partial, mode 0600, and is removed if it is not finished. Not thread-safe. Blocks on the
// disk; errors name the file and the system's reason.
class PartialFile {
 public:
  // What an earlier run left behind under that name is written over. ALREADY_EXISTS: PATH is there.
  // FAILED_PRECONDITION: another process is writing PATH.partial.
  static absl::StatusOr<PartialFile> Create(const std::string& path);
  ~PartialFile();
  PartialFile(PartialFile&& other) noexcept = default;
  PartialFile(const PartialFile&) = delete;

  absl::Status Append(std::string_view bytes);
  // Durable under PATH when it returns OK. ALREADY_EXISTS: somebody else has made that meanwhile.
  absl::Status Finish();

 private:
  PartialFile(std::string path, Fd file);

  std::string path_;
  std::string partial_;
  Fd file_;
};

}  // namespace coalition::cli
