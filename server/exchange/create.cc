#include "server/exchange/create.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/exchange/cleared_before.h"
#include "server/exchange/contest.h"
#include "server/exchange/draft.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/named_audience.h"
#include "server/exchange/request_memory.h"
#include "server/exchange/seller_quota.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

// What the commit, or an earlier call, found instead of a new record.
struct Existing {
  RecordId id{};
  std::string external_id;  // that it was found by; empty: by request_id
};

std::string PayloadOf(v1::CreateRecordRequest request) {
  request.clear_request_id();
  return request.SerializeAsString();
}

absl::Status CheckRequest(const v1::CreateRecordRequest& request) {
  FieldViolations violations;
  if (!request.has_record()) violations.Add("record", "is missing");
  if (!request.request_id().empty()) violations.Check("request_id", CheckRequestId(request.request_id()));
  return violations.ToStatus();
}

class CreateCall : public std::enable_shared_from_this<CreateCall> {
 public:
  CreateCall(const Room& room, const CallContext& context, const v1::CreateRecordRequest& request,
             Exchange::DoneShowing<v1::CreateRecordResponse> done)
      : room_(room),
        contributor_(context),
        memory_(room, contributor_, Method::kCreate, request.request_id(), PayloadOf(request)),
        validate_only_(request.validate_only()),
        done_(std::move(done)) {}

  void Run(const v1::Record& record) {
    const auto prepared = Prepare(record);
    if (!prepared.ok()) return Fail(prepared);
    if (existing_) return AnswerExisting();
    if (validate_only_) {
      // It has no name yet.
      response_.mutable_record()->clear_name();
      response_.mutable_record()->clear_etag();
      return Succeed();
    }
    Submit();
  }

 private:
  absl::Status Prepare(const v1::Record& record) {
    auto remembered = memory_.LookUp(room_.store);
    if (!remembered.ok()) return remembered.status();
    if (remembered->has_value()) {
      existing_ = Existing{**remembered, ""};
      return absl::OkStatus();
    }
    CheckedRecord checked;
    const NamedAudiences audiences(room_.store, contributor_.asker());
    const CheckRules rules{room_.options,
                           audiences,
                           contributor_.asker().state,
                           contributor_.member,
                           contributor_.now_s(),
                           contributor_.now_s(),
                           nullptr,
                           0};
    if (absl::Status status = CheckRecord(record, rules, &checked); !status.ok()) return status;
    if (!checked.references.empty() && !contributor_.may_read.ok()) return contributor_.may_read;
    // Before its references are looked at: a repetition finds its record also when what that refers to is
    // gone.
    if (absl::Status status = LookUpExternalId(checked.contents); !status.ok() || existing_) return status;
    return MakeNew(std::move(checked));
  }

  absl::Status LookUpExternalId(const v1::Record& contents) {
    if (contents.external_id().empty()) return absl::OkStatus();
    const contents::ContentKeys& keys = *room_.keys.contents;
    const std::string key = ExternalIdKey(keys, contributor_.member, contents.external_id());
    const auto read = room_.store.Read(std::span(&key, 1), room_.store.Head());
    if (!read.ok()) return FromStore(read.status());
    const auto found =
        JudgeExternalId(keys, contents.external_id(), Sha256(contents.SerializeAsString()), (*read)[0]);
    if (!found.ok()) return found.status();
    if (found->has_value()) existing_ = Existing{**found, contents.external_id()};
    return absl::OkStatus();
  }

  // Makes the draft and the answer.
  absl::Status MakeNew(CheckedRecord checked) {
    const Reader reader(room_.store, room_.keys, contributor_.asker());
    std::optional<SeenRecord> subject;
    if (absl::Status status = ResolveReferences(reader, checked, {}, &subject); !status.ok()) return status;
    if (auto status = contests_.Take(reader, checked.contents, checked.platform); !status.ok()) return status;
    RecordId id;
    room_.random.Fill(id);
    auto draft = MakeDraft(room_, contributor_, id, std::move(checked), subject ? &*subject : nullptr);
    if (!draft.ok()) return draft.status();
    draft_ = *std::move(draft);
    if (absl::Status status = quota_.Take(draft_); !status.ok()) return status;
    if (absl::Status status = NoteClearedBefore(room_, reader.at(), &draft_); !status.ok()) return status;
    SealDraft(room_, &draft_);
    const std::string value = EncodeStoredRecord(draft_.header, 0, draft_.verdict, draft_.sealed);
    const auto stored = ParseStoredRecord(value);
    if (!stored) return Error(v1::ERROR_REASON_INTERNAL, "the record has no stored form");
    const policy::Decision decision =
        subject ? JudgeOpinion(contributor_.asker(), stored->header, &subject->stored.header)
                : Judge(contributor_.asker(), stored->header);
    if (subject) {
      const auto shown = SubjectShown(decision, subject->id, subject->stored.header, subject->decision);
      if (shown) shown_.records.push_back(*shown);
    }
    return reader.Project(id, *stored, decision, false, response_.mutable_record());
  }

  void Submit() {
    store::Commit commit;
    if (memory_.enabled()) commit.reads.push_back(memory_.key());
    if (!draft_.external_id_key.empty()) commit.reads.push_back(draft_.external_id_key);
    if (draft_.seller_hash) {
      // A false positive must not leave the seller without its presence key: what the filter may contain is
      // looked up.
      presence_unsure_ = room_.filter->MayContain(*draft_.seller_hash);
      if (presence_unsure_) commit.reads.push_back(PresenceKey(*draft_.seller_hash));
    }
    contests_from_ = commit.reads.size();
    contests_.AppendReads(&commit.reads);
    quota_.AppendReads(&commit.reads);  // the last
    commit.build = [self = shared_from_this()](store::Revision revision, Values values) {
      return self->Build(revision, values);
    };
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      if (!revision.ok()) return self->Fail(FromStore(revision.status()));
      if (self->existing_)
        return self->room_.run_later(self->contributor_.member, [self] { self->AnswerExisting(); });
      self->Succeed();
    };
    const size_t bytes = PlacedBytes(draft_) + contests_.bytes() + quota_.removal_bytes();
    room_.lane.Submit(std::move(commit), committed, bytes, contributor_.member);
  }

  using Values = std::span<const std::optional<store::Version>>;

  // Of two calls at once the one that is judged second finds what the first one made.
  absl::StatusOr<std::vector<store::Write>> Build(store::Revision revision, Values values) {
    existing_.reset();
    std::vector<store::Write> writes;
    if (auto status = contributor_.CheckStillMay(room_.directory); !status.ok()) return status;
    size_t next = 0;
    if (memory_.enabled()) {
      const auto remembered = memory_.Judge(values[next++]);
      if (!remembered.ok()) return remembered.status();
      if (remembered->has_value()) {
        existing_ = Existing{**remembered, ""};
        return writes;
      }
    }
    if (!draft_.external_id_key.empty()) {
      const auto found =
          JudgeExternalId(*room_.keys.contents, draft_.external_id, draft_.contents_sha256, values[next++]);
      if (!found.ok()) return found.status();
      if (found->has_value()) existing_ = Existing{**found, draft_.external_id};
    }
    if (!existing_) {
      const bool write_presence = draft_.seller_hash && (!presence_unsure_ || !values[next].has_value());
      // Before the commit is published: who can see a record finds its seller in the filter.
      if (draft_.seller_hash) room_.filter->Add(*draft_.seller_hash);
      Place(draft_, revision, 0, write_presence, &writes);
      contests_.AppendWrites(values.subspan(contests_from_, contests_.reads()), MadeAlways, &writes);
      quota_.AppendRemovals(values, &writes);
    }
    if (memory_.enabled()) writes.push_back(memory_.Entry(existing_ ? existing_->id : draft_.id));
    return writes;
  }

  // With the record as it is now and as the contributor may see it now.
  void AnswerExisting() {
    // The earlier call may have been told that not all of it was kept.
    const auto kept = store::CommitWrites(room_.store, {});
    if (!kept.ok()) return Fail(FromStore(kept.status()));
    contributor_.Renew(room_.directory);
    const Reader reader(room_.store, room_.keys, contributor_.asker());
    const auto seen = reader.FindById(existing_->id);
    if (!seen.ok()) return Fail(seen.status());
    if (!seen->has_value()) {
      return Fail(existing_->external_id.empty() ? NotFound() : ExternalIdGone(existing_->external_id));
    }
    if ((*seen)->subject && !contributor_.may_read.ok()) return Fail(contributor_.may_read);
    response_.Clear();
    shown_.records.clear();
    if (absl::Status status = reader.Show(**seen, response_.mutable_record(), &shown_); !status.ok()) {
      return Fail(status);
    }
    response_.set_existed(true);
    Succeed();
  }

  void Succeed() { done_(std::move(response_), contributor_.Showing(std::move(shown_.records))); }
  void Fail(const absl::Status& status) { done_(status, {}); }

  const Room& room_;
  Contributor contributor_;
  const RequestMemory memory_;
  const bool validate_only_;
  const Exchange::DoneShowing<v1::CreateRecordResponse> done_;
  SellerQuota quota_{room_, contributor_};
  Contests contests_{contributor_, *room_.keys.contents};
  size_t contests_from_ = 0;  // where the commit's reads of them begin
  Draft draft_;
  bool presence_unsure_ = false;
  v1::CreateRecordResponse response_;
  ledger::Disclosure shown_;          // its records alone
  std::optional<Existing> existing_;  // set anew by each run of Build
};

}  // namespace

void CreateRecord(const Room& room, const CallContext& context, const v1::CreateRecordRequest& request,
                  Exchange::DoneShowing<v1::CreateRecordResponse> done) {
  absl::Status status = CheckMayWrite(context);
  if (status.ok()) status = CheckRequest(request);
  if (!status.ok()) return done(status, {});
  std::make_shared<CreateCall>(room, context, request, std::move(done))->Run(request.record());
}

}  // namespace coalition::exchange
