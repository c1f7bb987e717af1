// Withdrawing and clearing one record.
#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/edit.h"
#include "server/exchange/removal.h"

namespace coalition::exchange {
namespace {

template <class Response>
class TakeBackOneCall final : public Edit {
 public:
  TakeBackOneCall(const Room& room, const CallContext& context, EditRequest edit, TakingBack how,
                  Exchange::Done<Response> done)
      : Edit(room, context, std::move(edit)), how_(std::move(how)), done_(std::move(done)) {}

 protected:
  absl::StatusOr<Change> Prepare(const Reader& reader, const SeenRecord& seen) override {
    auto removal = RemovalOf(reader.contents(), seen.key, seen.stored, how_, "name");
    if (!removal.ok()) return removal.status();
    return Change{[removal = *std::move(removal)](store::Revision revision, Values) {
      Writes writes;
      removal.AppendTo(revision, 0, &writes);
      return writes;
    }};
  }

  void Succeed() override { done_(Response()); }
  void SucceedAgain(const RecordId&) override { Succeed(); }
  void Fail(const absl::Status& status) override { done_(status); }

 private:
  const TakingBack how_;
  const Exchange::Done<Response> done_;
};

}  // namespace

void WithdrawRecord(const Room& room, const CallContext& context, const v1::WithdrawRecordRequest& request,
                    Exchange::Done<v1::WithdrawRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  std::make_shared<TakeBackOneCall<v1::WithdrawRecordResponse>>(
      room, context, EditOf(request, Method::kWithdraw), GoneAt(context.now_s()), std::move(done))
      ->Run();
}

void ClearRecord(const Room& room, const CallContext& context, const v1::ClearRecordRequest& request,
                 Exchange::Done<v1::ClearRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  EditRequest edit = EditOf(request, Method::kClear);
  edit.violations = WrongWithClearance(request.grounds(), request.comment());
  TakingBack how = ClearedBy(context.caller, context.now_s(), request.grounds(), request.comment());
  std::make_shared<TakeBackOneCall<v1::ClearRecordResponse>>(room, context, std::move(edit), std::move(how),
                                                             std::move(done))
      ->Run();
}

}  // namespace coalition::exchange
