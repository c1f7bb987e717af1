// TLS files that can't be served: the old ones stay, and whoever watches the server can see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "common/log.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"
#include "tests/support/tls_files.h"
#include "tests/support/tls_visit.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class TlsRefusalTest : public ::testing::Test {
 protected:
  TlsRefusalTest() {
    Log::Configure(LogLevel::kInfo, LogFormat::kText);
    files_.WriteServer(good_);
    EXPECT_TRUE(server_.server().ReloadTls().ok());
  }

  std::string Served() {
    return VisitTls(server_.port(), server_.IdentityOf("aurore")).server_certificate_pem;
  }

  // After `spoil`: refused in these words, seen in each way there is; the old set is served; mended, the new
  // one is.
  void ExpectRefused(const std::string& file, const std::string& why, const std::function<void()>& spoil) {
    SCOPED_TRACE(why);
    const std::string path = server_.directory() + "/" + file;
    const std::string before = Served();
    const uint64_t refused = Metric(server_, "coalition_tls_reloads_refused_total");
    spoil();
    CaptureStderr();
    const absl::Status reloaded = server_.server().ReloadTls();
    const std::string log = GetCapturedStderr();
    EXPECT_THAT(std::string(reloaded.message()), HasSubstr(path));
    EXPECT_THAT(std::string(reloaded.message()), HasSubstr(why));
    EXPECT_THAT(log, HasSubstr(" error tls_reload_refused message=\""));
    EXPECT_THAT(log, HasSubstr(path));
    EXPECT_EQ(Metric(server_, "coalition_tls_reloads_refused_total"), refused + 1);
    EXPECT_EQ(Metric(server_, "coalition_tls_files_refused"), 1U);
    const HttpAnswer ready = HttpGet(server_.http_port(), "/readyz");
    EXPECT_EQ(ready.code, 200);
    EXPECT_THAT(ready.body, StartsWith("ready\nwarning: "));
    EXPECT_THAT(ready.body, HasSubstr(path));
    EXPECT_EQ(Served(), before);
    EXPECT_TRUE(server_.WhoAmI(server_.IdentityOf("aurore")).ok());

    const Identity mended = make_.Server();
    files_.WriteServer(mended);
    files_.WriteClientCa(make_.ca_pem());
    EXPECT_TRUE(server_.server().ReloadTls().ok());
    EXPECT_EQ(Served(), mended.certificate_pem);
    EXPECT_EQ(Metric(server_, "coalition_tls_files_refused"), 0U);
    EXPECT_EQ(HttpGet(server_.http_port(), "/readyz").body, "ready\n");
  }

  TestServer server_{ReloadEvery()};
  TlsFilesOnDisk files_{server_};
  CertificateFactory& make_ = server_.certificates();
  const Identity good_ = make_.Server();
};

TEST_F(TlsRefusalTest, PairsThatDoNotMatch) {
  ExpectRefused("server.key", "is not the key of",
                [&] { files_.WriteCertificate(make_.Server().certificate_pem); });
  ExpectRefused("server.key", "is not the key of", [&] { files_.WriteKey(make_.Server().key_pem); });
}

TEST_F(TlsRefusalTest, Certificates) {
  ExpectRefused("server.pem", "there is no PEM certificate", [&] { files_.WriteCertificate("garbage"); });
  ExpectRefused("server.pem", "there is no PEM certificate", [&] { files_.WriteCertificate(""); });
  const Identity renewed = make_.Server();
  ExpectRefused("server.pem", "certificate 1 of the PEM text is broken", [&] {
    files_.WriteServer({renewed.certificate_pem.substr(0, 300), renewed.key_pem, ""});
  });
  ExpectRefused("server.pem", "certificate 2 of the PEM text is broken", [&] {
    files_.WriteServer({renewed.certificate_pem + make_.ca_pem().substr(0, 300), renewed.key_pem, ""});
  });
  ExpectRefused("server.pem", "expired on", [&] { files_.WriteServer(make_.ExpiredServer()); });
  ExpectRefused("server.pem", "does not include server authentication",
                [&] { files_.WriteServer(make_.Member("aurore", "backend")); });
}

TEST_F(TlsRefusalTest, Keys) {
  ExpectRefused("server.key", "there is no PEM private key", [&] { files_.WriteKey("garbage"); });
  ExpectRefused("server.key", "there is no PEM private key", [&] { files_.WriteKey(""); });
  ExpectRefused("server.key", "it must be ECDSA", [&] { files_.WriteServer(make_.RsaServer()); });
  ExpectRefused("server.key", "No such file",
                [&] { std::filesystem::remove(server_.config().tls().key_file()); });
  // An ECDSA key, and one that matches; but TLS 1.3 has no such curve, and no client could connect.
  CertificateSpec spec;
  spec.dns_names = {"localhost"};
  spec.server_auth = true;
  spec.curve = "secp256k1";
  ExpectRefused("server.pem", "use a P-256 key", [&] { files_.WriteServer(make_.Make(spec)); });
}

TEST_F(TlsRefusalTest, CaBundles) {
  ExpectRefused("ca.pem", "there is no PEM certificate", [&] { files_.WriteClientCa("garbage"); });
  ExpectRefused("ca.pem", "there is no PEM certificate", [&] { files_.WriteClientCa(""); });
  ExpectRefused("ca.pem", "certificate 2 of the PEM text is broken",
                [&] { files_.WriteClientCa(make_.ca_pem() + make_.ca_pem().substr(0, 300)); });
  ExpectRefused("ca.pem", "is not a CA certificate",
                [&] { files_.WriteClientCa(make_.ca_pem() + good_.certificate_pem); });
}

// One good file among bad ones is not taken over by itself.
TEST_F(TlsRefusalTest, AllThreeChangeTogetherOrNotAtAll) {
  CertificateFactory::Options options;
  options.root_name = "the next root CA";
  CertificateFactory next(options);
  const Identity of_next = next.Renewed(server_.IdentityOf("aurore"), "aurore", "backend");
  files_.WriteClientCa(make_.ca_pem() + next.ca_pem());
  files_.WriteKey("garbage");
  EXPECT_FALSE(server_.server().ReloadTls().ok());
  EXPECT_FALSE(VisitTls(server_.port(), of_next).accepted);
  files_.WriteKey(good_.key_pem);
  EXPECT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_TRUE(VisitTls(server_.port(), of_next).accepted);
}

TEST_F(TlsRefusalTest, PuttingTheOldFilesBackMendsItToo) {
  files_.WriteCertificate("garbage");
  EXPECT_FALSE(server_.server().ReloadTls().ok());
  files_.WriteCertificate(good_.certificate_pem);
  EXPECT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_EQ(Metric(server_, "coalition_tls_files_refused"), 0U);
}

TEST(TlsRefusalPollTest, TheSameRefusalIsSaidOnce) {
  Log::Configure(LogLevel::kInfo, LogFormat::kText);
  TestServer server(ReloadEvery(10));
  const TlsFilesOnDisk files(server);
  const auto refused = [&] { return Metric(server, "coalition_tls_reloads_refused_total"); };
  CaptureStderr();
  files.WriteCertificate("garbage");
  EXPECT_TRUE(Eventually([&] { return refused() > 0; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(refused(), 1U);
  files.WriteCertificate("other garbage");
  EXPECT_TRUE(Eventually([&] { return refused() > 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(refused(), 2U);
  EXPECT_EQ(Count(GetCapturedStderr(), "tls_reload_refused"), 2U);
}

}  // namespace
}  // namespace coalition::testing
