// Backups over real mutual TLS: of one revision while the exchange goes on, for administrators alone, and at
// nobody's expense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "coalition/v1/backup_service.grpc.pb.h"
#include "coalition/v1/ledger_service.grpc.pb.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/random.h"
#include "server/ledger/entry.h"
#include "server/ledger/entry_keys.h"
#include "server/store/leveldb_store.h"
#include "tests/integration/import_stream.h"
#include "tests/support/backups.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using MembershipStub = v1::MembershipService::Stub;
using EditConfig = std::function<void(config::v1::ServerConfig*)>;

// One call of CreateBackup, read as far as the test likes.
class BackupCall {
 public:
  explicit BackupCall(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::BackupService::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    stream_ = stub_->CreateBackup(&context_, v1::CreateBackupRequest());
  }

  // False: the stream has ended.
  bool Read() {
    v1::CreateBackupResponse response;
    if (!stream_->Read(&response)) return false;
    file += response.data();
    if (response.has_summary()) summary = response.summary();
    return true;
  }
  // Reads what is left.
  absl::Status Finish() {
    while (Read()) {
    }
    return FromGrpc(stream_->Finish());
  }

  std::string file;
  std::optional<v1::BackupSummary> summary;

 private:
  const std::unique_ptr<v1::BackupService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::CreateBackupResponse>> stream_;
};

// Some megabytes of records of aurore's, from number `first` on.
void ImportMuch(const TestServer& server, int first, int count) {
  ImportCall import(server.Exchange("aurore"));
  v1::ImportRecordsResponse response;
  for (int i = first; i < first + count; i += 100) {
    v1::ImportRecordsRequest request = ImportOf(i, 100);
    for (v1::ImportItem& item : *request.mutable_items())
      item.mutable_record()->mutable_offender_report()->set_comment(std::string(4'000, 'x'));
    ASSERT_TRUE(import.Write(request));
    ASSERT_TRUE(import.Read(&response));
    ASSERT_EQ(response.results(0).status(), v1::IMPORT_STATUS_CREATED)
        << response.results(0).error().message();
  }
  import.WritesDone();
  ASSERT_TRUE(import.Finish().ok());
}

class BackupRpcTest : public ::testing::Test {
 protected:
  // The server, with the public key and these settings.
  TestServer& Start(const EditConfig& edit = [](config::v1::ServerConfig*) {}) {
    const std::string file = dir_.Sub("backup-public.pem");
    EXPECT_TRUE(WriteX25519PublicKeyFile(file, key_.public_key()).ok());
    TestServer::Options options;
    options.edit_config = [file, edit](config::v1::ServerConfig* config) {
      config->mutable_backup()->set_recipient_key_file(file);
      config->mutable_ledger()->set_tick_ms(50);
      edit(config);
    };
    server_ = std::make_unique<TestServer>(options);
    return *server_;
  }
  std::shared_ptr<grpc::Channel> Admin() const { return server_->ChannelAs("office", "admin"); }
  // One that reads nothing before it is asked to.
  std::shared_ptr<grpc::Channel> SlowAdmin() const {
    return server_->ChannelAs(server_->IdentityOf("office", "admin"), 1024);
  }
  uint64_t Open() const { return Metric(*server_, "coalition_backup_streams"); }
  bool BecomesOpen() const {
    return Eventually([this] { return Open() == 1; });
  }

  const X25519Key key_ = NewKey();
  const ScratchDir dir_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(BackupRpcTest, IsTheStoreAtItsRevisionWhileWritesGoOn) {
  TestServer& server = Start([](auto* config) { config->mutable_backup()->set_mib_per_second_max(4); });
  ImportMuch(server, 0, 1'000);
  BackupCall call(Admin());
  ASSERT_TRUE(call.Read());
  std::atomic<bool> done{false};
  std::thread writer([&] {
    int first = 1'000;
    do {
      ImportMuch(server, first, 100);
      first += 100;
    } while (!done);
  });
  const absl::Status ended = call.Finish();
  done = true;
  writer.join();
  ASSERT_TRUE(ended.ok()) << ended;
  ASSERT_TRUE(call.summary.has_value());
  EXPECT_EQ(call.summary->bytes(), static_cast<int64_t>(call.file.size()));
  EXPECT_EQ(call.summary->sha256(), Bytes(Sha256(call.file)));
  EXPECT_EQ(call.summary->recipient_key_id(), X25519KeyId(key_.public_key()));
  EXPECT_EQ(Metric(server, "coalition_backups_total"), 1U);
  const auto rows = ReadBackup(call.file, key_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(static_cast<int64_t>(rows->size()), call.summary->rows());
  const auto reader = backup::BackupReader::Open(SourceOf(call.file), key_);
  EXPECT_EQ((*reader)->meta().trust_domain(), "coalition.example");
  EXPECT_THAT((*reader)->meta().checkpoint(), StartsWith("coalition.example/ledger\n"));
  server.Stop();
  store::LevelDbOptions options;
  options.dir = server.config().store_dir();
  const auto store = store::LevelDbStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto revision = static_cast<store::Revision>(call.summary->revision());
  EXPECT_TRUE(*rows == RowsOf(**store, revision));
  EXPECT_TRUE(*rows != RowsOf(**store, revision - 1)) << "positive control";
  EXPECT_GT(RowsOf(**store, (*store)->Head()).size(), rows->size()) << "writes went on";
}

TEST_F(BackupRpcTest, IsForAdministratorsAlone) {
  TestServer& server = Start();
  const auto status_of = [&](const std::string& member, const std::string& credential, int port) {
    return BackupCall(server.ChannelAs(server.IdentityOf(member, credential), 0, port)).Finish();
  };
  for (const auto& [member, credential] : {std::pair("aurore", "admin"), std::pair("office", "audit")}) {
    const absl::Status refused = status_of(member, credential, server.admin_port());
    EXPECT_EQ(GetErrorReason(refused), v1::ERROR_REASON_ROLE_MISSING) << member << ": " << refused;
  }
  EXPECT_EQ(GetErrorReason(status_of("aurore", "backend", server.admin_port())),
            v1::ERROR_REASON_WRONG_LISTENER);
  EXPECT_TRUE(absl::IsUnimplemented(status_of("aurore", "backend", server.port())))
      << "the members' listener has none";
  EXPECT_EQ(Metric(server, "coalition_backup_bytes_total"), 0U);
  EXPECT_TRUE(BackupCall(Admin()).Finish().ok()) << "positive control";
}

TEST_F(BackupRpcTest, WithoutAKeyThereAreNone) {
  Start([](auto* config) { config->clear_backup(); });
  const absl::Status status = BackupCall(Admin()).Finish();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("state"), "NO_BACKUP_KEY");
  EXPECT_THAT(status.message(), HasSubstr("backup-key"));
}

TEST_F(BackupRpcTest, EveryMemberSeesInTheLedgerThatItWasTaken) {
  TestServer& server = Start();
  BackupCall call(Admin());
  ASSERT_TRUE(call.Finish().ok());
  v1::ListLedgerEntriesRequest request;
  request.add_kinds(v1::LEDGER_ENTRY_KIND_ACT);
  request.set_page_size(1'000);
  v1::LedgerAct act;
  EXPECT_TRUE(Eventually([&] {
    const auto listed = Call(v1::LedgerService::NewStub(server.ChannelAs("corsa")),
                             &v1::LedgerService::Stub::ListLedgerEntries, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return true;
    for (const v1::LedgerEntry& entry : listed->entries()) {
      v1::LedgerContent content;
      if (content.ParseFromString(entry.open().content()) && content.act().target() == "backups")
        act = content.act();
    }
    return !act.target().empty();
  }));
  EXPECT_EQ(act.actor(), "members/office");
  EXPECT_EQ(act.change(), "taken, encrypted to the key " + X25519KeyId(key_.public_key()));
  // The act was there first: the backup itself has it.
  bool found = false;
  const auto rows = ReadBackup(call.file, key_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  SystemRandom random;
  const auto keys = ledger::EntryKeys::Load(server.directory() + "/keys", false, random);
  ASSERT_TRUE(keys.ok()) << keys.status();
  for (const auto& [key, value, revision] : *rows) {
    storage::v1::StoredLedgerEntry entry;
    if (!ledger::IdOfEntryKey(key)) continue;
    ASSERT_TRUE(entry.ParseFromString(value));
    const auto parts = ledger::PartsOf(**keys, entry);
    ASSERT_TRUE(parts.ok() && parts->has_value());
    found = found || (*parts)->open.content.find("taken, encrypted to the key") != std::string::npos;
  }
  EXPECT_TRUE(found);
}

TEST_F(BackupRpcTest, AClientThatDoesNotReadKeepsNoWorkerAndIsCutOff) {
  TestServer& server = Start([](auto* config) {
    config->set_admin_worker_threads(2);  // of which a member has one at once
    config->mutable_limits()->set_stream_idle_ms_max(5'000);
  });
  ImportMuch(server, 0, 500);
  BackupCall slow(SlowAdmin());
  ASSERT_TRUE(BecomesOpen());
  // Work of the same member, on the same workers.
  v1::ListMembershipEventsRequest request;
  EXPECT_TRUE(
      Call(server.Membership("office", "admin"), &MembershipStub::ListMembershipEvents, request).ok());
  EXPECT_EQ(Open(), 1U);
  const absl::Status second = BackupCall(Admin()).Finish();
  EXPECT_EQ(GetErrorReason(second), v1::ERROR_REASON_RATE_LIMITED) << second;
  EXPECT_EQ(GetErrorInfo(second)->metadata().at("limit"), "backup.streams");
  EXPECT_TRUE(Eventually([this] { return Open() == 0; }));
  EXPECT_FALSE(slow.Finish().ok());
  EXPECT_FALSE(slow.summary.has_value());
  EXPECT_TRUE(BackupCall(Admin()).Finish().ok()) << "its place is free again";
}

TEST_F(BackupRpcTest, ARevokedCredentialGetsNoMoreOfIt) {
  TestServer& server = Start([](auto* config) { config->mutable_backup()->set_mib_per_second_max(1); });
  ImportMuch(server, 0, 1'000);
  BackupCall call(server.ChannelAs("office", "deputy"));
  ASSERT_TRUE(call.Read());
  v1::RevokeCredentialRequest request;
  request.set_name("members/office/credentials/deputy");
  request.set_reason(v1::REVOCATION_REASON_KEY_COMPROMISE);
  const auto revoked = Call(server.Membership("office", "admin"), &MembershipStub::RevokeCredential, request);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->cut_off().streams(), 1);
  const absl::Status ended = call.Finish();
  EXPECT_EQ(GetErrorReason(ended), v1::ERROR_REASON_CREDENTIAL_REVOKED) << ended;
  EXPECT_FALSE(call.summary.has_value());
}

TEST_F(BackupRpcTest, AStoppingServerEndsIt) {
  TestServer& server = Start([](auto* config) { config->mutable_backup()->set_mib_per_second_max(1); });
  ImportMuch(server, 0, 1'000);
  BackupCall call(Admin());
  ASSERT_TRUE(call.Read());
  std::thread stopping([&] { server.server().Shutdown(); });
  const absl::Status ended = call.Finish();
  EXPECT_EQ(GetErrorReason(ended), v1::ERROR_REASON_SHUTTING_DOWN) << ended;
  stopping.join();
}

}  // namespace
}  // namespace coalition::testing
