// A store that refuses to write for as long as it is told to.
#pragma once

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/store/forwarding_store.h"

namespace coalition::testing {

class RefusingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (!refuses) return ForwardingStore::CommitAll(commits);
    return std::vector<absl::StatusOr<store::Revision>>(commits.size(),
                                                        absl::UnavailableError("the disk is full"));
  }
  bool refuses = false;
};

}  // namespace coalition::testing
