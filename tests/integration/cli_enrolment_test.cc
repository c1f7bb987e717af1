// Enrolment from the first key to the first call, against a real server: its certificate and the members' are
// those of the coalition's own CA, made at the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/file.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kDay = 86'400;

class CliEnrolmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "coalition-enrolment-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  nlohmann::json Json(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"-o", "json"});
    const ToolResult result = Tool(dir_).Run(all);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  }
  // The public key's SHA-256.
  std::string Request(const std::string& stem, const std::vector<std::string>& whose) const {
    std::vector<std::string> arguments = {"credential",        "request", "--key",
                                          Path(stem + ".key"), "--csr",   Path(stem + ".csr")};
    arguments.insert(arguments.end(), whose.begin(), whose.end());
    return Json(arguments)["publicKeySha256"];
  }
  Tool As(const TestServer& server, const std::string& stem) const {
    return Tool(dir_).With({"--server", "127.0.0.1:" + std::to_string(server.port()), "--ca",
                            Path("ca/root.pem"), "--cert", Path(stem + ".pem"), "--key",
                            Path(stem + ".key")});
  }

  std::string dir_;
};

TEST_F(CliEnrolmentTest, WhatTheCoalitionsOwnCaSignedIsAccepted) {
  Json({"admin", "ca", "init", "--dir", Path("ca"), "--name", "Example", "--trust-domain",
        "coalition.example"});
  Request("server", {"--for-server"});
  Json({"admin", "ca", "server", "--dir", Path("ca"), "--csr", Path("server.csr"), "--out",
        Path("server.pem"), "--ip", "127.0.0.1", "--yes"});
  const std::string key = Request("backend", {"--member", "aurore", "--credential", "backend"});
  Json({"admin", "credential", "issue", "--ca-dir", Path("ca"), "--member", "aurore", "--credential",
        "backend", "--csr", Path("backend.csr"), "--out", Path("backend.pem"), "--public-key-sha256", key,
        "--no-register"});
  // The same request, signed for another's name: registered for nobody under it.
  Json({"admin", "credential", "issue", "--ca-dir", Path("ca"), "--member", "belmont", "--credential",
        "backend", "--csr", Path("backend.csr"), "--out", Path("other.pem"), "--yes", "--no-register"});
  std::filesystem::copy_file(Path("backend.key"), Path("other.key"));

  TestServer::Options options;
  options.edit_bootstrap = [&](config::v1::Bootstrap* bootstrap) {
    for (auto& member : *bootstrap->mutable_members()) {
      if (member.id() == "aurore") member.mutable_credentials(0)->set_public_key_sha256(key);
    }
  };
  options.edit_config = [&](config::v1::ServerConfig* config) {
    config->mutable_tls()->set_certificate_file(Path("server.pem"));
    config->mutable_tls()->set_key_file(Path("server.key"));
    config->mutable_tls()->set_client_ca_file(Path("ca/root.pem"));
  };
  TestServer server(options);
  const ToolResult me = As(server, "backend").Run({"whoami", "-o", "json"});
  ASSERT_EQ(me.code, 0) << me.err;
  EXPECT_EQ(me.err, "");
  EXPECT_EQ(nlohmann::json::parse(me.out, nullptr, false)["credential"]["name"],
            "members/aurore/credentials/backend");
  const ToolResult other = As(server, "other").Run({"whoami"});
  EXPECT_EQ(other.code, 64 + 16);
  EXPECT_THAT(other.err, HasSubstr("register"));
}

TEST_F(CliEnrolmentTest, EveryCommandWarnsOfACertificateThatEndsSoon) {
  CliWorld world;
  CertificateSpec spec;
  spec.uris = {world.server().certificates().SpiffeUri("aurore", "backend")};
  spec.key_pem = world.server().IdentityOf("aurore").key_pem;
  spec.begins_in_s = -80 * kDay;
  spec.ends_in_s = 10 * kDay;
  const Tool aurore = world.As(world.server().certificates().Make(spec));
  const ToolResult warned = aurore.Run({"member", "list", "-o", "csv"});
  EXPECT_EQ(warned.code, 0) << warned.err;
  EXPECT_THAT(warned.err,
              HasSubstr("warning: the certificate of members/aurore/credentials/backend expires at "));
  EXPECT_THAT(warned.out, Not(HasSubstr("warning")));
  EXPECT_EQ(aurore.Run({"credential", "status"}).code, 1);
  EXPECT_EQ(aurore.Run({"credential", "status", "--expires-in", "7d"}).code, 0);
  EXPECT_EQ(world.As("aurore").Run({"member", "list"}).err, "");
}

}  // namespace
}  // namespace coalition::testing
