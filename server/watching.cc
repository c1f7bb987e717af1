#include "server/watching.h"

#include <chrono>

namespace coalition::server {
namespace {

service::WatchOptions OptionsOf(const config::v1::Limits& limits) {
  service::WatchOptions options;
  options.window = {limits.watch_window_responses(), int64_t{limits.watch_window_kib()} << 10};
  options.member_window = {limits.watch_member_window_responses(),
                           int64_t{limits.watch_member_window_kib()} << 10};
  options.unacknowledged_max = std::chrono::milliseconds(limits.watch_unacknowledged_ms_max());
  options.record_bytes_max = limits.record_bytes_max();
  return options;
}

}  // namespace

Watching::Watching(const config::v1::Limits& limits, const store::Store& store,
                   const membership::Directory& directory, const exchange::ExchangeKeys& keys,
                   const Sealer& cursors, ledger::ShownLog& shown, const exchange::Expiry& expiry)
    : log_(store),
      states_(directory),
      feeds_{store, keys, log_, states_, cursors},
      streams_(feeds_, shown, expiry, OptionsOf(limits)),
      recalls_(store, keys, shown, cursors, {limits.page_size_default(), limits.page_size_max()}),
      disclosures_(store, keys, shown),
      tail_(store, directory, log_, [this] { streams_.Wake(); }) {}

}  // namespace coalition::server
