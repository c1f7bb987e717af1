// What becomes of rows from before an erasure.
#include "server/erasure_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "server/exchange/keys.h"
#include "server/exchange/taken_back.h"
#include "server/store/commit_writes.h"
#include "tests/unit/exchange/expiry_support.h"
#include "tests/unit/exchange/take_back_support.h"

namespace coalition::server {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::SizeIs;

using Rows = std::map<std::string, std::string>;

Rows RowsOf(const store::Store& store) {
  Rows rows;
  EXPECT_TRUE(store
                  .ScanEach({}, {}, store.Head(),
                            [&rows](std::string_view key, std::string_view value, store::Revision) {
                              rows.emplace(key, value);
                              return true;
                            })
                  .ok());
  return rows;
}

size_t CountOf(const Rows& rows, const std::string& prefix) {
  size_t count = 0;
  for (auto at = rows.lower_bound(prefix); at != rows.end() && at->first.starts_with(prefix); ++at) ++count;
  return count;
}

class ErasureFilterTest : public ::testing::Test {
 protected:
  ErasureFilterTest() {
    erased_ = Made("shop-1", "case-1");
    opinion_ = world_.Created("belmont", Opinion(erased_, v1::OPINION_VERDICT_CONFIRMED)).name();
    kept_ = Made("shop-2", "case-2");
    withdrawn_ = Made("shop-3", "");
    v1::WithdrawRecordRequest request;
    request.set_name(withdrawn_);
    EXPECT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
    before_ = RowsOf(world_.store());
  }
  std::string Made(const std::string& seller, const std::string& external_id) {
    v1::Record report = Report("bazaar.example", seller);
    report.set_external_id(external_id);
    GrantMember(report, "belmont");
    return world_.Created("aurore", report).name();
  }
  contents::ContentKeys& keys() { return *world_.keys().contents; }
  void DestroyKeys() {
    const std::vector<exchange::RecordId> ids = {IdOf(erased_), IdOf(opinion_), IdOf(withdrawn_)};
    ASSERT_TRUE(keys().Erase(ids).ok());
  }
  void SayCleared(const std::string& name) {
    const exchange::RecordId id = IdOf(name);
    const std::string bytes(id.begin(), id.end());
    storage::v1::DeniedRecord record;
    record.set_revision(1'000);
    record.set_id(bytes);
    record.set_kind(v1::RETRACTION_KIND_CLEARED);
    record.set_time_s(17);
    record.set_grounds(v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
    record.set_erased(true);
    denied_.records.emplace(bytes, record);
  }
  // All rows through the filter.
  Rows Filtered(ErasureFilter* filter) const {
    Rows rows;
    for (const auto& [key, value] : before_) {
      if (auto kept = filter->Take(key, value)) rows.emplace(key, *std::move(kept));
    }
    return rows;
  }
  static std::optional<storage::v1::StoredTakenBack> TakenBackIn(const Rows& rows, const std::string& name) {
    const auto row = rows.find(exchange::TakenBackKey(IdOf(name)));
    storage::v1::StoredTakenBack stored;
    if (row == rows.end() || !stored.ParseFromString(row->second)) return std::nullopt;
    return stored;
  }

  static constexpr int64_t kNowS = 1'790'000'100;

  World world_;
  std::string erased_, opinion_, kept_, withdrawn_;
  Rows before_;
  denials::Denied denied_;
};

TEST_F(ErasureFilterTest, WhereNothingIsErasedAllStays) {
  ErasureFilter filter(keys(), denied_, kNowS);
  EXPECT_EQ(Filtered(&filter), before_);
  EXPECT_THAT(filter.Missing(), SizeIs(0));
}

TEST_F(ErasureFilterTest, LeavesOutRowsOfTheErasedAndWhatLeadsToThem) {
  ASSERT_EQ(CountOf(before_, "r"), 3U) << "positive control";
  ASSERT_EQ(CountOf(before_, "b"), 1U);
  ASSERT_EQ(CountOf(before_, "o"), 3U);
  DestroyKeys();
  ErasureFilter filter(keys(), denied_, kNowS);
  const Rows after = Filtered(&filter);
  for (const char* index : {"r", "a", "o", "e"}) EXPECT_EQ(CountOf(after, index), 1U) << index;
  EXPECT_EQ(CountOf(after, "b"), 0U);
  for (const char* stays : {"i", "p", "m/", "k", "x"})
    EXPECT_EQ(CountOf(after, stays), CountOf(before_, stays)) << stays;
  EXPECT_EQ(filter.records(), 2U);

  // Taken, by nothing that could be compared.
  const std::string taken =
      exchange::ExternalIdKey(keys(), world_.As("aurore").caller.member_number, "case-1");
  storage::v1::StoredExternalId entry;
  ASSERT_TRUE(entry.ParseFromString(after.at(taken)));
  EXPECT_TRUE(entry.content_sha256().empty());
  const std::string other =
      exchange::ExternalIdKey(keys(), world_.As("aurore").caller.member_number, "case-2");
  EXPECT_EQ(after.at(other), before_.at(other));

  // What had been taken back before says now that it is erased; of the others it is missing.
  EXPECT_TRUE(TakenBackIn(after, withdrawn_)->erased());
  const auto missing = filter.Missing();
  ASSERT_THAT(missing, SizeIs(2));
  for (const exchange::Removal& removal : missing) {
    ASSERT_THAT(removal.writes, SizeIs(1));
    storage::v1::StoredTakenBack how;
    ASSERT_TRUE(how.ParseFromString(*removal.writes[0].value));
    const bool is_opinion = removal.id == IdOf(opinion_);
    EXPECT_EQ(how.contributor(), world_.As(is_opinion ? "belmont" : "aurore").caller.member_number);
    EXPECT_TRUE(how.erased());
    EXPECT_EQ(how.kind(), v1::RETRACTION_KIND_GONE);
    EXPECT_EQ(how.time_s(), kNowS);
    EXPECT_TRUE(removal.clearance_prefix.empty());
  }
}

TEST_F(ErasureFilterTest, HowItWasTakenBackIsAsTheJournalHasIt) {
  SayCleared(erased_);
  DestroyKeys();
  MemoryStore store;
  std::vector<store::Write> rows;
  for (const auto& [key, value] : before_) rows.push_back({key, value});
  ASSERT_TRUE(store::CommitWrites(store, rows).ok());
  ASSERT_TRUE(LeaveOutErased(keys(), denied_, kNowS, store).ok());
  const Rows after = RowsOf(store);
  const auto how = TakenBackIn(after, erased_);
  ASSERT_TRUE(how.has_value());
  EXPECT_EQ(how->kind(), v1::RETRACTION_KIND_CLEARED);
  EXPECT_EQ(how->time_s(), 17);
  EXPECT_EQ(how->grounds(), v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
  EXPECT_EQ(CountOf(after, "c"), 1U) << "and whoever reports the seller again is told";
  EXPECT_TRUE(TakenBackIn(after, opinion_)->erased() && TakenBackIn(after, withdrawn_)->erased());
  EXPECT_EQ(CountOf(after, "r"), 1U);
  EXPECT_FALSE(TakenBackIn(after, kept_).has_value());

  const store::Revision head = store.Head();
  ASSERT_TRUE(LeaveOutErased(keys(), denied_, kNowS, store).ok());
  EXPECT_EQ(store.Head(), head) << "and again it changes nothing";
}

}  // namespace
}  // namespace coalition::server
