#include "server/ledger/disclosures.h"

namespace coalition::ledger {

void CountingDisclosureLog::Record(Disclosure disclosure, std::function<void(absl::Status)> recorded) {
  disclosures_.fetch_add(1, std::memory_order_relaxed);
  records_.fetch_add(disclosure.records.size(), std::memory_order_relaxed);
  recorded(absl::OkStatus());
}

CountingDisclosureLog::Counts CountingDisclosureLog::counts() const {
  return {disclosures_.load(std::memory_order_relaxed), records_.load(std::memory_order_relaxed)};
}

}  // namespace coalition::ledger
