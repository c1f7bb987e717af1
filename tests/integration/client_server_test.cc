// The client library against a real server over mutual TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "client/client.h"
#include "client/credentials.h"
#include "tests/support/reserved_port.h"
#include "tests/support/test_server.h"
#include "tests/support/tls_listener.h"

namespace coalition::testing {
namespace {

using client::Client;
using client::ClientOptions;

ClientOptions OptionsFor(TestServer& server, const Identity& identity) {
  ClientOptions options;
  options.server = "127.0.0.1:" + std::to_string(server.port());
  options.tls = {.ca_pem = server.certificates().ca_pem(),
                 .certificate_pem = identity.certificate_pem,
                 .key_pem = identity.key_pem};
  return options;
}

std::unique_ptr<Client> ConnectAs(TestServer& server, const std::string& member) {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect(OptionsFor(server, server.IdentityOf(member)));
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

v1::Record Report(int number) {
  v1::Record record;
  record.set_external_id("case-" + std::to_string(number));
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-" + std::to_string(number));
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  v1::Grant& grant = *record.mutable_audience()->add_grants();
  grant.mutable_subject()->set_kind(v1::MEMBER_KIND_BRAND);
  grant.set_view("full");
  return record;
}

TEST(ClientServerTest, TheWholeLifeOfARecord) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  const auto belmont = ConnectAs(server, "belmont");
  const auto created = aurore->CreateRecord(Report(1));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_FALSE(created->existed());
  EXPECT_TRUE(aurore->CreateRecord(Report(1))->existed());
  const std::string name = created->record().name();
  EXPECT_EQ(belmont->GetRecord(name)->view(), "full");
  EXPECT_EQ(belmont->ScreenSeller("bazaar.example", "shop-1")->verdict(), v1::VERDICT_LISTED);
  EXPECT_EQ(belmont->GetSellerProfile(Report(1).seller())->verdict(), v1::VERDICT_LISTED);

  v1::Record revision;
  revision.set_name(name);
  revision.set_label(v1::LABEL_GREEN);
  const auto revised = aurore->ReviseRecord(revision, {"label"});
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->label(), v1::LABEL_GREEN);
  EXPECT_TRUE(absl::IsAborted(aurore->WithdrawRecord(name, created->record().etag())));
  EXPECT_TRUE(aurore->WithdrawRecord(name, revised->etag()).ok());
  const absl::Status gone = belmont->GetRecord(name).status();
  EXPECT_TRUE(absl::IsNotFound(gone));
  EXPECT_EQ(GetErrorReason(gone), v1::ERROR_REASON_NOT_FOUND);
}

TEST(ClientServerTest, ErrorsCarryWhatTheServerSaid) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  v1::Record bad = Report(1);
  bad.mutable_seller()->set_platform("not a platform");
  const absl::Status status = aurore->CreateRecord(bad).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_INVALID_FIELD);
  const auto fields = GetBadRequest(status);
  ASSERT_TRUE(fields.has_value());
  EXPECT_THAT(fields->field_violations(0).field(), ::testing::HasSubstr("seller"));
}

TEST(ClientServerTest, ListsComeAsOneRangeOverManyPages) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(aurore->CreateRecord(Report(i)).ok());
  int count = 0;
  for (const absl::StatusOr<v1::Record>& record : aurore->ListRecords({}, 4)) {
    ASSERT_TRUE(record.ok()) << record.status();
    ++count;
  }
  EXPECT_EQ(count, 25);
  int members = 0;
  for (const absl::StatusOr<v1::Member>& member : aurore->ListMembers()) members += member.ok();
  EXPECT_GE(members, 8);
}

TEST(ClientServerTest, AnImportStreamIsPipelinedAndIdempotent) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  for (const v1::ImportStatus expected : {v1::IMPORT_STATUS_CREATED, v1::IMPORT_STATUS_UNCHANGED}) {
    int64_t next = 0;
    const auto stream =
        aurore->ImportRecords({.items_per_request = 100}, [&](const v1::ImportResult& result) {
          EXPECT_EQ(result.item_id(), next++);
          EXPECT_EQ(result.status(), expected) << result.error().message();
        });
    for (int i = 0; i < 3'000; ++i) {
      v1::ImportItem item;
      item.set_item_id(i);
      *item.mutable_record() = Report(i);
      ASSERT_TRUE(stream->Add(std::move(item)).ok());
    }
    EXPECT_EQ(stream->Finish(), absl::OkStatus());
    EXPECT_EQ(next, 3'000);
  }
}

TEST(ClientServerTest, AnAbandonedStreamEndsCleanly) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  int results = 0;
  {
    const auto stream =
        aurore->ImportRecords({.items_per_request = 1}, [&](const v1::ImportResult&) { ++results; });
    for (int i = 0; i < 20; ++i) {
      v1::ImportItem item;
      *item.mutable_record() = Report(i);
      ASSERT_TRUE(stream->Add(std::move(item)).ok());
    }
  }
  EXPECT_GT(results, 0);
  EXPECT_TRUE(aurore->WhoAmI().ok());
}

TEST(ClientServerTest, CancelFromAnotherThreadEndsAWait) {
  // A listener that accepts and says nothing: without Cancel the stream would end UNAVAILABLE, after gRPC's
  // 20 s.
  CertificateFactory factory;
  TlsListener::Options listening;
  listening.silent = true;
  const TlsListener listener(listening);
  const Identity identity = factory.Member("aurore", "backend");
  ClientOptions options;
  options.server = listener.address();
  options.tls = {
      .ca_pem = factory.ca_pem(), .certificate_pem = identity.certificate_pem, .key_pem = identity.key_pem};
  options.retry.attempts_max = 1;
  const auto client = Client::Make(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto stream = (*client)->ImportRecords({.items_per_request = 1}, [](const v1::ImportResult&) {});
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stream->Cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  v1::ImportItem item;
  *item.mutable_record() = Report(1);
  absl::Status status = stream->Add(std::move(item));
  if (status.ok()) status = stream->Finish();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(12));
  canceller.join();
}

TEST(ClientServerTest, ManyThreadsShareOneClient) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  std::atomic<int> created{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) created += aurore->CreateRecord(Report(t * 100 + i)).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 100);
}

TEST(ClientServerTest, TwoClientsOfOneProcessAreTwoMembers) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  const auto corsa = ConnectAs(server, "corsa");
  EXPECT_EQ(aurore->WhoAmI()->member().name(), "members/aurore");
  EXPECT_EQ(corsa->WhoAmI()->member().name(), "members/corsa");
}

TEST(ClientServerTest, ScreensMoreThanOneCallTakes) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  ASSERT_TRUE(aurore->CreateRecord(Report(1'500)).ok());
  std::vector<v1::Seller> sellers;
  for (int i = 0; i < 2'100; ++i) sellers.push_back(Report(i).seller());
  const auto screened = aurore->ScreenSellers(sellers);
  ASSERT_TRUE(screened.ok()) << screened.status();
  ASSERT_EQ(screened->results_size(), 2'100);
  EXPECT_EQ(screened->results(1'500).verdict(), v1::VERDICT_LISTED);
  EXPECT_EQ(screened->results(1'499).verdict(), v1::VERDICT_NOT_LISTED);
}

TEST(ClientServerTest, HealthIsAsked) {
  TestServer server;
  const auto aurore = ConnectAs(server, "aurore");
  const auto serving = aurore->CheckHealth();
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_TRUE(*serving);
  EXPECT_TRUE(absl::IsNotFound(aurore->CheckHealth("no.such.Service").status()));
}

TEST(ClientServerTest, NobodyListeningIsUnavailableWithinTheBudget) {
  TestServer server;
  const ReservedPort closed;
  ClientOptions options = OptionsFor(server, server.IdentityOf("aurore"));
  options.server = closed.address();
  options.retry.attempts_max = 2;
  const auto start = std::chrono::steady_clock::now();
  const auto client = Client::Connect(options);
  EXPECT_TRUE(absl::IsUnavailable(client.status()) || absl::IsDeadlineExceeded(client.status()))
      << client.status();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(45));
}

}  // namespace
}  // namespace coalition::testing
