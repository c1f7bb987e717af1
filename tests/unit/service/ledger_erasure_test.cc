// Who may erase entries of the ledger, and what is said of it.
#include "server/service/ledger_erasure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/errors.h"
#include "server/ledger/entries.h"
#include "tests/support/administration_world.h"
#include "tests/unit/ledger/sealed_ledger.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class LedgerErasureTest : public ::testing::Test {
 protected:
  ~LedgerErasureTest() override { lane_.Drain(); }

  exchange::CallContext As(const std::string& member, const std::string& credential) const {
    exchange::CallContext context = world_.As(member);
    const identity::RegisteredCredential* registered = context.snapshot->Find(member, credential);
    context.caller.credential = registered->credential;
    context.caller.roles = registered->roles;
    context.caller.key_sha256 = registered->key_sha256;
    context.caller.gate = registered->gate.get();
    return context;
  }
  absl::StatusOr<v1::EraseLedgerEntriesResponse> Erase(const v1::EraseLedgerEntriesRequest& request,
                                                       const std::string& member = "office",
                                                       const std::string& credential = "chief") {
    v1::EraseLedgerEntriesResponse response;
    absl::Status status = service_.EraseLedgerEntries(As(member, credential), request, &response);
    if (!status.ok()) return status;
    return response;
  }
  // What belmont finds, of its own and of everybody's.
  std::vector<v1::LedgerEntry> Found() {
    const exchange::CallContext context = world_.As("belmont");
    ledger::EntryQuery query;
    query.parties = {context.caller.member_number, ledger::kEverybody};
    query.count = 1'000;
    return Given(entries_.List(
                     {context.snapshot->policy_state(), context.caller.member_number, false, context.now_s()},
                     query, [] { return absl::OkStatus(); }))
        .entries;
  }
  static v1::LedgerContent ContentOf(const v1::LedgerEntry& entry) {
    v1::LedgerContent content;
    EXPECT_TRUE(content.ParseFromString(entry.open().content()));
    return content;
  }
  // What everybody is told of it, the oldest first.
  std::vector<std::string> Acts() {
    std::vector<std::string> changes;
    for (const v1::LedgerEntry& entry : Found()) {
      const v1::LedgerAct act = ContentOf(entry).act();
      if (act.target() != "ledgerEntries") continue;
      EXPECT_EQ(act.actor(), "members/office");
      changes.insert(changes.begin(), act.change());
    }
    return changes;
  }
  // Of a disclosure to belmont, sealed.
  std::string WriteOne() {
    log_.Seal({maker_.Disclosure("belmont")});
    for (const v1::LedgerEntry& entry : Found()) {
      if (ContentOf(entry).has_disclosure()) return entry.name();
    }
    ADD_FAILURE() << "it is not found";
    return "";
  }
  static v1::EraseLedgerEntriesRequest Naming(const std::string& name) {
    v1::EraseLedgerEntriesRequest request;
    request.add_names(name);
    request.set_grounds(v1::ERASURE_GROUNDS_COURT_ORDER);
    request.set_reference("7 O 12/26");
    return request;
  }

  World world_{AdministrationOptions()};
  SealedLedger log_{world_};
  const EntryMaker maker_{world_};
  store::CommitLane lane_{world_.store()};
  const std::shared_ptr<ledger::EntryKeys> keys_ = TestEntryKeys();
  ledger::EntryEraser eraser_{world_.store(), lane_, keys_, {}};
  const ledger::Entries entries_{world_.store(), [this] { return log_.Newest(); }, keys_};
  const service::LedgerErasure service_{world_.directory(), eraser_, [this] { return keys_->Digest(); }};
};

TEST_F(LedgerErasureTest, ItsContentsEndAndEverybodyIsToldThat) {
  const std::string name = WriteOne();
  const size_t before = Found().size();
  const std::string keys(Bytes(keys_->Digest()));
  const auto erased = Erase(Naming(name));
  ASSERT_TRUE(erased.ok()) << erased.status();
  ASSERT_THAT(erased->entries(), SizeIs(1));
  EXPECT_FALSE(erased->entries(0).erased_before());
  EXPECT_NE(erased->ledger_contents_sha256(), keys);
  log_.Tick();
  const std::vector<v1::LedgerEntry> found = Found();
  ASSERT_THAT(found, SizeIs(before + 1));
  for (const v1::LedgerEntry& entry : found) {
    if (entry.name() != name) continue;
    EXPECT_TRUE(entry.open().salt().empty() && entry.open().content().empty());
  }
  EXPECT_THAT(Acts(), ElementsAre("1 erased on a court's order, reference 7 O 12/26"));
  EXPECT_TRUE(Erase(Naming(name))->entries(0).erased_before());
}

// Else whoever erases could erase that.
TEST_F(LedgerErasureTest, AnActStays) {
  ASSERT_TRUE(Erase(Naming(WriteOne())).ok());
  log_.Tick();
  std::string act;
  for (const v1::LedgerEntry& entry : Found()) {
    if (ContentOf(entry).act().target() == "ledgerEntries") act = entry.name();
  }
  ASSERT_FALSE(act.empty());
  const store::Revision head = world_.store().Head();
  const auto refused = Erase(Naming(act));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_EQ(world_.store().Head(), head);
}

TEST_F(LedgerErasureTest, ToLookAtThemIsAnActToo) {
  const std::string name = WriteOne();
  const std::string keys(Bytes(keys_->Digest()));
  v1::EraseLedgerEntriesRequest request = Naming(name);
  request.set_validate_only(true);
  const auto looked = Erase(request);
  ASSERT_TRUE(looked.ok()) << looked.status();
  ASSERT_THAT(looked->entries(), SizeIs(1));
  EXPECT_EQ(looked->entries(0).name(), name);
  EXPECT_FALSE(looked->entries(0).erased_before());
  EXPECT_EQ(looked->ledger_contents_sha256(), keys);
  log_.Tick();
  EXPECT_THAT(Acts(), ElementsAre("1 looked at, to be erased on a court's order, reference 7 O 12/26"));
  EXPECT_FALSE(Erase(Naming(name))->entries(0).erased_before()) << "nothing was done before";
  // What was not found was not looked at.
  request.add_names("ledgerEntries/999-1");
  const store::Revision head = world_.store().Head();
  EXPECT_TRUE(absl::IsNotFound(Erase(request).status()));
  EXPECT_EQ(world_.store().Head(), head);
}

TEST_F(LedgerErasureTest, IsForTheCoalitionsAdministratorsAlone) {
  const std::string name = WriteOne();
  v1::EraseLedgerEntriesRequest request = Naming(name);
  for (const bool validate_only : {false, true}) {
    request.set_validate_only(validate_only);
    EXPECT_EQ(GetErrorReason(Erase(request, "aurore", "admin").status()), v1::ERROR_REASON_ROLE_MISSING);
  }
  EXPECT_FALSE(Erase(Naming(name))->entries(0).erased_before()) << "nothing was done before";
}

TEST_F(LedgerErasureTest, SaysEverythingThatIsWrongWithARequest) {
  const std::string name = WriteOne();
  const auto at_fault = [this](const v1::EraseLedgerEntriesRequest& request) {
    return FieldsAtFault(Erase(request).status());
  };
  EXPECT_EQ(at_fault({}), "names, grounds");
  v1::EraseLedgerEntriesRequest request = Naming(name);
  request.add_names("ledgerEntries/1");
  request.add_names(name);
  EXPECT_EQ(at_fault(request), "names[1], names[2]");
  request = Naming(name);
  request.clear_grounds();
  EXPECT_EQ(at_fault(request), "grounds");
  for (const std::string& reference : {std::string(101, 'x'), std::string("7 O 12/26\n2 erased")}) {
    request = Naming(name);
    request.set_reference(reference);
    EXPECT_EQ(at_fault(request), "reference");
  }
  request = Naming(name);
  for (int i = 0; i < service::LedgerErasure::kNamesMax; ++i) request.add_names(name);
  const absl::Status many = Erase(request).status();
  EXPECT_EQ(GetErrorReason(many), v1::ERROR_REASON_LIMIT_EXCEEDED) << many;
  request = Naming(name);
  request.add_names("ledgerEntries/999-1");
  EXPECT_TRUE(absl::IsNotFound(Erase(request).status()));
  EXPECT_FALSE(Erase(Naming(name))->entries(0).erased_before()) << "nothing was done before";
}

}  // namespace
}  // namespace coalition::testing
