// What a request costs is bounded before it is parsed, and what is no message gets its own answer.
#include "server/service/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "coalition/v1/exchange_service.pb.h"
#include "common/errors.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/stubs/logging.h"
#include "grpcpp/support/slice.h"

namespace coalition::service {
namespace {

constexpr size_t kMessageBytes = size_t{4} << 20;  // what the server takes at most

grpc::ByteBuffer Bytes(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string Times(size_t count, std::string_view unit) {
  std::string bytes;
  bytes.reserve(count * unit.size());
  for (size_t i = 0; i < count; ++i) bytes += unit;
  return bytes;
}

std::string Varint(size_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// A field of the tag that holds `value`.
std::string Sized(std::string_view tag, const std::string& value) {
  return std::string(tag) + Varint(value.size()) + value;
}

// items { record { takedown_outcome { `outcome` } } }
std::string OutcomeItem(const std::string& outcome) {
  return Sized("\x0a", Sized("\x12", Sized("\xb2\x01", outcome)));
}

// Full of small fields. At 12,300 bytes its lists are as long as the default settings let them be.
v1::Record DenseRecord(int number, size_t bytes) {
  v1::Record record;
  record.set_external_id("case-" + std::to_string(number));
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-" + std::to_string(number));
  for (int i = 0; i < 64; ++i) {
    v1::Grant& grant = *record.mutable_audience()->add_grants();
    grant.mutable_subject()->set_member("members/m" + std::to_string(i));
    grant.set_view("full");
  }
  v1::OffenderReport& report = *record.mutable_offender_report();
  while (record.ByteSizeLong() + 200 < bytes) {
    report.add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
    v1::Right& right = *report.add_rights();
    right.set_type("TRADEMARK");
    right.set_office("EUIPO");
    right.set_registration_number("012345678");
    report.add_listings()->set_url("https://bazaar.example/listings/" + std::to_string(number));
  }
  return record;
}

v1::ImportRecordsRequest LegitimateImport(size_t record_bytes) {
  v1::ImportRecordsRequest request;
  for (int i = 0; i < 250; ++i) {
    v1::ImportItem& item = *request.add_items();
    item.set_item_id(i);
    *item.mutable_record() = DenseRecord(i, record_bytes);
  }
  return request;
}

// On an arena, as the server has it.
struct ImportMessage {
  google::protobuf::Arena arena;
  v1::ImportRecordsRequest* const request =
      google::protobuf::Arena::CreateMessage<v1::ImportRecordsRequest>(&arena);

  // At least so many bytes. The arena does not count strings, the message not what it has dropped.
  size_t Cost() const { return std::max<size_t>(arena.SpaceUsed(), request->SpaceUsedLong()); }
};

void ExpectTooManyFields(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_LIMIT_EXCEEDED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "fields_per_request");
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("max"), "262144");
}

void ExpectMalformed(const std::string& bytes) {
  v1::ImportRecordsRequest request;
  const absl::Status status = Parse(Bytes(bytes), &request);
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_MALFORMED_REQUEST) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("message"), "coalition.v1.ImportRecordsRequest");
}

// As long as the walk is worth it, whatever else is in it: one unknown field.
std::string Padding() { return Sized("\x7a", std::string(kFieldsMax + 1, 'x')); }

TEST(ParseTest, RefusesWhatWouldGrowBeforeItIsParsed) {
  const size_t room = kMessageBytes - 64;
  const std::map<std::string, std::string> shapes = {
      {"empty submessages in items", Times(room / 7, OutcomeItem(""))},
      {"empty items", Times(room / 2, std::string_view("\x0a\x00", 2))},
      {"empty strings deep down", OutcomeItem(Times(room / 2, std::string_view("\x5a\x00", 2)))},
      {"payloads by turns", Sized("\x0a", Sized("\x12", Times(room / 6, std::string_view("\xb2\x01\x00"
                                                                                         "\xba\x01\x00",
                                                                                         6))))},
      {"unknown groups", Times(room / 2, "\x7b\x7c")},
      {"unknown groups in an item", Sized("\x0a", Times(room / 2, "\x7b\x7c"))},
      {"one unknown group of many fields",
       "\x7b" + Times(room / 2, std::string_view("\x08\x00", 2)) + "\x7c"},
      {"unknown numbers", Times(room / 2, std::string_view("\x78\x00", 2))},
      {"unknown strings", Times(room / 2, std::string_view("\x7a\x00", 2))},
  };
  for (const auto& [shape, bytes] : shapes) {
    SCOPED_TRACE(shape);
    ImportMessage message;
    const size_t untouched = message.Cost();
    ExpectTooManyFields(Parse(Bytes(bytes), message.request));
    EXPECT_EQ(message.Cost(), untouched);
    // The parser alone would have taken it.
    EXPECT_TRUE(message.request->ParseFromString(bytes));
    EXPECT_GT(message.Cost(), 7 * bytes.size());
  }
}

TEST(ParseTest, WhatIsLongerThanWhatItIsInIsNotParsed) {
  // The parser would build all of it and fail then.
  const std::string strings = Times(kMessageBytes / 2 - 64, std::string_view("\x5a\x00", 2));
  const std::string record = Sized("\x12", Sized("\xb2\x01", strings));
  const std::string bytes = "\x0a" + Varint(8) + record;
  ImportMessage message;
  const size_t untouched = message.Cost();
  EXPECT_EQ(GetErrorReason(Parse(Bytes(bytes), message.request)), v1::ERROR_REASON_MALFORMED_REQUEST);
  EXPECT_EQ(message.Cost(), untouched);
  EXPECT_FALSE(message.request->ParseFromString(bytes));
  EXPECT_GT(message.Cost(), 7 * bytes.size());
}

TEST(ParseTest, TakesALegitimateImport) {
  for (const size_t record_bytes : {size_t{8'000}, size_t{12'300}}) {
    const std::string bytes = LegitimateImport(record_bytes).SerializeAsString();
    ASSERT_GT(bytes.size(), kFieldsMax);
    ASSERT_LE(bytes.size(), kMessageBytes);
    v1::ImportRecordsRequest request;
    EXPECT_EQ(Parse(Bytes(bytes), &request), absl::OkStatus());
    EXPECT_TRUE(request.SerializeAsString() == bytes);  // megabytes: not to be printed
  }
}

TEST(ParseTest, TakesExactlyAsManyFieldsAsItSays) {
  for (const std::string_view unit :
       {std::string_view("\x0a\x00", 2), std::string_view("\x7b\x7c", 2), std::string_view("\x78\x00", 2)}) {
    v1::ImportRecordsRequest request;
    EXPECT_EQ(Parse(Bytes(Times(kFieldsMax, unit)), &request), absl::OkStatus());
    ExpectTooManyFields(Parse(Bytes(Times(kFieldsMax + 1, unit)), &request));
  }
}

TEST(ParseTest, CountsAMessageOfSeveralSlices) {
  const std::string half = Times(kFieldsMax / 2 + 1, std::string_view("\x0a\x00", 2));
  const grpc::Slice slices[] = {grpc::Slice(half), grpc::Slice(half)};
  v1::ImportRecordsRequest request;
  ExpectTooManyFields(Parse(grpc::ByteBuffer(slices, 2), &request));
}

TEST(ParseTest, WhatIsNoMessageIsMalformed) {
  ExpectMalformed("\x0a");
  ExpectMalformed(std::string(1000, '\xff'));
  ExpectMalformed(std::string(kMessageBytes, '\xff'));
  ExpectMalformed(std::string(kMessageBytes, '\0'));
  const std::string padding = Padding();
  for (const std::string_view end :
       {std::string_view("\x0a"), std::string_view("\x0a\x05\x12"), std::string_view("\x7b"),
        std::string_view("\x7c"), std::string_view("\x7b\x6c"), std::string_view("\x0a\x01\x7b\x7c"),
        std::string_view("\x7e\x01"), std::string_view("\x00\x00", 2),
        std::string_view("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")}) {
    ExpectMalformed(std::string(end));
    ExpectMalformed(padding + std::string(end));
  }
  ExpectMalformed(padding + Sized("\x0a", Sized("\x12", Sized("\x12", "\xff"))));  // no UTF-8
}

TEST(ParseTest, WalksAsDeepAsItParses) {
  const std::string padding = Padding();
  v1::ImportRecordsRequest request;
  EXPECT_EQ(Parse(Bytes(padding + Times(100, "\x7b") + Times(100, "\x7c")), &request), absl::OkStatus());
  ExpectMalformed(padding + Times(101, "\x7b") + Times(101, "\x7c"));
  ExpectMalformed(padding + Times(2'000'000, "\x7b"));
  // Within an item and its record: two levels less.
  const auto nested = [](size_t groups) {
    return Sized("\x0a", Sized("\x12", Times(groups, "\x7b") + Times(groups, "\x7c")));
  };
  EXPECT_EQ(Parse(Bytes(padding + nested(98)), &request), absl::OkStatus());
  ExpectMalformed(padding + nested(99));
}

// The walk must refuse nothing that the parser takes.
TEST(ParseTest, AnswersAsTheParserDoesToDamagedMessages) {
  v1::ImportRecordsRequest whole;
  for (int i = 0; i < 3; ++i) *whole.add_items()->mutable_record() = DenseRecord(i, 2'400);
  whole.mutable_items(0)->mutable_record()->mutable_expire_time()->set_seconds(1'900'000'000);
  whole.set_validate_only(true);
  const std::string unknown(
      "\x7b\x08\x01\x13\x0a\x02\x7b\x7c\x14\x7c\x7d\x01\x02\x03\x04\x79\x01\x02\x03\x04"
      "\x05\x06\x07\x08",
      24);
  const std::string sound = unknown + Sized("\x0a", unknown) + whole.SerializeAsString();
  const std::string padding = Padding();
  std::mt19937 random(20161123);
  size_t taken = 0, refused = 0;
  const google::protobuf::LogSilencer no_utf8_errors;
  for (int i = 0; i < 3'000; ++i) {
    std::string bytes = sound;
    // The beginning is where the structure is densest.
    const size_t end = i % 2 == 0 ? 60 : bytes.size();
    for (size_t edits = random() % 3 + 1; edits > 0; --edits) {
      const size_t at = random() % end;
      const char byte = static_cast<char>(random() % 4 == 0 ? random() : bytes[at] ^ (1 << random() % 8));
      switch (random() % 4) {
        case 0:
          bytes.insert(at, 1, byte);
          break;
        case 1:
          bytes.erase(at, 1);
          break;
        default:
          bytes[at] = byte;
      }
    }
    bytes.insert(i % 3 == 0 ? bytes.size() : 0, padding);
    v1::ImportRecordsRequest expected, request;
    const bool is_message = expected.ParseFromString(bytes);
    ++(is_message ? taken : refused);
    const absl::Status status = Parse(Bytes(bytes), &request);
    ASSERT_EQ(status.ok(), is_message) << "mutation " << i << ": " << status;
    if (!is_message) {
      ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_MALFORMED_REQUEST) << status;
    }
  }
  EXPECT_GT(taken, 300u);
  EXPECT_GT(refused, 300u);
}

}  // namespace
}  // namespace coalition::service
