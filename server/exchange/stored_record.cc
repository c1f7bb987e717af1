#include "server/exchange/stored_record.h"

#include <utility>

#include "server/exchange/access.h"

namespace coalition::exchange {
namespace {

// After the header: ordinal, little-endian (4), verdict (1), message.
constexpr size_t kFactsBytes = 5;

}  // namespace

std::optional<StoredRecordView> ParseStoredRecord(std::string_view value) {
  const auto header = policy::HeaderView::Parse(value);
  if (!header || value.size() < header->size() + kFactsBytes) return std::nullopt;
  const std::string_view facts = value.substr(header->size(), kFactsBytes);
  uint32_t ordinal = 0;
  for (int i = 0; i < 4; ++i) ordinal |= uint32_t{static_cast<uint8_t>(facts[i])} << (8 * i);
  const int verdict = static_cast<uint8_t>(facts[4]);
  if (!v1::OpinionVerdict_IsValid(verdict)) return std::nullopt;
  return StoredRecordView{*header, ordinal, static_cast<v1::OpinionVerdict>(verdict),
                          value.substr(header->size() + kFactsBytes)};
}

std::string EncodeStoredRecord(const policy::Header& header, uint32_t ordinal, v1::OpinionVerdict verdict,
                               std::string_view message) {
  std::string value = policy::EncodeHeader(header);
  value.reserve(value.size() + kFactsBytes + message.size());
  for (int i = 0; i < 4; ++i) value.push_back(static_cast<char>(ordinal >> (8 * i)));
  value.push_back(static_cast<char>(verdict));
  value += message;
  return value;
}

std::string SealStoredRecord(const contents::ContentKeys& contents, const RecordId& id,
                             const policy::Header& header, uint32_t ordinal, v1::OpinionVerdict verdict,
                             const v1::Record& record) {
  return EncodeStoredRecord(header, ordinal, verdict, contents.Seal(id, record.SerializeAsString()));
}

absl::StatusOr<std::optional<v1::Record>> OpenMessage(const contents::ContentKeys& contents,
                                                      const RecordId& id, const StoredRecordView& stored) {
  std::optional<v1::Record> record(std::in_place);
  const auto opened = OpenMessageInto(contents, id, stored, &*record);
  if (!opened.ok()) return opened.status();
  if (!*opened) record.reset();
  return record;
}

absl::StatusOr<bool> OpenMessageInto(const contents::ContentKeys& contents, const RecordId& id,
                                     const StoredRecordView& stored, v1::Record* record) {
  const std::optional<std::string> message = contents.Open(id, stored.message);
  if (message && record->ParseFromString(*message)) return true;
  // Asked afterwards: what is erased stays so.
  if (!message && contents.IsErased(id)) return false;
  return Corrupt();
}

}  // namespace coalition::exchange
