// The disclosure ledger over real mutual TLS: what was shown is sealed, proved to whom it concerns and to
// nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coalition/v1/ledger_service.grpc.pb.h"
#include "common/errors.h"
#include "common/file.h"
#include "common/ledger_verify.h"
#include "tests/integration/records.h"
#include "tests/support/eventually.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ExchangeStub = v1::ExchangeService::Stub;
using Stub = v1::LedgerService::Stub;
using Entries = std::vector<v1::LedgerEntry>;

TestServer::Options QuickTicks(const Clock& clock, int content_days) {
  TestServer::Options options;
  options.clock = &clock;
  options.edit_config = [content_days](config::v1::ServerConfig* config) {
    config->mutable_ledger()->set_tick_ms(50);
    config->mutable_ledger()->set_content_days(content_days);
  };
  return options;
}

class LedgerRpcTest : public ::testing::Test {
 protected:
  explicit LedgerRpcTest(int content_days = 0) : server_(QuickTicks(clock_, content_days)) {}

  std::unique_ptr<Stub> Ledger(const std::string& member, const std::string& credential = "backend") const {
    return v1::LedgerService::NewStub(server_.ChannelAs(member, credential));
  }
  // Of the server's own key: a member has it from elsewhere.
  VerifierKey LogKey() const {
    const auto pem = ReadFile(server_.directory() + "/keys/ledger_key.pem", 4096);
    EXPECT_TRUE(pem.ok()) << pem.status();
    const auto key = Ed25519Key::FromPem(*pem);
    EXPECT_TRUE(key.ok()) << key.status();
    return *VerifierKey::Make("coalition.example/ledger", NoteAlgorithm::kEd25519, key->public_key());
  }
  // All of these kinds.
  absl::StatusOr<Entries> List(const std::string& member, v1::LedgerEntryKind kind,
                               const std::string& credential = "backend", const std::string& of = "") const {
    Entries entries;
    v1::ListLedgerEntriesRequest request;
    request.set_member(of);
    request.add_kinds(kind);
    request.set_with_proofs(true);
    do {
      const auto page = Call(Ledger(member, credential), &Stub::ListLedgerEntries, request);
      if (!page.ok()) return page.status();
      entries.insert(entries.end(), page->entries().begin(), page->entries().end());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return entries;
  }
  // As soon as it has been sealed that there are any.
  Entries Sealed(const std::string& member, v1::LedgerEntryKind kind,
                 const std::string& credential = "backend", const std::string& of = "") const {
    Entries entries;
    EXPECT_TRUE(Eventually([&] {
      auto listed = List(member, kind, credential, of);
      EXPECT_TRUE(listed.ok()) << listed.status();
      if (listed.ok()) entries = *std::move(listed);
      return !entries.empty() || !listed.ok();
    }));
    return entries;
  }
  absl::StatusOr<v1::LedgerEntry> Get(const std::string& member, const std::string& name,
                                      const std::string& credential = "backend") const {
    v1::GetLedgerEntryRequest request;
    request.set_name(name);
    auto got = Call(Ledger(member, credential), &Stub::GetLedgerEntry, request);
    if (!got.ok()) return got.status();
    return std::move(*got->mutable_entry());
  }
  absl::StatusOr<v1::ListDisclosuresResponse> Disclosures(const std::string& member,
                                                          const std::string& record) const {
    v1::ListDisclosuresRequest request;
    request.set_record(record);
    return Call(Ledger(member), &Stub::ListDisclosures, request);
  }
  // A report of aurore's, found by belmont's screening; its name.
  std::string Screened(const std::string& seller_id = "shop-1") const {
    v1::CreateRecordRequest create;
    *create.mutable_record() = Report(seller_id);
    GrantMember(create.mutable_record(), "belmont");
    GrantMember(create.mutable_record(), "corsa");
    const auto created = Call(server_.Exchange("aurore"), &ExchangeStub::CreateRecord, create);
    EXPECT_TRUE(created.ok()) << created.status();
    v1::ScreenSellersRequest screen;
    v1::Seller* seller = screen.add_sellers();
    seller->set_platform("bazaar.example");
    seller->set_seller_id(seller_id);
    const auto screened = Call(server_.Exchange("belmont"), &ExchangeStub::ScreenSellers, screen);
    EXPECT_TRUE(screened.ok()) << screened.status();
    return created.ok() ? created->record().name() : "";
  }

  ShiftedClock clock_;
  TestServer server_;
};

class LedgerRetentionRpcTest : public LedgerRpcTest {
 protected:
  LedgerRetentionRpcTest() : LedgerRpcTest(/*content_days=*/1) {}
};

TEST_F(LedgerRpcTest, AScreenThatHitsIsSealedAndProvedToWhoSawIt) {
  const std::string record = Screened();
  const Entries listed = Sealed("belmont", v1::LEDGER_ENTRY_KIND_DISCLOSURE);
  ASSERT_THAT(listed, SizeIs(1));
  const auto verified = ledger::VerifyEntry(listed[0], LogKey());
  ASSERT_TRUE(verified.ok()) << verified.status();
  ASSERT_TRUE(verified->opened.content.has_value());
  const v1::LedgerDisclosure& disclosure = verified->opened.content->disclosure();
  EXPECT_EQ(disclosure.member(), "members/belmont");
  EXPECT_EQ(disclosure.credential(), "members/belmont/credentials/backend");
  EXPECT_EQ(disclosure.method(), "ScreenSellers");
  ASSERT_EQ(disclosure.shown_size(), 1);
  EXPECT_THAT(disclosure.shown(0).views(), ElementsAre("full"));
  EXPECT_THAT(disclosure.shown(0).records(), ElementsAre(record));
  EXPECT_EQ(disclosure.shown(0).answers(), 1);
  const auto got = Get("belmont", listed[0].name());
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(ledger::VerifyEntry(*got, LogKey()).ok());
  EXPECT_EQ(got->open().SerializeAsString(), listed[0].open().SerializeAsString());
  // Positive control: with a bit turned it proves nothing.
  v1::LedgerEntry changed = *got;
  changed.mutable_open()->mutable_content()->back() ^= 1;
  EXPECT_FALSE(ledger::VerifyEntry(changed, LogKey()).ok());
}

TEST_F(LedgerRpcTest, NobodyElseFindsIt) {
  Screened();
  const std::string name = Sealed("belmont", v1::LEDGER_ENTRY_KIND_DISCLOSURE).at(0).name();
  for (const char* member : {"aurore", "corsa", "bazaar"}) {
    EXPECT_EQ(Get(member, name).status(), NotFound()) << member;
    EXPECT_EQ(Get(member, "ledgerEntries/0-0").status(), NotFound()) << member;
    EXPECT_THAT(*List(member, v1::LEDGER_ENTRY_KIND_DISCLOSURE), IsEmpty()) << member;
  }
  EXPECT_EQ(Get("office", name, "audit").status(), NotFound());
  EXPECT_THAT(*List("office", v1::LEDGER_ENTRY_KIND_DISCLOSURE, "audit", "members/belmont"), IsEmpty());
  EXPECT_EQ(
      GetErrorReason(List("corsa", v1::LEDGER_ENTRY_KIND_DISCLOSURE, "backend", "members/belmont").status()),
      v1::ERROR_REASON_ROLE_MISSING);
}

TEST_F(LedgerRpcTest, TheContributorIsToldWhoSawIt) {
  const std::string record = Screened();
  const auto told = Disclosures("aurore", record);
  ASSERT_TRUE(told.ok()) << told.status();
  ASSERT_EQ(told->disclosures_size(), 1);
  const v1::RecordDisclosure& one = told->disclosures(0);
  EXPECT_EQ(one.member(), "members/belmont");
  EXPECT_EQ(one.kind(), v1::MEMBER_KIND_BRAND);
  EXPECT_EQ(one.first_day().seconds() % 86'400, 0);
  EXPECT_THAT(one.views(), ElementsAre("full"));
  EXPECT_EQ(Disclosures("belmont", record).status(), NotFound());
  EXPECT_EQ(Disclosures("corsa", record).status(), NotFound());
}

TEST_F(LedgerRpcTest, ActsAreEverybodysButForThePerson) {
  v1::SetStandingRequest limit;
  limit.set_member("members/corsa");
  limit.set_standing(v1::STANDING_LIMITED);
  limit.set_reason(v1::STANDING_REASON_INVESTIGATION);
  const auto limited =
      Call(server_.Membership("office", "admin"), &v1::MembershipService::Stub::SetStanding, limit);
  ASSERT_TRUE(limited.ok()) << limited.status();
  const auto act_on_corsa = [](const Entries& entries) {
    return std::find_if(entries.begin(), entries.end(), [](const v1::LedgerEntry& entry) {
      v1::LedgerContent content;
      return content.ParseFromString(entry.open().content()) && content.act().target() == "members/corsa";
    });
  };
  Entries entries;
  EXPECT_TRUE(Eventually([&] {
    entries = Sealed("belmont", v1::LEDGER_ENTRY_KIND_ACT);
    return act_on_corsa(entries) != entries.end();
  }));
  const v1::LedgerEntry& act = *act_on_corsa(entries);
  const auto verified = ledger::VerifyEntry(act, LogKey());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->opened.content->act().actor(), "members/office");
  EXPECT_FALSE(verified->opened.reserved.has_value());
  EXPECT_EQ(Get("corsa", act.name())->open().content(), act.open().content())
      << "who is limited reads it too";
  const auto audited = Get("office", act.name(), "audit");
  ASSERT_TRUE(audited.ok()) << audited.status();
  const auto opened = ledger::OpenEntry(*audited);
  ASSERT_TRUE(opened.ok() && opened->reserved.has_value());
  EXPECT_EQ(opened->reserved->credential(), "members/office/credentials/admin");
}

TEST_F(LedgerRpcTest, RefusalsAreTheMembersAndTheAuditors) {
  v1::CreateRecordRequest create;
  *create.mutable_record() = Report("shop-1");
  const auto refused = Call(server_.Exchange("aurore", "reader"), &ExchangeStub::CreateRecord, create);
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_ROLE_MISSING);
  const Entries own = Sealed("aurore", v1::LEDGER_ENTRY_KIND_REFUSALS);
  ASSERT_THAT(own, SizeIs(1));
  v1::LedgerContent content;
  ASSERT_TRUE(content.ParseFromString(own[0].open().content()));
  EXPECT_EQ(content.refusals().reason(), "ROLE_MISSING");
  EXPECT_THAT(Sealed("office", v1::LEDGER_ENTRY_KIND_REFUSALS, "audit", "members/aurore"), SizeIs(1));
  EXPECT_EQ(Get("belmont", own[0].name()).status(), NotFound());
}

TEST_F(LedgerRpcTest, TheLogGrowsAndIsTheSameAfterARestart) {
  Screened();
  const v1::LedgerEntry entry = Sealed("belmont", v1::LEDGER_ENTRY_KIND_DISCLOSURE).at(0);
  // Takes no role.
  const auto note = Call(Ledger("aurore", "admin"), &Stub::GetCheckpoint, v1::GetCheckpointRequest());
  ASSERT_TRUE(note.ok()) << note.status();
  const auto before = ledger::OpenLogCheckpoint(note->note(), LogKey());
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(GetErrorReason(List("aurore", v1::LEDGER_ENTRY_KIND_ACT, "admin").status()),
            v1::ERROR_REASON_ROLE_MISSING);
  server_.Restart();
  const uint64_t size = before->checkpoint.size;
  v1::GetConsistencyProofRequest request;
  request.set_old_size(static_cast<int64_t>(size));
  const auto proof = Call(Ledger("aurore", "admin"), &Stub::GetConsistencyProof, request);
  ASSERT_TRUE(proof.ok()) << proof.status();
  const auto now = ledger::OpenLogCheckpoint(proof->note(), LogKey());
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_TRUE(ledger::VerifyGrowth(before->checkpoint, now->checkpoint, proof->hashes()).ok());
  EXPECT_TRUE(Eventually([&] {
    const auto later = Call(Ledger("aurore"), &Stub::GetCheckpoint, v1::GetCheckpointRequest());
    return later.ok() && ledger::OpenLogCheckpoint(later->note(), LogKey())->checkpoint.size > size + 1;
  })) << "it grows by the clock alone";
  const auto again = Get("belmont", entry.name());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->open().SerializeAsString(), entry.open().SerializeAsString());
  EXPECT_TRUE(ledger::VerifyEntry(*again, LogKey()).ok());
}

TEST_F(LedgerRpcTest, WhoIsSuspendedReadsNothingOfIt) {
  v1::SetStandingRequest suspend;
  suspend.set_member("members/belmont");
  suspend.set_standing(v1::STANDING_SUSPENDED);
  suspend.set_reason(v1::STANDING_REASON_INVESTIGATION);
  const auto suspended =
      Call(server_.Membership("office", "admin"), &v1::MembershipService::Stub::SetStanding, suspend);
  ASSERT_TRUE(suspended.ok()) << suspended.status();
  const absl::Status refusals[] = {
      List("belmont", v1::LEDGER_ENTRY_KIND_ACT).status(), Get("belmont", "ledgerEntries/0-0").status(),
      Call(Ledger("belmont"), &Stub::GetCheckpoint, v1::GetCheckpointRequest()).status()};
  for (const absl::Status& refusal : refusals) {
    EXPECT_EQ(GetErrorReason(refusal), v1::ERROR_REASON_MEMBER_NOT_ACTIVE) << refusal;
  }
}

TEST_F(LedgerRetentionRpcTest, ContentsEndAndTheProofStays) {
  const std::string record = Screened();
  v1::Record opinion;
  opinion.mutable_opinion()->set_subject(record);
  opinion.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
  GrantMember(&opinion, "belmont");
  const auto created = Call(server_.Exchange("corsa"), &ExchangeStub::CreateRecord, CreateOf(opinion));
  ASSERT_TRUE(created.ok()) << created.status();
  const auto read =
      Call(server_.Exchange("belmont"), &ExchangeStub::GetRecord, GetOf(created->record().name()));
  ASSERT_TRUE(read.ok()) << read.status();
  Screened("shop-2");
  // Both screenings, and so what lies between them.
  Entries entries;
  ASSERT_TRUE(Eventually([&] {
    entries = Sealed("belmont", v1::LEDGER_ENTRY_KIND_DISCLOSURE);
    return entries.size() == 2;
  }));
  const v1::LedgerEntry& entry = entries[0];
  ASSERT_FALSE(entry.open().salt().empty());
  // Nobody is let in by a certificate that has ended, so calls are made at another time.
  ASSERT_TRUE(Eventually([&] {
    clock_.Advance(std::chrono::hours(49));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    clock_.Advance(std::chrono::hours(-49));
    const auto got = Get("belmont", entries[1].name());
    return got.ok() && got->open().salt().empty();
  }));
  const auto ended = Get("belmont", entry.name());
  ASSERT_TRUE(ended.ok()) << ended.status();
  const auto verified = ledger::VerifyEntry(*ended, LogKey());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->opened.content.has_value());
  EXPECT_EQ(ended->open().commitment(),
            Bytes(ledger::CommitmentOf(entry.open().salt(), entry.open().content())));
  EXPECT_EQ(ended->proof().slot_path_size(), entry.proof().slot_path_size());
  // Whoever was shown an opinion was not told of that entry, and is not now.
  EXPECT_THAT(*List("belmont", v1::LEDGER_ENTRY_KIND_DISCLOSURE), SizeIs(2));
  EXPECT_EQ(Get("corsa", entry.name()).status(), NotFound());
}

}  // namespace
}  // namespace coalition::testing
