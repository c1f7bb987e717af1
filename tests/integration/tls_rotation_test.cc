// The server's certificate, its key and the CA bundle change while members call.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/tls.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"
#include "tests/support/tls_files.h"
#include "tests/support/tls_visit.h"

namespace coalition::testing {
namespace {

using Stub = v1::MembershipService::Stub;

// With a name of its own: by its issuer's name a certificate finds the CA that is to have signed it.
CertificateFactory NextCa() {
  CertificateFactory::Options options;
  options.root_name = "the next root CA";
  return CertificateFactory(options);
}

class TlsRotationTest : public ::testing::Test {
 protected:
  const Identity& aurore() { return server_.IdentityOf("aurore"); }
  TlsVisit Visit(const Identity& identity, const TlsSession& resume = nullptr) {
    return VisitTls(server_.port(), identity, resume);
  }

  TestServer server_{ReloadEvery()};
  TlsFilesOnDisk files_{server_};
  CertificateFactory& make_ = server_.certificates();
};

TEST_F(TlsRotationTest, NewHandshakesSeeTheNewCertificateAndOldConnectionsGoOn) {
  const auto stub = server_.Membership("aurore");
  ASSERT_TRUE(Call(stub, &Stub::WhoAmI, v1::WhoAmIRequest()).ok());
  const Identity renewed = make_.Server();
  files_.WriteServer(renewed);
  EXPECT_NE(Visit(aurore()).server_certificate_pem, renewed.certificate_pem);
  EXPECT_EQ(Metric(server_, "coalition_tls_reloads_total"), 0U);

  ASSERT_TRUE(server_.server().ReloadTls().ok());
  const TlsVisit visit = Visit(aurore());
  EXPECT_EQ(visit.server_certificate_pem, renewed.certificate_pem);
  EXPECT_TRUE(visit.accepted);
  EXPECT_TRUE(Call(stub, &Stub::WhoAmI, v1::WhoAmIRequest()).ok());
  EXPECT_TRUE(server_.WhoAmI(aurore()).ok());
  EXPECT_EQ(Metric(server_, "coalition_tls_reloads_total"), 1U);

  // The same again is nothing new.
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_EQ(Metric(server_, "coalition_tls_reloads_total"), 1U);
}

TEST_F(TlsRotationTest, TheMetricsSayWhenWhatIsServedEnds) {
  CertificateSpec spec;
  spec.dns_names = {"localhost"};
  spec.server_auth = true;
  spec.ends_in_s = 5 * 86'400;
  const Identity renewed = make_.Make(spec);
  CertificateFactory::Options sooner;
  sooner.now_s = make_.now_s() - 86'400;
  const CertificateFactory other(sooner);
  files_.WriteServer(renewed);
  files_.WriteClientCa(make_.ca_pem() + other.ca_pem());
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  const auto facts = ParseCertificatePem(renewed.certificate_pem);
  const auto ca = ParseCertificatePem(other.ca_pem());
  ASSERT_TRUE(facts.ok() && ca.ok());
  const auto read = [&](const std::string& name) {
    const std::string body = HttpGet(server_.http_port(), "/metrics").body;
    const size_t at = body.find("\n" + name + " ");
    return at == std::string::npos ? 0.0 : std::stod(body.substr(at + name.size() + 2));
  };
  EXPECT_EQ(read("coalition_certificate_not_after_seconds"), static_cast<double>(facts->not_after_s));
  EXPECT_EQ(read("coalition_client_ca_not_after_seconds"), static_cast<double>(ca->not_after_s));
}

TEST_F(TlsRotationTest, ANewCaIsTakenAndARemovedOneIsRefused) {
  CertificateFactory next = NextCa();
  const Identity renewed = next.Renewed(aurore(), "aurore", "backend");
  EXPECT_EQ(server_.WhoAmI(renewed).status().code(), absl::StatusCode::kUnavailable);

  files_.WriteClientCa(make_.ca_pem() + next.ca_pem());
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_TRUE(server_.WhoAmI(renewed).ok());
  EXPECT_TRUE(server_.WhoAmI(aurore()).ok());

  files_.WriteClientCa(next.ca_pem());
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_TRUE(server_.WhoAmI(renewed).ok());
  EXPECT_EQ(server_.WhoAmI(aurore()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(Visit(aurore()).accepted);
}

// A ticket of TLS 1.3 stands for the client's certificate: whoever resumes shows none.
TEST_F(TlsRotationTest, NoSessionOutlivesTheCaThatItWasMadeUnder) {
  CertificateFactory next = NextCa();
  const Identity renewed = next.Renewed(aurore(), "aurore", "backend");
  files_.WriteClientCa(make_.ca_pem() + next.ca_pem());
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  const TlsVisit first = Visit(aurore());
  ASSERT_NE(first.session, nullptr);
  // The control: it can be resumed.
  const TlsVisit second = Visit(aurore(), first.session);
  ASSERT_TRUE(second.resumed);
  ASSERT_TRUE(second.accepted);
  ASSERT_NE(second.session, nullptr);
  const TlsVisit of_next = Visit(renewed);
  ASSERT_NE(of_next.session, nullptr);

  files_.WriteClientCa(next.ca_pem());
  ASSERT_TRUE(server_.server().ReloadTls().ok());
  const TlsVisit after = Visit(aurore(), second.session);
  EXPECT_FALSE(after.resumed);
  EXPECT_FALSE(after.accepted);
  // Whose CA is still there is not kept out by an old ticket.
  const TlsVisit still = Visit(renewed, of_next.session);
  EXPECT_FALSE(still.resumed);
  EXPECT_TRUE(still.accepted);
}

TEST(TlsPollTest, ChangedFilesAreFoundWithoutAWord) {
  TestServer server(ReloadEvery(10));
  const Identity renewed = server.certificates().Server();
  TlsFilesOnDisk(server).WriteServer(renewed);
  EXPECT_TRUE(Eventually([&] {
    return VisitTls(server.port(), server.IdentityOf("aurore")).server_certificate_pem ==
           renewed.certificate_pem;
  }));
}

// Members that call all the time: some over one connection, some over a new one for each call.
class Callers {
 public:
  Callers(TestServer& server, int lasting, int reconnecting) {
    for (int i = 0; i < lasting + reconnecting; ++i) {
      threads_.emplace_back([this, &server, reconnects = i >= lasting,
                             stub = server.Membership(i % 2 == 0 ? "aurore" : "belmont")]() mutable {
        while (!stopped_.load()) {
          if (reconnects) stub = server.Membership("bazaar");
          const absl::Status status = Call(stub, &Stub::WhoAmI, v1::WhoAmIRequest()).status();
          ++(reconnects ? over_new_ : over_one_);
          if (!status.ok()) Note(status);
          // Many calls, and still some of the machine for the rotations.
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      });
    }
  }
  ~Callers() { Stop(); }
  void Stop() {
    stopped_.store(true);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  int over_one() const { return over_one_.load(); }
  int over_new() const { return over_new_.load(); }
  int failed() const { return failed_.load(); }
  std::string first_failure() {
    const std::lock_guard lock(mutex_);
    return first_failure_;
  }

 private:
  void Note(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    if (failed_++ == 0) first_failure_ = status.ToString();
  }

  std::atomic<bool> stopped_{false};
  std::atomic<int> over_one_{0}, over_new_{0}, failed_{0};
  std::mutex mutex_;
  std::string first_failure_;
  std::vector<std::thread> threads_;
};

TEST_F(TlsRotationTest, AThousandRotationsUnderLoadFailNoCall) {
  constexpr int kRotations = 1'000;
  const CertificateFactory other;
  Callers callers(server_, /*lasting=*/2, /*reconnecting=*/2);
  ASSERT_TRUE(Eventually([&] { return callers.over_one() > 0 && callers.over_new() > 0; }));
  const int before = callers.over_new();
  for (int i = 0; i < kRotations; ++i) {
    const Identity renewed = make_.Server();
    files_.WriteServer(renewed);
    files_.WriteClientCa(i % 2 == 0 ? make_.ca_pem() + other.ca_pem() : make_.ca_pem());
    const absl::Status reloaded = server_.server().ReloadTls();
    ASSERT_TRUE(reloaded.ok()) << i << ": " << reloaded;
    ASSERT_EQ(Visit(aurore()).server_certificate_pem, renewed.certificate_pem) << i;
  }
  callers.Stop();
  EXPECT_EQ(callers.failed(), 0) << callers.first_failure();
  EXPECT_GT(callers.over_new() - before, 100);
  EXPECT_EQ(Metric(server_, "coalition_tls_reloads_total"), uint64_t{kRotations});
}

}  // namespace
}  // namespace coalition::testing
