// Changing one's own record: what revising, withdrawing, clearing and confirming share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/errors.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/reader.h"
#include "server/exchange/request_memory.h"
#include "server/exchange/room.h"
#include "server/store/store.h"

namespace coalition::exchange {

// What a call wants to change.
struct EditRequest {
  std::string name;        // records/{record}
  std::string name_field;  // its path in the request, for violations
  std::string etag;        // "": any
  std::string request_id;
  std::string payload;  // the request without its request_id
  Method method = Method::kRevise;
  bool validate_only = false;
  FieldViolations violations;  // what is wrong with other fields of the request
};

// What a request that names its record by `name` and `etag` asks for; the violations are the caller's to add.
template <class Request>
EditRequest EditOf(const Request& request, Method method) {
  Request payload = request;
  payload.clear_request_id();
  return {.name = request.name(),
          .name_field = "name",
          .etag = request.etag(),
          .request_id = request.request_id(),
          .payload = payload.SerializeAsString(),
          .method = method,
          .validate_only = request.validate_only(),
          .violations = {}};
}

// How often a record is read again that others of the same member change all the time.
inline constexpr int kAttemptsMax = 8;
// ETAG_MISMATCH: it was changed each time, or is not the one that the caller has read.
absl::Status EtagMismatch();

// Adds to `checker` what is wrong with a reason in somebody's own words, under `field`.
void CheckWords(const char* field, const std::string& words, FieldChecker* checker);

// The answer that shows a record which the contributor changes, as `value` will be its stored form.
absl::Status ShowChanged(const Reader& reader, const SeenRecord& seen, const std::string& value,
                         v1::Record* out, ledger::Disclosure* disclosure);
// The same for a repetition: as the record is now. NOT_FOUND: it is not there any more. ROLE_MISSING.
absl::Status ShowAgain(const Room& room, const Contributor& contributor, const RecordId& id, v1::Record* out,
                       ledger::Disclosure* disclosure);

// Reads the record, judges and prepares the change, commits it on the condition that the record is still the
// one that was read, and begins anew if it is not. Answers once, through Succeed or Fail. Held by shared_ptr.
class Edit : public std::enable_shared_from_this<Edit> {
 public:
  Edit(const Room& room, const CallContext& context, EditRequest request);
  virtual ~Edit() = default;
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

  void Run();

 protected:
  using Writes = std::vector<store::Write>;
  using Values = std::span<const std::optional<store::Version>>;

  // What the commit does while the record is as it was read. Like store::Commit, which says what `writes` may
  // not do; `values` are those of `reads`.
  struct Change {
    std::function<Writes(store::Revision, Values values)> writes;
    std::vector<std::string> reads = {};
    size_t bytes = 0;  // about how many are written beside the record
  };

  // Judges the change of a record of the contributor's own, and keeps what Succeed answers. May be called
  // again, with a newer form of the record.
  virtual absl::StatusOr<Change> Prepare(const Reader& reader, const SeenRecord& seen) = 0;
  virtual void Succeed() = 0;
  // The change was made by an earlier call with this request_id. The contributor was renewed.
  virtual void SucceedAgain(const RecordId& id) = 0;
  virtual void Fail(const absl::Status& status) = 0;

  const Room& room() const { return room_; }
  const Contributor& contributor() const { return contributor_; }

 private:
  absl::Status CheckRequest();
  // One attempt; an error ends the call.
  absl::Status Attempt();
  // After another call's commit: reads again, which the commit lane's thread must not.
  void GoOn();
  void DoneBefore(const RecordId& id);
  absl::Status CheckEtag(const Reader& reader, const SeenRecord& seen) const;
  void Submit(const SeenRecord& seen, Change change);
  absl::StatusOr<Writes> Build(store::Revision revision, Values values);
  void Committed(const absl::Status& status);

  const Room& room_;
  Contributor contributor_;
  const EditRequest request_;
  const RequestMemory memory_;
  RecordId id_{};
  int attempts_ = 0;
  store::Revision read_revision_ = 0;
  Change change_;
  // Set anew by each run of Build.
  bool overtaken_ = false;
  std::optional<RecordId> done_before_;
};

// As the functions of Exchange. `room` must outlive the call.
void ReviseRecord(const Room& room, const CallContext& context, const v1::ReviseRecordRequest& request,
                  Exchange::DoneShowing<v1::ReviseRecordResponse> done);
void WithdrawRecord(const Room& room, const CallContext& context, const v1::WithdrawRecordRequest& request,
                    Exchange::Done<v1::WithdrawRecordResponse> done);
void ClearRecord(const Room& room, const CallContext& context, const v1::ClearRecordRequest& request,
                 Exchange::Done<v1::ClearRecordResponse> done);
void ConfirmRecord(const Room& room, const CallContext& context, const v1::ConfirmRecordRequest& request,
                   Exchange::DoneShowing<v1::ConfirmRecordResponse> done);

}  // namespace coalition::exchange
