// That a record was taken back, and how: kept for good.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/storage.pb.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/policy/header.h"
#include "server/contents/contents.h"
#include "server/exchange/keys.h"
#include "server/store/store.h"

namespace coalition::exchange {

// How a record is taken back.
struct TakingBack {
  v1::RetractionKind kind = v1::RETRACTION_KIND_GONE;
  // Of an expiry: when it was.
  int64_t time_s = 0;
  // Of a clearance.
  v1::ClearanceGrounds grounds = v1::CLEARANCE_GROUNDS_UNSPECIFIED;
  std::string comment = {};
  std::string cleared_by = {};  // members/{member}/credentials/{credential}
  // Its contents end too (erase.h).
  bool erased = false;
};

inline TakingBack GoneAt(int64_t time_s) { return {.kind = v1::RETRACTION_KIND_GONE, .time_s = time_s}; }

inline constexpr std::string_view kTakenBackPrefix = "t";
std::string TakenBackKey(const RecordId& id);
// nullopt: it is no such key.
std::optional<RecordId> IdOfTakenBackKey(std::string_view key);

// Written with the removal of the record with that header. A comment is sealed as the record's contents are:
// nobody is shown it, and it must not outlive an erasure.
store::Write TakenBackWrite(const contents::ContentKeys& contents, const RecordId& id,
                            const policy::HeaderView& header, const TakingBack& how);
// As the row becomes when a record is erased that was taken back before: how that was done stays.
store::Write ErasedWrite(const RecordId& id, storage::v1::StoredTakenBack stored);

// Of the value under its key; nullopt: there is none. CORRUPT.
absl::StatusOr<std::optional<storage::v1::StoredTakenBack>> ParseTakenBack(
    const std::optional<store::Version>& value);

// nullopt: there is no such record, or it is there, or it was taken back by a version that did not note it.
// Errors: the store's, as callers see them (access.h); CORRUPT.
absl::StatusOr<std::optional<storage::v1::StoredTakenBack>> FindTakenBack(const store::Store& store,
                                                                          const RecordId& id,
                                                                          store::Revision at);

}  // namespace coalition::exchange
