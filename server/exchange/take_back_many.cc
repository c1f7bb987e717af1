#include "server/exchange/take_back_many.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/errors.h"
#include "common/ids.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/exchange/access.h"
#include "server/exchange/edit.h"
#include "server/exchange/import_error.h"
#include "server/exchange/removal.h"
#include "server/exchange/take_back_batch.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;
using Results = google::protobuf::RepeatedPtrField<v1::TakeBackResult>;

void Reject(const absl::Status& status, v1::TakeBackResult* result) {
  result->set_status(v1::TAKE_BACK_STATUS_REJECTED);
  *result->mutable_error() = ImportErrorOf(status);
}

// Reads a batch of the records, commits their removal on the condition that each is still the one that was
// read, and goes on with the next; what was changed meanwhile is read again when all the others are done.
// Used by one thread at a time.
class TakeBackCall : public std::enable_shared_from_this<TakeBackCall> {
 public:
  TakeBackCall(const Room& room, const CallContext& context, TakingBack how, bool validate_only,
               Exchange::Done<Results> done)
      : room_(room),
        contributor_(context),
        how_(std::move(how)),
        validate_only_(validate_only),
        done_(std::move(done)) {}

  void Run(const Names& names) {
    Check(names);
    GoOn();
  }

 private:
  using Writes = std::vector<store::Write>;
  using Values = std::span<const std::optional<store::Version>>;

  // One result for each name; those that can name a record are to be done.
  void Check(const Names& names) {
    absl::flat_hash_map<std::string_view, int> first_with;
    results_.Reserve(names.size());
    for (int i = 0; i < names.size(); ++i) {
      v1::TakeBackResult* result = results_.Add();
      result->set_name(names[i]);
      const auto [first, is_new] = first_with.try_emplace(names[i], i);
      FieldViolations violations;
      const auto id = ParseRecordName(names[i]);
      if (violations.Check(FieldOfName(i), id.status()) && !is_new)
        violations.Add(FieldOfName(i), "is named twice, by " + FieldOfName(first->second) + " first");
      if (violations.empty()) {
        todo_.push_back({*RecordIdToBytes(*id), i});
      } else {
        Reject(violations.ToStatus(), result);
      }
    }
  }

  void GoOn() {
    while (HasMore()) {
      auto batch = TakeBackBatch::Read(room_, contributor_, how_, std::span(todo_).subspan(next_));
      if (!batch.ok()) return Fail(batch.status());
      next_ += batch->names();
      for (const TakeBackBatch::Answer& answer : batch->answers()) {
        v1::TakeBackResult* result = results_.Mutable(answer.place);
        answer.status.ok() ? result->set_status(v1::TAKE_BACK_STATUS_DONE_BEFORE)
                           : Reject(answer.status, result);
      }
      if (batch->items().empty()) continue;
      if (!validate_only_) return Submit(*std::move(batch));
      for (const TakeBackBatch::Item& item : batch->items())
        results_.Mutable(item.name.place)->set_status(v1::TAKE_BACK_STATUS_VALID);
    }
    // What was done before may have been told that not all of it was kept.
    const auto kept = store::CommitWrites(room_.store, {});
    kept.ok() ? Succeed() : done_(FromStore(kept.status()));
  }

  bool HasMore() {
    if (next_ < todo_.size()) return true;
    todo_ = std::exchange(overtaken_, {});
    next_ = 0;
    if (todo_.empty() || ++attempts_ < kAttemptsMax) return !todo_.empty();
    for (const NamedRecord& name : todo_) Reject(EtagMismatch(), results_.Mutable(name.place));
    return false;
  }

  void Submit(TakeBackBatch batch) {
    batch_ = std::move(batch);
    store::Commit commit;
    batch_.AppendReads(&commit.reads);
    commit.build = [self = shared_from_this()](store::Revision revision, Values values) {
      return self->Build(revision, values);
    };
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      self->Committed(revision.status());
    };
    room_.lane.Submit(std::move(commit), committed, batch_.bytes(), contributor_.member);
  }

  absl::StatusOr<Writes> Build(store::Revision revision, Values values) {
    changed_.clear();
    if (auto status = contributor_.CheckStillMay(room_.directory); !status.ok()) return status;
    Writes writes;
    changed_ = batch_.AppendWrites(revision, values, &writes);
    return writes;
  }

  void Committed(const absl::Status& status) {
    if (!status.ok()) return Fail(FromStore(status));
    kept_ = kept_ || changed_.size() < batch_.items().size();
    for (const TakeBackBatch::Item& item : batch_.items())
      results_.Mutable(item.name.place)->set_status(v1::TAKE_BACK_STATUS_DONE);
    for (const NamedRecord& name : changed_) results_.Mutable(name.place)->clear_status();
    overtaken_.insert(overtaken_.end(), changed_.begin(), changed_.end());
    if (next_ == todo_.size() && overtaken_.empty()) return Succeed();
    // Reads again, which the commit lane's thread must not.
    room_.run_later(contributor_.member, [self = shared_from_this()] {
      self->contributor_.Renew(self->room_.directory);
      self->GoOn();
    });
  }

  void Succeed() { done_(std::move(results_)); }

  // What an earlier commit of the call took back stays so, and its caller is told of it.
  void Fail(const absl::Status& status) {
    if (!kept_ || absl::IsUnknown(status)) return done_(status);
    const absl::Status cut_short =
        Error(GetErrorReason(status), "the call was cut short before this record's turn: ask again");
    for (v1::TakeBackResult& result : results_) {
      if (result.status() == v1::TAKE_BACK_STATUS_UNSPECIFIED) Reject(cut_short, &result);
    }
    Succeed();
  }

  const Room& room_;
  Contributor contributor_;
  const TakingBack how_;
  const bool validate_only_;
  const Exchange::Done<Results> done_;
  Results results_;  // UNSPECIFIED: not decided yet
  std::vector<NamedRecord> todo_;
  size_t next_ = 0;  // of those
  // Were changed between being read and the commit.
  std::vector<NamedRecord> overtaken_;
  int attempts_ = 0;
  TakeBackBatch batch_;  // that is being committed
  // Of the batch. Set anew by each run of Build.
  std::vector<NamedRecord> changed_;
  bool kept_ = false;  // something was taken back
};

template <class Request, class Response>
void TakeBack(const Room& room, const CallContext& context, const Request& request, TakingBack how,
              Exchange::Done<Response> done) {
  const int max = room.options.records_per_batch_max;
  if (request.names_size() > max) {
    return done(OverLimit("records_per_batch", max, "too many records in one call"));
  }
  const auto answer = [done = std::move(done)](absl::StatusOr<Results> results) {
    if (!results.ok()) return done(results.status());
    Response response;
    *response.mutable_results() = *std::move(results);
    done(std::move(response));
  };
  std::make_shared<TakeBackCall>(room, context, std::move(how), request.validate_only(), answer)
      ->Run(request.names());
}

}  // namespace

void BatchWithdrawRecords(const Room& room, const CallContext& context,
                          const v1::BatchWithdrawRecordsRequest& request,
                          Exchange::Done<v1::BatchWithdrawRecordsResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  TakeBack(room, context, request, GoneAt(context.now_s()), std::move(done));
}

void BatchClearRecords(const Room& room, const CallContext& context,
                       const v1::BatchClearRecordsRequest& request,
                       Exchange::Done<v1::BatchClearRecordsResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  const FieldViolations wrong = WrongWithClearance(request.grounds(), request.comment());
  if (absl::Status status = wrong.ToStatus(); !status.ok()) return done(status);
  TakeBack(room, context, request,
           ClearedBy(context.caller, context.now_s(), request.grounds(), request.comment()), std::move(done));
}

}  // namespace coalition::exchange
