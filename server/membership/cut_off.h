// Changes that cut credentials off (ADR 0013).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "server/identity/gate.h"
#include "server/membership/actor.h"
#include "server/membership/directory.h"

namespace coalition::membership {

// Of the credentials that a change cuts off.
using GateList = std::vector<std::shared_ptr<identity::Gate>>;

// Follows a cut-off. Neither may be empty.
struct CutOffHooks {
  // Just before they are shut: what is refused from then on may end at any time.
  std::function<void(const GateList& gates)> before_shut;
  // From now on nothing begins to be sent to them but by the state that is being made.
  std::function<void()> when_empty;
};

// Makes the change one that cuts those off. The hooks are copied.
void ShutIn(const Actor& actor, GateList gates, identity::Gate::Shut why, const CutOffHooks& hooks,
            Change* change);

// The answer to a change that was not made for `made`: CUT_OFF_NOT_KEPT, where somebody was cut off all the
// same. One that stands, and is not in the journal of denials, is told as it is.
absl::Status NotKept(const absl::Status& made, const GateList& gates);

}  // namespace coalition::membership
