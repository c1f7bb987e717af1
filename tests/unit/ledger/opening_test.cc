// Who opens which part of an entry.
#include "server/ledger/opening.h"

#include <gtest/gtest.h>

#include <string>

#include "server/ledger/refusals.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/ledger/entries_support.h"

namespace coalition::testing {
namespace {

using ledger::Opening;

constexpr Opening kNothing = {false, false}, kOpen = {true, false}, kAll = {true, true};
// A day that is over, and the moment in which it is.
constexpr int64_t kDay = 20'000 * kTestDayS;
constexpr int64_t kDayEnds = kDay + kTestDayS;

class OpeningTest : public ::testing::Test {
 protected:
  explicit OpeningTest(const std::string& limits = "") : world_(WithLimits(limits)) {}

  Opening For(const std::string& member, const storage::v1::StoredLedgerEntry& entry, bool audits = false,
              int64_t now_s = kDayEnds) {
    const exchange::CallContext context = world_.As(member);
    const auto content = ledger::ContentOf(entry);
    EXPECT_TRUE(content.has_value());
    return ledger::OpeningFor({context.snapshot->policy_state(), context.caller.member_number, audits, now_s},
                              entry, content.value_or(v1::LedgerContent()));
  }
  Opening ForAuditor(const storage::v1::StoredLedgerEntry& entry) { return For("office", entry, true); }
  storage::v1::StoredLedgerEntry ShownTo(const std::string& member, v1::MemberKind kind) {
    return maker_.FirstShowings("aurore", member, kind, kDay);
  }

  World world_;
  const EntryMaker maker_{world_};
};

class OpeningWhereAuditorsOpenTest : public OpeningTest {
 protected:
  OpeningWhereAuditorsOpenTest() : OpeningTest("auditors_open_disclosures: true") {}
};
class OpeningByKindTest : public OpeningTest {
 protected:
  OpeningByKindTest() : OpeningTest("shown_to_by_kind: MEMBER_KIND_PAYMENT") {}
};
class OpeningOfAuthoritiesTest : public OpeningTest {
 protected:
  OpeningOfAuthoritiesTest() : OpeningTest("authority_reads_sealed_days: 90") {}
};

TEST_F(OpeningTest, ADisclosureIsItsReceivers) {
  const auto entry = maker_.Disclosure("belmont");
  EXPECT_EQ(For("belmont", entry), kAll);
  EXPECT_EQ(For("aurore", entry), kNothing);
  EXPECT_EQ(ForAuditor(entry), kNothing);
}

TEST_F(OpeningTest, AnActIsEverybodysButForWhoDidIt) {
  const auto entry = maker_.Act("office");
  EXPECT_EQ(For("belmont", entry), kOpen);
  EXPECT_EQ(For("limbo", entry), kOpen);
  EXPECT_EQ(For("office", entry), kAll);
  EXPECT_EQ(ForAuditor(maker_.Act("belmont")), kAll);
}

TEST_F(OpeningTest, RefusalsAreTheRefusedMembersAndTheAuditors) {
  const auto of_member = maker_.Refusals(maker_.NumberOf("belmont"));
  EXPECT_TRUE(For("belmont", of_member).open);
  EXPECT_EQ(For("corsa", of_member), kNothing);
  EXPECT_EQ(ForAuditor(of_member), kAll);
  const auto of_nobody = maker_.Refusals(ledger::kAuditors);
  EXPECT_EQ(For("belmont", of_nobody), kNothing);
  EXPECT_EQ(ForAuditor(of_nobody), kAll);
}

TEST_F(OpeningTest, FirstShowingsAreTheContributorsAlone) {
  const auto entry = ShownTo("belmont", v1::MEMBER_KIND_BRAND);
  EXPECT_EQ(For("aurore", entry), kAll);
  EXPECT_EQ(For("belmont", entry), kNothing) << "its view may hide whose the record is";
  EXPECT_EQ(For("corsa", entry), kNothing);
  EXPECT_EQ(ForAuditor(entry), kNothing);
}

TEST_F(OpeningWhereAuditorsOpenTest, AuditorsOpenAll) {
  EXPECT_EQ(ForAuditor(maker_.Disclosure("belmont")), kAll);
  EXPECT_EQ(ForAuditor(ShownTo("belmont", v1::MEMBER_KIND_BRAND)), kAll);
  EXPECT_EQ(For("office", maker_.Disclosure("belmont")), kNothing) << "without the role";
}

TEST_F(OpeningByKindTest, TheContributorIsNotToldWhichMember) {
  const auto payment = ShownTo("paylink", v1::MEMBER_KIND_PAYMENT);
  EXPECT_EQ(For("aurore", payment), kOpen);
  EXPECT_EQ(For("paylink", payment), kNothing);
  EXPECT_EQ(For("aurore", ShownTo("belmont", v1::MEMBER_KIND_BRAND)), kAll);
}

TEST_F(OpeningOfAuthoritiesTest, TheContributorKnowsNothingUntilTheDaysHavePassed) {
  const auto authority = ShownTo("customs", v1::MEMBER_KIND_AUTHORITY);
  constexpr int64_t kUnsealed = kDayEnds + 90 * kTestDayS;
  EXPECT_EQ(For("aurore", authority, false, kUnsealed - 1), kNothing);
  EXPECT_EQ(For("aurore", authority, false, kUnsealed), kAll);
  EXPECT_EQ(For("customs", authority, false, kDayEnds), kNothing);
  EXPECT_EQ(For("aurore", ShownTo("belmont", v1::MEMBER_KIND_BRAND)), kAll);
}

TEST_F(OpeningTest, AnAuthorityIsToldAtOnceWhereThePolicySealsNothing) {
  EXPECT_EQ(For("aurore", ShownTo("customs", v1::MEMBER_KIND_AUTHORITY)), kAll);
}

TEST_F(OpeningWhereAuditorsOpenTest, WhatHasNoKindNobodyOpens) {
  const auto entry = EntryFor({}, {}, {ledger::kEverybody}, {ledger::kEverybody});
  EXPECT_EQ(For("belmont", entry), kNothing);
  EXPECT_EQ(ForAuditor(entry), kNothing);
}

TEST_F(OpeningTest, WhatIsNotOpenedHasItsCommitmentAlone) {
  const ledger::SealedEntry sealed{{7, 12}, {1, 0}, maker_.Act("office")};
  const ledger::EntryParts parts = PartsOf(sealed.entry);
  const v1::LedgerEntry closed = ledger::Opened(sealed, parts, kOpen);
  EXPECT_EQ(closed.name(), "ledgerEntries/7-12");
  EXPECT_EQ(closed.open().salt(), parts.open.salt);
  EXPECT_EQ(closed.open().content(), parts.open.content);
  EXPECT_EQ(closed.reserved().salt(), "");
  EXPECT_EQ(closed.reserved().content(), "");
  const Sha256Digest commitment = ledger::CommitmentOf(parts.reserved.salt, parts.reserved.content);
  EXPECT_EQ(closed.reserved().commitment(), Bytes(commitment));
  EXPECT_EQ(closed.SerializeAsString().find(parts.reserved.content), std::string::npos);
  const v1::LedgerEntry whole = ledger::Opened(sealed, parts, kAll);
  EXPECT_EQ(whole.reserved().salt(), parts.reserved.salt);
  EXPECT_EQ(whole.reserved().content(), parts.reserved.content);
  const v1::LedgerEntry ended = ledger::Opened(sealed, std::nullopt, kAll);
  EXPECT_EQ(ended.reserved().commitment(), Bytes(commitment));
  EXPECT_EQ(ended.open().commitment(), Bytes(ledger::CommitmentOf(parts.open.salt, parts.open.content)));
}

}  // namespace
}  // namespace coalition::testing
