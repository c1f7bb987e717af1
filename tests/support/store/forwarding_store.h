// A store that passes everything on: the base of those that tests put between a room and the real one.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace coalition::testing {

// `base` must outlive it.
class ForwardingStore : public store::Store {
 public:
  explicit ForwardingStore(store::Store& base) : base_(base) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    return base_.CommitAll(commits);
  }
  store::Revision Head() const override { return base_.Head(); }
  store::Revision Floor() const override { return base_.Floor(); }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    return base_.Read(keys, at);
  }
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override {
    return base_.Scan(from, to, at, limit);
  }
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    return base_.ScanEach(from, to, at, visit);
  }
  absl::StatusOr<std::vector<store::Change>> ReadLog(store::Revision after,
                                                     store::Limit limit) const override {
    return base_.ReadLog(after, limit);
  }
  store::Revision WaitPast(store::Revision revision, std::chrono::milliseconds timeout) const override {
    return base_.WaitPast(revision, timeout);
  }
  absl::StatusOr<size_t> RaiseFloor(store::Revision revision, store::Limit limit) override {
    return base_.RaiseFloor(revision, limit);
  }

 private:
  store::Store& base_;
};

}  // namespace coalition::testing
