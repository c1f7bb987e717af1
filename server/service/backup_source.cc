#include "server/service/backup_source.h"

#include <chrono>
#include <utility>

#include "absl/status/statusor.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/strings.h"
#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/membership/acts.h"
#include "server/service/acting.h"

namespace coalition::service {
namespace {

constexpr std::chrono::milliseconds kRetryWhenRunning{60'000};

absl::Status NoKey() {
  return Error(v1::ERROR_REASON_STATE_CONFLICT,
               "The server has no key to encrypt backups to. Make one elsewhere with \"coalition admin "
               "backup-key\", and name its public part in backup.recipient_key_file of the server's "
               "configuration.",
               {{"state", "NO_BACKUP_KEY"}});
}

absl::Status TooMany(int max) {
  return WithRetryDelay(Error(v1::ERROR_REASON_RATE_LIMITED, "as many backups as may be are under way",
                              {{"limit", "backup.streams"}, {"max", std::to_string(max)}}),
                        kRetryWhenRunning);
}

absl::Status FromWriter(const absl::Status& status) {
  if (!absl::IsAborted(status)) return exchange::FromStore(status);
  return Error(absl::StatusCode::kAborted, v1::ERROR_REASON_STATE_CONFLICT, Std(status.message()),
               {{"state", "HISTORY_GONE"}});
}

}  // namespace

absl::Status BackupSource::Next(const exchange::CallContext& context, v1::CreateBackupResponse* response) {
  // Also later on: the role can be taken while the credential stays.
  absl::Status may =
      membership::CheckMayChange(*context.snapshot, ActorOf(context), v1::ROLE_COALITION_ADMIN);
  if (!may.ok()) return may;
  if (writer_ == nullptr) {
    if (absl::Status begun = Begin(context); !begun.ok()) return begun;
  }
  absl::StatusOr<std::string> data = writer_->Next();
  if (!data.ok()) return FromWriter(data.status());
  if (data->empty()) {
    Summarise(response->mutable_summary());
  } else {
    response->set_data(*std::move(data));
  }
  return absl::OkStatus();
}

absl::Status BackupSource::Begin(const exchange::CallContext& context) {
  if (!options_.recipient) return NoKey();
  has_place_ = true;
  if (running_.fetch_add(1, std::memory_order_relaxed) >= options_.streams_max) {
    return TooMany(options_.streams_max);
  }
  // The store has the log of this checkpoint at every later revision.
  meta_.set_checkpoint(rooms_.checkpoint());
  // Before anything leaves. Without the revision: everybody opens it, and would see how much is written.
  const membership::Act act{"backups", "taken, encrypted to the key " + X25519KeyId(*options_.recipient)};
  const auto noted = membership::CommitAct(rooms_.store, act, ActorOf(context));
  if (!noted.ok()) return exchange::FromStore(noted.status());
  meta_.set_trust_domain(context.snapshot->trust_domain());
  meta_.set_revision(*noted);
  meta_.set_time_ns(context.now_ns);
  meta_.set_server_version(options_.server_version);
  auto writer = backup::BackupWriter::Open(rooms_.store, meta_, *options_.recipient, rooms_.random);
  if (!writer.ok()) return exchange::FromStore(writer.status());
  writer_ = *std::move(writer);
  return absl::OkStatus();
}

void BackupSource::Summarise(v1::BackupSummary* summary) {
  summary->set_bytes(static_cast<int64_t>(totals().bytes));
  summary->set_sha256(std::string(Bytes(writer_->FinishDigest())));
  summary->set_rows(static_cast<int64_t>(totals().rows));
  summary->set_revision(static_cast<int64_t>(revision()));
  *summary->mutable_time() = ToTimestamp(meta_.time_ns());
  summary->set_recipient_key_id(X25519KeyId(*options_.recipient));
}

void BackupSource::GiveBackPlace() {
  if (std::exchange(has_place_, false)) running_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace coalition::service
