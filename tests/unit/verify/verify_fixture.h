// A store in which a test damages something, and what is found then.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/policy/header.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "tests/unit/verify/verify_world.h"

namespace coalition::verify {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::VerifyWorld;

inline auto Is(Subject subject, const std::string& what) {
  return Contains(AllOf(Field(&Finding::subject, subject), Field(&Finding::what, HasSubstr(what))));
}

// One store for all tests, each of which puts it back.
class VerifyFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new VerifyWorld(260);
    world_->Keep();
  }
  static void TearDownTestSuite() {
    delete world_;
    world_ = nullptr;
  }
  ~VerifyFixture() override {
    world().PutBack();
    world().Use(testing::TestContentKeys());
  }

  static VerifyWorld& world() { return *world_; }
  static std::vector<Finding> Findings() {
    const auto report = world().Verify();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? report->findings : std::vector<Finding>();
  }
  // After these writes, with right checksums.
  static std::vector<Finding> FindingsAfter(std::vector<store::Write> writes) {
    world().Commit(std::move(writes));
    return Findings();
  }
  static std::vector<Finding> FindingsWithout(const std::string& key) {
    return FindingsAfter({{key, std::nullopt}});
  }
  static std::string OneOf(const std::string& prefix, size_t which = 0) {
    const std::vector<std::string> keys = world().KeysOf(prefix);
    EXPECT_GT(keys.size(), which) << prefix;
    return keys.at(which);
  }
  // As it is stored, changed.
  template <class Message>
  static store::Write Changed(const std::string& key, const std::function<void(Message&)>& change) {
    Message message;
    EXPECT_TRUE(message.ParseFromString(world().MustRead(key)));
    change(message);
    return {key, message.SerializeAsString()};
  }
  static std::string KeyOfRecord(const std::string& name) {
    return world().MustRead(exchange::IdKey(*RecordIdToBytes(*ParseRecordName(name))));
  }
  // The kept record with another header.
  static store::Write WithHeader(const std::function<void(policy::Header&)>& change) {
    const std::string key = KeyOfRecord(world().made().kept);
    const std::string value = world().MustRead(key);
    const auto stored = exchange::ParseStoredRecord(value);
    policy::Header header = stored->header.ToHeader();
    change(header);
    return {key, exchange::EncodeStoredRecord(header, stored->ordinal, stored->verdict, stored->message)};
  }
  static store::Write WithMessage(const std::function<void(v1::Record&)>& change) {
    const std::string key = KeyOfRecord(world().made().kept);
    const std::string value = world().MustRead(key);
    const auto stored = exchange::ParseStoredRecord(value);
    const auto id = *exchange::IdOfRecordKey(key);
    v1::Record record;
    EXPECT_TRUE(*exchange::OpenMessageInto(world().contents(), id, *stored, &record));
    change(record);
    return {key, exchange::SealStoredRecord(world().contents(), id, stored->header.ToHeader(),
                                            stored->ordinal, stored->verdict, record)};
  }

 private:
  inline static VerifyWorld* world_ = nullptr;
};

}  // namespace coalition::verify
