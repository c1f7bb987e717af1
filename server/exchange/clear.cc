#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/edit.h"
#include "server/exchange/removal.h"

namespace coalition::exchange {
namespace {

class ClearCall final : public Edit {
 public:
  ClearCall(const Room& room, const CallContext& context, const v1::ClearRecordRequest& request,
            EditRequest edit, Exchange::Done<v1::ClearRecordResponse> done)
      : Edit(room, context, std::move(edit)),
        how_(ClearedBy(contributor().caller, contributor().now_s(), request.grounds(), request.comment())),
        done_(std::move(done)) {}

 protected:
  absl::StatusOr<Change> Prepare(const Reader&, const SeenRecord& seen) override {
    auto removal = RemovalOf(seen.key, seen.stored, how_, "name");
    if (!removal.ok()) return removal.status();
    return Change{[removal = *std::move(removal)](store::Revision revision, Values) {
      Writes writes;
      removal.AppendTo(revision, 0, &writes);
      return writes;
    }};
  }

  void Succeed() override { done_(v1::ClearRecordResponse()); }
  void SucceedAgain(const RecordId&) override { Succeed(); }
  void Fail(const absl::Status& status) override { done_(status); }

 private:
  const TakingBack how_;
  const Exchange::Done<v1::ClearRecordResponse> done_;
};

}  // namespace

void ClearRecord(const Room& room, const CallContext& context, const v1::ClearRecordRequest& request,
                 Exchange::Done<v1::ClearRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  EditRequest edit = EditOf(request, Method::kClear);
  edit.violations = WrongWithClearance(request.grounds(), request.comment());
  std::make_shared<ClearCall>(room, context, request, std::move(edit), std::move(done))->Run();
}

}  // namespace coalition::exchange
