#include "server/service/watch_errors.h"

#include "common/errors.h"

namespace coalition::service {

absl::Status WatchBehind() {
  return Error(v1::ERROR_REASON_WATCH_BEHIND,
               "Nothing was acknowledged for longer than this server waits: go on with the last cursor.",
               {{"limit", "watch_unacknowledged_ms_max"}});
}

absl::Status WrongWatchRequest(std::string_view field, std::string_view what) {
  FieldViolations violations;
  violations.Add(field, what);
  return violations.ToStatus();
}

}  // namespace coalition::service
