#include "server/store/history.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/steps.h"
#include "server/store/commit_writes.h"

namespace coalition::store {
namespace {

constexpr std::string_view kMarksPrefix = "h";
constexpr std::string_view kMarksEnd = "i";
// Marks that one commit removes: some days of them.
constexpr size_t kRemovedPerCommit = 1'000;

struct Mark {
  int64_t time_s = 0;
  Revision revision = 0;
};

std::string MarkKey(int64_t time_s) {
  std::string key(kMarksPrefix);
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(time_s >> shift));
  return key;
}

std::optional<int64_t> TimeOfMarkKey(std::string_view key) {
  if (key.size() != kMarksPrefix.size() + sizeof(int64_t)) return std::nullopt;
  uint64_t time_s = 0;
  for (const char byte : key.substr(kMarksPrefix.size())) time_s = time_s << 8 | static_cast<uint8_t>(byte);
  return static_cast<int64_t>(time_s);
}

}  // namespace

// What is below is used by one look at a time.
class History::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Store& store, const HistoryOptions& options) : store_(store), options_(options) {}

  void Resume(const Clock& clock, HistoryHooks hooks) {
    clock_ = &clock;
    hooks_ = std::move(hooks);
    LookAfter(kHistoryInterval);
  }

  void Drain() { steps_.Drain(); }

 private:
  void LookAfter(std::chrono::milliseconds delay) {
    hooks_.after(delay, [self = shared_from_this()] {
      if (!self->steps_.Begin()) return;
      self->hooks_.run_later([self] {
        if (!self->steps_.draining()) self->Look();
        self->steps_.End();
      });
    });
  }

  void Look() {
    const absl::StatusOr<bool> more = LookOnce();
    if (more.ok()) return LookAfter(*more ? options_.pause : kHistoryInterval);
    if (steps_.draining()) return;
    hooks_.failed(more.status());
    if (!absl::IsUnknown(more.status()) && !absl::IsDataLoss(more.status())) LookAfter(kHistoryRetryDelay);
  }

  // Whether there is more to remove.
  absl::StatusOr<bool> LookOnce() {
    if (absl::Status loaded = Load(); !loaded.ok()) return loaded;
    if (absl::Status marked = PerhapsMark(); !marked.ok()) return marked;
    return RemoveSome();
  }

  absl::Status Load() {
    if (loaded_) return absl::OkStatus();
    marks_.clear();
    absl::Status scanned = store_.ScanEach(kMarksPrefix, kMarksEnd, store_.Head(),
                                           [this](std::string_view key, std::string_view, Revision revision) {
                                             if (const auto time_s = TimeOfMarkKey(key))
                                               marks_.push_back({*time_s, revision});
                                             return true;
                                           });
    loaded_ = scanned.ok();
    return scanned;
  }

  // Older marks go with it, and not before: a store that nobody writes to stands still.
  absl::Status PerhapsMark() {
    const int64_t now_s = clock_->NowS();
    if (!marks_.empty()) {
      const Mark& newest = marks_.back();
      const bool moved = store_.Head() > newest.revision;
      if (!moved || now_s < newest.time_s + options_.mark_interval.count()) return absl::OkStatus();
    }
    std::vector<Write> writes = {{MarkKey(now_s), std::string()}};
    size_t passed = 0;
    while (passed < std::min(marks_.size(), kRemovedPerCommit) && marks_[passed].revision < given_up_)
      writes.push_back({MarkKey(marks_[passed++].time_s), std::nullopt});
    const absl::StatusOr<Revision> made = CommitWrites(store_, std::move(writes));
    if (!made.ok()) return made.status();
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(passed));
    marks_.push_back({now_s, *made});
    return absl::OkStatus();
  }

  absl::StatusOr<bool> RemoveSome() {
    // At the first look since the start also what an earlier one began and did not end.
    Revision floor = store_.Floor();
    const int64_t old_s = clock_->NowS() - options_.keep.count();
    for (const Mark& mark : marks_) {
      if (mark.time_s >= old_s) break;  // whole seconds: one more, to be as old as that
      floor = std::max(floor, mark.revision);
    }
    if (floor == 0 || floor == given_up_) return false;
    const absl::StatusOr<size_t> removed = store_.RaiseFloor(floor, options_.step);
    if (!removed.ok()) return removed.status();
    if (*removed == 0) given_up_ = floor;
    return *removed > 0;
  }

  Store& store_;
  const HistoryOptions options_;
  const Clock* clock_ = nullptr;  // both set before the first look
  HistoryHooks hooks_;
  Steps steps_;

  bool loaded_ = false;
  std::deque<Mark> marks_;  // the oldest first, by time and by revision
  Revision given_up_ = 0;   // nothing is left of what only readers below it could see
};

History::History(Store& store, HistoryOptions options) : impl_(std::make_shared<Impl>(store, options)) {}
History::~History() { Drain(); }
void History::Resume(const Clock& clock, HistoryHooks hooks) { impl_->Resume(clock, std::move(hooks)); }
void History::Drain() { impl_->Drain(); }

}  // namespace coalition::store
