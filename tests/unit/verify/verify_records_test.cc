// Records, their indexes, and what is remembered of those that are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "server/exchange/erasures.h"
#include "server/exchange/taken_back.h"
#include "server/ledger/shown_log.h"
#include "tests/unit/verify/verify_fixture.h"

namespace coalition::verify {
namespace {

using VerifyRecordsTest = VerifyFixture;

TEST_F(VerifyRecordsTest, EveryIndexRowThatIsGoneIsFound) {
  std::vector<std::string> keys;
  for (const char* index : {"a", "b", "e", "i", "o", "p", "x"}) {
    const std::vector<std::string> of = world().KeysOf(index);
    EXPECT_THAT(of, Not(IsEmpty())) << index;
    keys.insert(keys.end(), of.begin(), of.end());
  }
  const std::string withdrawn = exchange::IdKey(*RecordIdToBytes(*ParseRecordName(world().made().withdrawn)));
  const std::string cleared = exchange::IdKey(*RecordIdToBytes(*ParseRecordName(world().made().cleared)));
  for (const std::string& key : keys) {
    const bool of_gone = key == withdrawn || key == cleared;
    // Sellers stay present for those who list them again; who was cleared is found by its clearance.
    if (key.starts_with("p")) continue;
    const auto findings = FindingsWithout(key);
    EXPECT_THAT(findings, of_gone ? Is(Subject::kIndex, "its id is not reserved")
                                  : Is(Subject::kIndex, "can't be found without it"))
        << ::testing::PrintToString(key);
    world().PutBack();
  }
}

TEST_F(VerifyRecordsTest, ASellerThatScreeningWouldMissIsFound) {
  int found = 0;
  for (const std::string& key : world().KeysOf("p")) {
    found += FindingsWithout(key).empty() ? 0 : 1;
    world().PutBack();
  }
  EXPECT_EQ(found, 2) << "shop-1 and shop-2; nothing is left of the others";
}

TEST_F(VerifyRecordsTest, EveryIndexRowTooManyIsFound) {
  const std::string record = KeyOfRecord(world().made().kept);
  const std::string gone = KeyOfRecord(world().made().withdrawn);
  const auto id = *exchange::IdOfRecordKey(record);
  const std::string place = exchange::EncodePosition({1, 9});
  EXPECT_THAT(FindingsAfter({{exchange::OwnerPrefix(1) + place, record}}),
              Is(Subject::kIndex, "not where its record is to be found"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::OwnerPrefix(1) + place, gone}}),
              Is(Subject::kIndex, "leads to a record that is not there"));
  world().PutBack();
  // In its place, for a member that was not granted it.
  const std::string own =
      exchange::EncodePosition(exchange::ParseStoredRecord(world().MustRead(record))->position());
  const std::string audience = exchange::AudiencePrefix(policy::SubjectKind::kMember, 5) + own;
  EXPECT_THAT(FindingsAfter({{audience, record}}),
              Is(Subject::kIndex, "not where its record is to be found"));
  world().PutBack();
  const std::string reference =
      exchange::BackReferencePrefix(id, v1::RECORD_CLASS_OPINION) + exchange::EncodePosition({1, 9});
  EXPECT_THAT(FindingsAfter({{reference, record}}),
              Is(Subject::kIndex, "not where its record is to be found"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::ExpiryKey(12345, id), record}}),
              Is(Subject::kIndex, "not where its record expires"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::IdKey({1}), record}}),
              Is(Subject::kIndex, "not of the record that it leads to"));
  world().PutBack();
  const std::string entry = world().MustRead(OneOf("x"));
  EXPECT_THAT(FindingsAfter({{exchange::ExternalIdKey(world().contents(), 1, "case-2"), entry}}),
              Is(Subject::kIndex, "not of the record that it leads to"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::ExternalIdKey(world().contents(), 99, "case-2"), entry}}),
              Is(Subject::kIndex, "is an external id of nobody"));
}

TEST_F(VerifyRecordsTest, AnIndexRowThatLeadsElsewhereIsFound) {
  const std::string record = KeyOfRecord(world().made().kept);
  const std::string another = OneOf("r", OneOf("r") == record ? 1 : 0);
  const auto id = *exchange::IdOfRecordKey(record);
  for (const std::string& key : {exchange::IdKey(id), OneOf("e"), OneOf("a")}) {
    const std::string other = world().MustRead(key) == record ? another : record;
    EXPECT_THAT(FindingsAfter({{key, other}}), Is(Subject::kIndex, "leads to another record than it should"));
    world().PutBack();
  }
}

TEST_F(VerifyRecordsTest, ARecordThatIsGoneIsFound) {
  EXPECT_THAT(FindingsWithout(KeyOfRecord(world().made().kept)),
              Is(Subject::kIndex, "leads to a record that is not there"));
}

TEST_F(VerifyRecordsTest, ARecordThatIsNoneIsFound) {
  EXPECT_THAT(FindingsAfter({{KeyOfRecord(world().made().kept), "no record"}}),
              Is(Subject::kRow, "is no record"));
}

TEST_F(VerifyRecordsTest, ARecordThatItsKeyDoesNotOpenIsFound) {
  const std::string key = KeyOfRecord(world().made().kept);
  std::string value = world().MustRead(key);
  value.back() ^= 1;
  EXPECT_THAT(FindingsAfter({{key, value}}), Is(Subject::kRow, "that its key does not open"));
}

TEST_F(VerifyRecordsTest, ARecordThatIsErasedAndThereIsFoundOnce) {
  const auto erased = *RecordIdToBytes(*ParseRecordName(world().made().kept));
  ASSERT_TRUE(world().contents().Erase(std::span(&erased, 1)).ok());
  const auto findings = Findings();
  EXPECT_THAT(findings, ElementsAre(AllOf(Field(&Finding::subject, Subject::kRecord),
                                          Field(&Finding::what, HasSubstr("is erased, and is there")))));
}

TEST_F(VerifyRecordsTest, WhatIsErasedAndGoneIsSound) {
  for (const std::string& name : {world().made().withdrawn, world().made().cleared}) {
    const auto erased = *RecordIdToBytes(*ParseRecordName(name));
    ASSERT_TRUE(world().contents().Erase(std::span(&erased, 1)).ok());
  }
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(VerifyRecordsTest, AnErasureThatIsNotFinishedIsSoundIfItsRecordIsTakenBackSo) {
  const auto kept = *RecordIdToBytes(*ParseRecordName(world().made().kept));
  const auto withdrawn = *RecordIdToBytes(*ParseRecordName(world().made().withdrawn));
  EXPECT_THAT(FindingsAfter({{exchange::ErasureKey(kept), ""}}),
              Is(Subject::kRecord, "is to be erased, and was not taken back so"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::ErasureKey(withdrawn), "?"}}), Is(Subject::kRow, "is no erasure"));
  world().PutBack();
  const store::Write marked = Changed<storage::v1::StoredTakenBack>(exchange::TakenBackKey(withdrawn),
                                                                    [](auto& of) { of.set_erased(true); });
  EXPECT_THAT(FindingsAfter({marked, {exchange::ErasureKey(withdrawn), ""}}), IsEmpty());
}

// As where a file of keys from before the erasure was put back.
TEST_F(VerifyRecordsTest, AKeyOfWhatIsErasedIsFound) {
  const auto withdrawn = *RecordIdToBytes(*ParseRecordName(world().made().withdrawn));
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredTakenBack>(exchange::TakenBackKey(withdrawn),
                                                                   [](auto& of) { of.set_erased(true); })}),
              Is(Subject::kHead, "is erased, and its key is there"));
  ASSERT_TRUE(world().contents().Erase(std::span(&withdrawn, 1)).ok());
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(VerifyRecordsTest, AStoreOfAVersionThatKeptContentsInClearIsFound) {
  const std::string form(exchange::kContentsFormKey);
  EXPECT_THAT(FindingsWithout(form), Is(Subject::kRow, "kept contents in clear"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{form, "2"}}), Is(Subject::kRow, "of a form that this version does not know"));
}

TEST_F(VerifyRecordsTest, AHeaderThatContradictsItsRecordIsFound) {
  const std::pair<std::function<void(policy::Header&)>, const char*> changes[] = {
      {[](policy::Header& of) { of.contributor = 2; }, "names another contributor than is decided by"},
      {[](policy::Header& of) { of.contributor = 99; }, "is of a contributor that is no member"},
      {[](policy::Header& of) { of.record_class = v1::RECORD_CLASS_TAKEDOWN_NOTICE; }, "another class"},
      {[](policy::Header& of) { of.label = v1::LABEL_CLEAR; }, "another label"},
      {[](policy::Header& of) {
         of.permitted_action = v1::PERMITTED_ACTION_EXTERNALLY_VISIBLE_DIRECT_ACTIONS;
       },
       "other permitted actions"},
      {[](policy::Header& of) { of.expire_time_s += 1; }, "another end"},
      {[](policy::Header& of) { of.state = policy::Lifecycle::kContested; }, "does not say since when"},
      {[](policy::Header& of) { of.subject.emplace(); }, "another subject"},
      {[](policy::Header& of) { of.platform = 2; }, "is on another platform"},
      {[](policy::Header& of) { of.made = 1'000'000; }, "by a commit that there was not"},
      {[](policy::Header& of) { of.grants.front().attached = 1'000'000; }, "a grant of a commit"},
      {[](policy::Header& of) {
         of.grants.push_back({policy::SubjectKind::kMember, 1, 99, 1});
       },
       "granted to a member or group that is not there"},
      {[](policy::Header& of) {
         of.exclusions.push_back({policy::SubjectKind::kGroup, 99});
       },
       "excludes a member or group that is not there"}};
  for (const auto& [change, what] : changes) {
    EXPECT_THAT(FindingsAfter({WithHeader(change)}), Is(Subject::kRecord, what));
    world().PutBack();
  }
  // What it is granted to is found by its rows.
  EXPECT_THAT(FindingsAfter({WithHeader([](policy::Header& of) { of.grants.pop_back(); })}),
              Is(Subject::kIndex, "not where its record is to be found"));
}

TEST_F(VerifyRecordsTest, ARecordThatNamesAnotherSellerOrVerdictIsFound) {
  EXPECT_THAT(
      FindingsAfter({WithMessage([](v1::Record& of) { of.mutable_seller()->set_seller_id("shop-9"); })}),
      Is(Subject::kRecord, "lies under another seller"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({WithMessage(
                  [](v1::Record& of) { of.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_DISPUTED); })}),
              Is(Subject::kRecord, "another verdict"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({WithMessage([](v1::Record& of) { of.set_external_id("case-2"); })}),
              Is(Subject::kIndex, "can't be found without it"));
}

TEST_F(VerifyRecordsTest, WhatIsRememberedOfRecordsThatAreGoneIsChecked) {
  const auto withdrawn = *RecordIdToBytes(*ParseRecordName(world().made().withdrawn));
  const auto kept = *RecordIdToBytes(*ParseRecordName(world().made().kept));
  const std::string note = world().MustRead(exchange::TakenBackKey(withdrawn));
  EXPECT_THAT(FindingsAfter({{exchange::TakenBackKey(kept), note}}),
              Is(Subject::kRecord, "was taken back, and is there"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::TakenBackKey(withdrawn), "?"}}),
              Is(Subject::kRow, "is no note of a record"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({Changed<storage::v1::StoredTakenBack>(
                  exchange::TakenBackKey(withdrawn), [](auto& of) { of.set_contributor(99); })}),
              Is(Subject::kRecord, "taken back from a contributor that is no member"));
  world().PutBack();
  EXPECT_THAT(FindingsWithout(OneOf("c")), Is(Subject::kIndex, "a report of the seller was cleared"));
  world().PutBack();
  const std::string clearance = OneOf("c");
  EXPECT_THAT(FindingsAfter({{clearance, std::string(withdrawn.begin(), withdrawn.end())}}),
              Is(Subject::kIndex, "a clearance of a record that was not cleared"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{clearance, "?"}}), Is(Subject::kRow, "is no clearance"));
}

TEST_F(VerifyRecordsTest, WhatIsRememberedOfRequestsAndDeparturesIsChecked) {
  const std::string request = OneOf("q");
  EXPECT_THAT(FindingsAfter({{request, "?"}}), Is(Subject::kRow, "is no request"));
  EXPECT_THAT(
      FindingsAfter({{exchange::RequestKey(99, exchange::Method::kCreate, "id"), world().MustRead(request)}}),
      Is(Subject::kRow, "is no request"));
  world().PutBack();
  const std::string of_nobody = exchange::RequestKey(99, exchange::Method::kCreate, "id");
  EXPECT_THAT(FindingsAfter({{of_nobody, world().MustRead(request)}}), Is(Subject::kRecord, "for nobody"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::DepartureKey(99), ""}}), Is(Subject::kRecord, "for nobody"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{exchange::DepartureKey(1), "?"}}), Is(Subject::kRow, "is no departure"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{"h", ""}}), Is(Subject::kRow, "is no mark"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{"p", ""}}), Is(Subject::kRow, "is no seller's"));
}

TEST_F(VerifyRecordsTest, AFactIsOneThatIsKnown) {
  for (const char* key : {"k", "kfact", "kseller_hash2", "kexpiry_inde", "kdenials"}) {
    EXPECT_THAT(FindingsAfter({{key, ""}}), Is(Subject::kRow, "is no fact that this version knows")) << key;
    world().PutBack();
  }
  for (const std::string_view key : {exchange::kSellerHashCheckKey, exchange::kExpiryIndexKey}) {
    EXPECT_THAT(FindingsAfter({{std::string(key), "?"}}), Is(Subject::kRow, "a fact in no form")) << key;
    world().PutBack();
  }
  world().Commit({{"kdenials", ""}});
  VerifyOptions options = world().Options();
  options.facts_beside = {"kdenials"};
  const auto report = VerifyStore(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->findings, IsEmpty()) << "of another room";
}

TEST_F(VerifyRecordsTest, WhoWasShownWhatIsChecked) {
  const std::string row = OneOf("u");
  EXPECT_THAT(FindingsWithout(row), Is(Subject::kShown, "nothing is kept of that"));
  world().PutBack();
  const auto record = *RecordIdToBytes(*ParseRecordName(world().made().kept));
  const std::string value = world().MustRead(row);
  EXPECT_THAT(FindingsAfter({{ledger::ShownKey({99, record}), value}}),
              Is(Subject::kShown, "shown to nobody"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{ledger::ShownKey({1, {}}), value}}),
              Is(Subject::kShown, "that there never was"));
  world().PutBack();
  EXPECT_THAT(FindingsAfter({{row, "?"}}), Is(Subject::kRow, "is no note of who was shown what"));
}

}  // namespace
}  // namespace coalition::verify
