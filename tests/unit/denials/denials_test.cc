// Each kind of denial: in the journal before its call returns, and denied again in a store that was put back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "common/file.h"
#include "server/denials/journaled_store.h"
#include "server/denials/opening.h"
#include "server/denials/replay.h"
#include "server/exchange/taken_back.h"
#include "server/store/commit_writes.h"
#include "tests/support/administration_world.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/unit/exchange/contest_support.h"

namespace coalition::denials {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::HasSubstr;

using Rows = std::vector<store::Write>;

Rows RowsOf(const store::Store& store) {
  Rows rows;
  EXPECT_TRUE(store
                  .ScanEach({}, {}, store.Head(),
                            [&rows](std::string_view key, std::string_view value, store::Revision) {
                              rows.push_back({std::string(key), std::string(value)});
                              return true;
                            })
                  .ok());
  return rows;
}

v1::Record ToBelmont(const std::string& seller) {
  v1::Record report = Report("bazaar.example", seller);
  GrantMember(report, "belmont");
  GrantMember(report, "corsa");
  return report;
}

class DenialsTest : public ::testing::Test {
 protected:
  DenialsTest() : world_(Options()), office_(world_) {}

  WorldOptions Options() {
    WorldOptions options = AdministrationOptions();
    options.wrap_store = [this](store::Store& real) {
      real_ = &real;
      journal_ = *Journal::Open({dir_.Sub("head"), [this](int fd) { return Sync(fd); }});
      return std::make_unique<JournaledStore>(real, *journal_);
    };
    return options;
  }

  // A disk that loses what it does not sync.
  int Sync(int fd) {
    struct stat facts {};
    EXPECT_EQ(fstat(fd, &facts), 0);
    if (error_ == 0) synced_ = facts.st_size;
    EXPECT_EQ(ftruncate(fd, synced_), 0);
    return error_;
  }

  // What is on the disk now.
  // A copy of the journal as it is on the disk now: the journal itself is locked.
  std::unique_ptr<Journal> Copy() const {
    const std::string copy = dir_.Sub("copy");
    std::filesystem::remove_all(copy);
    std::filesystem::create_directory(copy);
    std::filesystem::copy(Journal::FileIn(dir_.Sub("head")), Journal::FileIn(copy));
    return *Journal::Open({copy});
  }
  Denied OnDisk() const { return Copy()->denied(); }
  std::optional<storage::v1::DeniedRecord> Of(const std::string& name) const {
    const Denied denied = OnDisk();
    const exchange::RecordId id = IdOf(name);
    const auto found = denied.records.find(std::string(id.begin(), id.end()));
    return found == denied.records.end() ? std::nullopt : std::optional(found->second);
  }
  policy::Header HeaderOf(const std::string& name) const {
    return policy::HeaderView::Parse(Of(name).value().header()).value().ToHeader();
  }
  absl::Status Withdraw(const std::string& name, const std::string& request_id = "") {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    request.set_request_id(request_id);
    return world_.Withdraw(world_.As("aurore"), request).status();
  }
  absl::Status Revise(v1::Record record, const std::string& path) {
    v1::ReviseRecordRequest request;
    *request.mutable_record() = std::move(record);
    request.mutable_update_mask()->add_paths(path);
    return world_.Revise(world_.As("aurore"), request).status();
  }
  // To belmont alone.
  absl::Status Narrow(v1::Record record) {
    record.clear_etag();
    record.mutable_audience()->mutable_grants()->RemoveLast();
    return Revise(std::move(record), "audience");
  }
  bool Sees(const char* member, const std::string& name) { return world_.Get(world_.As(member), name).ok(); }

  ScratchDir dir_;
  int error_ = 0;  // of the journal's disk
  off_t synced_ = 0;
  store::Store* real_ = nullptr;
  std::unique_ptr<Journal> journal_;
  Rounds rounds_;  // not begun
  World world_;
  Administration office_;
};

TEST_F(DenialsTest, RecordsThatAreTakenBackOrNarrowedAreInTheJournal) {
  const std::string withdrawn = world_.Created("aurore", ToBelmont("shop-1")).name();
  const std::string cleared = world_.Created("aurore", ToBelmont("shop-2")).name();
  const v1::Record narrowed = world_.Created("aurore", ToBelmont("shop-3"));
  EXPECT_TRUE(OnDisk().records.empty()) << "what is new denies nothing";
  ASSERT_TRUE(Withdraw(withdrawn).ok());
  EXPECT_EQ(Of(withdrawn)->kind(), v1::RETRACTION_KIND_GONE);
  ClearIt(world_, "aurore", cleared);
  EXPECT_EQ(Of(cleared)->kind(), v1::RETRACTION_KIND_CLEARED);
  EXPECT_EQ(Of(cleared)->grounds(), v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
  ASSERT_TRUE(Narrow(narrowed).ok());
  EXPECT_EQ(HeaderOf(narrowed.name()).grants.size(), 1U);
  EXPECT_EQ(OnDisk().revision, world_.store().Head());
  // Nothing of the contents, not even a seller's name.
  EXPECT_THAT(*ReadFile(Journal::FileIn(dir_.Sub("head")), size_t{1} << 30),
              ::testing::Not(HasSubstr("shop-")));
}

TEST_F(DenialsTest, AChangeOfContentsAndAnExpiryAreNot) {
  v1::Record record = world_.Created("aurore", ShortLived(world_, "shop-1"));
  record.clear_etag();
  record.mutable_offender_report()->set_comment("seen again");
  ASSERT_TRUE(Revise(record, "offender_report.comment").ok());
  rounds_.Resume(world_);
  Pass(world_, kLifeS);
  ASSERT_TRUE(rounds_.Run());
  EXPECT_TRUE(TakenBackOf(world_, record.name()).has_value());
  EXPECT_TRUE(OnDisk().records.empty());
}

TEST_F(DenialsTest, RowsOfTheCoalitionAreAsTheyWereWritten) {
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  ASSERT_TRUE(office_.Revoke(office_.Chief(), "members/bazaar/credentials/backend").ok());
  ASSERT_TRUE(office_.RemoveFromGroup("club", "paylink").ok());
  const Denied denied = OnDisk();
  size_t members = 0;
  for (const store::Write& row : RowsOf(world_.store())) {
    if (!row.key.starts_with(membership::kMemberPrefix)) continue;
    ++members;
    EXPECT_EQ(denied.rows.at(row.key).value(), *row.value);
  }
  EXPECT_GT(members, 3U) << "positive control: those of the bootstrap file too";
  EXPECT_EQ(denied.rows.count(std::string(membership::kCoalitionKey)), 1U);
}

TEST_F(DenialsTest, WhileTheJournalCannotBeWrittenActsStandAndAreToldAndOthersAreRefused) {
  constexpr char kRequestId[] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
  const std::string first = world_.Created("aurore", ToBelmont("shop-1")).name();
  const std::string second = world_.Created("aurore", ToBelmont("shop-2")).name();
  error_ = ENOSPC;
  const absl::Status told = Withdraw(first, kRequestId);
  EXPECT_EQ(GetErrorReason(told), v1::ERROR_REASON_STORE_UNAVAILABLE) << told;
  EXPECT_THAT(told.message(), HasSubstr("the change stands"));
  EXPECT_FALSE(Sees("belmont", first));
  EXPECT_FALSE(Withdraw(first, kRequestId).ok()) << "a repetition is not told that it was done";
  EXPECT_FALSE(Withdraw(second).ok());
  EXPECT_TRUE(Sees("belmont", second)) << "and nothing was written";
  EXPECT_TRUE(world_.Create(world_.As("aurore"), CreateRequest(ToBelmont("shop-3"))).ok())
      << "what denies nothing goes on";
  const absl::Status suspended = office_.SetStanding("souk", v1::STANDING_SUSPENDED);
  EXPECT_EQ(GetErrorReason(suspended), v1::ERROR_REASON_CUT_OFF_NOT_KEPT) << suspended;
  EXPECT_FALSE(Of(first).has_value());

  error_ = 0;
  EXPECT_TRUE(Withdraw(first, kRequestId).ok());
  EXPECT_TRUE(Of(first).has_value());
  EXPECT_TRUE(Withdraw(second).ok());
  EXPECT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
}

TEST_F(DenialsTest, ARepeatedCreateIsNotToldThatItIsThereWhileWhatItDeniedIsNotKept) {
  constexpr char kRequestId[] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
  v1::Record report = ToBelmont("shop-1");
  GrantMember(report, "bazaar", "notice");
  const std::string contested = world_.Created("aurore", report).name();
  v1::Record outcome = DecidedOn(contested);
  outcome.set_external_id("appeal-1");
  const auto create = [&](const char* request_id) {
    return world_.Create(world_.As("bazaar"), CreateRequest(outcome, request_id));
  };
  v1::ImportRecordsRequest import;
  *import.add_items()->mutable_record() = outcome;
  error_ = EIO;
  EXPECT_EQ(GetErrorReason(create(kRequestId).status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(GetErrorReason(create(kRequestId).status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(GetErrorReason(create("").status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(GetErrorReason(world_.Import(world_.As("bazaar"), import).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_FALSE(Of(contested).has_value());

  error_ = 0;
  const auto by_request_id = create(kRequestId), by_external_id = create("");
  ASSERT_TRUE(by_request_id.ok() && by_external_id.ok()) << by_request_id.status() << by_external_id.status();
  EXPECT_TRUE(by_request_id->existed() && by_external_id->existed());
  const auto imported = world_.Import(world_.As("bazaar"), import);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->results(0).status(), v1::IMPORT_STATUS_UNCHANGED);
  EXPECT_TRUE(Of(contested).has_value());
}

TEST_F(DenialsTest, ASuspensionThatIsNotInTheJournalStandsAndIsNotOverwritten) {
  error_ = EIO;
  EXPECT_TRUE(absl::IsUnavailable(office_.SetStanding("souk", v1::STANDING_SUSPENDED)));
  const auto standing = [&] {
    return world_.directory().Current()->policy_state().FindMember("souk")->standing;
  };
  EXPECT_EQ(standing(), v1::STANDING_SUSPENDED) << "as the store has it";
  EXPECT_FALSE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok()) << "nor is a repetition told so";
  error_ = 0;
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  ASSERT_TRUE(office_.Revoke(office_.Chief(), "members/souk/credentials/backend").ok());
  EXPECT_EQ(standing(), v1::STANDING_SUSPENDED);
  EXPECT_TRUE(CheckStore(*Copy(), *real_).ok());
}

TEST_F(DenialsTest, ACrashBetweenStoreAndJournalIsMadeUpFor) {
  const std::string name = world_.Created("aurore", ToBelmont("shop-1")).name();
  error_ = EIO;
  EXPECT_FALSE(Withdraw(name).ok());
  EXPECT_FALSE(Of(name).has_value());
  // As if the process had ended here.
  const auto journal = Copy();
  ASSERT_TRUE(CatchUp(*journal, *real_, journal->denied().revision).ok());
  const exchange::RecordId id = IdOf(name);
  EXPECT_EQ(journal->denied().records.at(std::string(id.begin(), id.end())).kind(), v1::RETRACTION_KIND_GONE);
  EXPECT_EQ(journal->denied().revision, real_->Head());
}

TEST_F(DenialsTest, AStoreThatIsBehindIsFound) {
  const auto check = [&](const store::Store& store) { return CheckStore(*Copy(), store); };
  ASSERT_TRUE(check(*real_).ok());
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  ASSERT_TRUE(check(*real_).ok()) << "positive control";
  MemoryStore empty;
  EXPECT_THAT(check(empty).message(), HasSubstr("it is at revision 0"));
  // One that went on by itself, and so is ahead.
  MemoryStore aside;
  ASSERT_TRUE(store::CommitWrites(aside, RowsOf(*real_)).ok());
  while (aside.Head() < real_->Head() + 5) ASSERT_TRUE(store::CommitWrites(aside, {{"z", "z"}}).ok());
  EXPECT_THAT(check(aside).message(), HasSubstr("written again at"));
  EXPECT_THAT(CheckStore(**Journal::Open({dir_.Sub("another")}), *real_).message(),
              HasSubstr("which is missing"));
}

// A store that was restored from rows of before the denials.
class ReplayTest : public DenialsTest {
 protected:
  void BackUp() {
    backup_ = RowsOf(*real_);
    backup_revision_ = real_->Head();
  }
  void Restore() {
    store::LevelDbOptions options;
    options.dir = dir_.Sub("restored");
    options.free_bytes_min = 0;
    restored_ = *store::LevelDbStore::Open(options);
    ASSERT_TRUE(restored_->SkipTo(real_->Head() + kSkip).ok());
    ASSERT_TRUE(store::CommitWrites(*restored_, backup_).ok());
    const auto is_older = [&](store::Revision denied, store::Revision) { return denied > backup_revision_; };
    const Denied denied = OnDisk();
    ASSERT_TRUE(ReplayRows(denied, is_older, *restored_, &done_).ok());
    auto directory = membership::Directory::Open(*restored_, Options().bootstrap, world_.clock.now_ns,
                                                 world_.entry_keys());
    ASSERT_TRUE(directory.ok()) << directory.status();
    directory_ = *std::move(directory);
    const absl::Status records =
        ReplayRecords(denied, is_older, directory_->Current()->policy_state(), *world_.keys().contents,
                      world_.clock.now_ns, *restored_, &done_);
    ASSERT_TRUE(records.ok()) << records;
  }
  std::optional<std::string> Row(const std::string& key) const {
    auto row = restored_->Read(std::span(&key, 1), restored_->Head());
    EXPECT_TRUE(row.ok()) << row.status();
    return row->front() ? std::optional(row->front()->value) : std::nullopt;
  }
  std::optional<std::string> Record(const std::string& seller, const std::string& name) const {
    const std::string token = world_.keys().contents->SellerToken("bazaar.example", seller);
    return Row(exchange::RecordKey("bazaar.example", token, IdOf(name)));
  }
  v1::Record Said(const std::string& name, const exchange::StoredRecordView& stored) const {
    const auto record = exchange::OpenMessage(*world_.keys().contents, IdOf(name), stored);
    EXPECT_TRUE(record.ok() && record->has_value()) << record.status();
    return record.ok() ? record->value_or(v1::Record()) : v1::Record();
  }
  size_t CountRows(const std::string& prefix) const {
    const auto rows = RowsOf(*restored_);
    return static_cast<size_t>(std::count_if(rows.begin(), rows.end(),
                                             [&](const auto& row) { return row.key.starts_with(prefix); }));
  }

  Rows backup_;
  store::Revision backup_revision_ = 0;
  std::unique_ptr<store::LevelDbStore> restored_;
  std::unique_ptr<membership::Directory> directory_;
  Replayed done_;
};

TEST_F(ReplayTest, WhatWasTakenBackIsTakenBackAgainWithItsIndexes) {
  const std::string withdrawn = world_.Created("aurore", ToBelmont("shop-1")).name();
  const std::string cleared = world_.Created("aurore", ToBelmont("shop-2")).name();
  const std::string kept = world_.Created("aurore", ToBelmont("shop-3")).name();
  BackUp();
  ASSERT_TRUE(Withdraw(withdrawn).ok());
  ClearIt(world_, "aurore", cleared);
  const std::string made_later = world_.Created("aurore", ToBelmont("shop-4")).name();
  ASSERT_TRUE(Withdraw(made_later).ok());
  Restore();
  EXPECT_FALSE(Record("shop-1", withdrawn).has_value());
  EXPECT_FALSE(Record("shop-2", cleared).has_value());
  EXPECT_TRUE(Record("shop-3", kept).has_value()) << "positive control";
  EXPECT_EQ(done_.taken_back, 2U);
  storage::v1::StoredTakenBack how;
  ASSERT_TRUE(how.ParseFromString(Row(exchange::TakenBackKey(IdOf(cleared))).value_or("")));
  EXPECT_EQ(how.kind(), v1::RETRACTION_KIND_CLEARED);
  EXPECT_EQ(CountRows(std::string(exchange::kClearancesPrefix)), 1U);
  EXPECT_EQ(CountRows(exchange::OwnerPrefix(1)), 1U);
  EXPECT_EQ(CountRows(std::string(exchange::kExpiryPrefix)), 1U);
}

TEST_F(ReplayTest, WhatWasNarrowedIsNarrowedAgainAndNothingIsGiven) {
  const v1::Record narrowed = world_.Created("aurore", ToBelmont("shop-1"));
  v1::Record widened = world_.Created("aurore", ToBelmont("shop-2"));
  BackUp();
  ASSERT_TRUE(Narrow(narrowed).ok());
  widened.clear_etag();
  GrantMember(widened, "souk");
  ExcludeMember(widened, "corsa");
  ASSERT_TRUE(Revise(widened, "audience").ok());
  Restore();
  EXPECT_EQ(done_.narrowed, 2U);
  const auto first = Record("shop-1", narrowed.name()), second = Record("shop-2", widened.name());
  ASSERT_TRUE(first && second);
  const auto stored = exchange::ParseStoredRecord(*first);
  ASSERT_EQ(stored->header.grants_size(), 1);
  const v1::Record said = Said(narrowed.name(), *stored);
  ASSERT_EQ(said.audience().grants_size(), 1);
  EXPECT_EQ(said.audience().grants(0).subject().member(), "members/belmont");
  EXPECT_GT(said.update_time().seconds() * 1'000'000'000 + said.update_time().nanos(),
            narrowed.update_time().seconds() * 1'000'000'000 + narrowed.update_time().nanos());
  const auto other = exchange::ParseStoredRecord(*second)->header;
  EXPECT_EQ(other.grants_size(), 2) << "souk has it not";
  EXPECT_EQ(other.exclusions_size(), 1);
  // belmont has both, corsa the second.
  const auto of = [&](const char* member) {
    const auto number = world_.directory().Current()->policy_state().FindMember(member)->number;
    return CountRows(exchange::AudiencePrefix(policy::SubjectKind::kMember, number));
  };
  EXPECT_EQ(of("belmont"), 2U);
  EXPECT_EQ(of("corsa"), 1U);
  EXPECT_EQ(of("souk"), 0U);
}

TEST_F(ReplayTest, AContestHoldsAgainAndLapsesWhenItWould) {
  v1::Record report = ToBelmont("shop-1");
  GrantMember(report, "bazaar", "notice");
  const std::string name = world_.Created("aurore", report).name();
  BackUp();
  world_.Created("bazaar", DecidedOn(name));
  const policy::Header contested = HeaderOf(name);
  ASSERT_EQ(contested.state, policy::Lifecycle::kContested);
  Restore();
  const auto row = Record("shop-1", name);
  ASSERT_TRUE(row.has_value());
  const auto stored = exchange::ParseStoredRecord(*row);
  EXPECT_EQ(stored->header.state(), policy::Lifecycle::kContested);
  EXPECT_EQ(stored->header.expire_time_s(), contested.expire_time_s);
  const v1::Record said = Said(name, *stored);
  EXPECT_EQ(said.contest().lapse_time().seconds(), contested.expire_time_s);
}

TEST_F(ReplayTest, TheCoalitionIsAsItWasLast) {
  BackUp();
  ASSERT_TRUE(office_.SetStanding("souk", v1::STANDING_SUSPENDED).ok());
  ASSERT_TRUE(office_.Revoke(office_.Chief(), "members/bazaar/credentials/backend").ok());
  Restore();
  const auto current = directory_->Current();
  EXPECT_EQ(current->policy_state().FindMember("souk")->standing, v1::STANDING_SUSPENDED);
  EXPECT_EQ(current->policy_state().epoch(), world_.directory().Current()->policy_state().epoch());
  for (const store::Write& row : RowsOf(*real_)) {
    if (!row.key.starts_with(membership::kMemberPrefix)) continue;
    EXPECT_EQ(Row(row.key), row.value);
  }
}

}  // namespace
}  // namespace coalition::denials
