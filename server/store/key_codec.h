// How keys and revisions become LevelDB keys. Ordered: the physical order is (space, key, newest revision
// first).
//
//   data  = 0x02, escaped key, 0x00 0x01, big-endian ~revision   one per change of the key, written once
//   log   = 0x03, big-endian revision                            one per commit, written once
//   meta  = 0x01, name, 0x00, big-endian ~number                 the largest number of a name counts
//
// Escaping keeps the order of keys that are prefixes of each other or hold zero bytes: 0x00 becomes 0x00
// 0xFF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/store/store.h"

namespace coalition::store {

inline constexpr char kMetaSpace = 0x01;
inline constexpr char kDataSpace = 0x02;
inline constexpr char kLogSpace = 0x03;

inline constexpr std::string_view kFormatName = "format";
inline constexpr std::string_view kFloorName = "floor";

// Views into a physical data key.
struct DataKey {
  std::string_view escaped;
  Revision revision = 0;
};

// The functions below replace `out`.

void EncodeDataKey(std::string_view key, Revision revision, std::string& out);
// False: not a data key.
bool DecodeDataKey(std::string_view physical, DataKey& out);
// The user's key. Points into `escaped` when nothing in it was escaped, else into `buffer`, which it
// replaces.
std::string_view Unescape(std::string_view escaped, std::string& buffer);

// The least physical key of all user keys >= from.
void EncodeDataLowerBound(std::string_view from, std::string& out);
// The least physical key of all user keys >= to; of everything behind the data when `to` is empty.
void EncodeDataUpperBound(std::string_view to, std::string& out);
// The version of an escaped key that a reader at `at` is to start from.
void EncodeVersionSeek(std::string_view escaped, Revision at, std::string& out);
// Behind all versions of an escaped key.
void EncodePastVersions(std::string_view escaped, std::string& out);

std::string EncodeLogKey(Revision revision);
// False: not a log key.
bool DecodeLogKey(std::string_view physical, Revision& out);

std::string EncodeMetaKey(std::string_view name, uint64_t number);
// The least physical key of a name: what Seek of it finds is the largest number.
std::string MetaPrefix(std::string_view name);
// False: not a key of that name.
bool DecodeMetaKey(std::string_view physical, std::string_view name, uint64_t& out);

}  // namespace coalition::store
