#include "server/descriptor_limit.h"

#include <sys/resource.h>

#include "common/log.h"

namespace coalition::server {
namespace {

// Beside connections and tables: listeners, logs, epoll, LevelDB's own.
constexpr rlim_t kDescriptorsBeside = 128;

}  // namespace

void RaiseDescriptorLimit(const config::v1::ServerConfig& config) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = static_cast<rlim_t>(config.limits().connections_max()) +
                        static_cast<rlim_t>(config.limits().admin_connections_max()) +
                        static_cast<rlim_t>(config.storage().open_files_max()) + kDescriptorsBeside;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted) return;
  Log::Warn("descriptor_limit_low", {{"limit", limit.rlim_max},
                                     {"wanted", wanted},
                                     {"message", "raise it, or lower limits.connections_max"}});
}

}  // namespace coalition::server
