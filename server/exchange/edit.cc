#include "server/exchange/edit.h"

#include <utility>

#include "common/errors.h"
#include "common/ids.h"
#include "server/exchange/access.h"
#include "server/exchange/field_checker.h"

namespace coalition::exchange {
namespace {

// Against a record that others of the same member change all the time.
constexpr int kAttemptsMax = 8;

absl::Status EtagMismatch() {
  return Error(v1::ERROR_REASON_ETAG_MISMATCH, "the record has changed: read it again");
}

}  // namespace

Edit::Edit(const Room& room, const CallContext& context, EditRequest request)
    : room_(room),
      contributor_(context),
      request_(std::move(request)),
      memory_(contributor_, request_.method, request_.request_id, request_.payload,
              room.options.request_id_hours) {}

void Edit::Run() {
  absl::Status status = CheckRequest();
  if (status.ok()) status = Attempt();
  if (!status.ok()) Fail(status);
}

absl::Status Edit::CheckRequest() {
  FieldViolations violations;
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
  auto writes = Prepare(reader, **seen);
  if (!writes.ok()) return writes.status();
  if (request_.validate_only) {
    Succeed();
  } else {
    Submit(**seen, *std::move(writes));
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

void Edit::Submit(const SeenRecord& seen, std::function<Writes(store::Revision)> writes) {
  read_revision_ = seen.revision;
  writes_ = std::move(writes);
  store::Commit commit;
  commit.reads.push_back(seen.key);
  if (memory_.enabled()) commit.reads.push_back(memory_.key());
  commit.build = [self = shared_from_this()](store::Revision revision, Values values) {
    return self->Build(revision, values);
  };
  const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
    self->Committed(revision.status());
  };
  room_.lane.Submit(std::move(commit), committed, seen.value->size(), contributor_.member);
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
  Writes writes = writes_(revision);
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
  contributor_.Renew(room_.directory);
  SucceedAgain(id);
}

}  // namespace coalition::exchange
