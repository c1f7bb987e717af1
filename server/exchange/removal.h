// Taking records back as their contributor asks for it: what doing so with one and with many share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/errors.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/taken_back.h"
#include "server/identity/identity.h"
#include "server/store/store.h"

namespace coalition::exchange {

// What takes one record back, but for the revision at which it is.
struct Removal {
  RecordId id{};
  std::vector<store::Write> writes;
  // Of a report that is cleared: what the key of its clearance begins with. Empty: it has none.
  std::string clearance_prefix = {};

  // `place`: of the record among those of the commit, so that no two about one seller write one key.
  void AppendTo(store::Revision revision, uint32_t place, std::vector<store::Write>* to) const;
  // About how many those are.
  size_t bytes() const;
};

// INVALID_FIELD naming `field`: an opinion is to be cleared. DATA_LOSS, CORRUPT: as AppendRemoval.
absl::StatusOr<Removal> RemovalOf(const contents::ContentKeys& contents, const std::string& record_key,
                                  const StoredRecordView& stored, const TakingBack& how,
                                  std::string_view field);

// What is wrong with what a clearance says of itself.
FieldViolations WrongWithClearance(v1::ClearanceGrounds grounds, const std::string& comment);
TakingBack ClearedBy(const identity::Caller& caller, int64_t now_s, v1::ClearanceGrounds grounds,
                     const std::string& comment);

}  // namespace coalition::exchange
