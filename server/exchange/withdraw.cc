#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/edit.h"

namespace coalition::exchange {
namespace {

class WithdrawCall final : public Edit {
 public:
  WithdrawCall(const Room& room, const CallContext& context, EditRequest edit,
               Exchange::Done<v1::WithdrawRecordResponse> done)
      : Edit(room, context, std::move(edit)), done_(std::move(done)) {}

 protected:
  absl::StatusOr<Change> Prepare(const Reader&, const SeenRecord& seen) override {
    Writes writes;
    const TakingBack how = GoneAt(contributor().now_s());
    if (absl::Status status = AppendRemoval(seen.key, seen.stored, how, &writes); !status.ok()) return status;
    return Change{[writes](store::Revision, Values) { return writes; }};
  }

  void Succeed() override { done_(v1::WithdrawRecordResponse()); }
  void SucceedAgain(const RecordId&) override { Succeed(); }
  void Fail(const absl::Status& status) override { done_(status); }

 private:
  const Exchange::Done<v1::WithdrawRecordResponse> done_;
};

}  // namespace

void WithdrawRecord(const Room& room, const CallContext& context, const v1::WithdrawRecordRequest& request,
                    Exchange::Done<v1::WithdrawRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  std::make_shared<WithdrawCall>(room, context, EditOf(request, Method::kWithdraw), std::move(done))->Run();
}

}  // namespace coalition::exchange
