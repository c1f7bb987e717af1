// That a record was erased: in the journal before its key is destroyed, and for good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/denials/journaled_store.h"
#include "server/denials/opening.h"
#include "server/ledger/keys.h"
#include "server/store/commit_writes.h"
#include "tests/support/administration_world.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/unit/exchange/expiry_support.h"
#include "tests/unit/exchange/take_back_support.h"

namespace coalition::denials {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ErasureDenialsTest : public ::testing::Test {
 protected:
  ErasureDenialsTest() : world_(Options()) {}

  WorldOptions Options() {
    WorldOptions options = AdministrationOptions();
    options.wrap_store = [this](store::Store& real) {
      real_ = &real;
      journal_ = *Journal::Open({dir_.Sub("head"), [this](int) { return error_; }});
      return std::make_unique<JournaledStore>(real, *journal_);
    };
    return options;
  }

  std::string Made(const std::string& seller) {
    v1::Record report = Report("bazaar.example", seller);
    GrantMember(report, "belmont");
    return world_.Created("aurore", report).name();
  }
  void Withdraw(const std::string& name) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  }
  absl::Status Erase(const std::vector<std::string>& names) {
    v1::EraseRecordsRequest request;
    *request.mutable_names() = {names.begin(), names.end()};
    request.set_grounds(v1::ERASURE_GROUNDS_DATA_SUBJECT);
    exchange::CallContext context = world_.As("office");
    const identity::RegisteredCredential* chief = context.snapshot->Find("office", "chief");
    context.caller.credential = chief->credential;
    context.caller.roles = chief->roles;
    context.caller.key_sha256 = chief->key_sha256;
    context.caller.gate = chief->gate.get();
    const auto done = std::make_shared<std::promise<absl::Status>>();
    world_.exchange().Erase(context, request,
                            [done](const auto& answer) { done->set_value(answer.status()); });
    return done->get_future().get();
  }
  bool HasKey(const std::string& name) const { return !world_.keys().contents->IsErased(IdOf(name)); }
  std::optional<storage::v1::DeniedRecord> Of(const std::string& name) const {
    const exchange::RecordId id = IdOf(name);
    const auto found = journal_->denied().records.find(std::string(id.begin(), id.end()));
    return found == journal_->denied().records.end() ? std::nullopt : std::optional(found->second);
  }

  const ScratchDir dir_;
  int error_ = 0;  // of the journal's disk
  store::Store* real_ = nullptr;
  std::unique_ptr<Journal> journal_;
  Rounds rounds_;  // not begun
  World world_;
};

TEST_F(ErasureDenialsTest, IsInTheJournalAlsoOfWhatWasGoneBefore) {
  const std::string live = Made("shop-1"), withdrawn = Made("shop-2"), kept = Made("shop-3");
  const std::string expired = world_.Created("aurore", ShortLived(world_, "shop-4")).name();
  Withdraw(withdrawn);
  rounds_.Resume(world_);
  Pass(world_, 2 * kLifeS);
  ASSERT_TRUE(rounds_.Run());
  ASSERT_TRUE(TakenBackOf(world_, expired).has_value());
  ASSERT_FALSE(Of(live) || Of(expired));
  ASSERT_FALSE(Of(withdrawn)->erased()) << "positive control";
  ASSERT_TRUE(Erase({live, withdrawn, expired}).ok());
  for (const std::string& name : {live, withdrawn, expired}) {
    ASSERT_TRUE(Of(name).has_value()) << name;
    EXPECT_TRUE(Of(name)->erased());
    EXPECT_EQ(Of(name)->kind(), v1::RETRACTION_KIND_GONE);
    EXPECT_TRUE(Of(name)->header().empty());
  }
  EXPECT_THAT(journal_->denied().Erased(), UnorderedElementsAre(IdOf(live), IdOf(withdrawn), IdOf(expired)));
  EXPECT_EQ(journal_->denied().records.size(), 3U) << "one entry for each";
  EXPECT_FALSE(Of(kept));
}

TEST_F(ErasureDenialsTest, WhereTheJournalCannotBeWrittenNoKeyIsDestroyedYet) {
  const std::string name = Made("shop-1");
  error_ = EIO;
  const absl::Status told = Erase({name});
  EXPECT_EQ(GetErrorReason(told), v1::ERROR_REASON_STORE_UNAVAILABLE) << told;
  EXPECT_THAT(told.message(), HasSubstr("the change stands"));
  EXPECT_FALSE(world_.Get(world_.As("belmont"), name).ok());
  EXPECT_TRUE(HasKey(name));
  EXPECT_FALSE(Erase({name}).ok()) << "nor is a repetition told that it was done";
  EXPECT_TRUE(HasKey(name));
  error_ = 0;
  EXPECT_TRUE(Erase({name}).ok());
  EXPECT_FALSE(HasKey(name));
  EXPECT_TRUE(Of(name)->erased());
}

TEST_F(ErasureDenialsTest, AJournalThatIsNewLearnsOfAllErasures) {
  const std::string live = Made("shop-1"), withdrawn = Made("shop-2"), other = Made("shop-3");
  Withdraw(withdrawn);
  Withdraw(other);
  ASSERT_TRUE(Erase({live, withdrawn}).ok());
  const auto journal = *Journal::Open({dir_.Sub("new")});
  ASSERT_TRUE(CatchUp(*journal, *real_, real_->Head()).ok());
  EXPECT_THAT(journal->denied().Erased(), UnorderedElementsAre(IdOf(live), IdOf(withdrawn)));
  EXPECT_EQ(journal->denied().revision, real_->Head());
}

TEST_F(ErasureDenialsTest, WhatTheStoreHasAndTheJournalLacksIsMadeUpFor) {
  const std::string withdrawn = Made("shop-1");
  Withdraw(withdrawn);
  const store::Revision known = real_->Head();
  ASSERT_TRUE(Erase({withdrawn}).ok());
  const auto journal = *Journal::Open({dir_.Sub("behind")});
  storage::v1::StoredDenials frame;
  frame.set_revision(known);
  ASSERT_TRUE(journal->Append(frame).ok());
  ASSERT_TRUE(CatchUp(*journal, *real_, known).ok());
  EXPECT_THAT(journal->denied().Erased(), ElementsAre(IdOf(withdrawn)));
}

// The row that says so of an entry of the ledger, and destroys its key again.
TEST_F(ErasureDenialsTest, AnErasedEntryOfTheLedgerIsInItAndInWhatIsMadeUpFor) {
  const std::string key = ledger::ErasedKey(7), other = std::string(ledger::kCheckpointKey);
  ASSERT_TRUE(store::CommitWrites(world_.store(), {{key, std::string()}, {other, "x"}}).ok());
  EXPECT_EQ(journal_->denied().rows.count(key), 1U);
  EXPECT_EQ(journal_->denied().rows.count(other), 0U);
  const auto journal = *Journal::Open({dir_.Sub("new")});
  ASSERT_TRUE(CatchUp(*journal, *real_, real_->Head()).ok());
  EXPECT_EQ(journal->denied().rows.count(key), 1U);
  EXPECT_EQ(journal->denied().rows.count(other), 0U);
}

storage::v1::StoredDenials FrameOf(store::Revision revision, const std::string& id, bool erased) {
  storage::v1::StoredDenials frame;
  frame.set_revision(revision);
  frame.add_records()->set_revision(revision);
  frame.mutable_records(0)->set_id(id);
  frame.mutable_records(0)->set_erased(erased);
  return frame;
}

TEST(ErasedForGoodTest, NoLaterEntryUndoesIt) {
  const std::string id(16, 'a'), other(16, 'b');
  Denied denied;
  denied.Add(FrameOf(5, other, false));
  EXPECT_THAT(denied.Erased(), IsEmpty());
  denied.Add(FrameOf(5, id, true));
  denied.Add(FrameOf(9, id, false));
  EXPECT_EQ(denied.records.at(id).revision(), 9U);
  denied.Add(FrameOf(4, other, true));
  EXPECT_EQ(denied.records.at(other).revision(), 5U);
  EXPECT_EQ(denied.Erased().size(), 2U);
}

TEST(ErasedForGoodTest, AJournalThatIsRewrittenKeepsIt) {
  const ScratchDir dir;
  const std::string id(16, 'a'), other(16, 'b');
  {
    const auto journal = *Journal::Open({dir.Sub("head")});
    ASSERT_TRUE(journal->Append(FrameOf(1, id, true)).ok());
    storage::v1::StoredDenials much;
    for (int i = 0; i < 20'000; ++i) *much.add_records() = FrameOf(2, other, false).records(0);
    much.set_revision(2);
    ASSERT_TRUE(journal->Append(much).ok());
    ASSERT_TRUE(journal->Append(FrameOf(3, id, false)).ok());
  }
  const std::string file = Journal::FileIn(dir.Sub("head"));
  const auto before = std::filesystem::file_size(file);
  for (int i = 0; i < 2; ++i) {
    const auto journal = *Journal::Open({dir.Sub("head")});
    EXPECT_LT(std::filesystem::file_size(file), before / 2) << "it was rewritten";
    EXPECT_EQ(journal->denied().Erased().size(), 1U);
    EXPECT_EQ(journal->denied().revision, 3U);
  }
}

}  // namespace
}  // namespace coalition::denials
