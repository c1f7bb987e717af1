// From a call to the membership room and back.
#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "server/exchange/access.h"
#include "server/exchange/exchange.h"
#include "server/membership/actor.h"

namespace coalition::service {

inline membership::Actor ActorOf(const exchange::CallContext& context) {
  return {context.caller, *context.snapshot, context.now_ns};
}

// Moves what was answered into the response. An error of the store as callers see it.
template <class T>
absl::Status Take(absl::StatusOr<T> answer, T* response) {
  if (!answer.ok()) return exchange::FromStore(answer.status());
  *response = *std::move(answer);
  return absl::OkStatus();
}

}  // namespace coalition::service
