// Of an entry whose contents have ended whoever could open it has the proof, and nobody more than before.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/ledger_verify.h"
#include "server/ledger/entry.h"
#include "server/store/commit_writes.h"
#include "tests/unit/ledger/entries_fixture.h"

namespace coalition::testing {
namespace {

constexpr int64_t kDay = 20'700 * kTestDayS;  // some days ago

class EndedTest : public EntriesTest {
 protected:
  explicit EndedTest(const std::string& limits = "") : EntriesTest(limits) {}

  // Each sealed in a tick of its own; their names.
  std::string Sealed(const std::string& member, const storage::v1::StoredLedgerEntry& entry) {
    log_.Seal({entry});
    const std::vector<v1::LedgerEntry> all = All(As(member, /*audits=*/true), QueryOf(member));
    if (!all.empty()) return all.back().name();
    ADD_FAILURE() << "it is not found";
    return "";
  }
  void End(const std::string& name) {
    const auto sealed = ledger::LogReader(world_.store()).FindEntry(Given(ledger::ParseEntryName(name)));
    ASSERT_TRUE(sealed.ok() && sealed->has_value());
    const auto written = store::CommitWrites(
        world_.store(), {ledger::EntryWrite((*sealed)->id, ledger::Ended((*sealed)->entry))});
    ASSERT_TRUE(written.ok()) << written.status();
  }
  absl::StatusOr<v1::LedgerEntry> Find(const ledger::EntryAsker& asker, const std::string& name) {
    return entries_.Find(asker, Given(ledger::ParseEntryName(name)));
  }
};

TEST_F(EndedTest, ItsHashesStayAndNothingElse) {
  const auto entry = maker_.FirstShowings("aurore", "customs", v1::MEMBER_KIND_AUTHORITY, kDay);
  v1::LedgerContent content;
  ASSERT_TRUE(content.ParseFromString(PartsOf(entry).open.content));
  ASSERT_GT(content.first_showings().shown_size(), 0);
  EXPECT_FALSE(ledger::HasEnded(entry));
  const auto ended = ledger::Ended(entry);
  EXPECT_TRUE(ledger::HasEnded(ended));
  EXPECT_EQ(ledger::LeafHashOf(ended), ledger::LeafHashOf(entry));
  const auto left = ledger::ContentOf(ended);
  ASSERT_TRUE(left);
  v1::LedgerContent expected;
  expected.mutable_first_showings()->mutable_day()->set_seconds(kDay);
  expected.mutable_first_showings()->set_member_kind(v1::MEMBER_KIND_AUTHORITY);
  EXPECT_EQ(left->SerializeAsString(), expected.SerializeAsString());
  const auto parts = ledger::PartsOf(*TestEntryKeys(), ended);
  EXPECT_TRUE(parts.ok() && !parts->has_value());
  EXPECT_TRUE(ended.sealed().empty() && ended.full_parties().empty());
  EXPECT_EQ(ledger::Ended(ended).SerializeAsString(), ended.SerializeAsString());
  auto broken = ended;
  broken.set_reserved("short");
  EXPECT_FALSE(ledger::ContentOf(broken));
}

TEST_F(EndedTest, WhoCouldOpenItHasItsProof) {
  const std::string disclosure = Sealed("belmont", maker_.Disclosure("belmont"));
  const std::string act = Sealed("belmont", maker_.Act("office"));
  const auto before = Find(As("belmont"), disclosure);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_TRUE(ledger::VerifyEntry(*before, log_.verifier())->opened.content) << "not ended yet";
  End(disclosure);
  End(act);
  for (const std::string& name : {disclosure, act}) {
    const auto entry = Find(As("belmont"), name);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_EQ(entry->open().commitment().size(), sizeof(Sha256Digest));
    EXPECT_TRUE(entry->open().salt().empty() && entry->open().content().empty());
    EXPECT_TRUE(entry->reserved().salt().empty() && entry->reserved().content().empty());
    const auto verified = ledger::VerifyEntry(*entry, log_.verifier());
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_FALSE(verified->opened.content);
    EXPECT_FALSE(verified->opened.reserved);
  }
  EXPECT_EQ(Find(As("belmont"), disclosure)->proof().slot_path_size(), 20);
  EXPECT_TRUE(absl::IsNotFound(Find(As("corsa"), disclosure).status()));
  EXPECT_TRUE(Find(As("corsa"), act).ok());
  // By its kind it is found, too.
  ledger::EntryQuery query = QueryOf("belmont");
  query.kinds = {v1::LEDGER_ENTRY_KIND_DISCLOSURE};
  const std::vector<v1::LedgerEntry> listed = All(As("belmont"), query);
  ASSERT_EQ(listed.size(), 1);
  EXPECT_EQ(listed[0].name(), disclosure);
  // Auditors have what they had: here the policy has them open no disclosures.
  EXPECT_TRUE(absl::IsNotFound(Find(As("office", true), disclosure).status()));
}

class EndedOfAuthoritiesTest : public EndedTest {
 protected:
  // So long that contents end first.
  EndedOfAuthoritiesTest() : EndedTest("authority_reads_sealed_days: 90 auditors_open_disclosures: true") {}
};

TEST_F(EndedOfAuthoritiesTest, WhatIsSealedStaysSealed) {
  const std::string customs =
      Sealed("aurore", maker_.FirstShowings("aurore", "customs", v1::MEMBER_KIND_AUTHORITY, kDay));
  const std::string paylink =
      Sealed("aurore", maker_.FirstShowings("aurore", "paylink", v1::MEMBER_KIND_PAYMENT, kDay));
  End(customs);
  End(paylink);
  EXPECT_TRUE(absl::IsNotFound(Find(As("aurore"), customs).status()));
  EXPECT_TRUE(Find(As("aurore"), paylink).ok());
  EXPECT_TRUE(Find(As("office", true), customs).ok());
  const int64_t over_s = kDay + 92 * kTestDayS;
  ledger::EntryAsker later = As("aurore");
  later.now_s = over_s;
  EXPECT_TRUE(Find(later, customs).ok());
}

}  // namespace
}  // namespace coalition::testing
