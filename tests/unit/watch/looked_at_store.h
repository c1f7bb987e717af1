// Tells which records are read.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/exchange/keys.h"
#include "server/exchange/reader.h"
#include "tests/support/store/forwarding_store.h"

namespace coalition::testing {

// Their names. Thread-safe.
class Looked {
 public:
  void Note(const std::string& key) {
    const auto id = exchange::IdOfRecordKey(key);
    const MutexLock lock(mutex_);
    if (id) names_.insert(exchange::NameOf(*id));
  }
  // Since the last time.
  std::set<std::string> Take() {
    const MutexLock lock(mutex_);
    return std::exchange(names_, {});
  }

 private:
  Mutex mutex_;
  std::set<std::string> names_ ABSL_GUARDED_BY(mutex_);
};

class LookedAtStore final : public ForwardingStore {
 public:
  // `looked` must outlive it.
  LookedAtStore(store::Store& base, Looked& looked) : ForwardingStore(base), looked_(looked) {}
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    for (const std::string& key : keys) looked_.Note(key);
    return ForwardingStore::Read(keys, at);
  }

 private:
  Looked& looked_;
};

}  // namespace coalition::testing
