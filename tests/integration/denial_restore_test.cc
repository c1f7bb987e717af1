// Promise 9: no denial is forgotten, whatever store the server is started with: real server, real
// directories.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "coalition/v1/ledger_service.grpc.pb.h"
#include "common/errors.h"
#include "common/file.h"
#include "common/key_file.h"
#include "server/backup/backup_writer.h"
#include "server/denials/journal.h"
#include "server/keys.h"
#include "server/ledger/head.h"
#include "server/restoring.h"
#include "server/store/leveldb_store.h"
#include "tests/integration/records.h"
#include "tests/support/backups.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ExchangeStub = v1::ExchangeService::Stub;
using MembershipStub = v1::MembershipService::Stub;
using PolicyStub = v1::PolicyService::Stub;

constexpr char kNewOrigin[] = "coalition.example/ledger-2";

class DenialRestoreTest : public ::testing::Test {
 protected:
  DenialRestoreTest() {
    withdrawn_ = Create("shop-1");
    cleared_ = Create("shop-2");
    narrowed_ = Create("shop-3");
    kept_ = Create("shop-4");
    server_.Stop();
    // As the store is now: what an operator might put back, and its backup.
    fs::copy(StoreDir(), StoreDir() + ".older", fs::copy_options::recursive);
    WriteBackup();
    server_.Restart();
    mark_ = MarkNow();
  }

  const std::string& StoreDir() const { return server_.config().store_dir(); }
  const std::string& HeadDir() const { return server_.config().ledger().head_dir(); }
  std::string BackupFile() const { return server_.directory() + "/backup"; }
  std::string KeyFile() const { return server_.directory() + "/backup.key"; }

  std::string MarkFile() const { return HeadDir() + "/restoring"; }

  void WriteBackup() {
    const X25519Key key = NewKey();
    ASSERT_TRUE(WriteX25519KeyFile(KeyFile(), key).ok());
    store::LevelDbOptions options;
    options.dir = StoreDir();
    const auto store = *store::LevelDbStore::Open(options);
    // More than one chunk of the file.
    MustCommit(*store, Putting("zfiller", std::string(300'000, 'x')));
    storage::v1::BackupMeta meta = MetaAt(store->Head());
    meta.set_checkpoint((*ledger::HeadDir(HeadDir()).Read())->note);
    SystemRandom random;
    auto writer = *backup::BackupWriter::Open(*store, meta, key.public_key(), random);
    const auto file = Drain(*writer);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(WriteFileAtomic(BackupFile(), *file, 0600).ok());
  }

  std::string Create(const std::string& seller) {
    v1::CreateRecordRequest request;
    *request.mutable_record() = Report(seller);
    GrantMember(request.mutable_record(), "belmont");
    GrantMember(request.mutable_record(), "corsa");
    const auto created = Call(server_.Exchange("aurore"), &ExchangeStub::CreateRecord, request);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record().name() : "";
  }
  absl::Status Get(const std::string& member, const std::string& name) {
    v1::GetRecordRequest request;
    request.set_name(name);
    return Call(server_.Exchange(member), &ExchangeStub::GetRecord, request).status();
  }

  // As whoever has the recipient's public key can: of the older store, with what is said of it.
  void Forge(const std::function<void(storage::v1::BackupMeta&)>& edit) {
    store::LevelDbOptions options;
    options.dir = StoreDir() + ".older";
    const auto store = *store::LevelDbStore::Open(options);
    storage::v1::BackupMeta meta = MetaAt(store->Head());
    meta.set_checkpoint((*ledger::HeadDir(HeadDir()).Read())->note);
    edit(meta);
    // The writer reads at the revision that it is told.
    ASSERT_TRUE(store->SkipTo(meta.revision()).ok());
    SystemRandom random;
    const X25519Key key = *ReadX25519KeyFile(KeyFile());
    auto writer = backup::BackupWriter::Open(*store, meta, key.public_key(), random);
    ASSERT_TRUE(writer.ok()) << writer.status();
    const auto file = Drain(**writer);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(WriteFileAtomic(BackupFile(), *file, 0600).ok());
  }

  // What a copy of the directory says: the server has the journal itself.
  store::Revision MarkNow() {
    const std::string copy = server_.directory() + "/copy-" + std::to_string(++copies_);
    fs::create_directory(copy);
    fs::copy(denials::Journal::FileIn(HeadDir()), denials::Journal::FileIn(copy));
    const auto journal = denials::Journal::Open({copy});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? (*journal)->denied().revision : 0;
  }
  // The newest row or record that the journal got is of this call: it is in a copy of the directory that is
  // made as soon as the call has returned.
  void ExpectJournalled(const absl::Status& called) {
    ASSERT_TRUE(called.ok()) << called;
    const store::Revision mark = MarkNow();
    EXPECT_GT(mark, mark_);
    mark_ = mark;
  }
  void DenyEach() {
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(withdrawn_);
    ExpectJournalled(Call(server_.Exchange("aurore"), &ExchangeStub::WithdrawRecord, withdraw).status());
    v1::ClearRecordRequest clear;
    clear.set_name(cleared_);
    clear.set_grounds(v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
    ExpectJournalled(Call(server_.Exchange("aurore"), &ExchangeStub::ClearRecord, clear).status());
    v1::ReviseRecordRequest revise;
    revise.mutable_record()->set_name(narrowed_);
    GrantMember(revise.mutable_record(), "belmont");
    revise.mutable_update_mask()->add_paths("audience");
    ExpectJournalled(Call(server_.Exchange("aurore"), &ExchangeStub::ReviseRecord, revise).status());
    v1::SetMemberPolicyRequest policy;
    policy.mutable_policy()->set_unbounded(true);
    policy.mutable_policy()->add_exclusions()->set_member("members/corsa");
    ExpectJournalled(Call(server_.Policy("aurore", "admin"), &PolicyStub::SetMemberPolicy, policy).status());
    v1::SetStandingRequest standing;
    standing.set_member("members/souk");
    standing.set_standing(v1::STANDING_SUSPENDED);
    standing.set_reason(v1::STANDING_REASON_SECURITY_INCIDENT);
    ExpectJournalled(
        Call(server_.Membership("office", "admin"), &MembershipStub::SetStanding, standing).status());
    v1::RevokeCredentialRequest revoke;
    revoke.set_name("members/paylink/credentials/backend");
    revoke.set_reason(v1::REVOCATION_REASON_KEY_COMPROMISE);
    ExpectJournalled(
        Call(server_.Membership("office", "admin"), &MembershipStub::RevokeCredential, revoke).status());
  }

  // Which of the denials hold, each by its name.
  std::vector<std::string> Forgotten() {
    std::vector<std::string> forgotten;
    if (!absl::IsNotFound(Get("belmont", withdrawn_))) forgotten.push_back("withdrawal");
    if (!absl::IsNotFound(Get("belmont", cleared_))) forgotten.push_back("clearance");
    if (!absl::IsNotFound(Get("corsa", narrowed_))) forgotten.push_back("narrowing");
    if (!absl::IsNotFound(Get("corsa", kept_))) forgotten.push_back("own policy");
    if (server_.WhoAmI(server_.IdentityOf("souk")).ok()) forgotten.push_back("suspension");
    if (server_.WhoAmI(server_.IdentityOf("paylink")).ok()) forgotten.push_back("revocation");
    return forgotten;
  }
  void ExpectAllStand() {
    EXPECT_THAT(Forgotten(), ::testing::IsEmpty());
    EXPECT_TRUE(Get("belmont", kept_).ok()) << "positive control";
    EXPECT_TRUE(Get("belmont", narrowed_).ok()) << "positive control";
    EXPECT_NE(Create("shop-9"), "") << "and it goes on";
  }

  void RollBack() {
    server_.Stop();
    fs::remove_all(StoreDir());
    fs::copy(StoreDir() + ".older", StoreDir(), fs::copy_options::recursive);
  }
  absl::Status Start(const config::v1::ServerConfig& config) {
    return server::Server::Start(server_.ServerOptionsFor(config)).status();
  }
  absl::Status RestoreWith(const config::v1::ServerConfig& config) {
    SystemRandom random;
    return server::Restore(config, {BackupFile(), KeyFile()}, SystemClock(), random,
                           [this](const std::string& line) { said_.push_back(line); });
  }
  // On a disk that has no room for the rows.
  void CutShort(const config::v1::ServerConfig& config) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{rlim_t{256} << 10, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    const absl::Status cut = RestoreWith(config);
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(cut.ok());
    ASSERT_TRUE(fs::exists(MarkFile())) << cut;
    fs::remove_all(StoreDir());
  }
  config::v1::ServerConfig Renamed(const std::string& origin = kNewOrigin) const {
    config::v1::ServerConfig config = server_.config();
    config.mutable_ledger()->set_origin(origin);
    return config;
  }
  void ExpectNothingBegun() {
    EXPECT_FALSE(fs::exists(StoreDir()));
    EXPECT_FALSE(fs::exists(MarkFile()));
  }

  TestServer server_{Options()};
  std::string withdrawn_, cleared_, narrowed_, kept_;
  std::vector<std::string> said_;
  int copies_ = 0;
  store::Revision mark_ = 0;

 private:
  static TestServer::Options Options() {
    TestServer::Options options;
    options.edit_config = [](config::v1::ServerConfig* config) {
      config->mutable_ledger()->set_tick_ms(100);
    };
    return options;
  }
};

TEST_F(DenialRestoreTest, AStoreThatWasRolledBackIsRefusedAndAdoptedWithItsDenials) {
  DenyEach();
  ExpectAllStand();
  RollBack();
  const absl::Status refused = Start(server_.config());
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("behind its journal of denials"));
  // The operator's word, beside a head that says that the store is behind: not even so.
  const ledger::HeadDir head(HeadDir());
  ASSERT_TRUE(WriteFileAtomic(head.adopt_file(), "", 0600).ok());
  EXPECT_FALSE(Start(server_.config()).ok());
  fs::remove(head.file());
  server_.Restart();
  ExpectAllStand();
  EXPECT_FALSE(fs::exists(head.adopt_file())) << "the word holds once";
  server_.Restart();
  ExpectAllStand();
}

TEST_F(DenialRestoreTest, WithoutItsJournalItWouldForgetThem) {
  DenyEach();
  RollBack();
  const ledger::HeadDir head(HeadDir());
  fs::remove(head.file());
  fs::remove(denials::Journal::FileIn(HeadDir()));
  EXPECT_THAT(Start(server_.config()).message(), HasSubstr("journal of denials, which is missing"));
  ASSERT_TRUE(WriteFileAtomic(head.adopt_file(), "", 0600).ok());
  server_.Restart();
  EXPECT_EQ(Forgotten().size(), 6U) << "positive control: so each of them is from the journal";
}

TEST_F(DenialRestoreTest, ARestoreDeniesAgainAndBeginsALogThatNamesTheOldOne) {
  DenyEach();
  server_.Stop();
  const ledger::HeadDir head(HeadDir());
  const std::string old_head = *ReadFile(head.file(), size_t{1} << 20);
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("is not empty"));
  fs::remove_all(StoreDir());
  EXPECT_THAT(RestoreWith(server_.config()).message(), HasSubstr("may not have two histories"));
  EXPECT_FALSE(fs::exists(StoreDir())) << "nothing is begun";
  const absl::Status restored = RestoreWith(Renamed());
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_THAT(said_, Contains(HasSubstr("which a ledger key in key_dir has signed")));
  EXPECT_THAT(said_, Contains(HasSubstr("2 records are taken back, and 1 narrowed")));
  EXPECT_EQ(*ReadFile(HeadDir() + "/head-before-restore", size_t{1} << 20), old_head);
  EXPECT_THAT((*head.Read())->note, ::testing::StartsWith(kNewOrigin));
  EXPECT_THAT(Start(server_.config()).message(), HasSubstr("A log keeps its name for life"));
  server_.RestartWith(Renamed());
  ExpectAllStand();

  v1::ListLedgerEntriesRequest request;
  request.set_page_size(1000);
  const auto listed = Call(v1::LedgerService::NewStub(server_.ChannelAs("belmont")),
                           &v1::LedgerService::Stub::ListLedgerEntries, request);
  ASSERT_TRUE(listed.ok()) << listed.status();
  std::vector<std::string> in_first_tick;
  for (const auto& entry : listed->entries()) {
    v1::LedgerContent content;
    ASSERT_TRUE(content.ParseFromString(entry.open().content()));
    if (entry.name().starts_with("ledgerEntries/0-")) in_first_tick.push_back(content.act().change());
  }
  EXPECT_THAT(in_first_tick, Contains(HasSubstr("was begun after the log \"coalition.example/ledger\"")));
  EXPECT_GT(in_first_tick.size(), 1U) << "and the entries that were kept";
}

TEST_F(DenialRestoreTest, ARestoreThatWasCutShortIsNotStartedAndBegunAgain) {
  DenyEach();
  server_.Stop();
  fs::remove_all(StoreDir());
  const std::string whole = *ReadFile(BackupFile(), size_t{1} << 30);
  ASSERT_TRUE(WriteFileAtomic(BackupFile(), whole.substr(0, whole.size() / 2), 0600).ok());
  EXPECT_FALSE(RestoreWith(Renamed()).ok());
  ExpectNothingBegun();
  ASSERT_TRUE(WriteFileAtomic(BackupFile(), whole, 0600).ok());
  CutShort(Renamed());
  EXPECT_THAT(Start(Renamed()).message(), HasSubstr("was begun and has not ended"));
  fs::create_directory(StoreDir());
  ASSERT_TRUE(WriteFileAtomic(StoreDir() + "/left", "", 0600).ok());
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("is not empty"));
  fs::remove_all(StoreDir());
  ASSERT_TRUE(RestoreWith(Renamed()).ok());
  server_.RestartWith(Renamed());
  ExpectAllStand();
  EXPECT_FALSE(fs::exists(HeadDir() + "/denials-before-restore"));
}

TEST_F(DenialRestoreTest, ARestoreThatWasCutShortIsGivenUp) {
  DenyEach();
  server_.Stop();
  fs::rename(StoreDir(), StoreDir() + ".aside");
  CutShort(Renamed());
  // As the message says.
  const std::string kept = HeadDir() + "/denials-before-restore",
                    journal = denials::Journal::FileIn(HeadDir());
  EXPECT_THAT(Start(server_.config()).message(), HasSubstr("move " + kept + " to " + journal));
  fs::rename(kept, journal);
  fs::rename(StoreDir() + ".aside", StoreDir());
  fs::remove(MarkFile());
  server_.Restart();
  ExpectAllStand();
}

TEST_F(DenialRestoreTest, TheHeadOfAnEarlierRestoreIsNotTakenForTheNewest) {
  DenyEach();
  server_.Stop();
  fs::remove_all(StoreDir());
  ASSERT_TRUE(RestoreWith(Renamed()).ok());
  server_.RestartWith(Renamed());
  EXPECT_NE(Create("shop-9"), "");
  server_.Stop();
  const std::string live = *ReadFile(ledger::HeadDir(HeadDir()).file(), size_t{1} << 20);
  fs::remove_all(StoreDir());
  const config::v1::ServerConfig third = Renamed("coalition.example/ledger-3");
  CutShort(third);
  const absl::Status restored = RestoreWith(third);
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_EQ(*ReadFile(HeadDir() + "/head-before-restore", size_t{1} << 20), live);
  server_.RestartWith(third);
  ExpectAllStand();
}

TEST_F(DenialRestoreTest, WithoutAHeadARestoreDoesNotTakeItsOwnForTheOldOne) {
  DenyEach();
  server_.Stop();
  fs::remove_all(StoreDir());
  fs::remove(ledger::HeadDir(HeadDir()).file());
  CutShort(Renamed());
  const std::string mark = *ReadFile(MarkFile(), size_t{1} << 20);
  ASSERT_TRUE(RestoreWith(Renamed()).ok());
  // As if it had been cut short just before its end.
  ASSERT_TRUE(WriteFileAtomic(MarkFile(), mark, 0600).ok());
  fs::remove_all(StoreDir());
  const absl::Status again = RestoreWith(Renamed());
  ASSERT_TRUE(again.ok()) << again;
  server_.RestartWith(Renamed());
  ExpectAllStand();
}

TEST_F(DenialRestoreTest, ABackupThatMayBeAnothersIsRefused) {
  DenyEach();
  server_.Stop();
  fs::remove_all(StoreDir());
  Forge([](auto& meta) { meta.set_trust_domain("other.example"); });
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("is of the coalition \"other.example\""));
  Forge([](auto& meta) { meta.clear_checkpoint(); });
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("has no checkpoint"));
  ExpectNothingBegun();
  ASSERT_TRUE(WriteFileAtomic(ledger::HeadDir(HeadDir()).adopt_file(), "", 0600).ok());
  const absl::Status restored = RestoreWith(Renamed());
  ASSERT_TRUE(restored.ok()) << restored;
  server_.RestartWith(Renamed());
  ExpectAllStand();
}

// So that what was denied would not be denied again.
TEST_F(DenialRestoreTest, ABackupThatSaysItIsNewerThanAllThatIsKnownIsRefused) {
  DenyEach();
  server_.Stop();
  fs::remove_all(StoreDir());
  Forge([](auto& meta) { meta.set_revision(uint64_t{1} << 40); });
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("says that it is of revision 1099511627776"));
  ExpectNothingBegun();
}

TEST_F(DenialRestoreTest, TheCheckpointIsSignedByAKeyOfTheLedgerAlsoTheFormerOne) {
  DenyEach();
  server_.Stop();
  fs::remove_all(StoreDir());
  const std::string dir = server_.config().key_dir() + "/";
  fs::rename(dir + server::kLedgerKey, dir + "elsewhere");
  SystemRandom random;
  ASSERT_TRUE(WriteKeyFile(dir + server::kLedgerKey, *Ed25519Key::Generate(random)).ok());
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("no ledger key in key_dir has signed"));
  ExpectNothingBegun();
  fs::rename(dir + "elsewhere", dir + server::kFormerLedgerKey);
  const absl::Status restored = RestoreWith(Renamed());
  EXPECT_TRUE(restored.ok()) << restored;
}

TEST_F(DenialRestoreTest, WithoutAJournalARestoreTakesTheOperatorsWord) {
  server_.Stop();
  fs::remove_all(StoreDir());
  fs::remove(denials::Journal::FileIn(HeadDir()));
  EXPECT_THAT(RestoreWith(Renamed()).message(), HasSubstr("would be forgotten"));
  ASSERT_TRUE(WriteFileAtomic(ledger::HeadDir(HeadDir()).adopt_file(), "", 0600).ok());
  const absl::Status restored = RestoreWith(Renamed());
  EXPECT_TRUE(restored.ok()) << restored;
}

}  // namespace
}  // namespace coalition::testing
