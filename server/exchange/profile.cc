#include "server/exchange/profile.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/policy/fields.h"
#include "common/seller.h"
#include "server/exchange/access.h"
#include "server/exchange/row_source.h"
#include "server/exchange/screen.h"

namespace coalition::exchange {
namespace {

// Of the records in one profile, serialised; see ListRecords.
constexpr size_t kProfileBytesMax = size_t{1} << 20;

google::protobuf::Duration Between(const google::protobuf::Timestamp& from,
                                   const google::protobuf::Timestamp& to) {
  int64_t seconds = to.seconds() - from.seconds();
  int32_t nanos = to.nanos() - from.nanos();
  // Both parts of a Duration have one sign.
  if (seconds > 0 && nanos < 0) {
    --seconds;
    nanos += 1'000'000'000;
  } else if (seconds < 0 && nanos > 0) {
    ++seconds;
    nanos -= 1'000'000'000;
  }
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return duration;
}

// Whether the time is shown as it is, not as its day.
bool ShowsCreateTime(const SeenRecord& seen) {
  const v1::RecordClass of = seen.stored.header.record_class();
  const auto field = policy::FieldIndex(of, "create_time");
  return field && seen.decision.view.level(*field) == policy::Level::kFull;
}

// What the asker may see of what became of one notice. Outcomes that name no seller are found here too, by
// their reference.
class CourseBuilder {
 public:
  CourseBuilder(const Reader& reader, int outcomes_max, ledger::Disclosure* disclosure)
      : reader_(reader), outcomes_max_(outcomes_max), disclosure_(disclosure) {}

  absl::Status Build(const SeenRecord& notice, const v1::Record& shown, v1::TakedownCourse* course) {
    course->set_notice(shown.name());
    const auto rows =
        IndexRows(reader_.store(), reader_.at(),
                  BackReferencePrefix(notice.id, v1::RECORD_CLASS_TAKEDOWN_OUTCOME), std::nullopt);
    for (;;) {
      auto row = rows->Next();
      if (!row.ok()) return row.status();
      if (!row->has_value()) break;
      if (absl::Status watched = reader_.asker().Look(); !watched.ok()) return watched;
      auto outcome = reader_.FindByKey(std::move((*row)->record_key));
      if (!outcome.ok()) return outcome.status();
      if (!outcome->has_value()) continue;
      if (absl::Status status = Add(**outcome, notice, shown, course); !status.ok()) return status;
      if (course->outcomes_size() > outcomes_max_) {  // it was seen, and says that there is an earlier one
        course->mutable_outcomes()->RemoveLast();
        course->clear_turnaround();
        break;
      }
    }
    std::reverse(course->mutable_outcomes()->begin(), course->mutable_outcomes()->end());
    return absl::OkStatus();
  }

 private:
  // Outcomes come newest first: the last one added is the oldest.
  absl::Status Add(const SeenRecord& outcome, const SeenRecord& notice, const v1::Record& shown_notice,
                   v1::TakedownCourse* course) {
    v1::Record shown;
    const size_t before = disclosure_->records.size();
    absl::Status status = reader_.Show(outcome, &shown, disclosure_);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    if (!status.ok() || shown.takedown_outcome().notice() != shown_notice.name()) {
      disclosure_->records.resize(before);
      return absl::OkStatus();
    }
    if (course->outcomes().empty()) course->set_last_action_taken(shown.takedown_outcome().action_taken());
    course->add_outcomes(shown.name());
    course->set_reinstated(course->reinstated() || shown.takedown_outcome().reinstated());
    if (ShowsCreateTime(notice) && ShowsCreateTime(outcome)) {
      *course->mutable_turnaround() = Between(shown_notice.create_time(), shown.create_time());
    } else {
      course->clear_turnaround();
    }
    return absl::OkStatus();
  }

  const Reader& reader_;
  const int outcomes_max_;
  ledger::Disclosure* const disclosure_;
};

void AddCounts(const std::vector<SellerRecord>& records, v1::SellerProfile* profile) {
  std::map<v1::RecordClass, int> counts;
  for (const SellerRecord& record : records) ++counts[record.record_class];
  for (const auto& [record_class, count] : counts) {
    v1::ClassCount* added = profile->add_counts();
    added->set_record_class(record_class);
    added->set_count(count);
  }
}

}  // namespace

absl::Status GetSellerProfile(const Reader& reader, const ExchangeOptions& options,
                              const v1::GetSellerProfileRequest& request,
                              v1::GetSellerProfileResponse* response, ledger::Disclosure* disclosure) {
  const auto seller = NormalizeSeller(request.seller().platform(), request.seller().seller_id());
  FieldViolations violations;
  if (!violations.Check("seller", seller.status())) return violations.ToStatus();
  SellerPicture picture;
  const std::string token = reader.contents().SellerToken(seller->platform, seller->seller_id);
  const std::string prefix = SellerPrefix(seller->platform, token);
  if (absl::Status status = picture.Scan(reader.store(), reader.asker(), prefix); !status.ok()) {
    return status;
  }
  v1::SellerProfile* profile = response->mutable_profile();
  profile->mutable_seller()->set_platform(seller->platform);
  profile->mutable_seller()->set_seller_id(seller->seller_id);
  profile->set_verdict(picture.verdict());
  picture.DiscloseDisputes(false, disclosure);
  AddCounts(picture.records(), profile);
  size_t shown_max = static_cast<size_t>(options.profile_records_max);
  size_t bytes = 0;
  CourseBuilder courses(reader, options.profile_records_max, disclosure);
  for (size_t i = 0; i < picture.records().size(); ++i) {
    const SellerRecord& record = picture.records()[i];
    if (i >= shown_max) {  // counted, and counted in the verdict
      Disclose(record, disclosure);
      continue;
    }
    auto seen = reader.FindByKey(RecordKey(seller->platform, token, record.id));
    if (!seen.ok()) return seen.status();
    if (!seen->has_value()) continue;  // it was erased meanwhile
    v1::Record* shown = profile->add_records();
    if (absl::Status status = reader.Show(**seen, shown, disclosure); !status.ok()) {
      if (!absl::IsNotFound(status)) return status;
      profile->mutable_records()->RemoveLast();
      continue;
    }
    bytes += shown->ByteSizeLong();
    if (bytes > kProfileBytesMax) shown_max = i + 1;
    if (record.record_class != v1::RECORD_CLASS_TAKEDOWN_NOTICE) continue;
    if (absl::Status status = courses.Build(**seen, *shown, profile->add_takedowns()); !status.ok())
      return status;
  }
  profile->set_truncated(picture.records().size() > shown_max);
  return absl::OkStatus();
}

}  // namespace coalition::exchange
