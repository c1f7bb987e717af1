#include "client/internal/credential_watch.h"

#include <condition_variable>
#include <ctime>
#include <mutex>
#include <utility>

namespace coalition::client::internal {

CredentialWatch::CredentialWatch(const TlsOptions& tls, const Credentials& in_use, Use use)
    : tls_(tls), use_(std::move(use)), in_use_(in_use) {
  // A text wins over its file.
  const bool reads_files = tls.ca_pem.empty() || tls.certificate_pem.empty() || tls.key_pem.empty();
  if (!reads_files || tls.reload_interval.count() == 0) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void CredentialWatch::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (true) {
    stopped.wait_for(lock, stop, tls_.reload_interval, [] { return false; });
    if (stop.stop_requested()) return;
    Look(stop);
  }
}

void CredentialWatch::Look(const std::stop_token& stop) {
  absl::StatusOr<Credentials> files = LoadCredentials(tls_);
  if (!files.ok()) return Report(Credentials(), files.status());
  if (*files == in_use_) {
    refused_.reset();
    return;
  }
  absl::Status status = CheckCredentials(*files, std::time(nullptr));
  if (status.ok()) status = use_(*files, stop);
  if (stop.stop_requested()) return;
  if (status.ok()) in_use_ = *files;
  Report(*files, status);
}

void CredentialWatch::Report(const Credentials& files, const absl::Status& status) {
  std::optional<Refused> refused;
  if (!status.ok()) refused = Refused{files, status.code()};
  if (refused.has_value() && refused == refused_) return;
  refused_ = std::move(refused);
  if (tls_.on_reload) tls_.on_reload(status);
}

}  // namespace coalition::client::internal
