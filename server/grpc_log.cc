#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include <atomic>
#include <chrono>
#include <string_view>

#include "common/log.h"

namespace coalition::server {
namespace {

std::atomic<uint64_t> failed_handshakes{0};
std::atomic<int> quiet{0};

void Route(gpr_log_func_args* args) {
  static LogLimit limit;
  if (quiet.load(std::memory_order_relaxed) > 0) return;
  const std::string_view message = args->message;
  if (message.find("Handshake failed") != std::string_view::npos) {
    failed_handshakes.fetch_add(1, std::memory_order_relaxed);
  }
  std::string_view file = args->file;
  file.remove_prefix(file.rfind('/') == std::string_view::npos ? 0 : file.rfind('/') + 1);
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarn : LogLevel::kDebug;
  Log::Limited(limit, level, "grpc", {{"file", file}, {"line", args->line}, {"message", message}});
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(&Route); }

uint64_t FailedHandshakes() { return failed_handshakes.load(std::memory_order_relaxed); }

QuietGrpcLog::QuietGrpcLog() { quiet.fetch_add(1); }
QuietGrpcLog::~QuietGrpcLog() { quiet.fetch_sub(1); }

}  // namespace coalition::server
