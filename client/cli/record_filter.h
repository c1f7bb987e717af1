// Flags that say which records, for the verbs that show many.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/verb.h"
#include "coalition/v1/exchange_service.pb.h"

namespace coalition::cli {

// Empty: not said.
struct RecordFilterFlags {
  std::vector<std::string> classes, states;
  std::string seller, contributor, from, before, external_id, refers_to;
};
void AddRecordFilterFlags(Verb verb, RecordFilterFlags* flags);
// INVALID_ARGUMENT names what would be right.
absl::StatusOr<v1::RecordFilter> ToRecordFilter(const RecordFilterFlags& flags);

}  // namespace coalition::cli
