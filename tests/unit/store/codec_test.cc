#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>

#include "server/store/key_codec.h"
#include "server/store/value_codec.h"

namespace coalition::store {
namespace {

std::string DataKeyOf(std::string_view key, Revision revision) {
  std::string physical;
  EncodeDataKey(key, revision, physical);
  return physical;
}

// Keys in which the bytes that escaping treats in a way of its own are frequent.
rc::Gen<std::string> AnyKey() {
  return rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::elementOf(std::string("\0\1\2\xFE\xFF", 5)), rc::gen::arbitrary<char>()));
}

RC_GTEST_PROP(KeyCodec, RoundTrips, (Revision revision)) {
  const std::string key = *AnyKey();
  DataKey decoded;
  const std::string physical = DataKeyOf(key, revision);
  RC_ASSERT(DecodeDataKey(physical, decoded));
  std::string buffer;
  RC_ASSERT(Unescape(decoded.escaped, buffer) == key);
  RC_ASSERT(decoded.revision == revision);
}

RC_GTEST_PROP(KeyCodec, KeepsTheOrder, (Revision first, Revision second)) {
  const std::string a = *AnyKey();
  const std::string b = *rc::gen::oneOf(
      AnyKey(), rc::gen::just(a), rc::gen::map(AnyKey(), [&](const std::string& tail) { return a + tail; }));
  const bool less = a != b ? a < b : first > second;
  RC_ASSERT((DataKeyOf(a, first) < DataKeyOf(b, second)) == less);
}

RC_GTEST_PROP(KeyCodec, BoundsEncloseExactlyTheRange, (Revision revision)) {
  const std::string key = *AnyKey();
  const std::string bound =
      *rc::gen::oneOf(AnyKey(), rc::gen::just(key), rc::gen::just(key + std::string(1, '\0')),
                      rc::gen::just(key.substr(0, key.size() / 2)));
  std::string lower;
  EncodeDataLowerBound(bound, lower);
  RC_ASSERT((DataKeyOf(key, revision) >= lower) == (key >= bound));
  std::string upper;
  EncodeDataUpperBound(bound, upper);
  RC_ASSERT((DataKeyOf(key, revision) < upper) == (bound.empty() || key < bound));
}

TEST(KeyCodec, SeeksLandWhereTheyShould) {
  DataKey k;
  const std::string physical = DataKeyOf(std::string("a\0b", 3), 7);
  ASSERT_TRUE(DecodeDataKey(physical, k));
  std::string seek;
  EncodeVersionSeek(k.escaped, 9, seek);
  EXPECT_EQ(seek, DataKeyOf(std::string("a\0b", 3), 9));
  EncodePastVersions(k.escaped, seek);
  EXPECT_GT(seek, DataKeyOf(std::string("a\0b", 3), 0));
  EXPECT_LT(seek, DataKeyOf(std::string("a\0b\0", 4), ~Revision{0}));
}

TEST(KeyCodec, RefusesWhatIsNoKey) {
  DataKey data;
  Revision revision = 0;
  const std::string physical = DataKeyOf("k", 1);
  for (size_t length = 0; length < physical.size(); ++length) {
    EXPECT_FALSE(DecodeDataKey(physical.substr(0, length), data)) << length;
  }
  EXPECT_FALSE(DecodeDataKey(EncodeLogKey(1), data));
  EXPECT_FALSE(DecodeLogKey(physical, revision));
  EXPECT_FALSE(DecodeLogKey(EncodeLogKey(1) + "x", revision));
  EXPECT_FALSE(DecodeMetaKey(EncodeMetaKey(kFloorName, 1), kFormatName, revision));
  ASSERT_TRUE(DecodeMetaKey(EncodeMetaKey(kFloorName, 5), kFloorName, revision));
  EXPECT_EQ(revision, 5U);
  EXPECT_LT(EncodeMetaKey(kFloorName, 6), EncodeMetaKey(kFloorName, 5)) << "the newest comes first";
  EXPECT_LT(EncodeLogKey(5), EncodeLogKey(256)) << "the oldest comes first";
}

RC_GTEST_PROP(ValueCodec, RoundTrips, (const std::string& key, const std::string& payload)) {
  std::string stored;
  std::optional<std::string_view> decoded;
  EncodeValue(key, payload, stored);
  RC_ASSERT(DecodeValue(key, stored, decoded).ok());
  RC_ASSERT(decoded == std::string_view(payload));
  EncodeValue(key, std::nullopt, stored);
  RC_ASSERT(DecodeValue(key, stored, decoded).ok());
  RC_ASSERT(decoded == std::nullopt);
}

RC_GTEST_PROP(ValueCodec, AnyOneDamageIsFound, (const std::string& key, const std::string& payload)) {
  std::string stored;
  EncodeValue(key, payload, stored);
  const auto at = *rc::gen::inRange<size_t>(0, stored.size());
  stored[at] = static_cast<char>(stored[at] ^ *rc::gen::inRange(1, 256));
  std::optional<std::string_view> decoded;
  RC_ASSERT(absl::IsDataLoss(DecodeValue(key, stored, decoded)));
}

TEST(ValueCodec, AValueUnderAnotherKeyIsDamage) {
  std::string stored;
  std::optional<std::string_view> decoded;
  EncodeValue("key", "value", stored);
  EXPECT_TRUE(absl::IsDataLoss(DecodeValue("keyv", stored, decoded)));
  EXPECT_TRUE(absl::IsDataLoss(DecodeValue("kex", stored, decoded)));
}

RC_GTEST_PROP(KeyList, RoundTrips, ()) {
  const auto keys = *rc::gen::container<std::vector<std::string>>(AnyKey());
  std::string list;
  for (const std::string& key : keys) AppendKeyToList(key, list);
  std::vector<std::string_view> parsed;
  RC_ASSERT(ParseKeyList(list, parsed));
  RC_ASSERT(std::equal(parsed.begin(), parsed.end(), keys.begin(), keys.end()));
}

TEST(KeyList, LongKeysAndGarbage) {
  const std::string key(70'000, 'k');
  std::string list;
  AppendKeyToList(key, list);
  std::vector<std::string_view> parsed;
  ASSERT_TRUE(ParseKeyList(list, parsed));
  EXPECT_EQ(parsed.at(0), key);
  EXPECT_FALSE(ParseKeyList(list.substr(0, 100), parsed));
  EXPECT_FALSE(ParseKeyList("\x05only", parsed));
  EXPECT_FALSE(ParseKeyList("\xFF", parsed));
  EXPECT_FALSE(ParseKeyList(std::string(12, '\xFF'), parsed));
}

}  // namespace
}  // namespace coalition::store
