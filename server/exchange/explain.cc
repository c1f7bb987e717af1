#include "server/exchange/explain.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/audience.h"
#include "common/policy/explain.h"
#include "common/policy/fields.h"
#include "common/policy/limits.h"
#include "common/seller.h"
#include "common/strings.h"
#include "server/exchange/access.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/named_audience.h"
#include "server/exchange/validate.h"

namespace coalition::exchange {
namespace {

// A record to be explained.
struct Explained {
  policy::HeaderView header;
  // Of an opinion: what it is about, if that is there.
  std::optional<policy::HeaderView> subject;
  // Whether who asks may know who sees the subject: its contributor and auditors, and each member for itself.
  // It is not the affair of whoever has an opinion of it.
  bool subject_told = false;
  // Whether who asks is shown the seller's platform, by which HOST and OTHER are told apart.
  bool platform_told = true;
};

policy::Explanation ExplainFor(const policy::State& state, uint32_t member, bool self,
                               const Explained& record, int64_t now_s) {
  if (record.header.record_class() != v1::RECORD_CLASS_OPINION) {
    return policy::Explain(state, member, record.header, now_s);
  }
  if (record.subject_told || self) {
    const policy::Decision subject =
        record.subject ? policy::Decide(state, member, *record.subject, now_s) : policy::Decision{};
    return policy::ExplainOpinion(state, member, record.header, subject, now_s);
  }
  // Nor who hosts its seller: as if nobody held the platform.
  std::optional<policy::HeaderView> header = record.header;
  std::string unplaced_bytes;
  if (!record.platform_told) {
    policy::Header unplaced = record.header.ToHeader();
    unplaced.platform = 0;
    unplaced_bytes = policy::EncodeHeader(unplaced);
    header = policy::HeaderView::Parse(unplaced_bytes);
  }
  if (!header) return {};
  policy::Explanation explanation = policy::Explain(state, member, *header, now_s);
  policy::Cause& cause = explanation.causes.emplace_back(
      policy::Cause{v1::AccessCause::LAYER_SUBJECT, "opinion.subject",
                    "only if it sees the record that the opinion is about, and no more of the seller "
                    "than there; who does is its contributor's affair"});
  cause.without = explanation.decision.view;
  return explanation;
}

using Accesses = google::protobuf::RepeatedPtrField<v1::MemberAccess>;

// Adds what one member sees; `asker` is who asks.
void Add(const policy::State& state, uint32_t member, const Asker& asker, const Explained& record,
         bool with_others, Accesses* members) {
  v1::MemberAccess& access = *members->Add();
  access = policy::ToMemberAccess(state, member, record.header.record_class(),
                                  ExplainFor(state, member, member == asker.member, record, asker.now_s),
                                  with_others);
  if (!record.platform_told) access.clear_relation();
}

void Sort(Accesses* members) {
  std::sort(members->pointer_begin(), members->pointer_end(), [](const auto* a, const auto* b) {
    return a->visible() != b->visible() ? a->visible() : a->member() < b->member();
  });
}

class Draft {
 public:
  Draft(const Room& room, const Reader& reader, const v1::Record& record,
        v1::PreviewAudienceResponse* response)
      : room_(room), reader_(reader), state_(reader.asker().state), record_(record), response_(*response) {}

  absl::Status Preview() {
    header_.record_class = policy::ClassOf(record_);
    if (header_.record_class == v1::RECORD_CLASS_UNSPECIFIED) {
      FieldViolations violations;
      violations.Add("record",
                     "needs a payload: offender_report, takedown_notice, takedown_outcome or opinion");
      return violations.ToStatus();
    }
    header_.label = record_.label() == v1::LABEL_UNSPECIFIED ? v1::LABEL_AMBER : record_.label();
    header_.permitted_action = v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION;
    header_.contributor = reader_.asker().member;
    // As if it were made in the next moment.
    header_.made = policy::kStill - 1;
    header_.expire_time_s = reader_.asker().now_s + 1;
    if (absl::Status status = Seller(); !status.ok()) return status;
    if (absl::Status status = Subject(); !status.ok()) return status;
    if (absl::Status status = Audience(); !status.ok()) return status;
    if (response_.problems().empty()) Show();
    return absl::OkStatus();
  }

 private:
  void Problem(std::string path, std::string_view message, bool label_forbids = false) {
    v1::AudienceProblem& problem = *response_.add_problems();
    problem.set_path(std::move(path));
    problem.set_message(std::string(message));
    problem.set_label_forbids(label_forbids);
  }

  absl::Status Seller() {
    if (record_.has_opinion() || record_.seller().platform().empty()) return absl::OkStatus();
    const auto platform = NormalizePlatform(record_.seller().platform());
    FieldViolations violations;
    if (!violations.Check("record.seller.platform", platform.status())) return violations.ToStatus();
    const policy::PlatformState* known = state_.FindPlatform(*platform);
    header_.platform = known == nullptr ? 0 : known->number;
    return absl::OkStatus();
  }

  absl::Status Subject() {
    if (!record_.has_opinion()) return absl::OkStatus();
    FieldViolations violations;
    const auto id = ParseRecordName(record_.opinion().subject());
    if (!violations.Check("record.opinion.subject", id.status())) return violations.ToStatus();
    auto seen = reader_.FindById(*RecordIdToBytes(*id));
    if (!seen.ok()) return seen.status();
    if (!seen->has_value()) {
      return Error(v1::ERROR_REASON_REFERENCE_NOT_FOUND, "a referenced record is not one that you can see",
                   {{"field", "opinion.subject"}});
    }
    subject_ = *std::move(seen);
    header_.subject = subject_->id;
    header_.platform = subject_->stored.header.platform();
    return absl::OkStatus();
  }

  absl::Status Audience() {
    if (!v1::Label_IsValid(header_.label)) {
      Problem("record.label", "no such label");
      return absl::OkStatus();
    }
    if (!policy::AllowsLabel(state_.policy().limits(), header_.label)) {
      Problem("record.label", "the coalition's policy allows no records of this label");
    }
    v1::Audience written = record_.audience(), audience;
    absl::Status included = AddIncluded(
        NamedAudiences(room_.store, reader_.asker()), room_.options.audience_entries_max, &written, &audience,
        [this](const std::string& path, const absl::Status& why) { Problem(path, Std(why.message())); });
    if (!included.ok()) return included;
    if (audience.grants_size() + audience.exclusions_size() > room_.options.audience_entries_max) {
      return OverLimit("audience_entries", room_.options.audience_entries_max,
                       "record.audience has too many grants and exclusions");
    }
    policy::CompiledAudience compiled = policy::CompileAudience(state_, audience, header_.record_class,
                                                                header_.label, policy::kStill - 1, {});
    for (const policy::AudienceProblem& problem : compiled.problems) {
      Problem("record.audience." + problem.path, problem.message, problem.label_forbids);
    }
    header_.grants = std::move(compiled.grants);
    header_.exclusions = std::move(compiled.exclusions);
    return absl::OkStatus();
  }

  void Show() {
    const std::string bytes = policy::EncodeHeader(header_);
    const auto header = policy::HeaderView::Parse(bytes);
    if (!header) return;
    Explained explained{*header, std::nullopt, subject_ && subject_->decision.owner};
    if (subject_) {
      explained.platform_told =
          ShowsPlatform(subject_->stored.header.record_class(), subject_->decision.view);
    }
    if (subject_) explained.subject = subject_->stored.header;
    for (const policy::MemberState& member : state_.members()) {
      if (member.number == header_.contributor) continue;
      Add(state_, member.number, reader_.asker(), explained, true, response_.mutable_members());
    }
    Sort(response_.mutable_members());
  }

  const Room& room_;
  const Reader& reader_;
  const policy::State& state_;
  const v1::Record& record_;
  v1::PreviewAudienceResponse& response_;
  policy::Header header_;
  std::optional<SeenRecord> subject_;
};

}  // namespace

absl::Status PreviewAudience(const Room& room, const CallContext& context, const Reader& reader,
                             const v1::PreviewAudienceRequest& request,
                             v1::PreviewAudienceResponse* response) {
  // What an opinion is about is asked for too.
  if (request.record().has_opinion()) {
    if (absl::Status status = CheckMayRead(context); !status.ok()) return status;
  }
  response->set_epoch(static_cast<int64_t>(context.snapshot->policy_state().epoch()));
  return Draft(room, reader, request.record(), response).Preview();
}

absl::Status ExplainAccess(const Room& room, const CallContext& context, const Reader& reader,
                           const v1::ExplainAccessRequest& request, v1::ExplainAccessResponse* response,
                           ledger::Disclosure* disclosure) {
  if (absl::Status status = CheckMayReadOrAudit(context); !status.ok()) return status;
  FieldViolations violations;
  const auto id = ParseRecordName(request.name());
  violations.Check("name", id.status());
  absl::StatusOr<std::string> about = std::string();
  if (!request.member().empty()) about = ParseMemberName(request.member());
  violations.Check("member", about.status());
  if (request.epoch() < 0) violations.Add("epoch", "must not be negative");
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;

  const bool auditor = IsAuditor(context);
  const auto found = reader.FindUnjudged(*RecordIdToBytes(*id));
  if (!found.ok()) return found.status();
  if (!found->has_value()) return NotFound();
  const FoundRecord& record = **found;
  const policy::Decision own = record.DecideFor(reader.asker());
  if (!own.visible() && !auditor) return NotFound();
  const bool anyone = own.owner || auditor;
  const uint32_t self = context.caller.member_number;

  std::shared_ptr<const membership::Snapshot> snapshot = context.snapshot;
  // The present epoch is judged by the moment of the call. How it was before tells of contributors' own
  // policies, also of those that ended before the record was made.
  const bool earlier =
      request.epoch() != 0 && request.epoch() != static_cast<int64_t>(snapshot->policy_state().epoch());
  if (earlier && !anyone) {
    return Error(v1::ERROR_REASON_ROLE_MISSING,
                 "only a record's contributor and auditors ask about earlier epochs", {{"role", "AUDITOR"}});
  }
  if (earlier) {
    auto then = room.directory.At(static_cast<uint64_t>(request.epoch()));
    if (absl::IsOutOfRange(then.status())) {
      violations.Add("epoch", "there was no such epoch, or history does not reach back to it");
      return violations.ToStatus();
    }
    if (!then.ok()) return FromStore(then.status());
    snapshot = *std::move(then);
  }
  const policy::State& state = snapshot->policy_state();
  const policy::MemberState* member = about->empty() ? nullptr : state.FindMember(*about);
  if (!about->empty() && member == nullptr) return NotFound();
  if (!anyone && member != nullptr && member->number != self) {
    return Error(v1::ERROR_REASON_ROLE_MISSING,
                 "only a record's contributor and auditors ask about other members", {{"role", "AUDITOR"}});
  }
  const std::optional<policy::HeaderView> subject = record.subject_header();
  const Explained explained{record.stored.header, subject,
                            auditor || (subject && subject->contributor() == self),
                            auditor || ShowsPlatform(record.stored.header.record_class(), own.view)};
  response->set_epoch(static_cast<int64_t>(state.epoch()));
  if (member != nullptr || !anyone) {
    Add(state, member != nullptr ? member->number : self, reader.asker(), explained, anyone,
        response->mutable_members());
  } else {
    for (const policy::MemberState& one : state.members()) {
      if (one.number != record.stored.header.contributor()) {
        Add(state, one.number, reader.asker(), explained, true, response->mutable_members());
      }
    }
    Sort(response->mutable_members());
  }
  // An auditor learns of the record, if nothing that is in it.
  Disclose(record.id, record.stored.header, own, disclosure);
  return absl::OkStatus();
}

}  // namespace coalition::exchange
