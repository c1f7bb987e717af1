// Identity is the certificate: each wrong one is refused, by TLS or by the guard, and the server goes on.
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

class CertificateTest : public ::testing::Test {
 protected:
  // gRPC says no more of a failed handshake.
  void ExpectRefusedByTls(const Identity& identity, const char* what) {
    EXPECT_EQ(server_.WhoAmI(identity).status().code(), absl::StatusCode::kUnavailable) << what;
    ExpectGoesOn(what);
  }
  void ExpectRefused(const Identity& identity, v1::ErrorReason reason, const char* what) {
    const absl::Status status = server_.WhoAmI(identity).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << what;
    EXPECT_EQ(GetErrorReason(status), reason) << what << ": " << status;
    ExpectGoesOn(what);
  }
  void ExpectGoesOn(const char* what) {
    const auto who = server_.WhoAmI(server_.IdentityOf("aurore"));
    EXPECT_TRUE(who.ok()) << "after " << what << ": " << who.status();
  }

  TestServer server_;
  CertificateFactory& make_ = server_.certificates();
};

TEST_F(CertificateTest, TlsRefusesWhatDoesNotVerify) {
  ExpectRefusedByTls(make_.Expired("aurore", "backend"), "expired");
  ExpectRefusedByTls(make_.NotYetValid("aurore", "backend"), "not yet valid");
  ExpectRefusedByTls(make_.OtherCa("aurore", "backend"), "another CA");
  ExpectRefusedByTls(make_.SelfSigned("aurore", "backend"), "self-signed");
  ExpectRefusedByTls(make_.ServerOnly("aurore", "backend"), "for servers only");
  ExpectRefusedByTls(Identity(), "none");
}

TEST_F(CertificateTest, TheGuardRefusesWhatNamesNobody) {
  ExpectRefused(make_.TwoUris("aurore", "backend"), v1::ERROR_REASON_IDENTITY_MALFORMED, "two URIs");
  ExpectRefused(make_.CommonNameOnly("aurore", "backend"), v1::ERROR_REASON_IDENTITY_MALFORMED, "CN only");
  ExpectRefused(make_.NoSan(), v1::ERROR_REASON_IDENTITY_MALFORMED, "no SAN");
  ExpectRefused(make_.DnsOnly("aurore.example"), v1::ERROR_REASON_IDENTITY_MALFORMED, "a DNS name");
  ExpectRefused(make_.OtherTrustDomain("aurore", "backend"), v1::ERROR_REASON_IDENTITY_MALFORMED,
                "another trust domain");
}

TEST_F(CertificateTest, TheGuardRefusesWhatIsNotRegistered) {
  ExpectRefused(make_.Member("aurore", "unknown"), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED,
                "an unknown credential");
  ExpectRefused(make_.Member("nobody", "backend"), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED,
                "an unknown member");
  // The right name on another key: whoever runs the CA is not thereby aurore.
  ExpectRefused(make_.Member("aurore", "backend"), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, "another key");
}

TEST_F(CertificateTest, ARenewedCertificateOfTheRegisteredKeyIsTaken) {
  const auto who = server_.WhoAmI(make_.Renewed(server_.IdentityOf("aurore"), "aurore", "backend"));
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(who->member().name(), "members/aurore");
}

TEST_F(CertificateTest, NoHeaderAndNoRequestFieldNamesTheCaller) {
  const auto stub = server_.Membership("corsa");
  grpc::ClientContext context;
  for (const char* header : {"x-forwarded-client-cert", "x-member", "x509_pem_cert", "authorization"}) {
    context.AddMetadata(header, "members/aurore");
  }
  v1::WhoAmIResponse who;
  ASSERT_TRUE(stub->WhoAmI(&context, v1::WhoAmIRequest(), &who).ok());
  EXPECT_EQ(who.member().name(), "members/corsa");
}

// The connection is older than the certificate's end: TLS would never look again.
TEST(CertificateTimeTest, ACertificateThatEndsDuringAConnectionEndsWithIt) {
  ShiftedClock clock;
  TestServer::Options options;
  options.clock = &clock;
  TestServer server(std::move(options));
  const auto stub = server.Membership("aurore");
  const auto before = Call(stub, &v1::MembershipService::Stub::WhoAmI, v1::WhoAmIRequest());
  ASSERT_TRUE(before.ok()) << before.status();
  clock.Advance(std::chrono::hours(48));
  const auto after = Call(stub, &v1::MembershipService::Stub::WhoAmI, v1::WhoAmIRequest());
  EXPECT_EQ(GetErrorReason(after.status()), v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT) << after.status();
}

}  // namespace
}  // namespace coalition::testing
