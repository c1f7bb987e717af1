#include "server/backing_up.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "server/config.h"
#include "server/service/grpc_services.h"

namespace coalition::server {

absl::StatusOr<std::unique_ptr<BackingUp>> BackingUp::Open(const config::v1::ServerConfig& config,
                                                           service::BackupRooms rooms) {
  const auto recipient = LoadBackupKey(config);
  if (!recipient.ok()) return recipient.status();
  service::BackupOptions options;
  options.recipient = *recipient;
  options.streams_max = config.backup().streams_max();
  options.bytes_per_second_max = int64_t{config.backup().mib_per_second_max()} << 20;
  options.server_version = COALITION_VERSION;
  return std::unique_ptr<BackingUp>(new BackingUp(std::move(rooms), std::move(options)));
}

BackingUp::BackingUp(service::BackupRooms rooms, service::BackupOptions options)
    : streams_(std::move(rooms), std::move(options)) {}

std::unique_ptr<grpc::Service> BackingUp::MakeService(service::CallKit& kit) {
  const auto open = [this, &kit](grpc::CallbackServerContext* call) { return streams_.Open(kit, call); };
  return std::make_unique<service::CallbackService>(
      kit, std::vector<service::Route>{},
      std::vector<service::StreamRoute>{{service::Method::kCreateBackup, open}});
}

void BackingUp::Describe(AskedMetrics* metrics) const {
  metrics->AddGauge("coalition_backup_streams", "Backups that are being sent.",
                    [this] { return static_cast<double>(streams_.open()); });
  metrics->AddCounter("coalition_backups_total", "Backups that were sent whole.",
                      [this] { return static_cast<double>(streams_.completed()); });
  metrics->AddCounter("coalition_backup_bytes_total", "Bytes of backups sent.",
                      [this] { return static_cast<double>(streams_.bytes_sent()); });
}

}  // namespace coalition::server
