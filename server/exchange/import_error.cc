#include "server/exchange/import_error.h"

#include <string>

#include "common/errors.h"

namespace coalition::exchange {

v1::ImportError ImportErrorOf(const absl::Status& status) {
  v1::ImportError error;
  error.set_code(static_cast<int>(status.code()));
  error.set_reason(ReasonName(GetErrorReason(status)));
  error.set_message(std::string(status.message()));
  const auto bad_request = GetBadRequest(status);
  if (!bad_request || bad_request->field_violations().empty()) return error;
  error.set_field(bad_request->field_violations(0).field());
  error.set_message(bad_request->field_violations(0).description());
  return error;
}

}  // namespace coalition::exchange
