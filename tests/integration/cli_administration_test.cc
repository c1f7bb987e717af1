// Administration at the command line, against a real server: a leaked key, a suspension, an admission.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/file.h"
#include "common/policy/default_policy.h"
#include "common/tls.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int kUnauthenticated = 64 + 16;
constexpr int kPermissionDenied = 64 + 7;

// Members' certificates of the coalition's own CA are taken beside those of the cast. One approval of a brand
// or payment firm is enough.
TestServer::Options Trusting(const std::string& ca_dir) {
  TestServer::Options options;
  options.edit_config = [ca_dir](config::v1::ServerConfig* config) {
    const std::string cast = ReadFile(config->tls().client_ca_file(), kPemBytesMax).value();
    const std::string own = ReadFile(ca_dir + "/" + "root.pem", kPemBytesMax).value();
    const std::string both = ca_dir + "/both.pem";
    EXPECT_TRUE(WriteFileAtomic(both, cast + own, 0644).ok());
    config->mutable_tls()->set_client_ca_file(both);
  };
  options.edit_bootstrap = [](config::v1::Bootstrap* bootstrap) {
    *bootstrap->mutable_policy() = policy::DefaultPolicy();
    bootstrap->mutable_policy()->clear_policy_test();
    v1::Quorum* quorum = bootstrap->mutable_policy()->mutable_limits()->mutable_widening();
    quorum->Clear();
    quorum->set_approvals(1);
    quorum->add_electorate(v1::MEMBER_KIND_BRAND);
  };
  return options;
}

class CliAdministrationTest : public ::testing::Test {
 protected:
  static std::string MakeCa() {
    std::string pattern = ::testing::TempDir() + "coalition-administration-XXXXXX";
    const std::string dir = ::mkdtemp(pattern.data());
    EXPECT_EQ(Tool(dir)
                  .Run({"admin", "ca", "init", "--dir", dir + "/ca", "--name", "Example", "--trust-domain",
                        "coalition.example"})
                  .code,
              0);
    return dir + "/ca";
  }
  void TearDown() override { std::filesystem::remove_all(std::filesystem::path(ca_).parent_path()); }

  Tool Admin(const std::string& member) { return world_.As(world_.server().IdentityOf(member, "admin")); }
  std::string Path(const std::string& name) const { return world_.directory() + "/" + name; }
  // Parsed, of a command that must succeed.
  static nlohmann::json Json(const Tool& tool, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const ToolResult result = tool.Run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  }
  // The new key's SHA-256, as the member hears it from its own command.
  std::string Request(const std::string& stem, const std::string& member, const std::string& credential) {
    return Json(Tool(world_.directory()),
                {"credential", "request", "--member", member, "--credential", credential, "--key",
                 Path(stem + ".key"), "--csr", Path(stem + ".csr")})["publicKeySha256"];
  }
  nlohmann::json Issue(const std::string& stem, const std::string& member, const std::string& credential,
                       const std::string& key, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"admin",
                                          "credential",
                                          "issue",
                                          "--ca-dir",
                                          ca_,
                                          "--member",
                                          member,
                                          "--credential",
                                          credential,
                                          "--csr",
                                          Path(stem + ".csr"),
                                          "--out",
                                          Path(stem + ".pem"),
                                          "--public-key-sha256",
                                          key};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Json(Admin("office"), arguments);
  }
  // With the certificate that was issued.
  Tool As(const std::string& stem) const {
    return Tool(world_.directory())
        .With({"--server", world_.address(), "--ca", world_.ca_file(), "--cert", Path(stem + ".pem"), "--key",
               Path(stem + ".key")});
  }

  const std::string ca_ = MakeCa();
  CliWorld world_{Trusting(ca_)};
};

// Scene 9.
TEST_F(CliAdministrationTest, AKeyLeaksAtNight) {
  ASSERT_EQ(world_.As("bazaar").Run({"whoami"}).code, 0);
  const ToolResult revoked =
      Admin("bazaar").Run({"credential", "revoke", "backend", "--reason", "key-compromise", "--yes"});
  EXPECT_EQ(revoked.code, 0) << revoked.err;
  EXPECT_EQ(revoked.err, "members/bazaar/credentials/backend is revoked; nothing was under way.\n");
  const ToolResult thief = world_.As("bazaar").Run({"whoami"});
  EXPECT_EQ(thief.code, kUnauthenticated);
  EXPECT_THAT(thief.err, HasSubstr("coalition credential request"));
  EXPECT_EQ(Admin("bazaar").Run({"whoami"}).code, 0);

  const std::string key = Request("fresh", "bazaar", "backend");
  EXPECT_EQ(Issue("fresh", "bazaar", "backend", key)["state"], "waits-for-confirmation");
  EXPECT_EQ(As("fresh").Run({"whoami"}).code, kUnauthenticated);
  EXPECT_EQ(Admin("office")
                .Run({"credential", "confirm", "backend", "--member", "bazaar", "--public-key-sha256", key})
                .code,
            kPermissionDenied);
  EXPECT_EQ(Json(Admin("bazaar"),
                 {"credential", "confirm", "backend", "--public-key-sha256", key})["publicKeySha256"],
            key);
  EXPECT_EQ(As("fresh").Run({"whoami"}).code, 0);
  EXPECT_EQ(world_.As("bazaar").Run({"whoami"}).code, kUnauthenticated);
  EXPECT_THAT(Admin("bazaar").Run({"credential", "list", "-o", "csv"}).out,
              HasSubstr("members/bazaar/credentials/backend,reader; contributor,"));
  EXPECT_THAT(Admin("bazaar").Run({"member", "events"}).out, HasSubstr("revoked: KEY_COMPROMISE"));
}

// Scene 4.
TEST_F(CliAdministrationTest, AMemberIsSuspendedAndReinstatedByOthers) {
  const ToolResult suspended =
      Admin("office").Run({"admin", "member", "suspend", "souk", "--reason", "investigation", "--yes"});
  EXPECT_EQ(suspended.code, 0) << suspended.err;
  EXPECT_EQ(suspended.err, "members/souk is suspended; nothing was under way.\n");
  const ToolResult souk = world_.As("souk").Run({"record", "list"});
  EXPECT_EQ(souk.code, kPermissionDenied);
  EXPECT_THAT(souk.err, HasSubstr("Ask members/office about your member's standing."));
  EXPECT_EQ(Admin("bazaar").Run({"admin", "member", "suspend", "souk", "--reason", "other", "--yes"}).code,
            kPermissionDenied);

  const std::string name =
      Json(Admin("office"), {"admin", "propose", "reinstatement", "souk", "--reason", "cleared"})["name"];
  EXPECT_EQ(name, "proposals/1");
  EXPECT_EQ(Admin("aurore").Run({"proposal", "approve", name}, "yes\n").code, 2);
  const std::string digest = Json(Admin("aurore"), {"proposal", "get", "1"})["digest"];
  EXPECT_EQ(Admin("office").Run({"admin", "proposal", "apply", "1", "--digest", digest}).code, 64 + 9);
  EXPECT_EQ(Admin("aurore").Run({"proposal", "approve", "1", "--digest", std::string(64, '0')}).code, 64 + 9);
  const ToolResult approved = Admin("aurore").RunAtTerminal({"proposal", "approve", "1", "-o", "json"},
                                                            "Approve proposals/1? Type yes: ", "yes\n");
  EXPECT_EQ(approved.code, 0) << approved.err;
  EXPECT_THAT(approved.err, HasSubstr("members/souk is active again"));
  EXPECT_EQ(Json(Admin("office"), {"admin", "proposal", "apply", "1", "--digest", digest})["state"],
            "PROPOSAL_STATE_APPLIED");
  EXPECT_EQ(world_.As("souk").Run({"record", "list"}).code, 0);
}

// Scene 2, to the first call of who was admitted.
TEST_F(CliAdministrationTest, AnApplicantIsAdmittedAndEnrolled) {
  EXPECT_EQ(Json(Admin("office"), {"admin", "propose", "admission", "novice", "--name", "Novice", "--kind",
                                   "payment", "--reason", "applied"})["state"],
            "PROPOSAL_STATE_OPEN");
  EXPECT_THAT(Admin("corsa").Run({"proposal", "preview", "1"}).out, StartsWith("members/novice would see 0"));
  EXPECT_EQ(Admin("corsa").Run({"proposal", "object", "1", "--yes"}).code, 0);
  EXPECT_THAT(Admin("corsa").Run({"policy", "own", "get"}).out, HasSubstr("members/novice"));
  const std::string digest = Json(Admin("aurore"), {"proposal", "get", "1"})["digest"];
  EXPECT_EQ(Admin("aurore").Run({"proposal", "approve", "1", "--digest", digest}).code, 0);
  EXPECT_EQ(Admin("office").Run({"admin", "proposal", "apply", "1", "--digest", digest}).code, 0);

  const std::string key = Request("first", "novice", "admin");
  const nlohmann::json issued = Issue("first", "novice", "admin", key, {"--role", "member-admin"});
  EXPECT_EQ(issued["state"], "waits-for-confirmation");
  EXPECT_EQ(As("first").Run({"whoami"}).code, kUnauthenticated);
  // The first key is the office's to confirm, who was told it by another way: not by who registered it.
  const std::vector<std::string> confirm = {"credential",          "confirm", "admin", "--member", "novice",
                                            "--public-key-sha256", key};
  EXPECT_EQ(Admin("office").Run(confirm).code, 64 + 9);
  EXPECT_EQ(world_.As(world_.server().IdentityOf("office", "deputy")).Run(confirm).code, 0);
  const nlohmann::json me = Json(As("first"), {"whoami"});
  EXPECT_EQ(me["member"]["standing"], "STANDING_ACTIVE");
  // From then on it sees to its own.
  const std::string backend = Request("own", "novice", "backend");
  EXPECT_EQ(Admin("office")
                .Run({"credential", "set", "backend", "--member", "novice", "--role", "contributor"})
                .code,
            kPermissionDenied);
  EXPECT_EQ(As("first").Run({"credential", "set", "backend", "--role", "contributor"}).code, 0);
  EXPECT_EQ(
      Json(As("first"), {"credential", "register", "backend", "--csr", Path("own.csr")})["publicKeySha256"],
      backend);
  EXPECT_EQ(Issue("own", "novice", "backend", backend)["state"], "accepted");
  EXPECT_EQ(As("own").Run({"whoami"}).code, 0);
}

TEST_F(CliAdministrationTest, CertificatesFromBeforeALeakAreRefusedAndNewOnesAreNot) {
  const std::string key = Request("fresh", "bazaar", "backend");
  EXPECT_EQ(Admin("office").Run({"member", "not-before", "now", "--member", "bazaar", "--yes"}).code, 0);
  EXPECT_EQ(world_.As("bazaar").Run({"whoami"}).code, kUnauthenticated);
  EXPECT_EQ(Admin("bazaar").Run({"whoami"}).code, kUnauthenticated);
  // Signed at once: it begins after the cut-off, not a minute before now.
  EXPECT_EQ(Issue("fresh", "bazaar", "backend", key)["state"], "waits-for-confirmation");
  const nlohmann::json member = Json(Admin("office"), {"member", "show", "bazaar"});
  const CertificateFacts facts = ParseCertificatePem(CliWorld::Read(Path("fresh.pem"))).value();
  EXPECT_EQ(member["certificatesNotBefore"], FormatTime(facts.not_before_s));
}

TEST_F(CliAdministrationTest, WhoHasLeftIsToldHowFarThatIs) {
  ASSERT_EQ(Admin("corsa").Run({"member", "leave", "corsa", "--withdraw", "--yes"}).code, 0);
  const ToolResult told = Admin("corsa").Run({"member", "departure"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("members/corsa"));
  EXPECT_EQ(Admin("corsa").Run({"whoami"}).code, kPermissionDenied);
}

TEST_F(CliAdministrationTest, WhoRefusesItsOwnCertificateIsToldThatItIsDone) {
  const ToolResult refused = Admin("souk").Run({"member", "not-before", "now", "--yes"});
  EXPECT_EQ(refused.code, 0) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("yours among them"));
  EXPECT_EQ(Admin("souk").Run({"whoami"}).code, kUnauthenticated);
}

TEST_F(CliAdministrationTest, WhatIsTakenAwayIsGone) {
  EXPECT_EQ(Admin("office").Run({"admin", "group", "remove", "watchmakers", "belmont", "--yes"}).code, 0);
  EXPECT_THAT(Admin("office").Run({"member", "show", "belmont"}).out, Not(HasSubstr("watchmakers")));
  EXPECT_THAT(Admin("office").Run({"member", "groups", "-o", "csv"}).out, HasSubstr("groups/watchmakers,"));
  EXPECT_EQ(Admin("souk").Run({"platform", "release", "souk.example", "--yes"}).code, 0);
  EXPECT_THAT(Admin("souk").Run({"platform", "list", "-o", "csv"}).out,
              HasSubstr("platforms/souk.example,\n"));
  // An administrator of the coalition on the members' listener is told where to go.
  const ToolResult wrong = Tool(world_.directory())
                               .Connect(world_.address(), world_.ca_file(),
                                        world_.server().IdentityOf("office", "admin"), world_.directory())
                               .Run({"whoami"});
  EXPECT_EQ(wrong.code, kPermissionDenied);
  EXPECT_THAT(wrong.err, HasSubstr("administration"));
}

}  // namespace
}  // namespace coalition::testing
