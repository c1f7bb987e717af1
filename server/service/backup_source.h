// The messages of one backup, made one after the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "coalition/storage/v1/backup.pb.h"
#include "coalition/v1/backup_service.pb.h"
#include "common/random.h"
#include "common/x25519.h"
#include "server/backup/backup_writer.h"
#include "server/exchange/exchange.h"
#include "server/store/store.h"

namespace coalition::service {

struct BackupOptions {
  std::optional<X25519PublicKey> recipient;  // nullopt: there are no backups
  int streams_max = 1;
  int64_t bytes_per_second_max = int64_t{48} << 20;
  std::string server_version;
};

// What they work with; all must outlive them.
struct BackupRooms {
  store::Store& store;
  std::function<std::string()> checkpoint;  // the ledger's newest
  Random& random;
};

// Not thread-safe; each message may be made on another thread than the one before. Blocks on the store.
class BackupSource {
 public:
  // `running`: backups of administrators, of all sources. References must outlive it.
  BackupSource(const BackupRooms& rooms, const BackupOptions& options, std::atomic<int>& running)
      : rooms_(rooms), options_(options), running_(running) {}
  ~BackupSource() { GiveBackPlace(); }
  BackupSource(const BackupSource&) = delete;
  BackupSource& operator=(const BackupSource&) = delete;

  // The next message, for a caller who may make the call: the last one has the summary. Errors are those of
  // CreateBackup (backup_service.proto). The first one is made when it is in the ledger that there is a
  // backup.
  absl::Status Next(const exchange::CallContext& context, v1::CreateBackupResponse* response);

  // Another one may begin.
  void GiveBackPlace();

  // Whether anything was read.
  bool begun() const { return writer_ != nullptr; }
  backup::BackupTotals totals() const { return writer_->totals(); }
  store::Revision revision() const { return meta_.revision(); }

 private:
  absl::Status Begin(const exchange::CallContext& context);
  void Summarise(v1::BackupSummary* summary);

  const BackupRooms& rooms_;
  const BackupOptions& options_;
  std::atomic<int>& running_;
  bool has_place_ = false;
  storage::v1::BackupMeta meta_;
  std::unique_ptr<backup::BackupWriter> writer_;
};

}  // namespace coalition::service
