// How a sealed ledger is listed, and proved.
#include "server/ledger/entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/errors.h"
#include "tests/unit/ledger/entries_fixture.h"

namespace coalition::testing {
namespace {

using ledger::EntryQuery;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(EntriesTest, PagesOfEverySizeAddUpToAll) {
  const int64_t from_ms = SkipTheFirst();
  SealTicks(3);
  EntryQuery query = QueryOf("belmont");
  query.from_ms = from_ms;
  const std::vector<v1::LedgerEntry> all = All(As("belmont"), query);
  EXPECT_THAT(Marks(all), ElementsAre("GetRecord/0", "GetRecord/1", "GetRecord/2", "ScreenSellers/0",
                                      "ScreenSellers/0-again", "ScreenSellers/1", "ScreenSellers/1-again",
                                      "ScreenSellers/2", "ScreenSellers/2-again", "policies/0", "policies/1",
                                      "policies/2"));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const auto& a, const auto& b) { return PlaceOf(a) < PlaceOf(b); }));
  for (size_t size = 1; size <= all.size() + 1; ++size) {
    query.count = size;
    std::vector<std::string> names, expected;
    for (const v1::LedgerEntry& entry : All(As("belmont"), query)) names.push_back(entry.name());
    for (const v1::LedgerEntry& entry : all) expected.push_back(entry.name());
    EXPECT_EQ(names, expected) << size;
  }
}

TEST_F(EntriesTest, APageThatEndsWithTheLastEntryHasNoSuccessor) {
  SealTicks(2);
  const size_t all = All(As("belmont"), QueryOf("belmont")).size();
  std::vector<size_t> pages;
  All(As("belmont"), QueryOf("belmont", all), &pages);
  EXPECT_THAT(pages, ElementsAre(all));
}

TEST_F(EntriesTest, WhatComesMeanwhileIsBehindTheLastPage) {
  SealTicks(2);
  const ledger::EntryPage first = Page(As("belmont"), QueryOf("belmont", 2));
  ASSERT_TRUE(first.last.has_value());
  const size_t before = All(As("belmont"), QueryOf("belmont")).size();
  SealTicks(1);
  EntryQuery rest = QueryOf("belmont");
  rest.after = first.last;
  EXPECT_THAT(All(As("belmont"), rest), SizeIs(before - 2 + 4));
}

TEST_F(EntriesTest, ByKind) {
  const int64_t from_ms = SkipTheFirst();
  SealTicks(1);
  EntryQuery query = QueryOf("belmont");
  query.from_ms = from_ms;
  query.kinds = {v1::LEDGER_ENTRY_KIND_REFUSALS};
  EXPECT_THAT(Marks(As("belmont"), query), ElementsAre("GetRecord/0"));
  query.kinds = {v1::LEDGER_ENTRY_KIND_ACT, v1::LEDGER_ENTRY_KIND_DISCLOSURE};
  EXPECT_THAT(Marks(As("belmont"), query),
              ElementsAre("ScreenSellers/0", "ScreenSellers/0-again", "policies/0"));
  query.kinds = {v1::LEDGER_ENTRY_KIND_FIRST_SHOWINGS};
  EXPECT_THAT(All(As("belmont"), query), IsEmpty());
}

TEST_F(EntriesTest, ByTime) {
  const int64_t start_ms = SkipTheFirst();
  SealTicks(4);  // one, two, three and four seconds later
  EntryQuery query = QueryOf("belmont");
  query.kinds = {v1::LEDGER_ENTRY_KIND_ACT};
  query.from_ms = start_ms + 2'000;
  query.before_ms = start_ms + 4'000;
  EXPECT_THAT(Marks(As("belmont"), query), ElementsAre("policies/1", "policies/2"));
  query.from_ms = start_ms + 2'001;
  query.before_ms = start_ms + 4'001;
  EXPECT_THAT(Marks(As("belmont"), query), ElementsAre("policies/2", "policies/3"));
  query.from_ms = query.before_ms;
  EXPECT_THAT(All(As("belmont"), query), IsEmpty());
}

TEST_F(EntriesTest, EveryEntryIsProved) {
  SealTicks(3);
  EntryQuery query = QueryOf("belmont");
  query.with_proofs = true;
  for (const v1::LedgerEntry& entry : All(As("belmont"), query)) {
    const auto verified = ledger::VerifyEntry(entry, log_.verifier());
    EXPECT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(entry.proof().note(), log_.Newest().note);
    const auto found = entries_.Find(As("belmont"), PlaceOf(entry));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->SerializeAsString(), entry.SerializeAsString());
  }
  query.with_proofs = false;
  for (const v1::LedgerEntry& entry : All(As("belmont"), query)) EXPECT_FALSE(entry.has_proof());
}

TEST_F(EntriesTest, AWithheldPartIsProvedByItsCommitment) {
  log_.Seal({maker_.Act("office", "x")});
  const std::string name = NameOf(As("belmont"), QueryOf("belmont"), "policies/x");
  const auto found = entries_.Find(As("belmont"), Given(ledger::ParseEntryName(name)));
  ASSERT_TRUE(found.ok()) << found.status();
  const auto verified = Given(ledger::VerifyEntry(*found, log_.verifier()));
  EXPECT_FALSE(verified.opened.reserved.has_value());
  const auto by_itself = entries_.Find(As("office"), Given(ledger::ParseEntryName(name)));
  ASSERT_TRUE(by_itself.ok()) << by_itself.status();
  EXPECT_EQ(Given(ledger::VerifyEntry(*by_itself, log_.verifier())).opened.reserved->credential(),
            "members/office/credentials/admin");
}

// A tick that is durable and not published is not there yet.
TEST_F(EntriesTest, WhatIsNotPublishedIsNotThere) {
  SealTicks(1);
  const ledger::Checkpoint earlier = log_.Newest();
  const size_t before = All(As("belmont"), QueryOf("belmont")).size();
  SealTicks(1);
  const std::vector<v1::LedgerEntry> all = All(As("belmont"), QueryOf("belmont"));
  EXPECT_GT(all.size(), before);
  const ledger::Entries behind(
      reads_, [&] { return earlier; }, TestEntryKeys());
  const auto page = behind.List(As("belmont"), QueryOf("belmont"), [] { return absl::OkStatus(); });
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->entries, SizeIs(before));
  EXPECT_EQ(behind.Find(As("belmont"), PlaceOf(all.back())).status(), NotFound());
  EXPECT_EQ(behind.Find(As("office", true), PlaceOf(all.back())).status(), NotFound());
  const auto first = behind.Find(As("belmont"), PlaceOf(all.front()));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->proof().note(), earlier.note);
}

TEST_F(EntriesTest, WhoeverLooksCanEndIt) {
  SealTicks(1);
  int looks = 0;
  const auto page = entries_.List(As("belmont"), QueryOf("belmont"), [&] {
    return ++looks == 2 ? absl::DeadlineExceededError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(page.status(), absl::DeadlineExceededError("enough"));
}

TEST_F(EntriesTest, APageEndsAtAMegabyte) {
  const int64_t from_ms = SkipTheFirst();
  for (int i = 0; i < 5; ++i) log_.Seal({maker_.Disclosure("belmont", std::string(300'000, 'x'))});
  log_.Seal({maker_.Disclosure("belmont", std::string(1'500'000, 'x'))});
  EntryQuery query = QueryOf("belmont");
  query.from_ms = from_ms;
  std::vector<size_t> pages;
  EXPECT_THAT(All(As("belmont"), query, &pages), SizeIs(6));
  EXPECT_THAT(pages, ElementsAre(3, 2, 1));
}

}  // namespace
}  // namespace coalition::testing
