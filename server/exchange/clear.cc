#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/edit.h"
#include "server/membership/actor.h"

namespace coalition::exchange {
namespace {

class ClearCall final : public Edit {
 public:
  ClearCall(const Room& room, const CallContext& context, const v1::ClearRecordRequest& request,
            EditRequest edit, Exchange::Done<v1::ClearRecordResponse> done)
      : Edit(room, context, std::move(edit)),
        grounds_(request.grounds()),
        comment_(request.comment()),
        done_(std::move(done)) {}

 protected:
  absl::StatusOr<Change> Prepare(const Reader&, const SeenRecord& seen) override {
    const v1::RecordClass record_class = seen.stored.header.record_class();
    if (record_class == v1::RECORD_CLASS_OPINION) return AnOpinion();
    const TakingBack how{v1::RETRACTION_KIND_CLEARED, contributor().now_s(), grounds_, comment_,
                         membership::NameOf(contributor().caller)};
    Writes writes;
    if (absl::Status status = AppendRemoval(seen.key, seen.stored, how, &writes); !status.ok()) return status;
    if (record_class != v1::RECORD_CLASS_OFFENDER_REPORT) {
      return Change{[writes](store::Revision, Values) { return writes; }};
    }
    const auto seller = SellerOfRecordKey(seen.key);
    const std::string prefix = ClearancePrefix(seller->platform, seller->seller_id);
    return Change{[writes, prefix, id = seen.id](store::Revision revision, Values) {
      Writes all = writes;
      all.push_back({prefix + EncodePosition({revision, 0}), std::string(id.begin(), id.end())});
      return all;
    }};
  }

  void Succeed() override { done_(v1::ClearRecordResponse()); }
  void SucceedAgain(const RecordId&) override { Succeed(); }
  void Fail(const absl::Status& status) override { done_(status); }

 private:
  static absl::Status AnOpinion() {
    FieldViolations violations;
    violations.Add("name", "is an opinion, which clears nobody: revise or withdraw it");
    return violations.ToStatus();
  }

  const v1::ClearanceGrounds grounds_;
  const std::string comment_;
  const Exchange::Done<v1::ClearRecordResponse> done_;
};

FieldViolations WrongWith(const v1::ClearRecordRequest& request) {
  FieldChecker checker(0);
  if (request.grounds() == v1::CLEARANCE_GROUNDS_UNSPECIFIED ||
      !v1::ClearanceGrounds_IsValid(request.grounds())) {
    checker.Add({"grounds"}, "is missing or unknown: say why the record was wrong");
  }
  CheckWords("comment", request.comment(), &checker);
  return checker.violations();
}

}  // namespace

void ClearRecord(const Room& room, const CallContext& context, const v1::ClearRecordRequest& request,
                 Exchange::Done<v1::ClearRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  EditRequest edit = EditOf(request, Method::kClear);
  edit.violations = WrongWith(request);
  std::make_shared<ClearCall>(room, context, request, std::move(edit), std::move(done))->Run();
}

}  // namespace coalition::exchange
