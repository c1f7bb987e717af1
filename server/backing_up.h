// What backups need, put together.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "grpcpp/impl/service_type.h"
#include "server/server_metrics.h"
#include "server/service/backup_stream.h"
#include "server/service/call_kit.h"

namespace coalition::server {

// Thread-safe.
class BackingUp {
 public:
  // Errors: of LoadBackupKey.
  static absl::StatusOr<std::unique_ptr<BackingUp>> Open(const config::v1::ServerConfig& config,
                                                         service::BackupRooms rooms);

  service::BackupStreams& streams() { return streams_; }
  // Of the administration's listener. Both must outlive it.
  std::unique_ptr<grpc::Service> MakeService(service::CallKit& kit);
  void Describe(AskedMetrics* metrics) const;

 private:
  BackingUp(service::BackupRooms rooms, service::BackupOptions options);

  service::BackupStreams streams_;
};

}  // namespace coalition::server
