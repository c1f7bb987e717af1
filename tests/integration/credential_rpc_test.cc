// Keys registered, confirmed and revoked: promises 4 and 10.
#include <gmock/gmock.h>
#include <grpc/grpc_security.h>
#include <grpc/grpc_security_constants.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/errors.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/integration/import_stream.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using MembershipStub = v1::MembershipService::Stub;

constexpr v1::ErrorReason kNone = v1::ERROR_REASON_UNSPECIFIED;

class CredentialTest : public ::testing::Test {
 protected:
  template <class Request, class Response>
  absl::StatusOr<Response> As(const std::string& member,
                              grpc::Status (MembershipStub::*method)(grpc::ClientContext*, const Request&,
                                                                     Response*),
                              const Request& request, const std::string& credential = "admin") {
    return Call(server_.Membership(member, credential), method, request);
  }
  absl::StatusOr<v1::RevokeCredentialResponse> Revoke(const std::string& by, const std::string& name) {
    v1::RevokeCredentialRequest request;
    request.set_name(name);
    request.set_reason(v1::REVOCATION_REASON_KEY_COMPROMISE);
    return As(by, &MembershipStub::RevokeCredential, request);
  }
  absl::StatusOr<v1::RegisterKeyResponse> Register(const std::string& by, const std::string& name,
                                                   const Identity& key) {
    v1::RegisterKeyRequest request;
    request.set_credential(name);
    request.set_public_key_sha256(key.spki_sha256_hex);
    return As(by, &MembershipStub::RegisterKey, request);
  }
  absl::StatusOr<v1::ConfirmKeyResponse> Confirm(const std::string& by, const std::string& name,
                                                 const Identity& key, int64_t previous_seconds = 0) {
    v1::ConfirmKeyRequest request;
    request.set_credential(name);
    request.set_public_key_sha256(key.spki_sha256_hex);
    request.set_previous_key_seconds(previous_seconds);
    return As(by, &MembershipStub::ConfirmKey, request);
  }
  v1::ErrorReason Who(const Identity& identity) { return GetErrorReason(server_.WhoAmI(identity).status()); }

  TestServer server_;
};

const char kBackend[] = "members/bazaar/credentials/backend";

// Scene 9.
TEST_F(CredentialTest, ARevokedKeyIsRefusedOnEveryConnectionAndTheMembersOthersGoOn) {
  const auto open = server_.Membership("bazaar", "backend");
  ASSERT_TRUE(Call(open, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok());
  ImportCall import(server_.Exchange("bazaar"));
  ASSERT_TRUE(import.Write(ImportOf(1, 1)));
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(import.Read(&response));

  const auto revoked = Revoke("office", kBackend);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->cut_off().streams(), 1);
  EXPECT_EQ(revoked->credential().public_key_sha256(), "");
  EXPECT_EQ(revoked->credential().revocation_reason(), v1::REVOCATION_REASON_KEY_COMPROMISE);
  EXPECT_EQ(GetErrorReason(import.Finish()), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(GetErrorReason(Call(open, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status()),
            v1::ERROR_REASON_CREDENTIAL_REVOKED);
  const Identity& thief = server_.IdentityOf("bazaar");
  EXPECT_EQ(Who(thief), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(Who(server_.IdentityOf("bazaar", "admin")), kNone);

  // bazaar is told, and others are not.
  const auto events = As("bazaar", &MembershipStub::ListMembershipEvents, v1::ListMembershipEventsRequest());
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->events_size(), 1);
  EXPECT_EQ(events->events(0).subject(), kBackend);
  EXPECT_EQ(events->events(0).text(), "revoked: KEY_COMPROMISE");
  EXPECT_EQ(events->events(0).by(), "members/office/credentials/admin");
  EXPECT_EQ(
      As("corsa", &MembershipStub::ListMembershipEvents, v1::ListMembershipEventsRequest())->events_size(),
      0);

  // A new key is confirmed by bazaar's own administrator; the leaked one never comes back.
  const Identity fresh = server_.certificates().Member("bazaar", "backend");
  ASSERT_TRUE(Register("office", kBackend, fresh).ok());
  EXPECT_EQ(Who(fresh), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED);
  EXPECT_EQ(GetErrorReason(Confirm("office", kBackend, fresh).status()), v1::ERROR_REASON_ROLE_MISSING);
  ASSERT_TRUE(Confirm("bazaar", kBackend, fresh).ok());
  EXPECT_EQ(Who(fresh), kNone);
  EXPECT_EQ(GetErrorReason(Register("office", kBackend, thief).status()), v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_EQ(Who(thief), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  server_.Restart();
  EXPECT_EQ(Who(thief), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(Who(fresh), kNone);
}

// gRPC's own client keeps the session, and presents no certificate when it goes on with it.
class ResumingClient {
 public:
  ResumingClient(TestServer& server, const Identity& identity)
      : server_(server), identity_(identity), sessions_(grpc_ssl_session_cache_create_lru(4)) {}
  ~ResumingClient() { grpc_ssl_session_cache_destroy(sessions_); }

  // On a connection of its own.
  absl::Status WhoAmI() {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = server_.certificates().ca_pem();
    options.pem_cert_chain = identity_.certificate_pem;
    options.pem_private_key = identity_.key_pem;
    const grpc_arg sessions = grpc_ssl_session_cache_create_channel_arg(sessions_);
    grpc::ChannelArguments arguments;
    arguments.SetPointerWithVtable(sessions.key, sessions.value.pointer.p, sessions.value.pointer.vtable);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = v1::MembershipService::NewStub(grpc::CreateCustomChannel(
        "localhost:" + std::to_string(server_.port()), grpc::SslCredentials(options), arguments));
    grpc::ClientContext context;
    v1::WhoAmIResponse response;
    const absl::Status status = FromGrpc(stub->WhoAmI(&context, v1::WhoAmIRequest(), &response));
    const auto reused = context.auth_context()->FindPropertyValues(GRPC_SSL_SESSION_REUSED_PROPERTY);
    resumed = reused.size() == 1 && reused[0] == "true";
    return status;
  }
  bool resumed = false;

 private:
  TestServer& server_;
  const Identity& identity_;
  grpc_ssl_session_cache* const sessions_;
};

TEST_F(CredentialTest, ARevokedKeyIsRefusedOnAResumedSession) {
  ResumingClient thief(server_, server_.IdentityOf("bazaar"));
  ASSERT_TRUE(thief.WhoAmI().ok());
  EXPECT_FALSE(thief.resumed);
  ASSERT_TRUE(thief.WhoAmI().ok());
  ASSERT_TRUE(thief.resumed) << "nothing is tested unless sessions are resumed";
  ASSERT_TRUE(Revoke("office", kBackend).ok());
  EXPECT_EQ(GetErrorReason(thief.WhoAmI()), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_TRUE(thief.resumed);
}

TEST_F(CredentialTest, AKeyIsChangedWithoutAGap) {
  const Identity& old = server_.IdentityOf("bazaar");
  const Identity fresh = server_.certificates().Member("bazaar", "backend");
  ASSERT_TRUE(Register("office", kBackend, fresh).ok());
  const auto confirmed = Confirm("bazaar", kBackend, fresh, 3600);
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->credential().previous_public_key_sha256(), old.spki_sha256_hex);
  EXPECT_EQ(Who(old), kNone);
  EXPECT_EQ(Who(fresh), kNone);
  // A leak of either: both go.
  ASSERT_TRUE(Revoke("bazaar", kBackend).ok());
  EXPECT_EQ(Who(old), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(Who(fresh), v1::ERROR_REASON_CREDENTIAL_REVOKED);
}

TEST_F(CredentialTest, OnlyTheOwnAdministratorAndTheCoalitionsActOnACredential) {
  const Identity fresh = server_.certificates().Member("bazaar", "backend");
  EXPECT_EQ(GetErrorReason(Revoke("souk", kBackend).status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(GetErrorReason(Register("souk", kBackend, fresh).status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(GetErrorReason(Confirm("souk", kBackend, fresh).status()), v1::ERROR_REASON_ROLE_MISSING);
  v1::ListCredentialsRequest list;
  list.set_parent("members/bazaar");
  EXPECT_EQ(GetErrorReason(As("souk", &MembershipStub::ListCredentials, list).status()),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(GetErrorReason(As("bazaar", &MembershipStub::ListCredentials, list, "backend").status()),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(As("bazaar", &MembershipStub::ListCredentials, list)->credentials_size(), 2);
  EXPECT_EQ(As("office", &MembershipStub::ListCredentials, list)->credentials_size(), 2);
  v1::SetCredentialRequest set;
  set.set_name("members/bazaar/credentials/more");
  set.add_roles(v1::ROLE_CONTRIBUTOR);
  EXPECT_EQ(GetErrorReason(As("office", &MembershipStub::SetCredential, set).status()),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_TRUE(As("bazaar", &MembershipStub::SetCredential, set).ok());
  set.add_roles(v1::ROLE_COALITION_ADMIN);
  EXPECT_EQ(GetErrorReason(As("bazaar", &MembershipStub::SetCredential, set).status()),
            v1::ERROR_REASON_INVALID_FIELD);
  ASSERT_TRUE(Revoke("office", "members/office/credentials/deputy").ok());
  EXPECT_EQ(GetErrorReason(Revoke("office", "members/office/credentials/admin").status()),
            v1::ERROR_REASON_LAST_ADMINISTRATOR);
}

TEST_F(CredentialTest, AKeySpeaksForOneCredential) {
  EXPECT_EQ(GetErrorReason(Register("office", kBackend, server_.IdentityOf("souk")).status()),
            v1::ERROR_REASON_STATE_CONFLICT);
  v1::RegisterKeyRequest request;
  request.set_credential(kBackend);
  request.set_public_key_sha256("abc");
  EXPECT_EQ(GetErrorReason(As("office", &MembershipStub::RegisterKey, request).status()),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(GetErrorReason(
                Register("office", "members/bazaar/credentials/nobody", server_.IdentityOf("souk")).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(CredentialTest, CertificatesFromBeforeATimeAreRefused) {
  const auto open = server_.Membership("bazaar", "backend");
  ASSERT_TRUE(Call(open, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok());
  v1::SetCertificatesNotBeforeRequest request;
  request.set_member("members/bazaar");
  request.mutable_certificates_not_before()->set_seconds(SystemClock().NowS());
  EXPECT_EQ(GetErrorReason(As("souk", &MembershipStub::SetCertificatesNotBefore, request).status()),
            v1::ERROR_REASON_ROLE_MISSING);
  ASSERT_TRUE(As("office", &MembershipStub::SetCertificatesNotBefore, request).ok());
  EXPECT_EQ(GetErrorReason(Call(open, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status()),
            v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(Who(server_.IdentityOf("bazaar", "admin")), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  EXPECT_EQ(Who(server_.IdentityOf("souk")), kNone);
  request.mutable_certificates_not_before()->set_seconds(SystemClock().NowS() - 3600);
  EXPECT_EQ(GetErrorReason(As("office", &MembershipStub::SetCertificatesNotBefore, request).status()),
            v1::ERROR_REASON_INVALID_FIELD);
}

}  // namespace
}  // namespace coalition::testing
