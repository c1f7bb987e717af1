// coalition doctor against real listeners: each way in which a connection fails gets its own words and a
// remedy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/reserved_port.h"
#include "tests/support/tls_listener.h"

namespace coalition::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Checks = std::map<std::string, nlohmann::json>;

// Only who says nothing has the tool wait for so many seconds.
Checks Examine(const Tool& tool, int expected_code, const std::string& seconds = "30") {
  const ToolResult result = tool.Run({"doctor", "-o", "json", "--timeout", seconds});
  EXPECT_EQ(result.code, expected_code) << result.out << result.err;
  Checks checks;
  for (const auto& check : nlohmann::json::parse(result.out)) checks[check["check"]] = check;
  EXPECT_EQ(checks.size(), 15u);
  return checks;
}

// `check` failed with these words, with a remedy; what is `before` it is ok.
void ExpectFailed(const Checks& checks, const std::string& check, const std::string& words,
                  const std::vector<std::string>& before = {}) {
  EXPECT_EQ(checks.at(check)["result"], "FAILED") << checks.at(check);
  EXPECT_THAT(checks.at(check)["detail"].get<std::string>(), HasSubstr(words));
  EXPECT_THAT(checks.at(check)["remedy"].get<std::string>(), Not(IsEmpty()));
  for (const std::string& name : before) EXPECT_EQ(checks.at(name)["result"], "ok") << checks.at(name);
}

// A world in which many doctors are called; starting a server for each test would only take time.
class CliDoctorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    TestServer::Options options;
    options.edit_bootstrap = [](config::v1::Bootstrap* bootstrap) {
      for (config::v1::BootstrapMember& member : *bootstrap->mutable_members()) {
        if (member.id() == "souk") member.set_standing(v1::STANDING_SUSPENDED);
      }
    };
    world_ = new CliWorld(options);
  }
  static void TearDownTestSuite() { delete world_; }

  static CertificateFactory& certificates() { return world_->server().certificates(); }
  static const Identity& aurore() { return world_->server().IdentityOf("aurore"); }
  static Tool Against(const TlsListener& listener) {
    return Tool(world_->directory())
        .Connect(listener.address(), world_->ca_file(), aurore(), world_->directory());
  }
  static TlsListener::Options Serving(const Identity& identity) {
    TlsListener::Options options;
    options.identity = identity;
    return options;
  }

  static CliWorld* world_;
};
CliWorld* CliDoctorTest::world_ = nullptr;

TEST_F(CliDoctorTest, EverythingIsOkWhenItIs) {
  for (const auto& [name, check] : Examine(world_->As("aurore"), 0))
    EXPECT_EQ(check["result"], "ok") << check;
  const ToolResult table = world_->As("aurore").Run({"doctor"});
  EXPECT_THAT(table.out, HasSubstr("ok       tls          TLSv1.3"));
}

TEST_F(CliDoctorTest, Settings) {
  ExpectFailed(Examine(Tool(world_->directory()), 1), "config", "no context");
  ExpectFailed(
      Examine(Tool(world_->directory()).With({"--server", "x", "--ca", "a", "--cert", "b", "--key", "c"}), 1),
      "config", "no port");
}

TEST_F(CliDoctorTest, Files) {
  const Checks checks = Examine(world_->As("aurore").With({"--key", "/nowhere/me.key"}), 1);
  ExpectFailed(checks, "files", "/nowhere/me.key", {"config", "name", "port"});
}

TEST_F(CliDoctorTest, AKeyOfAnotherCertificate) {
  Identity mixed = aurore();
  mixed.key_pem = certificates().Member("aurore", "backend").key_pem;
  ExpectFailed(Examine(world_->As(mixed), 1), "key", "", {"files", "certificate", "dates"});
}

TEST_F(CliDoctorTest, Certificates) {
  ExpectFailed(Examine(world_->As(certificates().TwoUris("aurore", "backend")), 1), "certificate",
               "2 URI names");
  ExpectFailed(Examine(world_->As(certificates().CommonNameOnly("aurore", "backend")), 1), "certificate",
               "0 URI names");
  ExpectFailed(Examine(world_->As(certificates().ServerOnly("aurore", "backend")), 1), "certificate",
               "does not allow");
}

TEST_F(CliDoctorTest, DatesOfTheCertificate) {
  const Checks expired = Examine(world_->As(certificates().Expired("aurore", "backend")), 1);
  ExpectFailed(expired, "dates", "expired", {"config", "files", "key", "certificate", "name", "port"});
  ExpectFailed(expired, "accepted", "expired");
  const Checks early = Examine(world_->As(certificates().NotYetValid("aurore", "backend")), 1);
  ExpectFailed(early, "dates", "not valid before");
  ExpectFailed(early, "accepted", "not yet valid");
}

TEST_F(CliDoctorTest, ACertificateOfAnotherCaIsRefusedByOurServer) {
  ExpectFailed(Examine(world_->As(certificates().OtherCa("aurore", "backend")), 1), "accepted",
               "does not accept certificates issued by", {"dates", "name", "port", "tls"});
  ExpectFailed(Examine(world_->As(certificates().SelfSigned("aurore", "backend")), 1), "accepted",
               "does not accept certificates issued by");
}

TEST_F(CliDoctorTest, ANameThatIsNone) {
  // A label of more than 63 characters: no resolver is asked, which might be slow, or know every name.
  const std::string name = "no-such-host-" + std::string(60, 'x') + ".invalid";
  ExpectFailed(Examine(world_->As("aurore").With({"--server", name + ":7443"}), 1), "name", "no-such-host",
               {"config", "dates"});
}

TEST_F(CliDoctorTest, APortThatIsClosed) {
  const ReservedPort closed;
  ExpectFailed(Examine(world_->As("aurore").With({"--server", closed.address()}), 1), "port", "closed",
               {"name"});
}

TEST_F(CliDoctorTest, AServerThatIsNotTls) {
  TlsListener::Options options;
  options.plain_text = true;
  const TlsListener listener(options);
  ExpectFailed(Examine(Against(listener), 1), "tls", "does not speak TLS", {"port"});
}

TEST_F(CliDoctorTest, OurOwnHttpPortIsNotTls) {
  const std::string http = "127.0.0.1:" + std::to_string(world_->server().http_port());
  ExpectFailed(Examine(world_->As("aurore").With({"--server", http}), 1), "tls", "does not speak TLS",
               {"port"});
}

TEST_F(CliDoctorTest, AServerThatSaysNothing) {
  TlsListener::Options options;
  options.silent = true;
  const TlsListener listener(options);
  ExpectFailed(Examine(Against(listener), 1, "2"), "tls", "no answer within", {"port"});
}

TEST_F(CliDoctorTest, TheServersCertificate) {
  ExpectFailed(Examine(Against(TlsListener(Serving(certificates().ExpiredServer()))), 1), "tls",
               "has expired", {"port"});
  CertificateSpec future;
  future.server_auth = true;
  future.ip_addresses = {"127.0.0.1"};
  future.begins_in_s = 86'400;
  future.ends_in_s = 2 * 86'400;
  ExpectFailed(Examine(Against(TlsListener(Serving(certificates().Make(future)))), 1), "tls",
               "not yet valid");
  ExpectFailed(Examine(Against(TlsListener(Serving(certificates().Server({"elsewhere.example"}, {})))), 1),
               "tls", "is not for 127.0.0.1");
  CertificateFactory other;
  ExpectFailed(Examine(Against(TlsListener(Serving(other.Server()))), 1), "tls",
               "does not vouch for the server");
}

TEST_F(CliDoctorTest, TheServersNameCanBeGiven) {
  const TlsListener listener(Serving(certificates().Server({"elsewhere.example"}, {})));
  Checks checks = Examine(Against(listener).With({"--server-name", "elsewhere.example"}), 1);
  EXPECT_EQ(checks["tls"]["result"], "ok") << checks["tls"];
  ExpectFailed(Examine(world_->As("aurore").With({"--server-name", "elsewhere.example"}), 1), "tls",
               "is not for elsewhere.example");
}

TEST_F(CliDoctorTest, Tls12) {
  TlsListener::Options options = Serving(certificates().Server());
  options.tls_1_2_only = true;
  const TlsListener listener(options);
  ExpectFailed(Examine(Against(listener), 1), "tls", "does not speak TLS 1.3", {"port"});
}

// Not only the doctor: no verb speaks TLS 1.2.
TEST_F(CliDoctorTest, TheToolSpeaksTls13Only) {
  TlsListener::Options options = Serving(certificates().Server());
  options.tls_1_2_only = true;
  const TlsListener listener(options);
  // UNAVAILABLE; DEADLINE_EXCEEDED from a machine so slow that gRPC still tried.
  EXPECT_THAT(Against(listener).Run({"whoami", "--timeout", "20"}).code, AnyOf(64 + 14, 64 + 4));
  EXPECT_GT(listener.connections(), 0);
  EXPECT_EQ(listener.handshakes(), 0);
  // The control: with gRPC's own choice of cipher suites it would have.
  const TlsListener again(options);
  Against(again).Environment("GRPC_SSL_CIPHER_SUITES=HIGH").Run({"whoami", "--timeout", "20"});
  EXPECT_GT(again.handshakes(), 0);
}

TEST_F(CliDoctorTest, AServerWithoutHttp2) {
  TlsListener::Options options = Serving(certificates().Server());
  options.alpn_h2 = false;
  const TlsListener listener(options);
  ExpectFailed(Examine(Against(listener), 1), "alpn", "h2", {"tls", "accepted"});
}

TEST_F(CliDoctorTest, AlertsOfAServerThatExplainsItself) {
  CertificateFactory::Options other_options;
  other_options.root_name = "other root CA";
  CertificateFactory other(other_options);
  TlsListener::Options options = Serving(certificates().Server());
  options.client_ca_pem = other.ca_pem();
  const TlsListener listener(options);
  ExpectFailed(Examine(Against(listener), 1), "accepted", "does not accept certificates issued by", {"tls"});
}

TEST_F(CliDoctorTest, AServerThatHangsUpWithoutAWord) {
  TlsListener::Options options = Serving(certificates().Server());
  options.settings = false;
  const TlsListener listener(options);
  ExpectFailed(Examine(Against(listener), 1), "accepted", "without saying why", {"tls"});
}

TEST_F(CliDoctorTest, IdentityStandingRole) {
  ExpectFailed(Examine(world_->As(certificates().Member("aurore", "stranger")), 1), "identity",
               "CREDENTIAL_UNREGISTERED", {"tls", "accepted", "alpn"});
  ExpectFailed(Examine(world_->As(certificates().Member("aurore", "backend")), 1), "identity",
               "CREDENTIAL_UNREGISTERED");
  ExpectFailed(Examine(world_->As("souk"), 1), "standing", "standing", {"identity"});
}

}  // namespace
}  // namespace coalition::testing
