#include "client/internal/mirror_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/strings.h"

namespace coalition::client::internal {
namespace {

// So much a clock may be corrected.
constexpr int64_t kClockSlackNs = 10'000'000'000;

std::string DurationText(int64_t ns) {
  return absl::FormatDuration(absl::Trunc(absl::Nanoseconds(ns), absl::Seconds(1)));
}

}  // namespace

MirrorView::MirrorView(const std::string& directory, std::chrono::milliseconds max_age, const Clock& clock)
    : directory_(directory), max_age_(max_age), clock_(clock) {}

absl::Status MirrorView::SetFilter(const v1::RecordFilter& filter) {
  filter_ = filter;
  const auto& classes = filter.record_classes();
  has_reports_ = classes.empty() ||
                 std::find(classes.begin(), classes.end(), v1::RECORD_CLASS_OFFENDER_REPORT) != classes.end();
  const auto& states = filter.states();
  has_active_ =
      states.empty() || std::find(states.begin(), states.end(), v1::RECORD_STATE_ACTIVE) != states.end();
  if (!filter.has_seller()) return absl::OkStatus();
  absl::StatusOr<std::string> platform = NormalizePlatform(filter.seller().platform());
  if (!platform.ok()) return platform.status();
  only_.platform = *std::move(platform);
  if (filter.seller().seller_id().empty()) return absl::OkStatus();
  absl::StatusOr<SellerKey> seller = NormalizeSeller(only_.platform, filter.seller().seller_id());
  if (!seller.ok()) return seller.status();
  only_ = *std::move(seller);
  return absl::OkStatus();
}

absl::StatusOr<MirrorAnswer> MirrorView::Check(std::string_view platform, std::string_view seller_id) const {
  SellerKeyView seller;
  std::string scratch;
  if (absl::Status status = NormalizeSeller(platform, seller_id, &seller, &scratch); !status.ok())
    return status;
  for (;;) {
    if (absl::Status status = AnswersAbout(seller); !status.ok()) return status;
    const uint64_t epoch = epoch_.load();
    MirrorAnswer answer = indexes_[epoch % 2].Look(seller);
    // Whoever empties an index has said so before, and a reader that met it empty sees that here.
    if (epoch_.load() == epoch && state_.load() == State::kComplete) return answer;
  }
}

absl::Status MirrorView::AnswersAbout(const SellerKeyView& seller) const {
  if (absl::Status status = Answers(); !status.ok()) return status;
  if (!has_reports_) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the mirror in ", directory_, " is of classes of record that list nobody: it needs reports"));
  }
  if (!has_active_) {
    return absl::FailedPreconditionError(
        absl::StrCat("the mirror in ", directory_,
                     " is of records in states that list nobody: it needs those that are active"));
  }
  if ((!only_.platform.empty() && only_.platform != seller.platform) ||
      (!only_.seller_id.empty() && only_.seller_id != seller.seller_id)) {
    return absl::FailedPreconditionError(absl::StrCat("the mirror in ", directory_, " is of ", only_.platform,
                                                      only_.seller_id.empty() ? "" : "/", only_.seller_id,
                                                      " alone: it knows nothing of other sellers"));
  }
  return absl::OkStatus();
}

absl::Status MirrorView::Answers() const {
  const State state = state_.load();
  const int64_t now_ns = clock_.NowNs();
  if (state == State::kComplete && std::chrono::nanoseconds(AgeNs(now_ns)) <= max_age_ &&
      !IsClockSetBack(now_ns))
    return absl::OkStatus();
  return Refusal(state, now_ns);
}

bool MirrorView::IsClockSetBack(int64_t now_ns) const {
  return complete_until_ns_.load() != 0 && now_ns < received_ns_.load() - kClockSlackNs;
}

int64_t MirrorView::AgeNs(int64_t now_ns) const {
  const int64_t complete_until_ns = complete_until_ns_.load();
  if (complete_until_ns == 0) return 0;
  // The exchange's clock and ours may disagree: ours alone must not make it younger.
  const int64_t since = std::min(complete_until_ns, received_ns_.load());
  return std::max<int64_t>(0, now_ns - since);
}

absl::Status MirrorView::Refusal(State state, int64_t now_ns) const {
  if (state == State::kIncomplete) {
    return absl::UnavailableError(
        absl::StrCat("the mirror in ", directory_,
                     " is not complete yet: what there was at the beginning is still coming in"));
  }
  if (state == State::kComplete && IsClockSetBack(now_ns)) {
    return absl::UnavailableError(
        absl::StrCat("the clock of this machine was set back: by it, the mirror in ", directory_,
                     " was kept in step in the future, and how old it is cannot be told; set the clock"));
  }
  if (state == State::kComplete) {
    return absl::UnavailableError(
        absl::StrCat("the mirror in ", directory_, " is too old: ", DurationText(AgeNs(now_ns)),
                     " since it was complete, and ", absl::FormatDuration(absl::FromChrono(max_age_)),
                     " are allowed; it is kept in step by `coalition mirror run`"));
  }
  const MutexLock lock(mutex_);
  return absl::FailedPreconditionError(absl::StrCat(
      "the mirror in ", directory_, " was wiped at ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixNanos(wiping_.time_ns), absl::UTCTimeZone()), ": ",
      wiping_.reason));
}

MirrorStatus MirrorView::status() const {
  MirrorStatus status;
  status.answers = Answers();
  const uint64_t epoch = epoch_.load();
  status.records = indexes_[epoch % 2].records();
  status.sellers = indexes_[epoch % 2].sellers();
  status.complete = state_.load() == State::kComplete;
  status.complete_until_ns = complete_until_ns_.load();
  status.age_ns = AgeNs(clock_.NowNs());
  if (coming_.load()) status.records_coming = indexes_[(epoch + 1) % 2].records();
  status.filter = filter_;
  const MutexLock lock(mutex_);
  status.wiped = wiping_;
  return status;
}

void MirrorView::Publish() {
  MirrorIndex& before = published();
  ++epoch_;
  before.Clear();
}

void MirrorView::SetFresh(int64_t complete_until_ns, int64_t received_ns) {
  complete_until_ns_ = complete_until_ns;
  received_ns_ = received_ns;
  state_ = State::kComplete;
}

void MirrorView::SetWiped(const MirrorWiping& wiping) {
  {
    const MutexLock lock(mutex_);
    wiping_ = wiping;
  }
  state_ = State::kWiped;
  complete_until_ns_ = 0;
  coming_ = false;
  for (MirrorIndex& index : indexes_) index.Clear();
}

void MirrorView::SetNotWiped() {
  state_ = State::kIncomplete;
  const MutexLock lock(mutex_);
  wiping_ = {};
}

}  // namespace coalition::client::internal
