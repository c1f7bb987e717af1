// The backups that are being sent: each a stream that is read from the store as its client takes it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "grpcpp/server_context.h"
#include "server/service/backup_source.h"
#include "server/service/call_kit.h"
#include "server/service/stream_end.h"
#include "server/service/stream_registry.h"

namespace coalition::service {

class BackupStream;

// All backups that are open. Thread-safe. Outlives the grpc::Server.
class BackupStreams final : public CutOffStreams {
 public:
  BackupStreams(BackupRooms rooms, BackupOptions options);
  ~BackupStreams() override;

  // The reactor of a new backup, which owns itself. One that only refuses if the call may not come in. `kit`
  // must outlive the backup. The client's one request may come as a stream of one, as it does for gRPC.
  StreamReactor* Open(CallKit& kit, grpc::CallbackServerContext* call);

  // Backups end with UNAVAILABLE SHUTTING_DOWN.
  void Drain();

  size_t CutOff(const CutOffGates& gates, bool now) override;
  size_t CountOf(const CutOffGates& gates) const override;

  size_t open() const { return streams_.size(); }
  uint64_t bytes_sent() const { return bytes_sent_.load(std::memory_order_relaxed); }
  // That were sent whole.
  uint64_t completed() const { return completed_.load(std::memory_order_relaxed); }

 private:
  friend class BackupStream;
  const BackupRooms rooms_;
  const BackupOptions options_;
  std::atomic<int> running_{0};  // of administrators
  std::atomic<uint64_t> bytes_sent_{0};
  std::atomic<uint64_t> completed_{0};
  StreamRegistry<BackupStream> streams_;
};

}  // namespace coalition::service
