// Whose entries are listed and found, and that nothing tells of the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "common/errors.h"
#include "server/ledger/refusals.h"
#include "tests/unit/ledger/entries_fixture.h"

namespace coalition::testing {
namespace {

using ledger::EntryPlace;
using ledger::EntryQuery;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EntriesWhereAuditorsOpenTest : public EntriesTest {
 protected:
  EntriesWhereAuditorsOpenTest() : EntriesTest("auditors_open_disclosures: true") {}
};
class EntriesOfAuthoritiesTest : public EntriesTest {
 protected:
  EntriesOfAuthoritiesTest() : EntriesTest("authority_reads_sealed_days: 90") {}
};

TEST_F(EntriesTest, OthersEntriesAreNotListed) {
  SealTicks(1);
  for (const std::string& mark : Marks(As("belmont"), QueryOf("belmont"))) {
    EXPECT_EQ(mark.find("corsa"), std::string::npos);
  }
  // Whatever parties a query names, an entry is its parties'.
  EntryQuery of_corsa = QueryOf("corsa");
  of_corsa.parties = {NumberOf("corsa")};
  EXPECT_THAT(All(As("belmont"), of_corsa), IsEmpty());
  EXPECT_THAT(Marks(As("corsa"), of_corsa), ElementsAre("ScreenSellers/0-of-corsa"));
}

TEST_F(EntriesTest, NotFoundIsTheSameForWhateverIsNotTheAskers) {
  SealTicks(2);
  EntryQuery of_corsa = QueryOf("corsa");
  of_corsa.parties = {NumberOf("corsa")};
  const EntryPlace foreign = PlaceOf(All(As("corsa"), of_corsa).front());
  const EntryPlace own = PlaceOf(All(As("belmont"), QueryOf("belmont")).back());
  const uint64_t size = log_.Newest().size;
  const std::vector<EntryPlace> places = {foreign,
                                          {foreign.tick, foreign.slot ^ 1},  // by chance nothing is there
                                          {own.tick, own.slot ^ 1},
                                          {size, own.slot},
                                          {size + 7, 0},
                                          {std::numeric_limits<uint64_t>::max(), own.slot},
                                          {own.tick, ledger::kSlots},
                                          {own.tick, std::numeric_limits<uint32_t>::max()}};
  reads_.Take();
  for (const EntryPlace place : places) {
    const auto found = entries_.Find(As("belmont"), place);
    EXPECT_EQ(found.status(), NotFound()) << ledger::FormatEntryName(place);
    EXPECT_EQ(reads_.Take(), 0) << "what is another's takes as long as what is not there";
  }
  EXPECT_TRUE(entries_.Find(As("belmont"), own).ok());
  EXPECT_EQ(reads_.Take(), 1);
  EXPECT_TRUE(entries_.Find(As("corsa"), foreign).ok());
}

TEST_F(EntriesTest, AuditorsListActsAndRefusals) {
  const int64_t from_ms = SkipTheFirst();
  SealTicks(1);
  log_.Seal({maker_.Refusals(ledger::kAuditors, "of-nobody")});
  EntryQuery of_belmont = QueryOf("belmont");
  of_belmont.parties = {NumberOf("belmont")};
  EXPECT_THAT(Marks(As("office", true), of_belmont), ElementsAre("GetRecord/0"));
  EXPECT_THAT(All(As("office", false), of_belmont), IsEmpty());
  EntryQuery of_nobody = QueryOf("office");
  of_nobody.parties.push_back(ledger::kAuditors);
  of_nobody.from_ms = from_ms;
  EXPECT_THAT(Marks(As("office", true), of_nobody), ElementsAre("GetRecord/of-nobody", "policies/0"));
  EXPECT_THAT(Marks(As("office", false), of_nobody), ElementsAre("policies/0"));
  const std::string disclosure = NameOf(As("belmont"), of_belmont, "ScreenSellers/0");
  const auto found = entries_.Find(As("office", true), Given(ledger::ParseEntryName(disclosure)));
  EXPECT_EQ(found.status(), NotFound());
}

TEST_F(EntriesWhereAuditorsOpenTest, AuditorsListDisclosuresToo) {
  SealTicks(1);
  EntryQuery of_belmont = QueryOf("belmont");
  of_belmont.parties = {NumberOf("belmont")};
  EXPECT_THAT(Marks(As("office", true), of_belmont),
              ElementsAre("GetRecord/0", "ScreenSellers/0", "ScreenSellers/0-again"));
  EXPECT_THAT(All(As("office", false), of_belmont), IsEmpty());
  const std::string disclosure = NameOf(As("belmont"), of_belmont, "ScreenSellers/0");
  EXPECT_TRUE(entries_.Find(As("office", true), Given(ledger::ParseEntryName(disclosure))).ok());
  EXPECT_EQ(entries_.Find(As("office", false), Given(ledger::ParseEntryName(disclosure))).status(),
            NotFound());
}

TEST_F(EntriesOfAuthoritiesTest, WhatIsSealedChangesNoPage) {
  const int64_t from_ms = SkipTheFirst();
  const int64_t today = world_.clock.now_ns / 1'000'000'000 / kTestDayS;
  const auto shown = [&](const std::string& member, v1::MemberKind kind, int64_t day) {
    return maker_.FirstShowings("aurore", member, kind, day * kTestDayS);
  };
  for (int64_t day = today - 5; day < today; ++day) {
    log_.Seal({shown("customs", v1::MEMBER_KIND_AUTHORITY, day), shown("belmont", v1::MEMBER_KIND_BRAND, day),
               shown("customs", v1::MEMBER_KIND_AUTHORITY, day)});
    log_.Seal({shown("customs", v1::MEMBER_KIND_AUTHORITY, day)});
  }
  EntryQuery query = QueryOf("aurore", 2);
  query.from_ms = from_ms;
  std::vector<size_t> pages;
  EXPECT_THAT(All(As("aurore"), query, &pages), SizeIs(5));
  EXPECT_THAT(pages, ElementsAre(2, 2, 1));
  query.count = 5;
  pages.clear();
  All(As("aurore"), query, &pages);
  EXPECT_THAT(pages, ElementsAre(5));
  // With the time the contributor has them; the authority itself never.
  constexpr int64_t kUntilThenNs = 91 * kTestDayS * 1'000'000'000;
  world_.clock.now_ns += kUntilThenNs;
  const std::vector<v1::LedgerEntry> all = All(As("aurore"), query);
  EXPECT_THAT(all, SizeIs(20));
  size_t found_before = 0, found_now = 0;
  for (const v1::LedgerEntry& entry : all) {
    EXPECT_EQ(entries_.Find(As("customs"), PlaceOf(entry)).status(), NotFound());
    found_now += entries_.Find(As("aurore"), PlaceOf(entry)).ok() ? 1 : 0;
    world_.clock.now_ns -= kUntilThenNs;
    found_before += entries_.Find(As("aurore"), PlaceOf(entry)).ok() ? 1 : 0;
    world_.clock.now_ns += kUntilThenNs;
  }
  EXPECT_EQ(found_before, 5U);
  EXPECT_EQ(found_now, 20U);
}

// More than are looked at for one page.
TEST_F(EntriesOfAuthoritiesTest, APageEndsAfterMuchThatDoesNotFitButNeverByWhatIsHidden) {
  constexpr int kMany = 10'050;
  const std::vector<storage::v1::StoredLedgerEntry> disclosures(kMany, maker_.Disclosure("belmont"));
  log_.Seal(disclosures);
  log_.Seal({maker_.Act("office", "behind")});
  EntryQuery acts = QueryOf("belmont", 50);
  acts.kinds = {v1::LEDGER_ENTRY_KIND_ACT};
  const ledger::EntryPage first = Page(As("belmont"), acts);
  EXPECT_TRUE(first.last.has_value());
  EXPECT_LE(first.entries.size(), 1U) << "what the bootstrap did";
  acts.after = first.last;
  EXPECT_THAT(Marks(As("belmont"), acts), ElementsAre("policies/behind"));

  const int64_t from_ms = world_.clock.now_ns / 1'000'000 + 1;
  const std::vector<storage::v1::StoredLedgerEntry> hidden(
      kMany, maker_.FirstShowings("aurore", "customs", v1::MEMBER_KIND_AUTHORITY,
                                  world_.clock.now_ns / 1'000'000'000));
  log_.Seal(hidden);
  EntryQuery query = QueryOf("aurore");
  query.from_ms = from_ms;
  const ledger::EntryPage page = Page(As("aurore"), query);
  EXPECT_THAT(page.entries, IsEmpty());
  EXPECT_FALSE(page.last.has_value());
  // An auditor may know that it is there, and is not kept waiting for all of it.
  query.parties = {NumberOf("aurore")};
  EXPECT_TRUE(Page(As("office", true), query).last.has_value());
}

}  // namespace
}  // namespace coalition::testing
