// The stored form of a record: what is decided on in front and in clear, the message behind and sealed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/header.h"
#include "server/contents/contents.h"
#include "server/exchange/keys.h"

namespace coalition::exchange {

// Read in place; valid while the bytes live.
struct StoredRecordView {
  policy::HeaderView header;
  uint32_t ordinal;
  // Of an opinion, so that counting opinions parses none; else UNSPECIFIED.
  v1::OpinionVerdict verdict;
  // Sealed for the record: a serialised coalition.v1.Record without its computed fields, but with `contest`
  // and all of `cleared_before`.
  std::string_view message;

  Position position() const { return {header.made(), ordinal}; }
};

// nullopt: damaged, or written by a version that this one does not know. Then the record is hidden from
// everyone.
std::optional<StoredRecordView> ParseStoredRecord(std::string_view value);

// `message`: sealed.
std::string EncodeStoredRecord(const policy::Header& header, uint32_t ordinal, v1::OpinionVerdict verdict,
                               std::string_view message);
// Of a message that is not sealed yet. Seals it anew each time: no two give the same bytes.
std::string SealStoredRecord(const contents::ContentKeys& contents, const RecordId& id,
                             const policy::Header& header, uint32_t ordinal, v1::OpinionVerdict verdict,
                             const v1::Record& record);

// What the record of that id says. nullopt: it is erased, also while its row is still read, as at an old
// revision; to whoever reads, there is no such record. DATA_LOSS, CORRUPT: its key is there, and the bytes
// are not what was sealed for it.
absl::StatusOr<std::optional<v1::Record>> OpenMessage(const contents::ContentKeys& contents,
                                                      const RecordId& id, const StoredRecordView& stored);
// The same into `record`, which may be an arena's. False: it is erased.
absl::StatusOr<bool> OpenMessageInto(const contents::ContentKeys& contents, const RecordId& id,
                                     const StoredRecordView& stored, v1::Record* record);

}  // namespace coalition::exchange
