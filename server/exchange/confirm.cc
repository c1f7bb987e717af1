#include <algorithm>
#include <utility>

#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/edit.h"
#include "server/membership/actor.h"

namespace coalition::exchange {
namespace {

class ConfirmCall final : public Edit {
 public:
  ConfirmCall(const Room& room, const CallContext& context, const v1::ConfirmRecordRequest& request,
              EditRequest edit, Exchange::DoneShowing<v1::ConfirmRecordResponse> done)
      : Edit(room, context, std::move(edit)), grounds_(request.grounds()), done_(std::move(done)) {}

 protected:
  absl::StatusOr<Change> Prepare(const Reader& reader, const SeenRecord& seen) override {
    policy::Header header = seen.stored.header.ToHeader();
    if (header.state != policy::Lifecycle::kContested)
      return membership::StateConflict("the record is not contested", "ACTIVE");
    auto opened = OpenMessage(reader.contents(), seen.id, seen.stored);
    if (!opened.ok()) return opened.status();
    if (!opened->has_value()) return NotFound();
    v1::Record record = **std::move(opened);
    const int64_t lapse_time_s = header.expire_time_s;
    header.state = policy::Lifecycle::kActive;
    header.expire_time_s = record.expire_time().seconds();
    record.mutable_contest()->set_confirm_grounds(grounds_);
    *record.mutable_contest()->mutable_confirm_time() = ToTimestamp(contributor().now_ns);
    *record.mutable_update_time() = ToTimestamp(NextUpdateNs(record.update_time(), contributor().now_ns));
    const std::string value = SealStoredRecord(reader.contents(), seen.id, header, seen.stored.ordinal,
                                               seen.stored.verdict, record);
    const absl::Status shown = ShowChanged(reader, seen, value, response_.mutable_record(), &shown_);
    if (!shown.ok()) return shown;
    Writes writes;
    AppendForm(seen.key, value, lapse_time_s, header.expire_time_s, &writes);
    return Change{[writes](store::Revision, Values) { return writes; }};
  }

  void Succeed() override { done_(std::move(response_), contributor().Showing(std::move(shown_.records))); }

  void SucceedAgain(const RecordId& id) override {
    const absl::Status shown = ShowAgain(room(), contributor(), id, response_.mutable_record(), &shown_);
    shown.ok() ? Succeed() : Fail(shown);
  }

  void Fail(const absl::Status& status) override { done_(status, {}); }

 private:
  const std::string grounds_;
  const Exchange::DoneShowing<v1::ConfirmRecordResponse> done_;
  v1::ConfirmRecordResponse response_;
  ledger::Disclosure shown_;  // its records alone
};

FieldViolations WrongWith(const v1::ConfirmRecordRequest& request) {
  FieldChecker checker(0);
  if (request.grounds().empty()) checker.Add({"grounds"}, "is missing: say why the record stands");
  CheckWords("grounds", request.grounds(), &checker);
  return checker.violations();
}

}  // namespace

void ConfirmRecord(const Room& room, const CallContext& context, const v1::ConfirmRecordRequest& request,
                   Exchange::DoneShowing<v1::ConfirmRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status, {});
  EditRequest edit = EditOf(request, Method::kConfirm);
  edit.violations = WrongWith(request);
  std::make_shared<ConfirmCall>(room, context, request, std::move(edit), std::move(done))->Run();
}

}  // namespace coalition::exchange
