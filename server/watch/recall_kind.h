// Whether a record that is gone for a member was wrong.
#pragma once

#include "absl/status/statusor.h"
#include "coalition/v1/watch_service.pb.h"
#include "server/exchange/taken_back.h"
#include "server/store/store.h"

namespace coalition::watch {

// CLEARED once its contributor has cleared it, whatever took it from the member before; else GONE. For
// members that were shown it: to everybody else neither is told. Errors: as of the exchange's reads.
inline absl::StatusOr<v1::RetractionKind> RecallKindOf(const store::Store& store,
                                                       const exchange::RecordId& id, store::Revision at) {
  const auto taken_back = exchange::FindTakenBack(store, id, at);
  if (!taken_back.ok()) return taken_back.status();
  const bool cleared = taken_back->has_value() && (*taken_back)->kind() == v1::RETRACTION_KIND_CLEARED;
  return cleared ? v1::RETRACTION_KIND_CLEARED : v1::RETRACTION_KIND_GONE;
}

}  // namespace coalition::watch
