#include "server/membership/cut_off.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/store/committed.h"

namespace coalition::membership {

void ShutIn(const Actor& actor, GateList gates, identity::Gate::Shut why, const CutOffHooks& hooks,
            Change* change) {
  const bool own = std::any_of(gates.begin(), gates.end(),
                               [&](const auto& gate) { return gate.get() == actor.caller.gate; });
  change->gates = gates;
  change->shut = why;
  change->own = own ? actor.caller.gate : nullptr;
  change->before_shut = [before = hooks.before_shut, gates = std::move(gates)] { before(gates); };
  change->when_empty = hooks.when_empty;
}

absl::Status NotKept(const absl::Status& made, const GateList& gates) {
  if (made.ok() || gates.empty() || store::CommittedAt(made)) return made;
  return Error(v1::ERROR_REASON_CUT_OFF_NOT_KEPT,
               absl::StrCat("cut off, but only until this server ends, for the store did not keep it (",
                            made.message(), "): repeat the call"));
}

}  // namespace coalition::membership
