// Errors as people and programs meet them.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace coalition::cli {

inline constexpr int kExitOk = 0;
// The answer is "no": a seller is listed, rows were rejected, a check failed.
inline constexpr int kExitNo = 1;
// A mistake on this side: how the tool is used, its settings, files that it can't read or write.
inline constexpr int kExitUsage = 2;
// As the shell has it of a program that SIGPIPE ended: whoever reads the output has gone.
inline constexpr int kExitBrokenPipe = 141;
inline constexpr int kExitInterrupted = 130;

// `status` with a mark: it came about here, neither the server nor the connection has said it. OK stays OK.
absl::Status Local(absl::Status status);

// 0 for OK, kExitUsage for what is marked Local, else 64 and the gRPC code, e.g. 69 for NOT_FOUND.
int ExitCode(const absl::Status& status);

// What to do about it, one sentence; empty where nothing better than the message can be said. From the reason
// that the server gave, else from the code.
std::string Remedy(const absl::Status& status);

// "error: {message}", the fields at fault one a line, and the remedy. With `verbose` also code, reason and
// metadata.
void PrintError(const absl::Status& status, bool verbose, std::ostream& err);

}  // namespace coalition::cli
