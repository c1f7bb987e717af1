#include "client/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "client/client.h"
#include "tests/support/certificates.h"

namespace coalition::client {
namespace {

using coalition::testing::CertificateFactory;
using coalition::testing::Identity;
using ::testing::HasSubstr;

class CredentialsTest : public ::testing::Test {
 protected:
  Credentials Of(const Identity& identity) const {
    return {factory_.ca_pem(), identity.certificate_pem, identity.key_pem};
  }
  CertificateFactory factory_;
};

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST_F(CredentialsTest, AcceptsWhatBelongsTogether) {
  EXPECT_EQ(CheckCredentials(Of(factory_.Member("aurore", "backend")), factory_.now_s()), absl::OkStatus());
}

TEST_F(CredentialsTest, SaysWhichOfTheThreeIsWrong) {
  const Credentials good = Of(factory_.Member("aurore", "backend"));
  Credentials bad = good;
  bad.ca_pem = "garbage";
  EXPECT_THAT(Message(CheckCredentials(bad, factory_.now_s())), HasSubstr("CA certificate"));
  bad = good;
  bad.certificate_pem = good.key_pem;
  EXPECT_THAT(Message(CheckCredentials(bad, factory_.now_s())), HasSubstr("client certificate"));
  bad = good;
  bad.key_pem = good.certificate_pem;
  EXPECT_THAT(Message(CheckCredentials(bad, factory_.now_s())), HasSubstr("private key"));
}

TEST_F(CredentialsTest, RefusesAnotherKey) {
  Credentials mixed = Of(factory_.Member("aurore", "backend"));
  mixed.key_pem = factory_.Member("aurore", "backend").key_pem;
  const absl::Status status = CheckCredentials(mixed, factory_.now_s());
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(Message(status), HasSubstr("not that of the client certificate"));
}

TEST_F(CredentialsTest, JudgesDatesByTheTimeGiven) {
  const Credentials good = Of(factory_.Member("aurore", "backend"));
  const absl::Status early = CheckCredentials(good, factory_.now_s() - 30 * 86'400);
  EXPECT_TRUE(absl::IsFailedPrecondition(early));
  EXPECT_THAT(Message(early), HasSubstr("not valid before"));
  const absl::Status late = CheckCredentials(good, factory_.now_s() + 30 * 86'400);
  EXPECT_TRUE(absl::IsFailedPrecondition(late));
  EXPECT_THAT(Message(late), HasSubstr("expired"));
}

TEST_F(CredentialsTest, FilesThatAreMissingOrUnreadableAreNamed) {
  TlsOptions options;
  EXPECT_THAT(Message(LoadCredentials(options).status()), HasSubstr("the CA certificate is missing"));
  options.ca_pem = factory_.ca_pem();
  options.certificate_file = "/nowhere/me.pem";
  const absl::Status status = LoadCredentials(options).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("/nowhere/me.pem"));
  options.certificate_file = "/";
  EXPECT_FALSE(LoadCredentials(options).ok());
}

TEST_F(CredentialsTest, MakeRefusesBeforeItReachesForTheNetwork) {
  const Identity expired = factory_.Expired("aurore", "backend");
  ClientOptions options;
  options.server = "192.0.2.1:7443";
  options.tls = {
      .ca_pem = factory_.ca_pem(), .certificate_pem = expired.certificate_pem, .key_pem = expired.key_pem};
  const auto client = Client::Make(options);
  EXPECT_TRUE(absl::IsFailedPrecondition(client.status())) << client.status();
  EXPECT_THAT(Message(client.status()), HasSubstr("expired"));
}

}  // namespace
}  // namespace coalition::client
