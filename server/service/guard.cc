#include "server/service/guard.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "coalition/v1/member.pb.h"
#include "common/errors.h"
#include "common/log.h"
#include "common/strings.h"

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
  if (method.any_standing) return true;
  if (member == nullptr) return false;
  // LIMITED reads its own: the policy room sees to that.
  return member->standing == v1::STANDING_ACTIVE ||
         (member->standing == v1::STANDING_LIMITED && !method.writes);
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
                     const MemberLimitOptions& limits)
    : directory_(directory),
      clock_(clock),
      identifier_(directory.Current()->trust_domain()),
      limits_(limits) {}

absl::Status CallGuard::Judge(const MethodInfo& method, std::string_view certificate,
                              exchange::CallContext* context) const {
  membership::Moment now = directory_.Now();
  context->snapshot = std::move(now.snapshot);
  context->at = now.revision;
  context->now_ns = clock_.NowNs();
  const absl::StatusOr<identity::Caller> caller =
      identifier_.Identify(certificate, *context->snapshot, context->now_s());
  if (!caller.ok()) return caller.status();
  context->caller = *caller;
  const policy::MemberState* member = context->snapshot->policy_state().member(caller->member_number);
  return StandingAllows(method, member) ? absl::OkStatus() : membership::NotActive(*context->snapshot);
}

absl::Status CallGuard::Admit(grpc::CallbackServerContext& call, const MethodInfo& method,
                              Admission* admission) {
  if (draining()) return ShuttingDown();
  admission->peer = call.auth_context();
  admission->certificate = CertificateOf(*admission->peer);
  if (absl::Status judged = Judge(method, admission->certificate, &admission->context); !judged.ok()) {
    LogRefusal(judged, method, call.peer());
    return judged;
  }
  absl::Status admitted =
      limits_.AdmitCall(admission->context.caller.member_number, SteadyNs(), &admission->permit);
  if (!admitted.ok()) return admitted;
  if (call.deadline() <= std::chrono::system_clock::now()) return TookTooLong();
  return absl::OkStatus();
}

absl::Status CallGuard::Recheck(const MethodInfo& method, const Admission& admission) const {
  exchange::CallContext context;
  return Judge(method, admission.certificate, &context);
}

absl::Status CallGuard::Renew(const MethodInfo& method, const Admission& admission,
                              exchange::CallContext* context) const {
  return Judge(method, admission.certificate, context);
}

}  // namespace coalition::service
