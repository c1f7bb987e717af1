// The one guard through which every call passes: identity, standing, limits, before anything else is done;
// and again before anything is sent that had to wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "common/clock.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/server_context.h"
#include "server/exchange/exchange.h"
#include "server/identity/identity.h"
#include "server/membership/directory.h"
#include "server/service/member_limits.h"
#include "server/service/methods.h"

namespace coalition::service {

// Whom a server is for.
enum class Listener : uint8_t { kMembers, kAdministration };

// A call that was let in.
struct Admission {
  exchange::CallContext context;
  // Owns `certificate`, and both outlive the call.
  std::shared_ptr<const grpc::AuthContext> peer;
  std::string_view certificate;
  MemberLimits::Permit permit;
  // While inside, what the caller may see cannot be taken from it; left by whoever waits for anything.
  identity::Gate::Pass pass;
};

// Thread-safe. All references must outlive the guard.
class CallGuard {
 public:
  CallGuard(const membership::Directory& directory, const Clock& clock, const MemberLimitOptions& limits,
            Listener listener = Listener::kMembers);

  // The pass is inside when this is OK. Refusals: UNAVAILABLE SHUTTING_DOWN; UNAUTHENTICATED, for the reasons
  // of identity::Identifier; PERMISSION_DENIED MEMBER_NOT_ACTIVE or WRONG_LISTENER; RESOURCE_EXHAUSTED
  // RATE_LIMITED, where the pass is inside too; DEADLINE_EXCEEDED, the call's deadline has passed.
  absl::Status Admit(grpc::ServerContextBase& call, const MethodInfo& method, Admission* admission);

  // Judges the caller anew, in the newest snapshot and at this time, with the refusals of Admit for identity
  // and standing. OK: as long as the pass is inside, it stays so; what is sent begins to be sent meanwhile.
  absl::Status EnterToSend(const MethodInfo& method, const Admission& admission,
                           identity::Gate::Pass* pass) const;
  // The same, and gives the context in which to go on: a message of a stream.
  absl::Status Renew(const MethodInfo& method, const Admission& admission,
                     exchange::CallContext* context) const;

  // Whether every decision is still the one that the context's state makes.
  bool StillDecides(const exchange::CallContext& context) const;

  // From now on no call is let in.
  void StartDraining() { draining_.store(true, std::memory_order_release); }
  bool draining() const { return draining_.load(std::memory_order_acquire); }

  MemberLimits& limits() { return limits_; }
  const Clock& clock() const { return clock_; }

 private:
  absl::Status Judge(const MethodInfo& method, std::string_view certificate, exchange::CallContext* context,
                     identity::Gate::Pass* pass) const;

  const membership::Directory& directory_;
  const Clock& clock_;
  const identity::Identifier identifier_;
  MemberLimits limits_;
  MemberLimits cut_off_limits_;  // by credential, of those who may cut anybody off
  const Listener listener_;
  std::atomic<bool> draining_{false};
};

// SHUTTING_DOWN.
absl::Status ShuttingDown();
// DEADLINE_EXCEEDED, the server's own limit.
absl::Status TookTooLong();

}  // namespace coalition::service
