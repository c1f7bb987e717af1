// What LedgerService refuses, and what its page tokens are bound to.
#include "server/service/ledger_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "common/errors.h"
#include "common/merkle.h"
#include "server/ledger/refusals.h"
#include "tests/support/test_names.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/ledger/sealed_ledger.h"

namespace coalition::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr identity::Roles kReader = {v1::ROLE_READER};
constexpr identity::Roles kAuditor = {v1::ROLE_AUDITOR};
constexpr std::array<uint8_t, kSealKeyBytes> kSealKey = {7};

class LedgerServiceTest : public ::testing::Test {
 protected:
  LedgerServiceTest()
      : world_(Options()),
        log_(world_),
        lane_(world_.store()),
        entry_log_(lane_, TestNames(), RunNow),
        shown_(world_.store(), lane_, entry_log_, counting_, RunNow),
        keys_(world_.keys()),
        disclosures_(world_.store(), keys_, shown_),
        sealer_(kSealKey, world_.random),
        entries_(
            world_.store(), [this] { return log_.Newest(); }, TestEntryKeys()),
        service_(entries_, disclosures_,
                 [this](const std::string& note) { return log_.sealer().AddCosignature(note); }, sealer_,
                 {.page_size_default = 2, .page_size_max = 3}) {}
  ~LedgerServiceTest() override { lane_.Drain(); }

  static WorldOptions Options() {
    WorldOptions options = WithLimits("");
    options.in_memory = true;
    return options;
  }
  uint32_t NumberOf(const std::string& member) const { return maker_.NumberOf(member); }
  absl::StatusOr<v1::ListLedgerEntriesResponse> List(const exchange::CallContext& context,
                                                     const v1::ListLedgerEntriesRequest& request) const {
    v1::ListLedgerEntriesResponse response;
    if (absl::Status status = service_.ListLedgerEntries(context, request, &response); !status.ok())
      return status;
    return response;
  }
  absl::StatusOr<v1::ListLedgerEntriesResponse> ListOf(const exchange::CallContext& context,
                                                       const std::string& member) const {
    v1::ListLedgerEntriesRequest request;
    request.set_member(member);
    return List(context, request);
  }
  absl::StatusOr<v1::LedgerEntry> Get(const exchange::CallContext& context, const std::string& name) const {
    v1::GetLedgerEntryRequest request;
    request.set_name(name);
    v1::GetLedgerEntryResponse response;
    if (absl::Status status = service_.GetLedgerEntry(context, request, &response); !status.ok())
      return status;
    return response.entry();
  }
  absl::StatusOr<v1::GetConsistencyProofResponse> Consistency(int64_t old_size, int64_t new_size) const {
    v1::GetConsistencyProofRequest request;
    request.set_old_size(old_size);
    request.set_new_size(new_size);
    v1::GetConsistencyProofResponse response;
    if (absl::Status status = service_.GetConsistencyProof(world_.As("belmont"), request, &response);
        !status.ok())
      return status;
    return response;
  }
  absl::Status Cosign(const std::string& note) const {
    v1::AddCosignatureRequest request;
    request.set_note(note);
    v1::AddCosignatureResponse response;
    return service_.AddCosignature(world_.As("belmont"), request, &response);
  }

  World world_;
  SealedLedger log_;
  const EntryMaker maker_{world_};
  ledger::CountingDisclosureLog counting_;
  store::CommitLane lane_;
  ledger::EntryLog entry_log_;
  ledger::ShownLog shown_;
  const exchange::ExchangeKeys keys_;
  const watch::RecordDisclosures disclosures_;
  const Sealer sealer_;
  const ledger::Entries entries_;
  const service::LedgerService service_;
};

v1::ErrorReason ReasonOf(const absl::Status& status) { return GetErrorReason(status); }

TEST_F(LedgerServiceTest, ReadersAndAuditorsReadIt) {
  log_.Seal({maker_.Act("office")});
  const identity::Roles neither = {v1::ROLE_CONTRIBUTOR, v1::ROLE_MEMBER_ADMIN};
  EXPECT_THAT(List(world_.As("belmont", kReader), {})->entries(), Not(IsEmpty()));
  EXPECT_THAT(List(world_.As("office", kAuditor), {})->entries(), Not(IsEmpty()));
  EXPECT_EQ(ReasonOf(List(world_.As("belmont", neither), {}).status()), v1::ERROR_REASON_ROLE_MISSING);
  const std::string name = List(world_.As("belmont"), {})->entries(0).name();
  EXPECT_TRUE(Get(world_.As("belmont", kReader), name).ok());
  EXPECT_TRUE(Get(world_.As("office", kAuditor), name).ok());
  EXPECT_EQ(ReasonOf(Get(world_.As("belmont", neither), name).status()), v1::ERROR_REASON_ROLE_MISSING);
}

TEST_F(LedgerServiceTest, AMembersStandingDecidesWhetherItReads) {
  log_.Seal({maker_.Disclosure("limbo")});
  const auto limited = ListOf(world_.As("limbo"), "members/limbo");
  ASSERT_TRUE(limited.ok()) << limited.status();
  EXPECT_THAT(limited->entries(), SizeIs(1)) << "its own disclosures";
  EXPECT_THAT(List(world_.As("limbo"), {})->entries(), SizeIs(2)) << "and what is everybody's";
  EXPECT_EQ(ReasonOf(List(world_.As("limbo", kAuditor), {}).status()), v1::ERROR_REASON_ROLE_MISSING)
      << "only who is ACTIVE audits";
  for (const char* member : {"banned", "left", "newcomer"}) {
    EXPECT_EQ(ReasonOf(List(world_.As(member), {}).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE) << member;
    EXPECT_EQ(ReasonOf(Get(world_.As(member), "ledgerEntries/0-0").status()),
              v1::ERROR_REASON_MEMBER_NOT_ACTIVE)
        << member;
  }
}

TEST_F(LedgerServiceTest, OnlyAuditorsAskForOthers) {
  log_.Seal({maker_.Disclosure("belmont"), maker_.Refusals(NumberOf("belmont")),
             maker_.Refusals(ledger::kAuditors)});
  EXPECT_THAT(ListOf(world_.As("belmont"), "members/belmont")->entries(), SizeIs(2));
  for (const char* other : {"members/belmont", "members/nobody"}) {
    const absl::Status refused = ListOf(world_.As("corsa"), other).status();
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_ROLE_MISSING) << other;
    EXPECT_EQ(GetErrorInfo(refused)->metadata().at("role"), "AUDITOR");
  }
  EXPECT_THAT(ListOf(world_.As("office", kAuditor), "members/belmont")->entries(), SizeIs(1));
  EXPECT_EQ(ListOf(world_.As("office", kAuditor), "members/nobody").status(), NotFound());
  EXPECT_THAT(ListOf(world_.As("office", kAuditor), "members/office")->entries(), IsEmpty());
  v1::ListLedgerEntriesRequest refusals;
  refusals.add_kinds(v1::LEDGER_ENTRY_KIND_REFUSALS);
  EXPECT_THAT(List(world_.As("office", kAuditor), refusals)->entries(), SizeIs(1)) << "of nobody's";
  EXPECT_THAT(List(world_.As("office", kReader), refusals)->entries(), IsEmpty());
}

TEST_F(LedgerServiceTest, PagesAreOfTheSizesThatTheServerLets) {
  for (int i = 0; i < 5; ++i) log_.Seal({maker_.Disclosure("belmont")});
  v1::ListLedgerEntriesRequest request;
  request.set_member("members/belmont");
  EXPECT_THAT(List(world_.As("belmont"), request)->entries(), SizeIs(2));
  request.set_page_size(100);
  const auto first = List(world_.As("belmont"), request);
  EXPECT_THAT(first->entries(), SizeIs(3));
  request.set_page_token(first->next_page_token());
  const auto last = List(world_.As("belmont"), request);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_THAT(last->entries(), SizeIs(2));
  EXPECT_EQ(last->next_page_token(), "");
}

TEST_F(LedgerServiceTest, ATokenIsItsMembersAndItsQuestions) {
  for (int i = 0; i < 3; ++i) log_.Seal({maker_.Act("office"), maker_.Disclosure("belmont")});
  v1::ListLedgerEntriesRequest request;
  const std::string token = List(world_.As("belmont"), request)->next_page_token();
  ASSERT_NE(token, "");
  const auto refusal = [&](const exchange::CallContext& context, v1::ListLedgerEntriesRequest asked) {
    asked.set_page_token(token);
    return ReasonOf(List(context, asked).status());
  };
  EXPECT_EQ(refusal(world_.As("belmont"), request), v1::ERROR_REASON_UNSPECIFIED);
  v1::ListLedgerEntriesRequest larger = request;
  larger.set_page_size(1);
  EXPECT_EQ(refusal(world_.As("belmont"), larger), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(refusal(world_.As("corsa"), request), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  std::vector<v1::ListLedgerEntriesRequest> others(5, request);
  others[0].set_member("members/belmont");
  others[1].add_kinds(v1::LEDGER_ENTRY_KIND_ACT);
  others[2].mutable_from()->set_seconds(1);
  others[3].mutable_before()->set_seconds(99'999'999'999);
  others[4].set_with_proofs(true);
  for (const auto& other : others) {
    EXPECT_EQ(refusal(world_.As("belmont"), other), v1::ERROR_REASON_PAGE_TOKEN_INVALID)
        << other.ShortDebugString();
  }
}

TEST_F(LedgerServiceTest, BadFieldsAreNamed) {
  v1::ListLedgerEntriesRequest request;
  request.add_kinds(v1::LEDGER_ENTRY_KIND_ACT);
  request.add_kinds(v1::LEDGER_ENTRY_KIND_UNSPECIFIED);
  request.add_kinds(static_cast<v1::LedgerEntryKind>(77));
  request.mutable_from()->set_nanos(-1);
  request.mutable_before()->set_seconds(int64_t{1} << 60);
  EXPECT_EQ(FieldsAtFault(List(world_.As("belmont"), request).status()), "kinds[1], kinds[2], from, before");
  request.Clear();
  request.set_page_size(-1);
  EXPECT_EQ(FieldsAtFault(List(world_.As("belmont"), request).status()), "page_size");
  EXPECT_EQ(FieldsAtFault(ListOf(world_.As("belmont"), "belmont").status()), "member");
  for (const char* name : {"", "ledgerEntries/7", "ledgerEntries/07-1", "records/7-1"}) {
    EXPECT_EQ(FieldsAtFault(Get(world_.As("belmont"), name).status()), "name") << name;
  }
}

TEST_F(LedgerServiceTest, NotFoundIsOneAnswer) {
  log_.Seal({maker_.Disclosure("corsa")});
  const std::string foreign = ListOf(world_.As("corsa"), "members/corsa")->entries(0).name();
  EXPECT_EQ(Get(world_.As("belmont"), foreign).status(), NotFound());
  EXPECT_EQ(Get(world_.As("belmont"), "ledgerEntries/1-0").status(), NotFound());
  EXPECT_EQ(Get(world_.As("belmont"), "ledgerEntries/99-0").status(), NotFound());
  EXPECT_TRUE(Get(world_.As("corsa"), foreign).ok());
}

// Sealed at that time or later means by the tick's own milliseconds.
TEST_F(LedgerServiceTest, TimesAreCutToWhereTicksAre) {
  log_.Seal({maker_.Disclosure("belmont")});
  v1::ListLedgerEntriesRequest request;
  request.set_member("members/belmont");
  const int64_t now_s = world_.clock.now_ns / 1'000'000'000;
  request.mutable_from()->set_seconds(now_s);
  EXPECT_THAT(List(world_.As("belmont"), request)->entries(), SizeIs(1));
  request.mutable_from()->set_nanos(1);
  EXPECT_THAT(List(world_.As("belmont"), request)->entries(), IsEmpty());
  request.clear_from();
  request.mutable_before()->set_seconds(now_s);
  EXPECT_THAT(List(world_.As("belmont"), request)->entries(), IsEmpty());
  request.mutable_before()->set_nanos(1);
  EXPECT_THAT(List(world_.As("belmont"), request)->entries(), SizeIs(1));
}

TEST_F(LedgerServiceTest, TheLogIsProvedToHaveGrown) {
  const ledger::Checkpoint before = log_.Newest();
  for (int i = 0; i < 6; ++i) log_.Tick();
  const ledger::Checkpoint now = log_.Newest();
  v1::GetCheckpointResponse checkpoint;
  ASSERT_TRUE(service_.GetCheckpoint(world_.As("belmont"), {}, &checkpoint).ok());
  EXPECT_EQ(checkpoint.note(), now.note);
  const auto old_size = static_cast<int64_t>(before.size), size = static_cast<int64_t>(now.size);
  const auto grown = Consistency(old_size, 0);
  ASSERT_TRUE(grown.ok()) << grown.status();
  EXPECT_EQ(grown->new_size(), size);
  EXPECT_EQ(grown->note(), now.note);
  std::vector<Sha256Digest> hashes;
  for (const std::string& hash : grown->hashes()) hashes.push_back(*ledger::ToDigest(hash));
  EXPECT_TRUE(merkle::VerifyConsistency(before.size, before.root, now.size, now.root, hashes).ok());
  EXPECT_EQ(Consistency(old_size, size - 1)->new_size(), size - 1);
  EXPECT_THAT(Consistency(size, size)->hashes(), IsEmpty());
  EXPECT_EQ(FieldsAtFault(Consistency(0, 0).status()), "old_size");
  EXPECT_EQ(FieldsAtFault(Consistency(-1, size).status()), "old_size");
  EXPECT_EQ(FieldsAtFault(Consistency(3, 2).status()), "new_size");
  EXPECT_EQ(FieldsAtFault(Consistency(1, -1).status()), "new_size");
  EXPECT_EQ(FieldsAtFault(Consistency(1, size + 1).status()), "new_size");
  EXPECT_EQ(FieldsAtFault(Consistency(size + 1, 0).status()), "old_size") << "it was rolled back";
}

TEST_F(LedgerServiceTest, WhatIsNoCosignatureIsRefused) {
  EXPECT_EQ(FieldsAtFault(Cosign("nonsense")), "note");
  EXPECT_EQ(FieldsAtFault(Cosign(log_.Newest().note)), "note") << "no witness has signed it";
  const auto superseded = [](const std::string&) {
    return Error(v1::ERROR_REASON_STATE_CONFLICT, "there is a newer one");
  };
  const service::LedgerService late(entries_, disclosures_, superseded, sealer_, {});
  v1::AddCosignatureResponse response;
  EXPECT_EQ(ReasonOf(late.AddCosignature(world_.As("belmont"), {}, &response)),
            v1::ERROR_REASON_STATE_CONFLICT);
}

}  // namespace
}  // namespace coalition::testing
