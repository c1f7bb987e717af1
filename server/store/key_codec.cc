#include "server/store/key_codec.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "common/big_endian.h"

namespace coalition::store {
namespace {

constexpr size_t kNumberBytes = sizeof(uint64_t);
constexpr char kEscape = 0x00;
constexpr char kEscapedZero = static_cast<char>(0xFF);
constexpr char kTerminator = 0x01;
constexpr char kPastTerminator = 0x02;
constexpr size_t kTerminatorBytes = 2;

void AppendEscaped(std::string_view key, std::string& out) {
  while (true) {
    const void* zero = key.empty() ? nullptr : std::memchr(key.data(), kEscape, key.size());
    if (zero == nullptr) {
      out.append(key);
      return;
    }
    const size_t length = static_cast<size_t>(static_cast<const char*>(zero) - key.data());
    out.append(key.substr(0, length)).push_back(kEscape);
    out.push_back(kEscapedZero);
    key.remove_prefix(length + 1);
  }
}

void AppendTerminated(std::string_view escaped, char terminator, std::string& out) {
  out.append(escaped).push_back(kEscape);
  out.push_back(terminator);
}

}  // namespace

void EncodeDataKey(std::string_view key, Revision revision, std::string& out) {
  out.assign(1, kDataSpace);
  AppendEscaped(key, out);
  AppendTerminated({}, kTerminator, out);
  AppendBigEndian<uint64_t>(~revision, &out);
}

bool DecodeDataKey(std::string_view physical, DataKey& out) {
  constexpr size_t kTail = kTerminatorBytes + kNumberBytes;
  if (physical.size() < 1 + kTail || physical[0] != kDataSpace) return false;
  const size_t end = physical.size() - kTail;
  if (physical[end] != kEscape || physical[end + 1] != kTerminator) return false;
  out.escaped = physical.substr(1, end - 1);
  out.revision = ~ReadBigEndian<uint64_t>(physical.substr(end + kTerminatorBytes));
  return true;
}

std::string_view Unescape(std::string_view escaped, std::string& buffer) {
  if (escaped.empty() || std::memchr(escaped.data(), kEscape, escaped.size()) == nullptr) return escaped;
  buffer.clear();
  while (!escaped.empty()) {
    const void* zero = std::memchr(escaped.data(), kEscape, escaped.size());
    if (zero == nullptr) return buffer.append(escaped);
    const size_t length = static_cast<size_t>(static_cast<const char*>(zero) - escaped.data()) + 1;
    buffer.append(escaped.substr(0, length));
    escaped.remove_prefix(std::min(length + 1, escaped.size()));
  }
  return buffer;
}

void EncodeDataLowerBound(std::string_view from, std::string& out) {
  out.assign(1, kDataSpace);
  AppendEscaped(from, out);
}

void EncodeDataUpperBound(std::string_view to, std::string& out) {
  if (to.empty()) {
    out.assign(1, kDataSpace + 1);
  } else {
    EncodeDataLowerBound(to, out);
  }
}

void EncodeVersionSeek(std::string_view escaped, Revision at, std::string& out) {
  out.assign(1, kDataSpace);
  AppendTerminated(escaped, kTerminator, out);
  AppendBigEndian<uint64_t>(~at, &out);
}

void EncodePastVersions(std::string_view escaped, std::string& out) {
  out.assign(1, kDataSpace);
  AppendTerminated(escaped, kPastTerminator, out);
}

std::string EncodeLogKey(Revision revision) {
  std::string out(1, kLogSpace);
  AppendBigEndian<uint64_t>(revision, &out);
  return out;
}

bool DecodeLogKey(std::string_view physical, Revision& out) {
  if (physical.size() != 1 + kNumberBytes || physical[0] != kLogSpace) return false;
  out = ReadBigEndian<uint64_t>(physical.substr(1));
  return true;
}

std::string MetaPrefix(std::string_view name) {
  std::string out(1, kMetaSpace);
  out.append(name).push_back('\0');
  return out;
}

std::string EncodeMetaKey(std::string_view name, uint64_t number) {
  std::string out = MetaPrefix(name);
  AppendBigEndian<uint64_t>(~number, &out);
  return out;
}

bool DecodeMetaKey(std::string_view physical, std::string_view name, uint64_t& out) {
  const std::string prefix = MetaPrefix(name);
  if (physical.size() != prefix.size() + kNumberBytes || !physical.starts_with(prefix)) return false;
  out = ~ReadBigEndian<uint64_t>(physical.substr(prefix.size()));
  return true;
}

}  // namespace coalition::store
