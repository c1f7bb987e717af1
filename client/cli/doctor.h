// Finds out, check by check, why a connection does not work, and what to do about it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/options.h"
#include "client/tls_probe.h"

namespace coalition::cli {

enum class CheckState { kOk, kFailed, kSkipped };

struct Check {
  std::string name;
  CheckState state = CheckState::kSkipped;
  // What was found.
  std::string detail;
  // What to do; only when FAILED.
  std::string remedy;
};

// In this order: config, files, key, certificate, dates, name, port, tls, accepted, alpn, clock, identity,
// standing, role, health. A check whose ground is missing is skipped. `options` as resolved from flags,
// environment and context, or the error of that. `now_s` is Unix time. Blocks, at most about `timeout` for
// each step.
std::vector<Check> Examine(const absl::StatusOr<client::ClientOptions>& options, int64_t now_s,
                           std::chrono::milliseconds timeout);

// The checks name, port, tls, accepted and alpn from what the probe saw. For Examine and for tests.
std::vector<Check> JudgeProbe(const client::ProbeResult& probe, const client::ClientOptions& options,
                              const client::Credentials& credentials, int64_t now_s);

}  // namespace coalition::cli
