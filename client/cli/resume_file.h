// Where a watch goes on: a file with one cursor. Errors name the file. Every function is thread-safe.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition::cli {

// The cursor in it; empty: there is no such file yet. Makes sure that it can be replaced later, so that
// nobody watches for hours and then can't keep where that came to. INVALID_ARGUMENT: the file is something
// else, and stays as it is.
absl::StatusOr<std::string> OpenResumeFile(const std::string& path);

// Replaces the file or makes it, mode 0600: after a crash it has the old cursor or the new one.
absl::Status SaveCursor(const std::string& path, const std::string& cursor);

}  // namespace coalition::cli
