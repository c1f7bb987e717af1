#include "server/ledger/refusals.h"

#include <span>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/timestamp.h"

namespace coalition::ledger {
namespace {

// The lane's line of what is no member's.
constexpr uint32_t kRefusalsLine = kNotesLine | (uint32_t{1} << 30);
constexpr size_t kEntryBytes = 256;

bool IsRefusal(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsResourceExhausted(status);
}

}  // namespace

void Refusals::Note(uint32_t member, std::string_view method, const absl::Status& refused) {
  if (!IsRefusal(refused)) return;
  const MutexLock lock(mutex_);
  Add({member, std::string(method), std::string(ReasonName(GetErrorReason(refused)))}, 1);
}

void Refusals::Add(const What& what, int64_t count) {
  const auto at = counts_.find(what);
  if (at != counts_.end()) {
    at->second += count;
  } else if (counts_.size() < kKindsMax) {
    counts_.emplace(what, count);
  } else {
    counts_[{0, "", std::get<2>(what)}] += count;
  }
}

void Refusals::Flush() {
  std::map<What, int64_t> counts;
  {
    const MutexLock lock(mutex_);
    counts.swap(counts_);
  }
  if (counts.empty()) return;
  const int64_t now_ns = clock_.NowNs();
  std::vector<std::string> values;
  for (const auto& [what, count] : counts) {
    const auto& [member, method, reason] = what;
    v1::LedgerContent content;
    v1::LedgerRefusals& of = *content.mutable_refusals();
    if (member != 0) of.set_member(names_.member(member));
    of.set_method(method);
    of.set_reason(reason);
    of.set_count(count);
    *of.mutable_time() = ToTimestamp(now_ns);
    storage::v1::StoredLedgerEntry entry = MakeEntry(*names_.keys, now_ns, content);
    entry.add_parties(member != 0 ? member : kAuditors);
    values.push_back(entry.SerializeAsString());
  }
  const size_t bytes = values.size() * kEntryBytes;
  store::Commit commit;
  commit.build =
      [values = std::move(values)](
          store::Revision revision,
          std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    std::vector<store::Write> writes;
    for (const std::string& value : values)
      writes.push_back({EntryKey({revision, static_cast<uint32_t>(writes.size())}), value});
    return writes;
  };
  lane_.Submit(
      std::move(commit),
      [this, counts = std::move(counts)](const absl::StatusOr<store::Revision>& revision) {
        if (revision.ok()) return;
        const MutexLock lock(mutex_);
        for (const auto& [what, count] : counts) Add(what, count);
      },
      bytes, kRefusalsLine);
}

}  // namespace coalition::ledger
