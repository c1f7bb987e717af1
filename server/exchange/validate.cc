#include "server/exchange/validate.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/fields.h"
#include "common/policy/limits.h"
#include "common/policy/words.h"
#include "common/seller.h"
#include "server/exchange/access.h"
#include "server/exchange/check_payload.h"
#include "server/exchange/field_checker.h"

namespace coalition::exchange {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

// What a problem of the audience is about: the subject whose place its path begins with.
std::string SubjectText(const v1::Audience& audience, const policy::AudienceProblem& problem) {
  for (int i = 0; i < audience.grants_size(); ++i) {
    if (!problem.path.starts_with("grants[" + std::to_string(i) + "]")) continue;
    const v1::Subject& subject = audience.grants(i).subject();
    switch (subject.subject_case()) {
      case v1::Subject::kMember:
        return subject.member();
      case v1::Subject::kGroup:
        return subject.group();
      case v1::Subject::kKind:
        return v1::MemberKind_Name(subject.kind());
      default:
        return "everyone";
    }
  }
  return problem.path;
}

class RecordCheck {
 public:
  RecordCheck(const CheckRules& rules, CheckedRecord* checked)
      : rules_(rules),
        contents_(checked->contents),
        checked_(*checked),
        fields_(rules.options.repeated_values_max) {}

  absl::Status Run() {
    checked_.record_class = policy::ClassOf(contents_);
    fields_.Known({"record"}, contents_);
    if (!contents_.external_id().empty()) {
      fields_.violations().Check("record.external_id", CheckExternalId(contents_.external_id()));
    }
    Enums();
    Seller();
    ExpireTime();
    CheckPayload(contents_, &fields_, &checked_.references);
    if (absl::Status status = Audience(); !status.ok()) return status;
    if (absl::Status status = fields_.ToStatus(); !status.ok()) return status;
    if (!label_forbids_.ok()) return label_forbids_;
    return Platform();
  }

 private:
  const v1::PolicyLimits& limits() const { return rules_.state.policy().limits(); }

  void Enums() {
    if (contents_.label() == v1::LABEL_UNSPECIFIED) contents_.set_label(v1::LABEL_AMBER);
    if (!v1::Label_IsValid(contents_.label())) fields_.Add({"record.label"}, "no such label");
    const bool as_before = rules_.before != nullptr && rules_.before->label == contents_.label();
    if (!as_before && !policy::AllowsLabel(limits(), contents_.label())) {
      fields_.Add({"record.label"}, "the coalition's policy allows no records of this label");
    }
    if (contents_.permitted_action() == v1::PERMITTED_ACTION_UNSPECIFIED) {
      contents_.set_permitted_action(v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION);
    }
    if (!v1::PermittedAction_IsValid(contents_.permitted_action())) {
      fields_.Add({"record.permitted_action"}, "no such permitted action");
    }
  }

  void Seller() {
    if (checked_.record_class == v1::RECORD_CLASS_OPINION) {
      if (contents_.has_seller()) {
        fields_.Add({"record.seller"}, "an opinion is about the seller of its subject; leave it out");
      }
      return;
    }
    const v1::Seller& given = contents_.seller();
    fields_.Known({"record.seller"}, given);
    if (checked_.record_class == v1::RECORD_CLASS_TAKEDOWN_OUTCOME && given.seller_id().empty()) {
      auto platform = NormalizePlatform(given.platform());
      if (!fields_.violations().Check("record.seller.platform", platform.status())) return;
      contents_.mutable_seller()->set_platform(*std::move(platform));
      return;
    }
    SellerKeyView normal;
    std::string scratch;
    const absl::Status status = NormalizeSeller(given.platform(), given.seller_id(), &normal, &scratch);
    if (!status.ok()) {
      const bool id_at_fault = status.message().substr(0, 9) == "seller_id";
      fields_.violations().Check(id_at_fault ? "record.seller.seller_id" : "record.seller.platform", status);
      return;
    }
    if (normal.platform == given.platform() && normal.seller_id == given.seller_id()) return;
    std::string platform(normal.platform), seller_id(normal.seller_id);
    contents_.mutable_seller()->set_platform(std::move(platform));
    contents_.mutable_seller()->set_seller_id(std::move(seller_id));
  }

  void ExpireTime() {
    int days_max = rules_.options.lifetime_days_max;
    const int of_policy = policy::LifetimeDays(limits(), checked_.record_class, contents_.label());
    if (of_policy != 0) days_max = std::min(days_max, of_policy);
    const int64_t counts_from = rules_.new_evidence ? rules_.now_s : rules_.created_s;
    const int64_t latest = counts_from + int64_t{days_max} * kSecondsPerDay;
    int days_default = policy::DefaultLifetimeDays(limits(), checked_.record_class, contents_.label());
    if (days_default == 0) days_default = rules_.options.lifetime_days_default;
    days_default = std::min(days_default, days_max);
    checked_.expire_time_s = rules_.created_s + int64_t{days_default} * kSecondsPerDay;
    if (contents_.has_expire_time()) {
      fields_.Time("record.expire_time", true, contents_.expire_time());
      checked_.expire_time_s = contents_.expire_time().seconds();
    }
    if (checked_.expire_time_s <= rules_.now_s) fields_.Add({"record.expire_time"}, "must be in the future");
    const bool as_before = rules_.before != nullptr && checked_.expire_time_s <= rules_.before->expire_time_s;
    if (checked_.expire_time_s > latest && !as_before) {
      fields_.Add({"record.expire_time"}, "is over the maximum of " + std::to_string(days_max) +
                                              " days from " + (rules_.new_evidence ? "now" : "the creation"));
    }
  }

  absl::Status Audience() {
    fields_.Known({"record.audience"}, contents_.audience());
    v1::Audience whole;
    // Most include nothing: no copy.
    const bool includes = !contents_.audience().include().empty();
    if (includes) {
      const absl::Status status =
          AddIncluded(rules_.audiences, rules_.options.audience_entries_max, contents_.mutable_audience(),
                      &whole, [this](const std::string& path, const absl::Status& why) {
                        fields_.violations().Check(path, why);
                      });
      if (!status.ok()) return status;
    }
    const v1::Audience& audience = includes ? whole : contents_.audience();
    const int entries = audience.grants_size() + audience.exclusions_size();
    const size_t entries_before =
        rules_.before == nullptr ? 0 : rules_.before->grants.size() + rules_.before->exclusions.size();
    if (entries > std::max(rules_.options.audience_entries_max, static_cast<int>(entries_before))) {
      return OverLimit("audience_entries", rules_.options.audience_entries_max,
                       "record.audience has too many grants and exclusions");
    }
    for (int i = 0; i < audience.grants_size(); ++i) {
      fields_.Known({"record.audience.grants", i}, audience.grants(i));
      fields_.Known({"record.audience.grants", i, "subject"}, audience.grants(i).subject());
    }
    for (int i = 0; i < audience.exclusions_size(); ++i) {
      fields_.Known({"record.audience.exclusions", i}, audience.exclusions(i));
    }
    if (!v1::Label_IsValid(contents_.label())) return absl::OkStatus();  // said already
    static const std::vector<policy::HeaderGrant> none;
    checked_.audience =
        policy::CompileAudience(rules_.state, audience, checked_.record_class, contents_.label(),
                                kAttachedNow, rules_.before == nullptr ? none : rules_.before->grants);
    for (const policy::AudienceProblem& problem : checked_.audience.problems) {
      if (!problem.label_forbids) {
        fields_.violations().Add("record.audience." + problem.path, problem.message);
      } else if (label_forbids_.ok()) {
        label_forbids_ =
            Error(v1::ERROR_REASON_LABEL_FORBIDS_AUDIENCE,
                  "record.audience." + problem.path + ": " + problem.message,
                  {{"label", policy::Word(contents_.label())}, {"subject", SubjectText(audience, problem)}});
      }
    }
    return absl::OkStatus();
  }

  absl::Status Platform() {
    const policy::PlatformState* platform = rules_.state.FindPlatform(contents_.seller().platform());
    checked_.platform = platform == nullptr ? 0 : platform->number;
    if (checked_.record_class != v1::RECORD_CLASS_TAKEDOWN_OUTCOME || rules_.before != nullptr) {
      return absl::OkStatus();
    }
    if (platform != nullptr && rules_.state.HolderOf(platform->number) == rules_.member)
      return absl::OkStatus();
    return Error(v1::ERROR_REASON_PLATFORM_NOT_HELD,
                 "outcomes are published by the marketplace that holds the platform",
                 {{"platform", contents_.seller().platform()}});
  }

  const CheckRules& rules_;
  v1::Record& contents_;
  CheckedRecord& checked_;
  FieldChecker fields_;
  absl::Status label_forbids_;
};

}  // namespace

bool HasNewEvidence(const v1::Record& before, const v1::Record& after) {
  // Hex digits can be written in two ways.
  std::set<std::string> known;
  for (const v1::Evidence& evidence : before.offender_report().evidence())
    known.insert(absl::AsciiStrToLower(evidence.hash()));
  const auto& evidence = after.offender_report().evidence();
  return std::any_of(evidence.begin(), evidence.end(), [&known](const v1::Evidence& item) {
    return !item.hash().empty() && !known.contains(absl::AsciiStrToLower(item.hash()));
  });
}

absl::Status AddIncluded(const AudienceFinder& finder, int max, v1::Audience* audience, v1::Audience* whole,
                         absl::FunctionRef<void(const std::string& path, const absl::Status& why)> problem) {
  *whole = *audience;
  whole->clear_include();
  if (audience->include_size() > max) {
    return OverLimit("audience_entries", max, "record.audience includes too many audiences");
  }
  for (int i = 0; i < audience->include_size(); ++i) {
    v1::Audience found;
    std::string pinned;
    absl::Status status = finder.Find(audience->include(i), &found, &pinned);
    if (absl::IsInvalidArgument(status)) {
      problem("record.audience.include[" + std::to_string(i) + "]", status);
      continue;
    }
    if (!status.ok()) return status;
    whole->mutable_grants()->MergeFrom(found.grants());
    whole->mutable_exclusions()->MergeFrom(found.exclusions());
    audience->set_include(i, pinned);
  }
  return absl::OkStatus();
}

absl::Status CheckRecord(const v1::Record& record, const CheckRules& rules, CheckedRecord* checked) {
  const size_t bytes = record.ByteSizeLong();
  if (bytes > std::max(static_cast<size_t>(rules.options.record_bytes_max), rules.bytes_before)) {
    return OverLimit("record_bytes", rules.options.record_bytes_max, "the record is too large");
  }
  checked->contents = record;
  v1::Record& contents = checked->contents;
  contents.clear_name();
  contents.clear_contributor();
  contents.clear_record_class();
  contents.clear_state();
  contents.clear_create_time();
  contents.clear_update_time();
  contents.clear_etag();
  contents.clear_view();
  contents.clear_disputed();
  contents.clear_contest();
  contents.clear_cleared_before();
  if (contents.audience().grants().empty() && contents.audience().exclusions().empty() &&
      contents.audience().include().empty() && !HasUnknownFields(contents.audience())) {
    contents.clear_audience();  // the same as none
  }
  return RecordCheck(rules, checked).Run();
}

}  // namespace coalition::exchange
