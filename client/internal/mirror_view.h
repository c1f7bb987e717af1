// A mirror as those who ask it see it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/internal/mirror_index.h"
#include "client/mirror.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/seller.h"

namespace coalition::client::internal {

// Which of two indexes answers, whether it may, and for how long. What is said to be for readers is
// thread-safe; the rest is for the one writer.
class MirrorView {
 public:
  // `clock` must outlive it.
  MirrorView(const std::string& directory, std::chrono::milliseconds max_age, const Clock& clock);

  // For readers; as of Mirror.
  absl::StatusOr<MirrorAnswer> Check(std::string_view platform, std::string_view seller_id) const;
  absl::Status Answers() const;
  MirrorStatus status() const;

  // Once, before there are readers. INVALID_ARGUMENT: its seller is none.
  absl::Status SetFilter(const v1::RecordFilter& filter);
  MirrorIndex& published() { return indexes_[epoch_.load() % 2]; }
  // What comes in.
  MirrorIndex& other() { return indexes_[(epoch_.load() + 1) % 2]; }
  // The other index is published, and the one that was is emptied.
  void Publish();
  // The published index is complete, until then.
  void SetFresh(int64_t complete_until_ns, int64_t received_ns);
  // The other index counts as coming in.
  void SetComing(bool coming) { coming_ = coming; }
  // From now on nobody is answered; empties both.
  void SetWiped(const MirrorWiping& wiping);
  void SetNotWiped();

 private:
  enum class State { kIncomplete, kComplete, kWiped };

  absl::Status AnswersAbout(const SellerKeyView& seller) const;
  // 0: not known.
  int64_t AgeNs(int64_t now_ns) const;
  // To before what it said when the last response was received, so that it does not tell the age.
  bool IsClockSetBack(int64_t now_ns) const;
  absl::Status Refusal(State state, int64_t now_ns) const;

  const std::string directory_;
  const std::chrono::milliseconds max_age_;
  const Clock& clock_;
  v1::RecordFilter filter_;
  bool has_reports_ = true;
  bool has_active_ = true;
  // Empty: all.
  SellerKey only_;

  std::array<MirrorIndex, 2> indexes_;
  // Odd or even says which index answers.
  std::atomic<uint64_t> epoch_{0};
  std::atomic<State> state_{State::kIncomplete};
  std::atomic<int64_t> complete_until_ns_{0};
  std::atomic<int64_t> received_ns_{0};
  std::atomic<bool> coming_{false};
  mutable Mutex mutex_;
  MirrorWiping wiping_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::client::internal
