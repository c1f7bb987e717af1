// Keys, stored records and the rules that are pure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "server/exchange/field_checker.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/visibility.h"
#include "tests/support/content_keys.h"

namespace coalition::exchange {
namespace {

RecordId Id(uint8_t fill) {
  RecordId id;
  id.fill(fill);
  return id;
}

TEST(KeysTest, PositionsOrderNewestFirst) {
  const std::vector<Position> newest_first = {{~uint64_t{0}, 0}, {256, 0}, {255, 7}, {255, 6},
                                              {255, 0},          {1, 0},   {0, 0}};
  for (size_t i = 0; i + 1 < newest_first.size(); ++i) {
    EXPECT_LT(EncodePosition(newest_first[i]), EncodePosition(newest_first[i + 1]));
  }
  for (const Position& position : newest_first) EXPECT_EQ(DecodePosition(EncodePosition(position)), position);
  EXPECT_EQ(DecodePosition("short"), std::nullopt);
}

TEST(KeysTest, ASellersRecordsAreOneRangeAndNobodyElses) {
  const std::string prefix = SellerPrefix("a.example", "s");
  const std::string end = PrefixEnd(prefix);
  const auto within = [&](const std::string& key) { return prefix <= key && key < end; };
  EXPECT_TRUE(within(RecordKey("a.example", "s", Id(0))));
  EXPECT_TRUE(within(RecordKey("a.example", "s", Id(0xff))));
  EXPECT_FALSE(within(RecordKey("a.example", "s2", Id(0))));
  EXPECT_FALSE(within(RecordKey("a.example", "", Id(0))));
  EXPECT_FALSE(within(RecordKey("a.example.org", "s", Id(0))));
}

TEST(KeysTest, PartsOfARecordsKey) {
  for (const char* token : {"s", "", "abcdefghijklmnopqrstuvwxyz"}) {
    const std::string key = RecordKey("a.example", token, Id(0));
    EXPECT_EQ(IdOfRecordKey(key), Id(0));
    ASSERT_TRUE(SellerOfRecordKey(key).has_value());
    EXPECT_EQ(*SellerOfRecordKey(key), (SellerInKey{"a.example", token}));
    EXPECT_EQ(SiblingKey(key, Id(9)), RecordKey("a.example", token, Id(9)));
  }
  EXPECT_EQ(IdOfRecordKey("r"), std::nullopt);
  EXPECT_EQ(IdOfRecordKey(IdKey(Id(1))), std::nullopt);
}

TEST(KeysTest, ClearancesOfASellerAreNobodyElses) {
  const std::string prefix = ClearancePrefix("a.example", "s");
  const std::string newer = prefix + EncodePosition({300, 0}), older = prefix + EncodePosition({299, 0});
  EXPECT_LT(newer, older);
  for (const std::string& key : {newer, older}) {
    EXPECT_LT(key, PrefixEnd(prefix));
    ASSERT_TRUE(SellerOfClearanceKey(key).has_value());
    EXPECT_EQ(*SellerOfClearanceKey(key), (SellerInKey{"a.example", "s"}));
  }
  EXPECT_GE(ClearancePrefix("a.example", "s2"), PrefixEnd(prefix));
  EXPECT_FALSE(SellerOfClearanceKey(prefix).has_value());
  EXPECT_FALSE(SellerOfClearanceKey(RecordKey("a.example", "s", Id(1))).has_value());
}

TEST(KeysTest, PrefixEnds) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(HashOfPresenceKey(PresenceKey(0x0123456789abcdef)), 0x0123456789abcdef);
  EXPECT_EQ(HashOfPresenceKey("p"), std::nullopt);
}

TEST(KeysTest, WhatExpiresFirstComesFirst) {
  const std::vector<Expiring> in_order = {{0, Id(9)},   {1, Id(0)},   {255, Id(3)},
                                          {256, Id(1)}, {256, Id(2)}, {1'790'000'000, Id(0xff)}};
  for (size_t i = 0; i < in_order.size(); ++i) {
    const auto [expire_time_s, id] = in_order[i];
    const std::string key = ExpiryKey(expire_time_s, id);
    EXPECT_EQ(ParseExpiryKey(key), in_order[i]);
    EXPECT_TRUE(key.starts_with(ExpiryPrefix(expire_time_s)));
    EXPECT_LT(key, ExpiryPrefix(expire_time_s + 1));
    if (i > 0) {
      EXPECT_LT(ExpiryKey(in_order[i - 1].expire_time_s, in_order[i - 1].id), key);
    }
  }
  EXPECT_EQ(ParseExpiryKey(ExpiryPrefix(1)), std::nullopt);
  EXPECT_EQ(ParseExpiryKey(ExpiryKey(1, Id(1)) + "x"), std::nullopt);
  EXPECT_EQ(ParseExpiryKey("x" + ExpiryKey(1, Id(1)).substr(1)), std::nullopt);
}

policy::Header AnyHeader() {
  policy::Header header;
  header.record_class = v1::RECORD_CLASS_OPINION;
  header.label = v1::LABEL_AMBER;
  header.permitted_action = v1::PERMITTED_ACTION_NONE;
  header.contributor = 1;
  header.made = 77;
  header.expire_time_s = 100;
  header.subject = Id(3);
  return header;
}

TEST(StoredRecordTest, RoundTrip) {
  const std::string value = EncodeStoredRecord(AnyHeader(), 258, v1::OPINION_VERDICT_DISPUTED, "message");
  const auto stored = ParseStoredRecord(value);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->header.ToHeader(), AnyHeader());
  EXPECT_EQ(stored->ordinal, 258);
  EXPECT_EQ(stored->verdict, v1::OPINION_VERDICT_DISPUTED);
  EXPECT_EQ(stored->message, "message");
  EXPECT_EQ(stored->position(), (Position{77, 258}));
}

v1::Record Saying(const std::string& comment) {
  v1::Record record;
  record.mutable_offender_report()->set_comment(comment);
  return record;
}

TEST(StoredRecordTest, ASealedMessageIsOpenedForItsRecordAlone) {
  const auto keys = testing::TestContentKeys();
  const std::string value =
      SealStoredRecord(*keys, Id(1), AnyHeader(), 0, v1::OPINION_VERDICT_CONFIRMED, Saying("a marker"));
  EXPECT_EQ(value.find("a marker"), std::string::npos);
  const auto stored = ParseStoredRecord(value);
  ASSERT_TRUE(stored.has_value());
  const auto opened = OpenMessage(*keys, Id(1), *stored);
  ASSERT_TRUE(opened.ok() && opened->has_value()) << opened.status();
  EXPECT_EQ((*opened)->offender_report().comment(), "a marker");
  // Of another record these bytes are none, though its key is there.
  EXPECT_TRUE(absl::IsDataLoss(OpenMessage(*keys, Id(2), *stored).status()));
}

TEST(StoredRecordTest, WhatIsErasedIsNotThereAndWhatIsDamagedIsCorrupt) {
  const auto keys = testing::TestContentKeys();
  std::string value =
      SealStoredRecord(*keys, Id(1), AnyHeader(), 0, v1::OPINION_VERDICT_CONFIRMED, Saying("a marker"));
  value.back() ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(OpenMessage(*keys, Id(1), *ParseStoredRecord(value)).status()));
  // What was sealed and is no record is damaged too.
  const std::string none = EncodeStoredRecord(AnyHeader(), 0, v1::OPINION_VERDICT_CONFIRMED,
                                              keys->Seal(Id(1), "\xff\xff no record"));
  EXPECT_TRUE(absl::IsDataLoss(OpenMessage(*keys, Id(1), *ParseStoredRecord(none)).status()));
  const RecordId id = Id(1);
  ASSERT_TRUE(keys->Erase(std::span(&id, 1)).ok());
  for (const std::string& bytes : {value, none}) {
    const auto opened = OpenMessage(*keys, id, *ParseStoredRecord(bytes));
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_FALSE(opened->has_value());
  }
}

TEST(StoredRecordTest, WhatIsCutShortOrUnknownIsNone) {
  const std::string value = EncodeStoredRecord(AnyHeader(), 1, v1::OPINION_VERDICT_DISPUTED, "");
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(ParseStoredRecord(std::string_view(value).substr(0, size)).has_value()) << size;
  }
  std::string unknown_verdict = value;
  unknown_verdict.back() = 99;
  EXPECT_FALSE(ParseStoredRecord(unknown_verdict).has_value());
}

TEST(TallyTest, SomeConfirmAndSomeDeny) {
  const auto disputed = [](const std::vector<v1::OpinionVerdict>& verdicts) {
    Tally tally;
    for (const v1::OpinionVerdict verdict : verdicts) tally.Add(verdict);
    return tally.disputed();
  };
  EXPECT_FALSE(disputed({}));
  EXPECT_FALSE(disputed({v1::OPINION_VERDICT_CONFIRMED, v1::OPINION_VERDICT_SEEN_HERE}));
  EXPECT_FALSE(disputed({v1::OPINION_VERDICT_FALSE_POSITIVE}));
  EXPECT_FALSE(disputed({v1::OPINION_VERDICT_CONFIRMED, v1::OPINION_VERDICT_OUTDATED}));
  EXPECT_TRUE(disputed({v1::OPINION_VERDICT_SEEN_HERE, v1::OPINION_VERDICT_FALSE_POSITIVE}));
  EXPECT_TRUE(disputed({v1::OPINION_VERDICT_DISPUTED, v1::OPINION_VERDICT_CONFIRMED}));
}

TEST(FieldCheckerTest, TextIsCountedInCharacters) {
  const auto wrong = [](const std::string& text, size_t chars_max) {
    FieldChecker checker(10);
    checker.Text({"f"}, text, chars_max);
    return !checker.ToStatus().ok();
  };
  EXPECT_FALSE(wrong("\xc3\xa9\xc3\xa9", 2));
  EXPECT_TRUE(wrong("\xc3\xa9\xc3\xa9\xc3\xa9", 2));
  EXPECT_TRUE(wrong("abc", 2));
  EXPECT_FALSE(wrong("a\r\n\tb", 5));
  EXPECT_TRUE(wrong(std::string("a\0b", 3), 5));
  EXPECT_TRUE(wrong("\xc3", 5));
}

}  // namespace
}  // namespace coalition::exchange
