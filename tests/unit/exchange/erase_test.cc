// Erasing records: what is gone and what stays, who may, and what happens where it is cut short.
#include "server/exchange/erase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "server/exchange/erasures.h"
#include "server/exchange/reader.h"
#include "tests/unit/exchange/erasure_support.h"
#include "tests/unit/exchange/expiry_support.h"
#include "tests/unit/exchange/take_back_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Answer = EraseAnswer;

struct Trouble {
  std::function<void()> after_read;   // runs once, after a record's row was read
  std::atomic<int> commits_left{-1};  // -1: none fails
};

class TroubledStore final : public ForwardingStore {
 public:
  TroubledStore(store::Store& base, Trouble& trouble) : ForwardingStore(base), trouble_(trouble) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (trouble_.commits_left == 0) {
      return std::vector<absl::StatusOr<store::Revision>>(commits.size(), absl::UnavailableError("told to"));
    }
    if (trouble_.commits_left > 0) --trouble_.commits_left;
    return ForwardingStore::CommitAll(commits);
  }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    auto values = ForwardingStore::Read(keys, at);
    if (trouble_.after_read && !keys.empty() && keys[0].starts_with(kRecordsPrefix))
      std::exchange(trouble_.after_read, nullptr)();
    return values;
  }

 private:
  Trouble& trouble_;
};

class EraseTest : public ::testing::Test {
 protected:
  EraseTest() : world_(Options()) {}

  WorldOptions Options() {
    WorldOptions options = AdministrationOptions();
    options.wrap_store = [this](store::Store& base) {
      return std::make_unique<TroubledStore>(base, trouble_);
    };
    options.run_later = [this](uint32_t, const std::function<void()>& work) {
      const auto cut = cut_;
      cut ? cut->set_value() : work();
    };
    return options;
  }

  CallContext As(const char* member, const char* credential) const {
    return ContextOf(world_, member, credential);
  }
  Answer Erase(const v1::EraseRecordsRequest& request) { return EraseAs(As("office", "chief"), request); }
  Answer EraseAs(const CallContext& context, const v1::EraseRecordsRequest& request) {
    return Begin(context, request).get();
  }
  std::future<Answer> Begin(const CallContext& context, const v1::EraseRecordsRequest& request) {
    return BeginErasure(world_, context, request);
  }
  // Stops after the commit that takes the records back, as if the server had ended there.
  void BeginAndEnd(const v1::EraseRecordsRequest& request) {
    cut_ = std::make_shared<std::promise<void>>();
    Begin(As("office", "chief"), request);
    cut_->get_future().wait();
    cut_.reset();
  }

  std::string Made(const std::string& seller = "shop-1", const char* external_id = "",
                   const char* member = "aurore") {
    v1::Record report = Report("bazaar.example", seller);
    report.set_external_id(external_id);
    GrantMember(report, std::string(member) == "belmont" ? "corsa" : "belmont");
    return world_.Created(member, report).name();
  }
  void Withdraw(const std::string& name) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  }
  bool IsThere(const std::string& name) { return world_.Get(world_.As("aurore"), name).ok(); }
  bool HasKey(const std::string& name) const { return !world_.keys().contents->IsErased(IdOf(name)); }

  // What the row of that revision says, to whoever has the store and the keys.
  std::optional<std::string> Opened(const std::string& name, store::Revision at) {
    const std::string id_key = IdKey(IdOf(name));
    const auto place = world_.store().Read(std::span(&id_key, 1), at);
    EXPECT_TRUE(place.ok() && place->front().has_value()) << place.status();
    const auto row = world_.store().Read(std::span(&place->front()->value, 1), at);
    EXPECT_TRUE(row.ok() && row->front().has_value()) << row.status();
    const auto stored = ParseStoredRecord(row->front()->value);
    EXPECT_TRUE(stored.has_value());
    return world_.keys().contents->Open(IdOf(name), stored->message);
  }

  Trouble trouble_;
  std::shared_ptr<std::promise<void>> cut_;
  World world_;
};

std::vector<std::string> NamesOf(const Answer& answer) {
  std::vector<std::string> names;
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return names;
  for (const v1::ErasedRecord& record : answer->records()) names.push_back(record.name());
  return names;
}

TEST_F(EraseTest, WhatIsThereAndWhatIsGoneCanNotBeReadAnyMore) {
  const std::string live = Made("shop-1", "case-1"), withdrawn = Made("shop-2"), kept = Made("shop-3");
  const std::string expired = world_.Created("aurore", ShortLived(world_, "shop-4")).name();
  const store::Revision before = world_.store().Head();
  Withdraw(withdrawn);
  Pass(world_, 2 * kLifeS);
  ASSERT_TRUE(Opened(live, before) && Opened(withdrawn, before) && Opened(expired, before))
      << "positive control";

  const Sha256Digest keys = world_.keys().contents->Digest();
  const Answer answer = Erase(Naming({live, withdrawn, expired}));
  ASSERT_THAT(NamesOf(answer), ElementsAre(live, withdrawn, expired));
  for (const v1::ErasedRecord& record : answer->records()) {
    EXPECT_EQ(record.contributor(), "members/aurore");
    EXPECT_FALSE(record.erased_before());
    EXPECT_EQ(record.was_live(), record.name() == live) << record.name();
    EXPECT_FALSE(Opened(record.name(), before).has_value());
    EXPECT_FALSE(IsThere(record.name()));
    EXPECT_TRUE(TakenBackOf(world_, record.name())->erased());
    EXPECT_EQ(TakenBackOf(world_, record.name())->kind(), v1::RETRACTION_KIND_GONE);
  }
  EXPECT_NE(keys, world_.keys().contents->Digest());
  EXPECT_EQ(answer->erasure_keys_sha256(), Bytes(world_.keys().contents->Digest()));
  EXPECT_THAT(ActsOnRecords(world_),
              ElementsAre("3 erased on a court's order, reference 7 O 12/26",
                          "of your own erased on a court's order, reference 7 O 12/26: " + live + " " +
                              withdrawn + " " + expired));
  EXPECT_TRUE(IsThere(kept) && Opened(kept, before));
  EXPECT_THAT(KeysOf(world_, "r"), SizeIs(1));
  EXPECT_THAT(KeysOf(world_, "z"), IsEmpty());
  ExpectIndexed(world_);

  v1::Record again = Report("bazaar.example", "shop-1");
  again.set_external_id("case-1");
  EXPECT_EQ(GetErrorReason(world_.Create(world_.As("aurore"), CreateRequest(again)).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
}

TEST_F(EraseTest, ASellerIsAllThatThereEverWasAboutIt) {
  const std::string first = Made(), gone = Made(), others = Made("shop-1", "", "belmont");
  const std::string opinion = world_.Created("belmont", Opinion(first, v1::OPINION_VERDICT_CONFIRMED)).name();
  const std::string other_seller = Made("shop-11");
  const std::string elsewhere = world_.Created("aurore", Report("souk.example", "shop-1")).name();
  Withdraw(gone);
  EXPECT_THAT(NamesOf(Erase(About("shop-1 "))), UnorderedElementsAre(first, gone, others, opinion));
  for (const std::string& name : {first, gone, others, opinion}) EXPECT_FALSE(HasKey(name)) << name;
  EXPECT_TRUE(HasKey(other_seller) && HasKey(elsewhere));
  EXPECT_TRUE(IsThere(other_seller) && IsThere(elsewhere));
  EXPECT_FALSE(world_.ScreenOne("belmont", "bazaar.example", "shop-1").matches_size() > 0);
  EXPECT_THAT(NamesOf(Erase(About("nobody"))), IsEmpty());
}

TEST_F(EraseTest, NamesWhatRefersToItAndIsNotErased) {
  const std::string report = Made();
  const std::string opinion =
      world_.Created("belmont", Opinion(report, v1::OPINION_VERDICT_CONFIRMED)).name();
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(report);
  const std::string noticed = world_.Created("aurore", notice).name();
  const Answer answer = Erase(Naming({report, opinion}));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->referring(), ElementsAre(noticed));
  EXPECT_TRUE(HasKey(noticed));
}

TEST_F(EraseTest, WhatWasNeverKnownEndsTheCallBeforeAnythingIsDone) {
  const std::string name = Made();
  const store::Revision head = world_.store().Head();
  EXPECT_EQ(GetErrorReason(Erase(Naming({name, kNobodys})).status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_TRUE(IsThere(name) && HasKey(name));
  EXPECT_EQ(world_.store().Head(), head);
}

TEST_F(EraseTest, IsForTheCoalitionsAdministratorsAlone) {
  const std::string name = Made();
  for (const auto& [member, credential] :
       {std::pair("aurore", "admin"), std::pair("aurore", "backend"), std::pair("office", "backend")}) {
    EXPECT_EQ(GetErrorReason(EraseAs(As(member, credential), Naming({name})).status()),
              v1::ERROR_REASON_ROLE_MISSING)
        << member << "/" << credential;
  }
  // Between being let in and the commit.
  trouble_.after_read = [this] {
    Administration office(world_);
    EXPECT_TRUE(office.Revoke(ActingAs(world_, "office", "deputy"), "members/office/credentials/chief").ok());
  };
  EXPECT_EQ(GetErrorReason(Erase(Naming({name})).status()), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_TRUE(IsThere(name) && HasKey(name));
}

TEST_F(EraseTest, ValidateOnlyAnswersAndDoesNothingButToSaySo) {
  const std::string name = Made();
  const Sha256Digest keys = world_.keys().contents->Digest();
  const store::Revision head = world_.store().Head();
  v1::EraseRecordsRequest request = Naming({name});
  request.set_validate_only(true);
  const Answer answer = Erase(request);
  ASSERT_THAT(NamesOf(answer), ElementsAre(name));
  EXPECT_TRUE(answer->records(0).was_live());
  EXPECT_EQ(world_.store().Head(), head + 1);
  EXPECT_THAT(ActsOnRecords(world_),
              ElementsAre("1 looked at, to be erased on a court's order, reference 7 O 12/26"));
  EXPECT_EQ(world_.keys().contents->Digest(), keys);
  EXPECT_TRUE(IsThere(name) && HasKey(name));
}

TEST_F(EraseTest, ARepetitionSaysThatItWasDoneBefore) {
  const std::string name = Made();
  ASSERT_TRUE(Erase(Naming({name})).ok());
  const store::Revision head = world_.store().Head();
  const Answer again = Erase(Naming({name}));
  ASSERT_THAT(NamesOf(again), ElementsAre(name));
  EXPECT_TRUE(again->records(0).erased_before());
  EXPECT_FALSE(again->records(0).was_live());
  EXPECT_EQ(world_.store().Head(), head + 1) << "the act that says that it was looked at";
  EXPECT_THAT(ActsOnRecords(world_).back(), HasSubstr("1 looked at, to be erased"));
}

TEST_F(EraseTest, WhatWasRevisedMeanwhileIsReadAgain) {
  const std::string name = Made();
  const store::Revision before = world_.store().Head();
  store::Revision revised = 0;
  trouble_.after_read = [&] {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name);
    request.mutable_record()->mutable_offender_report()->set_comment("seen again");
    request.mutable_update_mask()->add_paths("offender_report.comment");
    EXPECT_TRUE(world_.Revise(world_.As("aurore"), request).ok());
    revised = world_.store().Head();
    EXPECT_TRUE(Opened(name, revised).has_value()) << "positive control";
  };
  ASSERT_TRUE(Erase(Naming({name})).ok());
  ASSERT_GT(revised, before);
  EXPECT_FALSE(Opened(name, before) || Opened(name, revised));
  EXPECT_THAT(KeysOf(world_, "r"), IsEmpty());
  EXPECT_THAT(KeysOf(world_, "e"), IsEmpty());
}

TEST_F(EraseTest, SeveralCallsAtOnceAreOneErasure) {
  const std::vector<std::string> names = ManyReports(world_, 120);  // more than one commit
  const store::Revision head = world_.store().Head();
  std::vector<std::future<Answer>> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(Begin(As("office", "chief"), Naming(names)));
  for (std::future<Answer>& call : calls) EXPECT_THAT(NamesOf(call.get()), SizeIs(120));
  for (const std::string& name : names) {
    EXPECT_FALSE(HasKey(name));
    EXPECT_TRUE(TakenBackOf(world_, name)->erased());
  }
  EXPECT_THAT(KeysOf(world_, "r"), IsEmpty());
  EXPECT_THAT(KeysOf(world_, "z"), IsEmpty());
  EXPECT_LE(world_.store().Head(), head + 4 + 3)
      << "two that take back, as many that remove the notes, and the acts of those who came too late";
}

TEST_F(EraseTest, ACrashBeforeTheKeysAreDestroyedIsMadeUpFor) {
  const std::string name = Made(), kept = Made();
  const store::Revision before = world_.store().Head();
  BeginAndEnd(Naming({name}));
  EXPECT_FALSE(IsThere(name));
  EXPECT_THAT(KeysOf(world_, "z"), ElementsAre(ErasureKey(IdOf(name))));
  ASSERT_TRUE(Opened(name, before).has_value()) << "the state that a crash leaves";
  contents::ContentKeys& keys = *world_.keys().contents;
  const auto finished = FinishErasures(world_.store(), keys, {});
  ASSERT_TRUE(finished.ok()) << finished.status();
  EXPECT_EQ(*finished, 1U);
  EXPECT_FALSE(Opened(name, before).has_value());
  EXPECT_THAT(KeysOf(world_, "z"), IsEmpty());
  EXPECT_EQ(FinishErasures(world_.store(), keys, {}).value(), 0U);
  EXPECT_TRUE(HasKey(kept));
  // What the journal alone knows.
  const RecordId id = IdOf(kept);
  EXPECT_EQ(FinishErasures(world_.store(), keys, std::span(&id, 1)).value(), 1U);
  EXPECT_FALSE(HasKey(kept));
}

TEST_F(EraseTest, OneThatWasCutShortIsFinishedByARepetition) {
  const std::string name = Made();
  BeginAndEnd(Naming({name}));
  ASSERT_TRUE(HasKey(name));
  const Answer again = Erase(Naming({name}));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->records(0).erased_before());
  EXPECT_FALSE(HasKey(name));
  EXPECT_THAT(KeysOf(world_, "z"), IsEmpty());
}

TEST_F(EraseTest, WhereTheDiskRefusesTheCallerIsToldToRepeat) {
  const std::string name = Made();
  trouble_.commits_left = 0;
  EXPECT_EQ(GetErrorReason(Erase(Naming({name})).status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  trouble_.commits_left = -1;
  EXPECT_TRUE(IsThere(name) && HasKey(name)) << "nothing was done";

  trouble_.commits_left = 2;  // takes back; asks whether all is kept; may not remove the note
  const absl::Status cut = Erase(Naming({name})).status();
  trouble_.commits_left = -1;
  EXPECT_EQ(GetErrorReason(cut), v1::ERROR_REASON_STORE_UNAVAILABLE) << cut;
  EXPECT_THAT(cut.message(), HasSubstr("repeat the call"));
  EXPECT_FALSE(IsThere(name) || HasKey(name));
  EXPECT_THAT(KeysOf(world_, "z"), SizeIs(1));
  EXPECT_TRUE(Erase(Naming({name})).ok());
  EXPECT_THAT(KeysOf(world_, "z"), IsEmpty());
}

TEST_F(EraseTest, ARecordWithTheSameKeyIsNotLostUnawares) {
  const std::string name = Made();
  RecordId other = IdOf(name);
  other[6] ^= 1;
  CommitTo(world_.store(), {{IdKey(other), RecordKey("bazaar.example", "token", other)}});
  const absl::Status refused = Erase(Naming({name})).status();
  EXPECT_EQ(StateOf(refused), "SHARED_KEY") << refused;
  EXPECT_EQ(GetErrorInfo(refused)->metadata().at("record"), exchange::NameOf(other));
  EXPECT_TRUE(IsThere(name) && HasKey(name));
  RecordId far = IdOf(name);
  far[5] ^= 1;
  CommitTo(world_.store(),
           {{IdKey(other), std::nullopt}, {IdKey(far), RecordKey("bazaar.example", "token", far)}});
  EXPECT_TRUE(Erase(Naming({name})).ok()) << "positive control";
}

TEST_F(EraseTest, AClearancesCommentEndsWithTheRecord) {
  const std::string name = Made();
  v1::ClearRecordRequest request = ClearRequest(name);
  request.set_comment("decision 17");
  ASSERT_TRUE(world_.Clear(world_.As("aurore"), request).ok());
  const std::string sealed = TakenBackOf(world_, name)->sealed_comment();
  EXPECT_EQ(world_.keys().contents->Open(IdOf(name), sealed), "decision 17");
  ASSERT_TRUE(Erase(Naming({name})).ok());
  EXPECT_EQ(world_.keys().contents->Open(IdOf(name), sealed), std::nullopt);
  const auto gone = TakenBackOf(world_, name);
  EXPECT_TRUE(gone->sealed_comment().empty());
  EXPECT_TRUE(gone->erased());
  EXPECT_EQ(gone->kind(), v1::RETRACTION_KIND_CLEARED) << "how it was taken back stays";
  EXPECT_EQ(gone->grounds(), v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
}

// A commit takes a hundred; the ledger says of each hundred that it is erased.
TEST_F(EraseTest, WhatWasMarkedIsErasedAlsoWhereTheRestCannotBe) {
  std::vector<std::string> names;
  for (int i = 0; i < 101; ++i) names.push_back(Made("shop-" + std::to_string(i)));
  const auto rows = world_.store().Scan(IdKey(IdOf(names.back())), PrefixEnd(IdKey(IdOf(names.back()))),
                                        world_.store().Head(), {.items = 1});
  ASSERT_TRUE(rows.ok() && rows->items.size() == 1);
  CommitTo(world_.store(), {{rows->items[0].version.value, "damaged"}});
  const Answer answer = Erase(Naming(names));
  EXPECT_TRUE(absl::IsDataLoss(answer.status())) << answer.status();
  for (const std::string& name : names) EXPECT_EQ(HasKey(name), name == names.back()) << name;
}

}  // namespace
}  // namespace coalition::exchange
