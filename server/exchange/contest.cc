#include "server/exchange/contest.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/ids.h"
#include "common/policy/limits.h"
#include "common/timestamp.h"
#include "server/exchange/draft.h"

namespace coalition::exchange {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayS = 86'400;

// nullopt: there is no such record, or it is damaged.
absl::StatusOr<std::optional<FoundRecord>> Find(const Reader& reader, const std::string& name) {
  const auto text = ParseRecordName(name);
  const auto id = text.ok() ? RecordIdToBytes(*text) : std::nullopt;
  if (!id) return std::optional<FoundRecord>();
  auto found = reader.FindUnjudged(*id);
  if (absl::IsDataLoss(found.status())) return std::optional<FoundRecord>();
  return found;
}

// The report that a notice rests on; empty: none.
std::string ReportOf(const contents::ContentKeys& contents, const FoundRecord& notice, int64_t now_s) {
  if (!notice.stored.header.LiveAt(now_s)) return {};
  const auto record = OpenMessage(contents, notice.id, notice.stored);
  return record.ok() && record->has_value() ? (*record)->takedown_notice().report() : std::string();
}

// Empty: it names the platform alone.
std::string PrefixOf(const contents::ContentKeys& contents, const v1::Seller& seller) {
  if (seller.seller_id().empty()) return {};
  return SellerPrefix(seller.platform(), contents.SellerToken(seller.platform(), seller.seller_id()));
}

}  // namespace

bool SaysUpheld(const v1::Record& record) {
  return record.takedown_outcome().appeal_result() == v1::APPEAL_RESULT_UPHELD;
}

bool SaysUpheldAnew(const v1::Record& before, const v1::Record& after) {
  const v1::TakedownOutcome &was = before.takedown_outcome(), &is = after.takedown_outcome();
  return SaysUpheld(after) &&
         (!SaysUpheld(before) || was.notice() != is.notice() || was.report() != is.report());
}

Contests::Contests(const Contributor& contributor, const contents::ContentKeys& contents)
    : contents_(&contents),
      now_ns_(contributor.now_ns),
      days_(policy::ContestDays(contributor.snapshot->policy_state().policy().limits())) {}

absl::Status Contests::Take(const Reader& reader, const v1::Record& outcome, uint32_t platform, int item) {
  // Who has given the platform up may still correct what it said, and decides no more.
  const bool hosts = platform != 0 && reader.asker().state.HolderOf(platform) == reader.asker().member;
  if (!SaysUpheld(outcome) || !hosts) return absl::OkStatus();
  const Report report{{}, PrefixOf(*contents_, outcome.seller()), platform, item};
  if (absl::Status status = Add(reader, outcome.takedown_outcome().report(), report); !status.ok()) {
    return status;
  }
  const auto notice = Find(reader, outcome.takedown_outcome().notice());
  if (!notice.ok()) return notice.status();
  if (!notice->has_value()) return absl::OkStatus();
  return Add(reader, ReportOf(*contents_, **notice, now_ns_ / kSecondNs), report);
}

absl::Status Contests::Add(const Reader& reader, const std::string& name, const Report& report) {
  auto found = Find(reader, name);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return absl::OkStatus();
  bytes_ += (*found)->value->size();
  reports_.push_back(report);
  reports_.back().key = std::move((*found)->key);
  return absl::OkStatus();
}

void Contests::AppendReads(std::vector<std::string>* reads) const {
  for (const Report& report : reports_) reads->push_back(report.key);
}

void Contests::AppendWrites(std::span<const std::optional<store::Version>> values,
                            absl::FunctionRef<bool(int)> made, std::vector<store::Write>* writes) const {
  absl::flat_hash_set<std::string_view> contested;
  for (size_t i = 0; i < reports_.size(); ++i) {
    const Report& report = reports_[i];
    const auto stored = values[i].has_value() ? ParseStoredRecord(values[i]->value) : std::nullopt;
    if (!stored || !made(report.item) || !Fits(report, stored->header)) continue;
    if (contested.insert(report.key).second) Contest(report.key, *stored, writes);
  }
}

bool Contests::Fits(const Report& report, const policy::HeaderView& header) const {
  if (header.record_class() != v1::RECORD_CLASS_OFFENDER_REPORT) return false;
  if (header.state() != policy::Lifecycle::kActive || !header.LiveAt(now_ns_ / kSecondNs)) return false;
  if (header.platform() != report.platform) return false;
  return report.key.starts_with(report.seller_prefix);
}

void Contests::Contest(const std::string& key, const StoredRecordView& stored,
                       std::vector<store::Write>* writes) const {
  const auto id = IdOfRecordKey(key);
  if (!id) return;
  auto opened = OpenMessage(*contents_, *id, stored);
  if (!opened.ok() || !opened->has_value()) return;
  v1::Record record = **std::move(opened);
  policy::Header header = stored.header.ToHeader();
  const int64_t old_expire_time_s = header.expire_time_s;
  header.state = policy::Lifecycle::kContested;
  header.expire_time_s = std::min(old_expire_time_s, now_ns_ / kSecondNs + days_ * kDayS);
  v1::Contest* contest = record.mutable_contest();
  contest->Clear();
  *contest->mutable_contest_time() = ToTimestamp(now_ns_);
  contest->mutable_lapse_time()->set_seconds(header.expire_time_s);
  AppendForm(key, SealStoredRecord(*contents_, *id, header, stored.ordinal, stored.verdict, record),
             old_expire_time_s, header.expire_time_s, writes);
}

}  // namespace coalition::exchange
