// Errors as people and programs meet them.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace coalition::cli {

inline constexpr int kExitOk = 0;
// The answer is "no": a seller is listed, rows were rejected, a check failed.
inline constexpr int kExitNo = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

// 64 and the gRPC code, e.g. 69 for NOT_FOUND; 0 for OK.
int ExitCode(const absl::Status& status);

// What to do about it, one sentence; empty where nothing better than the message can be said. From the reason
// that the server gave, else from the code.
std::string Remedy(const absl::Status& status);

// "error: {message}", the fields at fault one a line, and the remedy. With `verbose` also code, reason and
// metadata.
void PrintError(const absl::Status& status, bool verbose, std::ostream& err);

}  // namespace coalition::cli
