#include "tests/property/exchange_room.h"

#include <utility>

#include "common/errors.h"
#include "server/membership/policies.h"
#include "tests/property/exchange_policies.h"

namespace coalition::testing {
namespace {

using google::protobuf::Message;

Answer ToAnswer(const absl::Status& status, const Message& response) {
  Answer answer{status, {}, {}};
  answer.bytes = status.ok() ? response.SerializeAsString() : ToRpcStatus(status).SerializeAsString();
  return answer;
}

template <class Response>
Answer ToAnswer(const absl::StatusOr<Response>& response) {
  return response.ok() ? ToAnswer(absl::OkStatus(), *response) : ToAnswer(response.status(), Response());
}

identity::Roles RolesFor(const Message& request, const std::string& member) {
  const std::string& call = request.GetDescriptor()->name();
  if (call == "ApplyPolicyRequest") return {v1::ROLE_COALITION_ADMIN};
  if (call == "SetMemberPolicyRequest") return {v1::ROLE_MEMBER_ADMIN};
  if (call == "ExplainAccessRequest" && member == "office") return {v1::ROLE_AUDITOR};
  return {v1::ROLE_READER, v1::ROLE_CONTRIBUTOR};
}

// Calls the handler if the request is one of its type.
class Dispatch {
 public:
  explicit Dispatch(const Message& request) : request_(request) {}

  template <class Request, class Handler>
  Dispatch& On(const Handler& handler) {
    const auto* request = dynamic_cast<const Request*>(&request_);
    if (request != nullptr) answer_ = handler(*request);
    return *this;
  }
  Answer Take() { return std::move(answer_); }

 private:
  const Message& request_;
  Answer answer_{absl::UnimplementedError("not a call of the rooms"), {}, {}};
};

}  // namespace

WorldOptions InMemory() {
  WorldOptions options;
  options.in_memory = true;
  return options;
}

WorldOptions PolicyWorld() {
  WorldOptions options = InMemory();
  *options.bootstrap.mutable_policy() = PolicyOf(0);
  for (auto& member : *options.bootstrap.mutable_members()) {
    member.mutable_credentials(0)->add_roles(v1::ROLE_MEMBER_ADMIN);
    if (member.kind() == v1::MEMBER_KIND_SECRETARIAT) {
      member.mutable_credentials(0)->add_roles(v1::ROLE_COALITION_ADMIN);
    }
  }
  return options;
}

RoomStage::RoomStage(WorldOptions options) : world_(std::move(options)) {}

Answer RoomStage::Ask(const std::string& member, const Message& request, uint64_t seed) {
  world_.random.Reseed(seed);
  world_.disclosure = {};
  exchange::CallContext context = world_.As(member, RolesFor(request, member));
  if (spoil_context) spoil_context(&context);
  membership::PolicyOptions options;
  options.own_policy_changes_per_day_max = 1'000'000;
  membership::Policies policies(world_.directory(), options);
  const membership::Actor actor{context.caller, *context.snapshot, context.now_ns};
  exchange::Exchange& exchange = world_.exchange();
  Dispatch dispatch(request);
  dispatch.On<v1::CreateRecordRequest>([&](const auto& r) { return ToAnswer(world_.Create(context, r)); })
      .On<v1::ReviseRecordRequest>([&](const auto& r) { return ToAnswer(world_.Revise(context, r)); })
      .On<v1::WithdrawRecordRequest>([&](const auto& r) { return ToAnswer(world_.Withdraw(context, r)); })
      .On<v1::BatchWithdrawRecordsRequest>(
          [&](const auto& r) { return ToAnswer(world_.BatchWithdraw(context, r)); })
      .On<v1::BatchClearRecordsRequest>(
          [&](const auto& r) { return ToAnswer(world_.BatchClear(context, r)); })
      .On<v1::ImportRecordsRequest>([&](const auto& r) { return ToAnswer(world_.Import(context, r)); })
      .On<v1::ListRecordsRequest>([&](const auto& r) { return ToAnswer(world_.List(context, r)); })
      .On<v1::ScreenSellersRequest>([&](const auto& r) { return ToAnswer(world_.Screen(context, r)); });
  dispatch
      .On<v1::GetRecordRequest>([&](const auto& r) {
        v1::GetRecordResponse response;
        return ToAnswer(exchange.Get(context, r, &response, &world_.disclosure), response);
      })
      .On<v1::GetSellerProfileRequest>([&](const auto& r) {
        v1::GetSellerProfileResponse response;
        return ToAnswer(exchange.Profile(context, r, &response, &world_.disclosure), response);
      })
      .On<v1::PreviewAudienceRequest>([&](const auto& r) {
        v1::PreviewAudienceResponse response;
        return ToAnswer(exchange.Preview(context, r, &response), response);
      })
      .On<v1::ExplainAccessRequest>([&](const auto& r) {
        v1::ExplainAccessResponse response;
        return ToAnswer(exchange.Explain(context, r, &response, &world_.disclosure), response);
      })
      .On<v1::SaveAudienceRequest>([&](const auto& r) { return ToAnswer(exchange.SaveAudience(context, r)); })
      .On<v1::ListAudiencesRequest>([&](const auto&) {
        v1::ListAudiencesResponse response;
        const auto all = exchange.Audiences(context);
        if (all.ok()) *response.mutable_audiences() = {all->begin(), all->end()};
        return ToAnswer(all.status(), response);
      });
  dispatch
      .On<v1::GetPolicyRequest>([&](const auto& r) {
        v1::GetPolicyResponse response;
        const auto policy = policies.Get(actor, r.version());
        if (policy.ok()) *response.mutable_policy() = *policy;
        response.set_epoch(static_cast<int64_t>(context.snapshot->policy_state().epoch()));
        return ToAnswer(policy.status(), response);
      })
      .On<v1::DiffPolicyRequest>([&](const auto& r) {
        v1::DiffPolicyResponse response;
        const auto compared = policies.Diff(actor, r);
        if (!compared.ok()) return ToAnswer(compared.status(), response);
        *response.mutable_diff() = compared->diff;
        return ToAnswer(exchange.CountAffected(context, context.snapshot->policy_state(), *compared->after,
                                               response.mutable_diff()->mutable_own_records()),
                        response);
      })
      .On<v1::ApplyPolicyRequest>([&](const auto& r) { return ToAnswer(policies.Apply(actor, r)); })
      .On<v1::GetMemberPolicyRequest>([&](const auto& r) {
        v1::GetMemberPolicyResponse response;
        const auto own = policies.GetOwn(actor, r.version());
        if (own.ok()) *response.mutable_policy() = *own;
        return ToAnswer(own.status(), response);
      })
      .On<v1::SetMemberPolicyRequest>([&](const auto& r) {
        const auto compared = policies.SetOwn(actor, r);
        return compared.ok() ? ToAnswer(absl::OkStatus(), compared->response)
                             : ToAnswer(compared.status(), v1::SetMemberPolicyResponse());
      });
  return dispatch.Take();
}

}  // namespace coalition::testing
