// The stored form of a record: what is decided on in front, the message behind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coalition/v1/record.pb.h"
#include "common/policy/header.h"
#include "server/exchange/keys.h"

namespace coalition::exchange {

// Read in place; valid while the bytes live.
struct StoredRecordView {
  policy::HeaderView header;
  uint32_t ordinal;
  // Of an opinion, so that counting opinions parses none; else UNSPECIFIED.
  v1::OpinionVerdict verdict;
  // A serialised coalition.v1.Record without its computed fields, but with `contest` and all of
  // `cleared_before`; empty in withdrawn records of older stores.
  std::string_view message;

  Position position() const { return {header.made(), ordinal}; }
};

// nullopt: damaged, or written by a version that this one does not know. Then the record is hidden from
// everyone.
std::optional<StoredRecordView> ParseStoredRecord(std::string_view value);

std::string EncodeStoredRecord(const policy::Header& header, uint32_t ordinal, v1::OpinionVerdict verdict,
                               std::string_view message);

}  // namespace coalition::exchange
