// A client outlives its certificate: it goes over to renewed files without a failed call.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "common/errors.h"
#include "common/file.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"
#include "tests/support/tls_files.h"

namespace coalition::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

TestServer::Options WithClock(const Clock* clock) {
  TestServer::Options options = ReloadEvery();
  options.clock = clock;
  return options;
}

class ClientRenewalTest : public ::testing::Test {
 protected:
  ClientRenewalTest() {
    CertificateFactory::Write(Lasting(3600), server_.directory(), "me");
    options_.server = "127.0.0.1:" + std::to_string(server_.port());
    options_.tls.ca_file = Path("ca.pem");
    options_.tls.certificate_file = Path("me.pem");
    options_.tls.key_file = Path("me.key");
    options_.tls.reload_interval = milliseconds(20);
    options_.tls.on_reload = [this](const absl::Status& status) {
      const std::lock_guard lock(mutex_);
      reported_.push_back(status);
    };
    options_.retry.attempts_max = 1;  // a failure is to be seen
  }

  std::string Path(const std::string& name) const { return server_.directory() + "/" + name; }
  // Of aurore's registered key.
  Identity Lasting(int64_t seconds) {
    CertificateSpec spec;
    spec.uris = {make_.SpiffeUri("aurore", "backend")};
    spec.ends_in_s = seconds;
    spec.key_pem = server_.IdentityOf("aurore").key_pem;
    return make_.Make(spec);
  }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomic(Path(name), text, 0600).ok());
  }
  std::unique_ptr<client::Client> Made() {
    auto client = client::Client::Make(options_);
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }
  std::vector<absl::Status> reported() {
    const std::lock_guard lock(mutex_);
    return reported_;
  }
  bool EventuallyReports(size_t count) {
    return Eventually([&] { return reported().size() >= count; });
  }
  uint64_t Connections() { return Metric(server_, "coalition_connections_accepted_total"); }

  ShiftedClock clock_;
  TestServer server_{WithClock(&clock_)};
  CertificateFactory& make_ = server_.certificates();
  client::ClientOptions options_;
  std::mutex mutex_;
  std::vector<absl::Status> reported_;
};

TEST_F(ClientRenewalTest, ARenewedCertificateIsUsedBeforeTheOldOneEnds) {
  const auto client = Made();
  ASSERT_TRUE(client->WhoAmI().ok());
  Write("me.pem", Lasting(86'400).certificate_pem);
  ASSERT_TRUE(EventuallyReports(1));
  EXPECT_THAT(reported(), ElementsAre(absl::OkStatus()));
  clock_.Advance(std::chrono::hours(2));
  const auto who = client->WhoAmI();
  EXPECT_TRUE(who.ok()) << who.status();
}

// The control.
TEST_F(ClientRenewalTest, WithoutLookingAtTheFilesTheClientEndsWithItsCertificate) {
  options_.tls.reload_interval = milliseconds(0);
  const auto client = Made();
  ASSERT_TRUE(client->WhoAmI().ok());
  Write("me.pem", Lasting(86'400).certificate_pem);
  std::this_thread::sleep_for(milliseconds(200));
  clock_.Advance(std::chrono::hours(2));
  EXPECT_EQ(GetErrorReason(client->WhoAmI().status()), v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT);
}

TEST_F(ClientRenewalTest, RenewalsUnderLoadFailNoCall) {
  constexpr int kRenewals = 50;
  const auto client = Made();
  std::atomic<bool> stopped{false};
  std::atomic<int> calls{0}, failed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      for (; !stopped.load(); ++calls) {
        if (!client->WhoAmI().ok()) ++failed;
      }
    });
  }
  const uint64_t before = Connections();
  for (int i = 0; i < kRenewals; ++i) {
    Write("me.pem", Lasting(86'400 + i).certificate_pem);
    ASSERT_TRUE(EventuallyReports(static_cast<size_t>(i) + 1));
  }
  stopped.store(true);
  for (std::thread& caller : callers) caller.join();
  for (const absl::Status& status : reported()) EXPECT_TRUE(status.ok()) << status;
  EXPECT_GT(calls.load(), kRenewals);
  EXPECT_EQ(failed.load(), 0);
  EXPECT_GE(Connections() - before, uint64_t{kRenewals});
}

TEST_F(ClientRenewalTest, WhatDoesNotFitTogetherIsReportedOnceAndNotUsed) {
  const auto client = Made();
  ASSERT_TRUE(client->WhoAmI().ok());
  for (const std::string& bad :
       {std::string("garbage"), std::string(), make_.Member("aurore", "backend").certificate_pem}) {
    const size_t before = reported().size();
    Write("me.pem", bad);
    ASSERT_TRUE(EventuallyReports(before + 1));
    std::this_thread::sleep_for(milliseconds(100));
    ASSERT_EQ(reported().size(), before + 1);
    EXPECT_EQ(reported().back().code(), absl::StatusCode::kInvalidArgument) << reported().back();
    EXPECT_TRUE(client->WhoAmI().ok());
  }
  const size_t before = reported().size();
  Write("me.pem", Lasting(86'400).certificate_pem);
  ASSERT_TRUE(EventuallyReports(before + 1));
  EXPECT_TRUE(reported().back().ok()) << reported().back();
}

// Sound, but the server refuses it: the old one is good as long as it is.
TEST_F(ClientRenewalTest, AKeyThatIsNotRegisteredIsNotUsed) {
  const auto client = Made();
  ASSERT_TRUE(client->WhoAmI().ok());
  CertificateFactory::Write(make_.Member("aurore", "backend"), server_.directory(), "me");
  // Between the two files the pair may have been looked at too.
  ASSERT_TRUE(Eventually([&] {
    const auto seen = reported();
    return !seen.empty() && GetErrorReason(seen.back()) == v1::ERROR_REASON_CREDENTIAL_UNREGISTERED;
  }));
  EXPECT_TRUE(client->WhoAmI().ok());
}

TEST_F(ClientRenewalTest, ACertificateOfACaThatTheServerDoesNotKnowIsTakenOnceItDoes) {
  const auto client = Made();
  ASSERT_TRUE(client->WhoAmI().ok());
  CertificateFactory::Options options;
  options.root_name = "the next root CA";
  CertificateFactory next(options);
  Write("me.pem", next.Renewed(server_.IdentityOf("aurore"), "aurore", "backend").certificate_pem);
  ASSERT_TRUE(EventuallyReports(1));
  EXPECT_EQ(reported().back().code(), absl::StatusCode::kUnavailable) << reported().back();
  EXPECT_TRUE(client->WhoAmI().ok());
  TlsFilesOnDisk(server_).WriteClientCa(make_.ca_pem() + next.ca_pem());
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  // The client trusts the server by the same file here: it has changed for it, too.
  ASSERT_TRUE(Eventually([&] { return reported().back().ok(); }));
  EXPECT_TRUE(client->WhoAmI().ok());
}

// The watch's thread waits for a server that takes connections and says nothing.
TEST_F(ClientRenewalTest, AClientThatIsDestroyedWaitsForNobody) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, generic, size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, generic, &size), 0);
  options_.server = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  options_.timeout = std::chrono::minutes(5);
  options_.retry.budget = std::chrono::minutes(5);
  auto client = Made();
  Write("me.pem", Lasting(86'400).certificate_pem);
  const int taken = accept(listener, nullptr, nullptr);
  const auto start = std::chrono::steady_clock::now();
  client.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(reported().empty());
  close(taken);
  close(listener);
}

}  // namespace
}  // namespace coalition::testing
