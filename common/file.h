// Small files, whole: configuration, certificates, keys. Every function blocks on the disk and is
// thread-safe. Errors name the path and the system's reason, with the code that errno maps to (NOT_FOUND,
// PERMISSION_DENIED, RESOURCE_EXHAUSTED...).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition {

// The file's bytes. INVALID_ARGUMENT: larger than `bytes_max`, or a directory.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);

// Replaces or makes the file, with permissions `mode`, so that after a crash it holds the old contents or the
// new ones, whole. Durable (file and directory synced) when it returns OK. Contents that must stay secret are
// never readable by others, not even for a moment.
absl::Status WriteFileAtomic(const std::string& path, std::string_view contents, unsigned mode);

// The same of a file that must not be there yet: ALREADY_EXISTS leaves what is there as it is, also where
// somebody else makes it at the same time.
absl::Status WriteNewFile(const std::string& path, std::string_view contents, unsigned mode);

// What was made, renamed or removed in it is durable when it returns OK.
absl::Status SyncDirectory(const std::string& path);

// Removes the file. Durable (directory synced) when it returns OK, and when it returns NOT_FOUND: after an
// error of the sync the call can be repeated.
absl::Status RemoveFile(const std::string& path);

// Makes the directory and those above it that are missing, with permissions `mode`. OK when it is there
// already, whose permissions stay as they are.
absl::Status MakeDir(const std::string& path, unsigned mode);

// `path` itself when absolute, else `path` inside the directory of the file `base`.
std::string ResolvePath(const std::string& base, const std::string& path);

}  // namespace coalition
