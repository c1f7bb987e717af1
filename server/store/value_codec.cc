#include "server/store/value_codec.h"

#include <libdeflate.h>

#include <cstddef>

namespace coalition::store {
namespace {

constexpr unsigned char kSchemaVersion = 1;
constexpr unsigned char kValueKind = 1;
constexpr unsigned char kTombstoneKind = 2;
constexpr size_t kCrcOffset = 2;
constexpr size_t kHeaderBytes = 6;
constexpr uint64_t kVarintContinues = 0x80;

uint32_t Crc(unsigned char kind, std::string_view key, std::string_view payload) {
  const unsigned char head[] = {kSchemaVersion, kind};
  uint32_t crc = libdeflate_crc32(0, head, sizeof(head));
  crc = libdeflate_crc32(crc, key.data(), key.size());
  // A null buffer is taken as the wish for the initial value.
  if (!payload.empty()) crc = libdeflate_crc32(crc, payload.data(), payload.size());
  return crc;
}

}  // namespace

void EncodeValue(std::string_view physical_key, std::optional<std::string_view> payload, std::string& out) {
  const unsigned char kind = payload.has_value() ? kValueKind : kTombstoneKind;
  const std::string_view body = payload.value_or(std::string_view());
  const uint32_t crc = Crc(kind, physical_key, body);
  const char header[kHeaderBytes] = {
      static_cast<char>(kSchemaVersion), static_cast<char>(kind),      static_cast<char>(crc),
      static_cast<char>(crc >> 8),       static_cast<char>(crc >> 16), static_cast<char>(crc >> 24)};
  out.assign(header, kHeaderBytes).append(body);
}

absl::Status DecodeValue(std::string_view physical_key, std::string_view stored,
                         std::optional<std::string_view>& payload) {
  if (stored.size() < kHeaderBytes) return absl::DataLossError("the store is damaged: a value is too short");
  const auto byte = [stored](size_t index) { return static_cast<unsigned char>(stored[index]); };
  if (byte(0) != kSchemaVersion) {
    return absl::DataLossError("the store is damaged: a value has an unknown schema version");
  }
  const unsigned char kind = byte(1);
  const std::string_view body = stored.substr(kHeaderBytes);
  const uint32_t crc = uint32_t{byte(kCrcOffset)} | uint32_t{byte(kCrcOffset + 1)} << 8 |
                       uint32_t{byte(kCrcOffset + 2)} << 16 | uint32_t{byte(kCrcOffset + 3)} << 24;
  const bool known_kind = kind == kValueKind || (kind == kTombstoneKind && body.empty());
  if (!known_kind || crc != Crc(kind, physical_key, body)) {
    return absl::DataLossError("the store is damaged: a value fails its checksum");
  }
  if (kind == kValueKind) {
    payload = body;
  } else {
    payload.reset();
  }
  return absl::OkStatus();
}

void AppendKeyToList(std::string_view key, std::string& list) {
  uint64_t length = key.size();
  for (; length >= kVarintContinues; length >>= 7)
    list.push_back(static_cast<char>(length | kVarintContinues));
  list.push_back(static_cast<char>(length));
  list.append(key);
}

bool ParseKeyList(std::string_view list, std::vector<std::string_view>& keys) {
  keys.clear();
  while (!list.empty()) {
    uint64_t length = 0;
    unsigned shift = 0;
    unsigned char byte = 0;
    do {
      if (list.empty() || shift > 28) return false;
      byte = static_cast<unsigned char>(list.front());
      list.remove_prefix(1);
      length |= uint64_t{byte & 0x7FU} << shift;
      shift += 7;
    } while ((byte & kVarintContinues) != 0);
    if (length > list.size()) return false;
    keys.push_back(list.substr(0, length));
    list.remove_prefix(length);
  }
  return true;
}

}  // namespace coalition::store
