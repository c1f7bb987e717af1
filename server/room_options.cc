#include "server/room_options.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace coalition::server {

store::LevelDbOptions StoreOptions(const config::v1::ServerConfig& config) {
  store::LevelDbOptions options;
  options.dir = config.store_dir();
  options.write_buffer_bytes = static_cast<size_t>(config.storage().write_buffer_mib()) << 20;
  options.block_cache_bytes = static_cast<size_t>(config.storage().block_cache_mib()) << 20;
  options.open_files_max = config.storage().open_files_max();
  options.throttle_level0_files = config.storage().throttle_level0_files();
  // An import message becomes one commit, with its indexes.
  options.commit_bytes_max =
      std::max(options.commit_bytes_max, 4 * static_cast<size_t>(config.limits().message_bytes_max()));
  return options;
}

exchange::ExchangeOptions ExchangeOptionsOf(const config::v1::ServerConfig& config) {
  const config::v1::Limits& limits = config.limits();
  exchange::ExchangeOptions options;
  options.sellers_per_screen_max = limits.sellers_per_screen_max();
  options.matches_per_seller_max = limits.matches_per_seller_max();
  options.items_per_import_message_max = limits.items_per_import_message_max();
  options.records_per_batch_max = limits.records_per_batch_max();
  options.page_size_default = limits.page_size_default();
  options.page_size_max = limits.page_size_max();
  options.profile_records_max = limits.profile_records_max();
  options.records_per_seller_max = limits.records_per_seller_max();
  options.outcomes_per_seller_max = limits.outcomes_per_seller_max();
  options.record_bytes_max = limits.record_bytes_max();
  options.audience_entries_max = limits.audience_entries_max();
  options.repeated_values_max = limits.repeated_values_max();
  options.audience_versions_max = limits.audience_versions_max();
  options.lifetime_days_default = config.records().lifetime_days_default();
  options.lifetime_days_max = config.records().lifetime_days_max();
  options.request_id_hours = config.records().request_id_hours();
  options.expired_per_commit = config.records().expired_per_commit_max();
  return options;
}

service::MemberLimitOptions MemberLimitsOf(const config::v1::Limits& limits) {
  return {limits.calls_per_member_max(), limits.calls_per_second(), limits.calls_burst(),
          limits.imports_per_member_max(), limits.watches_per_member_max()};
}

service::MemberLimitOptions AdminLimitsOf(const config::v1::Limits& limits) {
  return {limits.admin_calls_per_member_max(), limits.admin_calls_per_second(),
          2 * limits.admin_calls_per_second(), limits.imports_per_member_max(), 0};
}

service::CallDurations DurationsOf(const config::v1::Limits& limits) {
  return {std::chrono::milliseconds(limits.call_duration_ms_max()),
          std::chrono::milliseconds(limits.stream_idle_ms_max())};
}

}  // namespace coalition::server
