#include "server/service/guard.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "coalition/v1/member.pb.h"
#include "common/errors.h"
#include "common/log.h"
#include "common/strings.h"
#include "server/membership/stored_state.h"

namespace coalition::service {
namespace {

// The leaf certificate of a verified peer, as gRPC's TLS stack gives it.
constexpr char kCertificateProperty[] = "x509_pem_cert";

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The certificate, as long as `peer` lives. Empty: there is not exactly one. Never the CN, never a header.
std::string_view CertificateOf(const grpc::AuthContext& peer) {
  if (!peer.IsPeerAuthenticated()) return {};
  const std::vector<grpc::string_ref> values = peer.FindPropertyValues(kCertificateProperty);
  if (values.size() != 1) return {};
  return {values.front().data(), values.front().size()};
}

bool StandingAllows(const MethodInfo& method, const policy::MemberState* member) {
  if (member == nullptr) return false;
  if (member->standing == v1::STANDING_EXITED) return method.answers_exited || method.answers_cut_off;
  if (member->standing == v1::STANDING_SUSPENDED) return method.answers_cut_off;
  // LIMITED reads its own: the policy room sees to that.
  return member->standing == v1::STANDING_ACTIVE ||
         (member->standing == v1::STANDING_LIMITED && !method.writes);
}

constexpr identity::Roles kAdministrative = {v1::ROLE_COALITION_ADMIN, v1::ROLE_AUDITOR};
constexpr identity::Roles kServedByAdministration = {v1::ROLE_MEMBER_ADMIN, v1::ROLE_COALITION_ADMIN,
                                                     v1::ROLE_AUDITOR};

absl::Status WrongListener(Listener listener) {
  if (listener == Listener::kMembers) {
    return Error(
        v1::ERROR_REASON_WRONG_LISTENER,
        "credentials that administer or audit the coalition are served on the administration's listener "
        "only (admin_listen of the server's configuration)",
        {{"listener", "administration"}});
  }
  return Error(v1::ERROR_REASON_WRONG_LISTENER,
               "the administration's listener serves administrators and auditors only",
               {{"listener", "members"}});
}

// Of a credential: the numbers of MemberLimits are small, and two may share one.
uint32_t PlaceOf(const identity::Caller& caller) {
  return static_cast<uint32_t>(absl::HashOf(caller.member, caller.credential) & 0xffff);
}

void LogRefusal(const absl::Status& status, const MethodInfo& method, const std::string& peer) {
  static LogLimit limit;
  Log::Limited(limit, LogLevel::kWarn, "caller_refused",
               {{"reason", ReasonName(GetErrorReason(status))},
                {"method", method.name},
                {"peer", peer},
                {"message", Std(status.message())}});
}

}  // namespace

absl::Status ShuttingDown() {
  return Error(v1::ERROR_REASON_SHUTTING_DOWN,
               "The server is shutting down: try again, elsewhere if there is an elsewhere.");
}

absl::Status TookTooLong() {
  return Error(v1::ERROR_REASON_DEADLINE_EXCEEDED,
               "The call took longer than this server lets a call take. A write may still happen: repeat it "
               "with the same "
               "request_id.");
}

CallGuard::CallGuard(const membership::Directory& directory, const Clock& clock,
                     const MemberLimitOptions& limits, Listener listener)
    : directory_(directory),
      clock_(clock),
      identifier_(directory.Current()->trust_domain()),
      limits_(limits),
      cut_off_limits_(limits),
      listener_(listener) {}

absl::Status CallGuard::Judge(const MethodInfo& method, std::string_view certificate,
                              exchange::CallContext* context, identity::Gate::Pass* pass) const {
  for (;;) {
    membership::Moment now = directory_.Now();
    context->snapshot = std::move(now.snapshot);
    context->at = now.revision;
    context->settled = now.settled;
    context->now_ns = clock_.NowNs();
    const absl::StatusOr<identity::Caller> caller =
        identifier_.Identify(certificate, *context->snapshot, context->now_s());
    if (!caller.ok()) return caller.status();
    context->caller = *caller;
    const policy::MemberState* member = context->snapshot->policy_state().member(caller->member_number);
    if (!StandingAllows(method, member)) return membership::NotActive(*context->snapshot);
    const bool administrative = caller->roles.HasAny(kAdministrative);
    const bool served =
        listener_ == Listener::kMembers ? !administrative : caller->roles.HasAny(kServedByAdministration);
    if (!served) return WrongListener(listener_);
    const identity::Gate::Shut shut = caller->gate->Enter(pass);
    if (shut != identity::Gate::Shut::kNot) return membership::BeingCutOff(shut, *context->snapshot);
    // Whoever takes something away publishes that before the gate is opened again: so what was judged holds
    // for as long as the pass is inside, or the state is another by now.
    if (directory_.IsCurrent(*context->snapshot)) return absl::OkStatus();
    pass->Leave();
  }
}

absl::Status CallGuard::Admit(grpc::ServerContextBase& call, const MethodInfo& method, Admission* admission) {
  if (draining()) return ShuttingDown();
  admission->peer = call.auth_context();
  admission->certificate = CertificateOf(*admission->peer);
  absl::Status judged = Judge(method, admission->certificate, &admission->context, &admission->pass);
  if (!judged.ok()) {
    LogRefusal(judged, method, call.peer());
    return judged;
  }
  // Whoever may cut everybody off is not to be kept from it by others of its own member.
  const identity::Caller& caller = admission->context.caller;
  const bool reserved = method.cuts_off && caller.roles.Has(v1::ROLE_COALITION_ADMIN);
  absl::Status admitted = reserved
                              ? cut_off_limits_.AdmitCall(PlaceOf(caller), SteadyNs(), &admission->permit)
                              : limits_.AdmitCall(caller.member_number, SteadyNs(), &admission->permit);
  if (!admitted.ok()) return admitted;
  if (call.deadline() <= std::chrono::system_clock::now()) return TookTooLong();
  return absl::OkStatus();
}

absl::Status CallGuard::EnterToSend(const MethodInfo& method, const Admission& admission,
                                    identity::Gate::Pass* pass) const {
  exchange::CallContext context;
  if (absl::Status judged = Judge(method, admission.certificate, &context, pass); !judged.ok()) return judged;
  // What was found by another standing, which may have been a wider one, is not sent: it is asked for again.
  const uint32_t member = context.caller.member_number;
  const auto standing = [member](const membership::Snapshot& snapshot) {
    return snapshot.policy_state().member(member)->standing;
  };
  const membership::Snapshot& before = *admission.context.snapshot;
  const bool leaving = method.answers_exited && method.writes;  // it has changed its own
  if (&before == context.snapshot.get() || standing(before) == standing(*context.snapshot) || leaving) {
    return absl::OkStatus();
  }
  pass->Leave();
  return membership::BeingCutOff(identity::Gate::Shut::kLimited, *context.snapshot);
}

bool CallGuard::StillDecides(const exchange::CallContext& context) const {
  return directory_.IsCurrent(*context.snapshot) ||
         membership::DecideAlike(context.snapshot->stored(), directory_.Current()->stored());
}

absl::Status CallGuard::Renew(const MethodInfo& method, const Admission& admission,
                              exchange::CallContext* context) const {
  identity::Gate::Pass pass;
  return Judge(method, admission.certificate, context, &pass);
}

}  // namespace coalition::service
