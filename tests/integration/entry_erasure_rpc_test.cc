// Erasure of the ledger's entries over real mutual TLS: nobody opens them any more, every proof is what it
// was, and no older file of keys, copy of the store or restart brings back what they said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coalition/v1/erasure_service.grpc.pb.h"
#include "coalition/v1/ledger_service.grpc.pb.h"
#include "common/errors.h"
#include "common/file.h"
#include "common/ledger_leaf.h"
#include "common/ledger_verify.h"
#include "server/ledger/entry_keys.h"
#include "tests/integration/records.h"
#include "tests/support/eventually.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::SizeIs;
using Erased = absl::StatusOr<v1::EraseLedgerEntriesResponse>;
using ExchangeStub = v1::ExchangeService::Stub;
using LedgerStub = v1::LedgerService::Stub;

constexpr size_t kFileBytesMax = size_t{1} << 20;

v1::EraseLedgerEntriesRequest ErasureOf(const std::vector<std::string>& names) {
  v1::EraseLedgerEntriesRequest request;
  *request.mutable_names() = {names.begin(), names.end()};
  request.set_grounds(v1::ERASURE_GROUNDS_COURT_ORDER);
  request.set_reference("7 O 12/26");
  return request;
}

class EntryErasureRpcTest : public ::testing::Test {
 protected:
  static TestServer::Options Options() {
    TestServer::Options options;
    options.edit_config = [](config::v1::ServerConfig* config) { config->mutable_ledger()->set_tick_ms(50); };
    return options;
  }

  std::string KeysFile() const { return absl::StrCat(server_.directory(), "/keys/", ledger::kEntryKeysFile); }
  std::string KeysBytes() const { return ReadFile(KeysFile(), kFileBytesMax).value_or("none"); }
  VerifierKey LogKey() const {
    const auto pem = ReadFile(server_.directory() + "/keys/ledger_key.pem", 4096);
    EXPECT_TRUE(pem.ok()) << pem.status();
    const auto key = Ed25519Key::FromPem(*pem);
    EXPECT_TRUE(key.ok()) << key.status();
    return *VerifierKey::Make("coalition.example/ledger", NoteAlgorithm::kEd25519, key->public_key());
  }

  Erased EraseAs(const std::string& member, const std::string& credential, int port,
                 const v1::EraseLedgerEntriesRequest& request) const {
    const auto channel = server_.ChannelAs(server_.IdentityOf(member, credential), 0, port);
    return Call(v1::ErasureService::NewStub(channel), &v1::ErasureService::Stub::EraseLedgerEntries, request);
  }
  Erased Erase(const v1::EraseLedgerEntriesRequest& request) const {
    return EraseAs("office", "admin", server_.admin_port(), request);
  }
  std::unique_ptr<LedgerStub> Ledger(const std::string& member) const {
    return v1::LedgerService::NewStub(server_.ChannelAs(member));
  }
  std::vector<v1::LedgerEntry> List(const std::string& member, v1::LedgerEntryKind kind) const {
    v1::ListLedgerEntriesRequest request;
    request.add_kinds(kind);
    request.set_page_size(1'000);
    request.set_with_proofs(true);
    const auto listed = Call(Ledger(member), &LedgerStub::ListLedgerEntries, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return {};
    return {listed->entries().begin(), listed->entries().end()};
  }
  // What everybody opens of erasures of entries.
  std::vector<std::string> Acts(const std::string& member) const {
    std::vector<std::string> acts;
    for (const v1::LedgerEntry& entry : List(member, v1::LEDGER_ENTRY_KIND_ACT)) {
      v1::LedgerContent content;
      if (content.ParseFromString(entry.open().content()) && content.act().target() == "ledgerEntries")
        acts.push_back(content.act().actor() + ": " + content.act().change());
    }
    return acts;
  }
  // Of aurore, as belmont's screening finds it.
  std::string Screened(const std::string& seller) const {
    v1::Record report = Report(seller);
    GrantMember(&report, "belmont");
    const auto created = Call(server_.Exchange("aurore"), &ExchangeStub::CreateRecord, CreateOf(report));
    EXPECT_TRUE(created.ok()) << created.status();
    EXPECT_TRUE(Call(server_.Exchange("belmont"), &ExchangeStub::ScreenSellers, ScreenOf(seller)).ok());
    return created.ok() ? created->record().name() : "";
  }
  // Two disclosures to belmont, sealed, each of a report of its own; the one of `record_` is `erased_`.
  void DiscloseTwo() {
    record_ = Screened("shop-1");
    Screened("shop-2");
    std::vector<v1::LedgerEntry> entries;
    ASSERT_TRUE(Eventually([&] {
      entries = List("belmont", v1::LEDGER_ENTRY_KIND_DISCLOSURE);
      return entries.size() == 2;
    }));
    for (const v1::LedgerEntry& entry : entries) {
      v1::LedgerContent content;
      ASSERT_TRUE(content.ParseFromString(entry.open().content()));
      (content.disclosure().shown(0).records(0) == record_ ? erased_ : kept_) = entry;
    }
    ASSERT_FALSE(erased_.name().empty() || kept_.name().empty());
    ASSERT_TRUE(Opens(erased_) && Opens(kept_)) << "positive control";
  }
  // As belmont, to which it was addressed, finds it now: as it was, or with hashes in the place of both
  // parts; and at its place in the log by its proof.
  bool Opens(const v1::LedgerEntry& before) const {
    v1::GetLedgerEntryRequest request;
    request.set_name(before.name());
    const auto got = Call(Ledger("belmont"), &LedgerStub::GetLedgerEntry, request);
    EXPECT_TRUE(got.ok()) << got.status();
    if (!got.ok()) return false;
    const auto verified = ledger::VerifyEntry(got->entry(), LogKey());
    EXPECT_TRUE(verified.ok()) << verified.status();
    if (!verified.ok()) return false;
    if (verified->opened.content) {
      EXPECT_EQ(got->entry().open().SerializeAsString(), before.open().SerializeAsString());
      return true;
    }
    for (const v1::LedgerPart* part : {&got->entry().open(), &got->entry().reserved()}) {
      EXPECT_TRUE(part->salt().empty() && part->content().empty());
      EXPECT_THAT(part->commitment(), SizeIs(32));
    }
    EXPECT_EQ(got->entry().open().commitment(),
              Bytes(ledger::CommitmentOf(before.open().salt(), before.open().content())));
    return false;
  }
  std::string Copy(const std::string& of, const std::string& name) const {
    fs::copy(of, absl::StrCat(server_.directory(), "/", name), fs::copy_options::recursive);
    return absl::StrCat(server_.directory(), "/", name);
  }

  TestServer server_{Options()};
  std::string record_;
  v1::LedgerEntry erased_, kept_;
};

TEST_F(EntryErasureRpcTest, ItsReceiverFindsHashesAndTheProofStays) {
  DiscloseTwo();
  v1::EraseLedgerEntriesRequest checking = ErasureOf({erased_.name()});
  checking.set_validate_only(true);
  const Erased checked = Erase(checking);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(Opens(erased_)) << "it was only checked";

  const std::string keys_before = KeysBytes();
  const Erased erased = Erase(ErasureOf({erased_.name()}));
  ASSERT_TRUE(erased.ok()) << erased.status();
  for (const Erased* answer : {&checked, &erased}) {
    ASSERT_THAT((*answer)->entries(), SizeIs(1));
    EXPECT_EQ((*answer)->entries(0).name(), erased_.name());
    EXPECT_FALSE((*answer)->entries(0).erased_before());
  }
  EXPECT_NE(KeysBytes(), keys_before);
  EXPECT_EQ(erased->ledger_contents_sha256(), Bytes(Sha256(KeysBytes())));
  for (const bool restarted : {false, true}) {
    if (restarted) server_.Restart();
    EXPECT_FALSE(Opens(erased_));
    EXPECT_TRUE(Opens(kept_));
    const Erased again = Erase(ErasureOf({erased_.name()}));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->entries(0).erased_before());
    EXPECT_EQ(again->ledger_contents_sha256(), erased->ledger_contents_sha256());
  }
}

TEST_F(EntryErasureRpcTest, WhoSawItGoesOnAndEverybodyIsToldThatItWasDone) {
  DiscloseTwo();
  v1::ListDisclosuresRequest request;
  request.set_record(record_);
  const auto saw = Call(Ledger("aurore"), &LedgerStub::ListDisclosures, request);
  ASSERT_TRUE(saw.ok()) << saw.status();
  ASSERT_THAT(saw->disclosures(), SizeIs(1));
  EXPECT_EQ(saw->disclosures(0).member(), "members/belmont");
  ASSERT_TRUE(Erase(ErasureOf({erased_.name()})).ok());
  EXPECT_FALSE(Opens(erased_));
  const auto still = Call(Ledger("aurore"), &LedgerStub::ListDisclosures, request);
  ASSERT_TRUE(still.ok()) << still.status();
  EXPECT_EQ(still->SerializeAsString(), saw->SerializeAsString());
  for (const char* member : {"aurore", "belmont", "corsa"}) {
    EXPECT_TRUE(Eventually([&] {
      return ::testing::Value(Acts(member),
                              Contains("members/office: 1 erased on a court's order, reference 7 O 12/26"));
    })) << member;
  }
}

TEST_F(EntryErasureRpcTest, AnOlderFileOfKeysThatIsPutBackIsHealedByTheNextStart) {
  DiscloseTwo();
  const std::string before = KeysBytes();
  ASSERT_TRUE(Erase(ErasureOf({erased_.name()})).ok());
  server_.Stop();
  const std::string after = KeysBytes();
  ASSERT_NE(after, before);
  ASSERT_TRUE(WriteFileAtomic(KeysFile(), before, 0600).ok());
  server_.Restart();
  EXPECT_EQ(KeysBytes(), after);
  EXPECT_FALSE(Opens(erased_));
  EXPECT_TRUE(Opens(kept_));
}

TEST_F(EntryErasureRpcTest, ACopyOfTheStoreFromBeforeOpensItWithTheKeysOfThenAlone) {
  DiscloseTwo();
  server_.Stop();
  config::v1::ServerConfig copied = server_.config();
  const std::string keys = copied.key_dir();
  const std::string keys_before = Copy(keys, "keys-before");
  copied.mutable_ledger()->set_head_dir(Copy(copied.ledger().head_dir(), "head-before"));
  copied.set_store_dir(Copy(copied.store_dir(), "store-before"));
  server_.Restart();
  ASSERT_TRUE(Erase(ErasureOf({erased_.name()})).ok());
  server_.Stop();
  copied.set_key_dir(keys);
  server_.RestartWith(copied);
  EXPECT_FALSE(Opens(erased_));
  EXPECT_TRUE(Opens(kept_));
  server_.Stop();
  copied.set_key_dir(keys_before);
  server_.RestartWith(copied);
  EXPECT_TRUE(Opens(erased_)) << "positive control: the copy has it";
}

TEST_F(EntryErasureRpcTest, WhatIsWrongOrNotAllowedErasesNothing) {
  DiscloseTwo();
  const std::string keys = KeysBytes();
  const v1::EraseLedgerEntriesRequest request = ErasureOf({erased_.name()});
  for (const auto& [member, credential] : {std::pair("belmont", "admin"), std::pair("office", "audit")}) {
    const absl::Status refused = EraseAs(member, credential, server_.admin_port(), request).status();
    EXPECT_EQ(GetErrorReason(refused), v1::ERROR_REASON_ROLE_MISSING) << member << ": " << refused;
  }
  EXPECT_TRUE(absl::IsUnimplemented(EraseAs("office", "admin", server_.port(), request).status()))
      << "the members' listener has none";
  EXPECT_TRUE(absl::IsNotFound(Erase(ErasureOf({erased_.name(), "ledgerEntries/999999999-1"})).status()));
  v1::EraseLedgerEntriesRequest groundless = request;
  groundless.clear_grounds();
  EXPECT_EQ(GetErrorReason(Erase(groundless).status()), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(KeysBytes(), keys);
  EXPECT_TRUE(Opens(erased_));
}

}  // namespace
}  // namespace coalition::testing
