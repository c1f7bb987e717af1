// What is erased is not there for anybody who reads, also at a revision at which its row is, and while a call
// is under way; and nothing of what records say stands in a row in clear.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "common/errors.h"
#include "common/hash.h"
#include "server/exchange/reader.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ErasedTest : public ::testing::Test {
 protected:
  std::string Made(const std::string& seller = "shop-1") {
    v1::Record report = Report("bazaar.example", seller);
    GrantMember(report, "belmont");
    return world_.Created("aurore", report).name();
  }
  void Withdraw(const std::string& name) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  }
  // Its key, and nothing else.
  void Erase(const std::string& name) {
    const RecordId id = IdOf(name);
    ASSERT_TRUE(world_.keys().contents->Erase(std::span(&id, 1)).ok());
  }
  std::string KeyOfRow(const std::string& name) {
    const std::string key = IdKey(IdOf(name));
    const auto read = world_.store().Read(std::span(&key, 1), world_.store().Head());
    return read.ok() && (*read)[0] ? (*read)[0]->value : std::string();
  }

  Rounds rounds_;  // not begun
  World world_;
};

TEST_F(ErasedTest, AtAnOldRevisionItIsAbsentAndNotDamaged) {
  const std::string name = Made(), other = Made();
  CallContext before = world_.As("belmont");
  Withdraw(name);
  ASSERT_TRUE(world_.Get(before, name).ok()) << "its row is still read";
  Erase(name);
  EXPECT_EQ(world_.Get(before, name).status(), NotFound());
  const ExchangeKeys keys = world_.keys();
  const Reader reader(
      world_.store(), keys,
      {before.snapshot->policy_state(), before.at, before.caller.member_number, before.now_s()});
  const auto seen = reader.FindById(IdOf(name));
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_FALSE(seen->has_value());
  const auto listed = world_.List(before, {});
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_THAT(listed->records(), SizeIs(1));
  EXPECT_EQ(listed->records(0).name(), other);
  const auto profile = world_.Profile(before, "bazaar.example", "shop-1");
  ASSERT_TRUE(profile.ok()) << profile.status();
  ASSERT_THAT(profile->records(), SizeIs(1));
  EXPECT_EQ(profile->records(0).name(), other);
  const auto opinion = world_.Create(before, CreateRequest(Opinion(name, v1::OPINION_VERDICT_CONFIRMED)));
  EXPECT_EQ(GetErrorReason(opinion.status()), v1::ERROR_REASON_REFERENCE_NOT_FOUND);
}

// Does something at one of the records that a call looks at.
class DoAt final : public ReadWatch {
 public:
  DoAt(int at, std::function<void()> work) : at_(at), work_(std::move(work)) {}
  absl::Status Look() override {
    if (++looks_ == at_) work_();
    return absl::OkStatus();
  }
  int looks() const { return looks_; }

 private:
  const int at_;
  const std::function<void()> work_;
  int looks_ = 0;
};

TEST_F(ErasedTest, WhatIsErasedWhileItIsReadIsLeftOut) {
  // The last look is at the opinion about a report that was found to be there, before it is shown.
  for (const bool lists : {true, false}) {
    for (int at = 1; at <= (lists ? 5 : 3); ++at) {
      const std::string seller = "shop-" + std::to_string(at) + (lists ? "l" : "p");
      const std::string name = Made(seller);
      world_.Created("belmont", Opinion(name, v1::OPINION_VERDICT_CONFIRMED));
      DoAt watch(at, [&] { Erase(name); });
      CallContext context = world_.As("belmont");
      context.watch = &watch;
      if (lists) {
        v1::ListRecordsRequest request;
        request.mutable_filter()->add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
        request.mutable_filter()->mutable_seller()->set_platform("bazaar.example");
        request.mutable_filter()->mutable_seller()->set_seller_id(seller);
        const auto listed = world_.List(context, request);
        ASSERT_TRUE(listed.ok()) << at << " " << listed.status();
        EXPECT_THAT(listed->records(), IsEmpty());
        EXPECT_THAT(world_.disclosure.records, IsEmpty());
      } else {
        const auto profile = world_.Profile(context, "bazaar.example", seller);
        ASSERT_TRUE(profile.ok()) << at << " " << profile.status();
        for (const v1::Record& record : profile->records()) EXPECT_NE(record.name(), name);
      }
      EXPECT_GE(watch.looks(), at);
      EXPECT_TRUE(world_.keys().contents->IsErased(IdOf(name)));
    }
  }
}

TEST_F(ErasedTest, BytesThatItsKeyDoesNotOpenAreCorrupt) {
  const std::string name = Made(), key = KeyOfRow(name);
  std::string value = (*world_.store().Read(std::span(&key, 1), world_.store().Head()))[0]->value;
  value.back() ^= 1;
  CommitTo(world_.store(), {{key, value}});
  EXPECT_EQ(GetErrorReason(world_.Get(world_.As("belmont"), name).status()), v1::ERROR_REASON_CORRUPT);
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name);
  EXPECT_EQ(GetErrorReason(world_.Withdraw(world_.As("aurore"), withdraw).status()),
            v1::ERROR_REASON_CORRUPT);
}

// As after a crash between the two, of a version that does not finish it.
TEST_F(ErasedTest, WhatIsStillThereIsRemovedWhenItExpires) {
  v1::Record report = ShortLived(world_, "shop-1");
  report.set_external_id("case-1");
  GrantMember(report, "belmont");
  const std::string name = world_.Created("aurore", report).name();
  v1::Record opinion = Opinion(name, v1::OPINION_VERDICT_CONFIRMED);
  opinion.mutable_expire_time()->set_seconds(world_.clock.NowS() + kLifeS);
  Erase(world_.Created("belmont", opinion).name());
  Erase(name);
  rounds_.Resume(world_);
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_THAT(rounds_.failures(), IsEmpty());
  EXPECT_THAT(rounds_.damaged(), IsEmpty());
  for (const char* rows : {"r", "e", "a", "b", "o"}) EXPECT_THAT(KeysOf(world_, rows), IsEmpty()) << rows;
  // Of what it was found by, nobody can say which entry to change: it leads to nothing, and the id stays
  // taken.
  report.mutable_expire_time()->set_seconds(world_.clock.NowS() + kLifeS);
  const auto again = world_.Create(world_.As("aurore"), CreateRequest(report));
  EXPECT_EQ(GetErrorReason(again.status()), v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
}

TEST_F(ErasedTest, NothingThatARecordSaysStandsInARow) {
  v1::Record report = Report("bazaar.example", "marker-seller");
  report.set_external_id("marker-case");
  report.mutable_offender_report()->set_comment("marker-comment");
  GrantMember(report, "belmont");
  const std::string cleared = world_.Created("aurore", report).name();
  ClearIt(world_, "aurore", cleared);
  report.set_external_id("marker-case-2");
  const v1::Record created = world_.Created("aurore", report);
  world_.Created("belmont", Opinion(created.name(), v1::OPINION_VERDICT_CONFIRMED));
  v1::ReviseRecordRequest revise;
  *revise.mutable_record() = created;
  revise.mutable_record()->mutable_offender_report()->set_comment("marker-comment again");
  revise.mutable_update_mask()->add_paths("offender_report.comment");
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), revise).ok());
  v1::ImportRecordsRequest import;
  report.set_external_id("marker-case-3");
  *import.add_items()->mutable_record() = report;
  ASSERT_TRUE(world_.Import(world_.As("aurore"), import).ok());
  int rows = 0;
  const auto scanned = world_.store().ScanEach(
      "", "", world_.store().Head(), [&rows](std::string_view key, std::string_view value, store::Revision) {
        ++rows;
        EXPECT_EQ(key.find("marker"), std::string_view::npos) << ::testing::PrintToString(key);
        EXPECT_EQ(value.find("marker"), std::string_view::npos) << ::testing::PrintToString(key);
        return true;
      });
  EXPECT_TRUE(scanned.ok()) << scanned;
  EXPECT_GT(rows, 20);
  // Each is found all the same.
  EXPECT_EQ(world_.ScreenOne("belmont", "bazaar.example", "marker-seller").verdict(), v1::VERDICT_LISTED);
  v1::ListRecordsRequest by_id;
  by_id.mutable_filter()->set_external_id("marker-case-2");
  EXPECT_THAT(world_.ListAll(world_.As("aurore"), by_id), ElementsAre(created.name()));
}

// A hash that anybody can make of a guess would say what a record said, for good.
TEST_F(ErasedTest, WhatIsRememberedOfARequestAndAnExternalIdIsNoHashOfIt) {
  v1::Record report = Report("bazaar.example", "shop-1");
  report.set_external_id("case-1");
  v1::CreateRecordRequest request = CreateRequest(report, "00000000-0000-4000-8000-000000000001");
  const auto created = world_.Create(world_.As("aurore"), request);
  ASSERT_TRUE(created.ok()) << created.status();
  const std::vector<std::string> requests = KeysOf(world_, "q"), external_ids = KeysOf(world_, "x");
  ASSERT_TRUE(requests.size() == 1 && external_ids.size() == 1);
  const auto read = world_.store().Read(std::vector{requests[0], external_ids[0]}, world_.store().Head());
  storage::v1::StoredRequest remembered;
  storage::v1::StoredExternalId named;
  ASSERT_TRUE(remembered.ParseFromString((*read)[0]->value) && named.ParseFromString((*read)[1]->value));
  request.clear_request_id();
  const Sha256Digest payload = Sha256(request.SerializeAsString());
  const contents::ContentKeys& keys = *world_.keys().contents;
  const RecordId id = IdOf(created->record().name());
  EXPECT_EQ(remembered.payload_sha256(), Bytes(keys.Fingerprint(id, payload))) << "positive control";
  EXPECT_NE(remembered.payload_sha256(), Bytes(payload));
  EXPECT_NE(named.content_sha256(), Bytes(Sha256(report.SerializeAsString())));
  Erase(created->record().name());
  EXPECT_NE(remembered.payload_sha256(), Bytes(keys.Fingerprint(id, payload)));
}

TEST_F(ErasedTest, AStoreThatKeepsContentsInAnotherFormIsNotOpened) {
  store::CommitLane lane(world_.store());
  const auto opened = [&](const ExchangeKeys& keys) {
    return Exchange::Open({}, keys, world_.store(), world_.directory(), lane, world_.random,
                          [](uint32_t, const std::function<void()>& work) { work(); })
        .status();
  };
  EXPECT_TRUE(opened(world_.keys()).ok());
  ExchangeKeys none = world_.keys();
  none.contents = nullptr;
  EXPECT_TRUE(absl::IsInvalidArgument(opened(none)));
  const std::string form(kContentsFormKey);
  CommitTo(world_.store(), {{form, "2"}});
  EXPECT_TRUE(absl::IsFailedPrecondition(opened(world_.keys())));
  // With other files of keys all sellers would be absent, and all records damaged.
  SystemRandom random;
  const auto other = [&](std::string_view pseudonym) {
    return contents::ContentKeys::Make("", PuncturedTree::Make(contents::ContentKeys::kTreeBits, random),
                                       pseudonym);
  };
  CommitTo(world_.store(), {{form, ContentsFact(*other(std::string(32, 'x')))}});
  EXPECT_THAT(opened(world_.keys()).message(), ::testing::HasSubstr("key_dir/pseudonym is not the one"));
  ExchangeKeys one = world_.keys(), another = world_.keys();
  one.contents = other(std::string(32, 'x'));
  another.contents = other(std::string(32, 'x'));
  CommitTo(world_.store(), {{form, ContentsFact(*one.contents)}});
  EXPECT_TRUE(opened(one).ok());
  EXPECT_THAT(opened(another).message(), ::testing::HasSubstr("key_dir/erasure_keys is not the one"));
  CommitTo(world_.store(), {{form, std::nullopt}});
  EXPECT_TRUE(absl::IsFailedPrecondition(opened(world_.keys()))) << "it has other facts";
  Made();
  std::vector<store::Write> facts;
  for (const std::string& fact : KeysOf(world_, "k")) facts.push_back({fact, std::nullopt});
  CommitTo(world_.store(), std::move(facts));
  EXPECT_TRUE(absl::IsFailedPrecondition(opened(world_.keys()))) << "it has a record";
  lane.Drain();
}

}  // namespace
}  // namespace coalition::exchange
