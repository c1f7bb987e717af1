// The seam through which everything that is shown to a member passes, before it is shown.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/policy/header.h"

namespace coalition::ledger {

struct DisclosedRecord {
  policy::RecordIdBytes record{};
  uint32_t contributor = 0;      // member number
  policy::ViewSet view_ids = 0;  // as policy::Decision
  // UNSPECIFIED: not known, so it may be an opinion.
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
};

// What an answer shows, and the state of the coalition that it was judged by: the epoch, and the store's
// revision of the state, since members' own policies change within an epoch. The revision is not for members:
// it counts commits.
struct Shown {
  uint64_t epoch = 0;
  uint64_t state_revision = 0;
  std::vector<DisclosedRecord> records;
};

// One reply, or one batch of a stream. What a member sees of its own is no disclosure. A record that is shown
// in several ways may stand here several times.
struct Disclosure {
  uint32_t member = 0;
  std::string_view credential;  // lives as long as the call
  std::string_view method;      // "ScreenSellers"
  uint64_t epoch = 0;           // as Shown
  uint64_t state_revision = 0;  // as Shown
  int64_t time_ns = 0;
  std::vector<DisclosedRecord> records;
};

// Runs the member's work soon, on a thread that is not the commit lane's.
using RunLater = std::function<void(uint32_t member, std::function<void()> work)>;

// Thread-safe.
class DisclosureLog {
 public:
  virtual ~DisclosureLog() = default;

  // Calls `recorded` once, on any thread, perhaps before returning; with OK when the disclosure is recorded
  // as durably as this log records, and only then may the reply leave. An error must fail the call. Not
  // called for empty disclosures.
  virtual void Record(Disclosure disclosure, std::function<void(absl::Status)> recorded) = 0;
};

// Counts what is disclosed, for the metrics, and answers at once.
class CountingDisclosureLog final : public DisclosureLog {
 public:
  struct Counts {
    uint64_t disclosures = 0;
    uint64_t records = 0;
  };
  void Record(Disclosure disclosure, std::function<void(absl::Status)> recorded) override;
  // Each is exact; read together they may be one disclosure apart.
  Counts counts() const;

 private:
  std::atomic<uint64_t> disclosures_{0};
  std::atomic<uint64_t> records_{0};
};

}  // namespace coalition::ledger
