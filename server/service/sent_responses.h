// What one watch was sent and has not acknowledged.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "server/ledger/shown_log.h"
#include "server/service/watch_window.h"

namespace coalition::service {

// Not thread-safe.
class SentResponses {
 public:
  // What an acknowledgement frees, and which recalls it says are dealt with.
  struct Freed {
    WindowSize size;
    std::vector<ledger::Recall> recalls;
  };

  void Push(int64_t bytes, std::vector<ledger::Recall> recalls) {
    used_ = {used_.responses + 1, used_.bytes + bytes};
    sent_.push_back({bytes, std::move(recalls)});
  }

  // `responses`: how many of all that were ever sent. nullopt: fewer than before, or more than there were.
  std::optional<Freed> Acknowledge(int64_t responses) {
    if (responses < acknowledged_) return std::nullopt;
    const int64_t newly = responses - acknowledged_;
    if (newly > used_.responses) return std::nullopt;
    Freed freed;
    freed.size.responses = newly;
    for (int64_t i = 0; i < newly; ++i) {
      Sent& first = sent_.front();
      freed.size.bytes += first.bytes;
      freed.recalls.insert(freed.recalls.end(), first.recalls.begin(), first.recalls.end());
      sent_.pop_front();
    }
    acknowledged_ = responses;
    used_ = {used_.responses - newly, used_.bytes - freed.size.bytes};
    return freed;
  }

  const WindowSize& used() const { return used_; }
  bool empty() const { return sent_.empty(); }

 private:
  struct Sent {
    int64_t bytes;
    std::vector<ledger::Recall> recalls;
  };
  std::deque<Sent> sent_;
  WindowSize used_;
  int64_t acknowledged_ = 0;
};

}  // namespace coalition::service
