#include "server/tls_reloader.h"

#include <utility>

#include "common/log.h"

namespace coalition::server {
namespace {

constexpr int64_t kDayS = 86'400;

Sha256Digest Fingerprint(const TlsPem& pem) {
  // Each file is hashed for itself, so that a byte that moves from one to the next makes a difference.
  const auto text = [](const Sha256Digest& digest) { return std::string(digest.begin(), digest.end()); };
  return Sha256(text(Sha256(pem.certificate)) + text(Sha256(pem.key)) + text(Sha256(pem.client_ca)));
}

void WarnIfSoon(const std::string& file, const CertificateFacts& facts, int64_t now_s, int percent) {
  const int64_t life_s = facts.not_after_s - facts.not_before_s;
  const int64_t left_s = SecondsUntilExpiry(facts, now_s);
  if (left_s * 100 >= life_s * percent) return;
  Log::Warn(left_s < 0 ? "certificate_expired" : "certificate_expires",
            {{"file", file},
             {"certificate", facts.subject},
             {"not_after", FormatTime(facts.not_after_s)},
             {"hours_left", left_s / 3600}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsReloader>> TlsReloader::Start(const config::v1::Tls& tls,
                                                                const Clock& clock) {
  absl::StatusOr<TlsFiles> files = LoadTlsFiles(tls, clock.NowS());
  if (!files.ok()) return files.status();
  std::unique_ptr<TlsReloader> reloader(new TlsReloader(tls, clock, *std::move(files)));
  {
    MutexLock look(reloader->look_mutex_);
    reloader->WarnOfExpiry();
  }
  reloader->thread_ = std::thread([self = reloader.get()] { self->Run(); });
  return reloader;
}

TlsReloader::TlsReloader(const config::v1::Tls& tls, const Clock& clock, TlsFiles files)
    : tls_(tls), clock_(clock), current_(std::make_shared<const TlsFiles>(std::move(files))) {}

TlsReloader::~TlsReloader() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const TlsFiles> TlsReloader::current() const {
  MutexLock lock(mutex_);
  return current_;
}

TlsReloader::State TlsReloader::state() const {
  MutexLock lock(mutex_);
  return state_;
}

void TlsReloader::Describe(AskedMetrics* metrics) const {
  const auto number = [](auto value) { return static_cast<double>(value); };
  metrics->AddGauge("coalition_certificate_not_after_seconds",
                    "When the server's certificate ends, Unix time.",
                    [=, this] { return number(current()->not_after_s()); });
  metrics->AddGauge("coalition_client_ca_not_after_seconds",
                    "When the first of tls.client_ca_file's certificates ends, Unix time.",
                    [=, this] { return number(current()->client_ca_not_after_s()); });
  metrics->AddCounter("coalition_tls_reloads_total", "Changed TLS files that were taken over.",
                      [=, this] { return number(state().reloads); });
  metrics->AddCounter("coalition_tls_reloads_refused_total", "Changed TLS files that were refused.",
                      [=, this] { return number(state().refused); });
  metrics->AddGauge("coalition_tls_files_refused",
                    "1: the TLS files on the disk are refused, and older ones served.",
                    [this] { return state().refusal.empty() ? 0.0 : 1.0; });
}

absl::Status TlsReloader::Reload() {
  MutexLock look(look_mutex_);
  return Look(/*say_again=*/true);
}

void TlsReloader::Run() {
  while (AwaitNextLook()) {
    MutexLock look(look_mutex_);
    Look(/*say_again=*/false).IgnoreError();  // said in the log
    WarnOfExpiryDaily();
  }
}

bool TlsReloader::AwaitNextLook() {
  using std::chrono::steady_clock;
  const auto next = steady_clock::now() + std::chrono::milliseconds(tls_.reload_ms());
  MutexLock lock(mutex_);
  while (!stopping_ && steady_clock::now() < next) lock.WaitFor(stopped_, next - steady_clock::now());
  return !stopping_;
}

absl::Status TlsReloader::Look(bool say_again) {
  absl::StatusOr<TlsPem> pem = ReadTlsPem(tls_);
  if (!pem.ok()) return Refuse(pem.status(), Sha256Digest{}, say_again);
  // What is served is not judged again: it stays until there is something better.
  if (*pem == current()->pem) {
    Restored();
    return absl::OkStatus();
  }
  const Sha256Digest fingerprint = Fingerprint(*pem);
  // Anew each time, since a certificate that was not yet valid may be now.
  absl::StatusOr<TlsFiles> files = JudgeTlsPem(tls_, *std::move(pem), clock_.NowS());
  if (!files.ok()) return Refuse(files.status(), fingerprint, say_again);
  TakeOver(*std::move(files));
  return absl::OkStatus();
}

absl::Status TlsReloader::Refuse(const absl::Status& why, const Sha256Digest& files, bool say_again) {
  Refused refused{files, std::string(why.message())};
  if (!say_again && refused_ == refused) return why;
  refused_ = std::move(refused);
  {
    MutexLock lock(mutex_);
    ++state_.refused;
    state_.refusal = refused_->why;
  }
  Log::Error("tls_reload_refused", {{"message", refused_->why},
                                    {"served", "what was served before"},
                                    {"until", FormatTime(current()->not_after_s())}});
  return why;
}

void TlsReloader::TakeOver(TlsFiles files) {
  const auto taken = std::make_shared<const TlsFiles>(std::move(files));
  {
    MutexLock lock(mutex_);
    current_ = taken;
    ++state_.reloads;
    state_.refusal.clear();
  }
  refused_.reset();
  Log::Info("tls_reloaded", {{"certificate", taken->chain.front().subject},
                             {"not_after", FormatTime(taken->not_after_s())},
                             {"client_cas", taken->client_cas.size()}});
  WarnOfExpiry();
}

void TlsReloader::Restored() {
  if (!refused_.has_value()) return;
  refused_.reset();
  {
    MutexLock lock(mutex_);
    state_.refusal.clear();
  }
  Log::Info("tls_files_restored", {{"message", "the files are again those that are served"}});
}

void TlsReloader::WarnOfExpiry() {
  const std::shared_ptr<const TlsFiles> served = current();
  warned_s_ = clock_.NowS();
  for (const CertificateFacts& facts : served->chain) {
    WarnIfSoon(tls_.certificate_file(), facts, warned_s_, tls_.expiry_warning_percent());
  }
  for (const CertificateFacts& facts : served->client_cas) {
    WarnIfSoon(tls_.client_ca_file(), facts, warned_s_, tls_.expiry_warning_percent());
  }
}

void TlsReloader::WarnOfExpiryDaily() {
  if (clock_.NowS() - warned_s_ >= kDayS) WarnOfExpiry();
}

}  // namespace coalition::server
