#include "server/exchange/edit.h"

#include <utility>

#include "common/ids.h"
#include "server/exchange/access.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

constexpr size_t kWordsBytesMax = 1'000;

}  // namespace

absl::Status EtagMismatch() {
  return Error(v1::ERROR_REASON_ETAG_MISMATCH, "the record has changed: read it again");
}

void CheckWords(const char* field, const std::string& words, FieldChecker* checker) {
  if (words.size() > kWordsBytesMax) {
    return checker->Add({field}, "must be at most " + std::to_string(kWordsBytesMax) + " bytes");
  }
  checker->Text({field}, words, kWordsBytesMax);
}

absl::Status ShowChanged(const Reader& reader, const SeenRecord& seen, const std::string& value,
                         v1::Record* out, ledger::Disclosure* disclosure) {
  out->Clear();
  disclosure->records.clear();
  const auto disputed = reader.Disputed(seen.id, seen.decision, disclosure);
  if (!disputed.ok()) return disputed.status();
  if (seen.subject) disclosure->records.push_back(*seen.subject);
  const auto stored = ParseStoredRecord(value);
  if (!stored) return Error(v1::ERROR_REASON_INTERNAL, "the record has no stored form");
  return reader.Project(seen.id, *stored, seen.decision, *disputed, out);
}

absl::Status ShowAgain(const Room& room, const Contributor& contributor, const RecordId& id, v1::Record* out,
                       ledger::Disclosure* disclosure) {
  const Reader reader(room.store, room.keys, contributor.asker());
  const auto seen = reader.FindById(id);
  if (!seen.ok()) return seen.status();
  if (!seen->has_value()) return NotFound();
  if ((*seen)->subject && !contributor.may_read.ok()) return contributor.may_read;
  out->Clear();
  disclosure->records.clear();
  return reader.Show(**seen, out, disclosure);
}

Edit::Edit(const Room& room, const CallContext& context, EditRequest request)
    : room_(room),
      contributor_(context),
      request_(std::move(request)),
      memory_(room, contributor_, request_.method, request_.request_id, request_.payload) {}

void Edit::Run() {
  absl::Status status = CheckRequest();
  if (status.ok()) status = Attempt();
  if (!status.ok()) Fail(status);
}

absl::Status Edit::CheckRequest() {
  FieldViolations violations = request_.violations;
  const auto id = ParseRecordName(request_.name);
  if (violations.Check(request_.name_field, id.status())) id_ = *RecordIdToBytes(*id);
  if (!request_.request_id.empty()) violations.Check("request_id", CheckRequestId(request_.request_id));
  return violations.ToStatus();
}

absl::Status Edit::Attempt() {
  const auto remembered = memory_.LookUp(room_.store);
  if (!remembered.ok()) return remembered.status();
  if (remembered->has_value()) {
    DoneBefore(**remembered);
    return absl::OkStatus();
  }
  const Reader reader(room_.store, room_.keys, contributor_.asker());
  const auto seen = reader.FindById(id_);
  if (!seen.ok()) return seen.status();
  // A record of others is answered as if it did not exist, also if the contributor sees it.
  if (!seen->has_value() || !(*seen)->decision.owner) return NotFound();
  if (absl::Status status = CheckEtag(reader, **seen); !status.ok()) return status;
  auto change = Prepare(reader, **seen);
  if (!change.ok()) return change.status();
  if (request_.validate_only) {
    Succeed();
  } else {
    Submit(**seen, *std::move(change));
  }
  return absl::OkStatus();
}

absl::Status Edit::CheckEtag(const Reader& reader, const SeenRecord& seen) const {
  if (request_.etag.empty()) return absl::OkStatus();
  v1::Record shown;
  if (absl::Status status = reader.Project(seen.id, seen.stored, seen.decision, false, &shown);
      !status.ok()) {
    return status;
  }
  return shown.etag() == request_.etag ? absl::OkStatus() : EtagMismatch();
}

void Edit::Submit(const SeenRecord& seen, Change change) {
  read_revision_ = seen.revision;
  change_ = std::move(change);
  store::Commit commit;
  commit.reads.push_back(seen.key);
  if (memory_.enabled()) commit.reads.push_back(memory_.key());
  commit.reads.insert(commit.reads.end(), change_.reads.begin(), change_.reads.end());
  commit.build = [self = shared_from_this()](store::Revision revision, Values values) {
    return self->Build(revision, values);
  };
  const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
    self->Committed(revision.status());
  };
  room_.lane.Submit(std::move(commit), committed, seen.value->size() + change_.bytes, contributor_.member);
}

absl::StatusOr<Edit::Writes> Edit::Build(store::Revision revision, Values values) {
  done_before_.reset();
  overtaken_ = false;
  if (auto status = contributor_.CheckStillMay(room_.directory); !status.ok()) return status;
  if (memory_.enabled()) {
    auto remembered = memory_.Judge(values[1]);
    if (!remembered.ok()) return remembered.status();
    done_before_ = *remembered;
    if (done_before_) return Writes();
  }
  overtaken_ = !values[0].has_value() || values[0]->revision != read_revision_;
  if (overtaken_) return Writes();
  Writes writes = change_.writes(revision, values.last(change_.reads.size()));
  if (memory_.enabled()) writes.push_back(memory_.Entry(id_));
  return writes;
}

void Edit::Committed(const absl::Status& status) {
  if (!status.ok()) return Fail(FromStore(status));
  if (!done_before_) {
    if (!overtaken_) return Succeed();
    // An etag that was overtaken never fits again.
    if (!request_.etag.empty() || ++attempts_ == kAttemptsMax) return Fail(EtagMismatch());
  }
  room_.run_later(contributor_.member, [self = shared_from_this()] { self->GoOn(); });
}

void Edit::GoOn() {
  if (done_before_) return DoneBefore(*done_before_);
  contributor_.Renew(room_.directory);
  if (absl::Status again = Attempt(); !again.ok()) Fail(again);
}

void Edit::DoneBefore(const RecordId& id) {
  // The earlier call may have been told that not all of it was kept.
  const auto kept = store::CommitWrites(room_.store, {});
  if (!kept.ok()) return Fail(FromStore(kept.status()));
  contributor_.Renew(room_.directory);
  SucceedAgain(id);
}

}  // namespace coalition::exchange
