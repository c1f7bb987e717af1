// Follows the TLS files while the server runs: takes over a set that is sound, stays with the old one if the
// new one is not, and warns of certificates that end soon.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/mutex.h"
#include "server/server_metrics.h"
#include "server/tls_files.h"

namespace coalition::server {

// Thread-safe.
class TlsReloader {
 public:
  // Loads the files, and looks at them again every tls.reload_ms from a thread of its own. `clock` must
  // outlive it. Errors are LoadTlsFiles's.
  static absl::StatusOr<std::unique_ptr<TlsReloader>> Start(const config::v1::Tls& tls, const Clock& clock);
  ~TlsReloader();
  TlsReloader(const TlsReloader&) = delete;
  TlsReloader& operator=(const TlsReloader&) = delete;

  // What is served: certificate, key and CA certificates change together or not at all.
  std::shared_ptr<const TlsFiles> current() const;

  // Looks at the files now. OK: what is on the disk is what is served. An error is LoadTlsFiles's, and then
  // what was served before still is. Logged and counted each time. Blocks on the disk.
  absl::Status Reload();

  struct State {
    uint64_t reloads = 0;  // sets taken over, without the first
    uint64_t refused = 0;  // sets refused, each once as long as it does not change
    // Why what is on the disk is not what is served; empty: it is.
    std::string refusal{};
  };
  State state() const;
  void Describe(AskedMetrics* metrics) const;

 private:
  // A set that was refused: nothing is said twice of the same.
  struct Refused {
    Sha256Digest files{};
    std::string why;
    friend bool operator==(const Refused&, const Refused&) = default;
  };

  TlsReloader(const config::v1::Tls& tls, const Clock& clock, TlsFiles files);
  void Run();
  bool AwaitNextLook();
  absl::Status Look(bool say_again) ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  absl::Status Refuse(const absl::Status& why, const Sha256Digest& files, bool say_again)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  void TakeOver(TlsFiles files) ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  void Restored() ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  // Of every certificate that is served and has little of its life left.
  void WarnOfExpiry() ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  void WarnOfExpiryDaily() ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);

  const config::v1::Tls tls_;
  const Clock& clock_;
  Mutex look_mutex_;  // held over the disk: one look at a time. Before mutex_
  std::optional<Refused> refused_ ABSL_GUARDED_BY(look_mutex_);
  int64_t warned_s_ ABSL_GUARDED_BY(look_mutex_) = 0;
  mutable Mutex mutex_;
  std::shared_ptr<const TlsFiles> current_ ABSL_GUARDED_BY(mutex_);
  State state_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::condition_variable stopped_;
  std::thread thread_;
};

}  // namespace coalition::server
