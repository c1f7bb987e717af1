// certs/make, run as a person would, and its certificates read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "common/file.h"
#include "common/tls.h"

namespace coalition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Result {
  int exit_code = -1;
  std::string output;  // of both streams
};

Result RunMake(const std::string& arguments) {
  const std::string command = "'" COALITION_SOURCE_DIR "/certs/make' " + arguments + " 2>&1";
  Result result;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  for (size_t count = 0; (count = fread(buffer, 1, sizeof(buffer), pipe)) > 0;)
    result.output.append(buffer, count);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

class CertsMakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "coalition-certs-XXXXXX";
    home_ = mkdtemp(pattern.data());
    dir_ = home_ + "/certs";
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  std::string Read(const std::string& name) const {
    return ReadFile(dir_ + "/" + name, kPemBytesMax).value();
  }
  static unsigned ModeOf(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(stat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 0777;
  }

  std::string home_;
  std::string dir_;
};

TEST_F(CertsMakeTest, MakesWhatTheExchangeAccepts) {
  const Result made =
      RunMake("dev " + dir_ + " --trust-domain test.example --days 2 aurore/analyst bazaar/screening");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const int64_t now = std::time(nullptr);

  const CertificateFacts server = ParseCertificatePem(Read("server.pem")).value();
  EXPECT_THAT(server.dns_sans, ElementsAre("localhost"));
  EXPECT_THAT(server.ip_sans, ElementsAre("127.0.0.1", "::1"));
  EXPECT_TRUE(ParsePrivateKeyPem(Read("server.key"))->is_ecdsa);
  EXPECT_TRUE(CheckKeyMatchesCertificate(Read("server.pem"), Read("server.key")).ok());
  EXPECT_TRUE(VerifyChain(Read("server.pem"), Read("ca.pem"), CertificatePurpose::kServer, now).ok());

  const CertificateFacts member = ParseCertificatePem(Read("bazaar/screening.pem")).value();
  EXPECT_THAT(member.uri_sans, ElementsAre("spiffe://test.example/member/bazaar/screening"));
  EXPECT_FALSE(member.server_auth);
  EXPECT_NEAR(static_cast<double>(SecondsUntilExpiry(member, now)), 2 * 86'400.0, 300.0);
  EXPECT_TRUE(CheckKeyMatchesCertificate(Read("bazaar/screening.pem"), Read("bazaar/screening.key")).ok());
  EXPECT_TRUE(
      VerifyChain(Read("bazaar/screening.pem"), Read("ca.pem"), CertificatePurpose::kClient, now).ok());
  EXPECT_FALSE(
      VerifyChain(Read("bazaar/screening.pem"), Read("ca.pem"), CertificatePurpose::kServer, now).ok());

  for (const std::string key : {"ca.key", "server.key", "aurore/analyst.key", "bazaar/screening.key"}) {
    EXPECT_EQ(ModeOf(dir_ + "/" + key), 0600U) << key;
  }
  const std::string fingerprint = HexEncode(Bytes(member.spki_sha256));
  EXPECT_THAT(made.output, HasSubstr("bazaar/screening " + fingerprint + "\n"));
  EXPECT_EQ(RunMake("fingerprint " + dir_ + "/bazaar/screening.pem").output, fingerprint + "\n");
}

TEST_F(CertsMakeTest, AddsMembersAndOverwritesNothing) {
  ASSERT_EQ(RunMake("dev " + dir_).exit_code, 0);
  ASSERT_EQ(RunMake("member " + dir_ + " souk/backend").exit_code, 0);
  const std::string key = Read("souk/backend.key");
  EXPECT_TRUE(
      VerifyChain(Read("souk/backend.pem"), Read("ca.pem"), CertificatePurpose::kClient, std::time(nullptr))
          .ok());
  const Result again = RunMake("member " + dir_ + " souk/backend");
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.output, HasSubstr("souk/backend.key is there already"));
  EXPECT_EQ(Read("souk/backend.key"), key);
  const Result ca = RunMake("dev " + dir_ + " souk/other");
  EXPECT_EQ(ca.exit_code, 1);
  EXPECT_THAT(ca.output, HasSubstr("has a CA already"));
}

TEST_F(CertsMakeTest, RenewsWithTheSameKeysAndNames) {
  ASSERT_EQ(RunMake("dev " + dir_ +
                    " --days 1 --trust-domain test.example --server-name exchange.example souk/backend")
                .exit_code,
            0);
  const std::string key = Read("souk/backend.key"), old_member = Read("souk/backend.pem");
  const std::string old_server = Read("server.pem"),
                    fingerprint = RunMake("fingerprint " + dir_ + "/souk/backend.pem").output;
  const Result renewed =
      RunMake("renew " + dir_ + " --days 9 --server-name second.example ca server souk/backend");
  ASSERT_EQ(renewed.exit_code, 0) << renewed.output;
  EXPECT_EQ(renewed.output, "souk/backend " + fingerprint) << "the exchange still knows it";
  EXPECT_EQ(Read("souk/backend.key"), key);
  const int64_t now = std::time(nullptr);
  for (const std::string& member : {old_member, Read("souk/backend.pem")}) {
    EXPECT_TRUE(VerifyChain(member, Read("ca.pem"), CertificatePurpose::kClient, now).ok());
    EXPECT_THAT(ParseCertificatePem(member)->uri_sans,
                ElementsAre("spiffe://test.example/member/souk/backend"));
  }
  const CertificateFacts server = ParseCertificatePem(Read("server.pem")).value();
  EXPECT_THAT(server.dns_sans, ElementsAre("localhost", "exchange.example", "second.example"));
  EXPECT_THAT(server.ip_sans, ElementsAre("127.0.0.1", "::1"));
  EXPECT_TRUE(CheckKeyMatchesCertificate(Read("server.pem"), Read("server.key")).ok());
  EXPECT_NEAR(static_cast<double>(SecondsUntilExpiry(server, now)), 9 * 86'400.0, 300.0);

  // A key alone, as when the certificate was lost: named by the options.
  std::filesystem::remove(dir_ + "/souk/backend.pem");
  ASSERT_EQ(RunMake("renew " + dir_ + " --trust-domain other.example souk/backend").exit_code, 0);
  EXPECT_THAT(ParseCertificatePem(Read("souk/backend.pem"))->uri_sans,
              ElementsAre("spiffe://other.example/member/souk/backend"));
  const Result absent = RunMake("renew " + dir_ + " server souk/other");
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.output, HasSubstr("there is no " + dir_ + "/souk/other.key"));
}

TEST_F(CertsMakeTest, MakesARequestForACaElsewhere) {
  const Result made = RunMake("csr " + dir_ + " souk/backend");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const std::string fingerprint = HexEncode(Bytes(ParsePrivateKeyPem(Read("souk/backend.key"))->spki_sha256));
  EXPECT_EQ(made.output, "souk/backend " + fingerprint + "\n");
  EXPECT_EQ(RunMake("fingerprint " + dir_ + "/souk/backend.csr").output, fingerprint + "\n");
}

TEST_F(CertsMakeTest, RefusesBadArgumentsWithAReason) {
  const auto refused = [&](const std::string& arguments, int exit_code, const std::string& why) {
    const Result result = RunMake(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << arguments;
    EXPECT_THAT(result.output, HasSubstr(why)) << arguments;
  };
  refused("", 2, "Usage:");
  refused("frobnicate", 2, "there is no command 'frobnicate'");
  refused("dev", 2, "dev needs a directory");
  refused("dev " + dir_ + " Souk/backend", 2, "'Souk/backend' is not MEMBER/CREDENTIAL");
  refused("dev " + dir_ + " souk/../x", 2, "is not MEMBER/CREDENTIAL");
  refused("dev " + dir_ + " --days 0", 2, "--days must be 1 to 90");
  refused("dev " + dir_ + " --days", 2, "--days needs a value");
  refused("dev " + dir_ + " --server-name 'a,DNS:b'", 2, "is not a host name");
  refused("dev " + dir_ + " --trust-domain 'A/b'", 2, "the trust domain must be");
  refused("member " + dir_ + " souk/backend", 1, "has no CA");
  refused("renew " + dir_ + " server", 1, "has no CA");
  refused("renew " + dir_, 2, "renew needs a directory");
  refused("fingerprint " + dir_ + "/absent", 1, "cannot read");
  EXPECT_FALSE(std::filesystem::exists(dir_));
  EXPECT_EQ(RunMake("--help").exit_code, 0);
}

}  // namespace
}  // namespace coalition
