// What the doctor makes of what the probe saw. The probe itself meets real listeners in tests/integration.
#include "client/cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/tls_listener.h"

namespace coalition::cli {
namespace {

using client::ProbeFailure;
using client::ProbeResult;
using client::ProbeStep;
using coalition::testing::CertificateFactory;
using coalition::testing::TlsListener;
using ::testing::HasSubstr;

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    options_.server = "exchange.example:7443";
    const auto identity = factory_.Member("aurore", "backend");
    credentials_ = {factory_.ca_pem(), identity.certificate_pem, identity.key_pem};
  }

  // The one failed check.
  Check Judge(ProbeFailure failure, ProbeStep reached, int64_t now_s) {
    ProbeResult probe;
    probe.failure = failure;
    probe.reached = reached;
    probe.detail = "detail";
    probe.addresses = {"192.0.2.1:7443"};
    probe.accepted_issuers = accepted_issuers_;
    Check failed;
    int count = 0;
    for (const Check& check : JudgeProbe(probe, options_, credentials_, now_s)) {
      if (check.state != CheckState::kFailed) continue;
      failed = check;
      ++count;
    }
    EXPECT_EQ(count, failure == ProbeFailure::kNone ? 0 : 1);
    EXPECT_EQ(failed.remedy.empty(), count == 0);
    return failed;
  }
  Check Judge(ProbeFailure failure, ProbeStep reached) { return Judge(failure, reached, factory_.now_s()); }

  CertificateFactory factory_;
  client::ClientOptions options_;
  client::Credentials credentials_;
  std::vector<std::string> accepted_issuers_;
};

TEST_F(DoctorTest, EveryFailureFailsTheCheckItBelongsTo) {
  EXPECT_EQ(Judge(ProbeFailure::kNone, ProbeStep::kHttp2).name, "");
  EXPECT_EQ(Judge(ProbeFailure::kNameUnknown, ProbeStep::kNothing).name, "name");
  EXPECT_EQ(Judge(ProbeFailure::kPortClosed, ProbeStep::kName).name, "port");
  EXPECT_EQ(Judge(ProbeFailure::kPortUnreachable, ProbeStep::kName).name, "port");
  for (const ProbeFailure failure :
       {ProbeFailure::kNotTls, ProbeFailure::kTlsVersion, ProbeFailure::kHandshake,
        ProbeFailure::kServerUntrusted, ProbeFailure::kServerExpired, ProbeFailure::kServerNotYetValid,
        ProbeFailure::kServerName, ProbeFailure::kServerPurpose}) {
    EXPECT_EQ(Judge(failure, ProbeStep::kPort).name, "tls");
  }
  for (const ProbeFailure failure :
       {ProbeFailure::kClientUnknownCa, ProbeFailure::kClientExpired, ProbeFailure::kClientRefused,
        ProbeFailure::kClosed, ProbeFailure::kHandshake}) {
    EXPECT_EQ(Judge(failure, ProbeStep::kTls).name, "accepted");
  }
  EXPECT_EQ(Judge(ProbeFailure::kAlpn, ProbeStep::kTls).name, "alpn");
}

TEST_F(DoctorTest, ASilentRefusalIsExplainedByTheCertificate) {
  const int64_t now = factory_.now_s();
  EXPECT_THAT(Judge(ProbeFailure::kClosed, ProbeStep::kTls, now).detail, HasSubstr("without saying why"));
  EXPECT_THAT(Judge(ProbeFailure::kClosed, ProbeStep::kTls, now + 90 * 86'400).detail, HasSubstr("expired"));
  EXPECT_THAT(Judge(ProbeFailure::kClosed, ProbeStep::kTls, now - 90 * 86'400).detail,
              HasSubstr("not yet valid"));
  accepted_issuers_ = {"CN=another CA"};
  EXPECT_THAT(Judge(ProbeFailure::kClosed, ProbeStep::kTls, now).detail, HasSubstr("only by CN=another CA"));
  accepted_issuers_.clear();
  const auto stranger = factory_.OtherCa("aurore", "backend");
  credentials_.certificate_pem = stranger.certificate_pem;
  credentials_.key_pem = stranger.key_pem;
  EXPECT_THAT(Judge(ProbeFailure::kClosed, ProbeStep::kTls, now).detail,
              HasSubstr("does not accept certificates issued by"));
  const auto server_only = factory_.ServerOnly("aurore", "backend");
  credentials_.certificate_pem = server_only.certificate_pem;
  EXPECT_THAT(Judge(ProbeFailure::kClosed, ProbeStep::kTls, now).detail, HasSubstr("not for clients"));
}

TEST_F(DoctorTest, WithoutSettingsEverythingElseIsSkipped) {
  const auto checks =
      Examine(absl::FailedPreconditionError("no context"), factory_.now_s(), std::chrono::seconds(1));
  ASSERT_EQ(checks.size(), 15u);
  EXPECT_EQ(checks[0].name, "config");
  EXPECT_EQ(checks[0].state, CheckState::kFailed);
  for (size_t i = 1; i < checks.size(); ++i) {
    if (checks[i].name != "clock") {
      EXPECT_EQ(checks[i].state, CheckState::kSkipped) << checks[i].name;
    }
  }
}

TEST_F(DoctorTest, AClockOfTheLastCenturyIsFound) {
  for (const Check& check :
       Examine(absl::FailedPreconditionError("no context"), 1, std::chrono::seconds(1))) {
    if (check.name == "clock") {
      EXPECT_EQ(check.state, CheckState::kFailed);
    }
  }
}

// Against a listener that is not our server.
class ExamineTest : public ::testing::Test {
 protected:
  ExamineTest() {
    const auto identity = factory_.Member("aurore", "backend");
    options_.tls.ca_pem = factory_.ca_pem();
    options_.tls.certificate_pem = identity.certificate_pem;
    options_.tls.key_pem = identity.key_pem;
  }

  Check Examined(const std::string& name) {
    TlsListener::Options serving;
    serving.identity = factory_.Server();
    serving.client_ca_pem = factory_.ca_pem();
    TlsListener listener(serving);
    options_.server = listener.address();
    for (const Check& check : Examine(options_, factory_.now_s(), std::chrono::seconds(10))) {
      if (check.name == name) return check;
    }
    return {};
  }

  CertificateFactory factory_;
  client::ClientOptions options_;
};

TEST_F(ExamineTest, ACertificateOfTheServerThatFailsIsShown) {
  options_.server_name = "exchange.example";
  const Check check = Examined("tls");
  EXPECT_EQ(check.state, CheckState::kFailed);
  EXPECT_THAT(check.detail, HasSubstr("not for exchange.example; the server's certificate is for localhost"));
}

TEST_F(ExamineTest, ACaFileThatIsNoneFailsTheFiles) {
  EXPECT_EQ(Examined("files").state, CheckState::kOk);
  options_.tls.ca_pem = "no PEM\n";
  EXPECT_THAT(Examined("files").detail, HasSubstr("the CA certificate"));
  EXPECT_EQ(Examined("files").state, CheckState::kFailed);
  options_.tls.ca_pem = options_.tls.certificate_pem;
  EXPECT_THAT(Examined("files").detail, HasSubstr("not a CA's"));
}

TEST_F(ExamineTest, APairThatCanNotBeUsedIsNotSaidToBeRefused) {
  EXPECT_EQ(Examined("accepted").state, CheckState::kOk);
  options_.tls.key_pem = factory_.Member("aurore", "backend").key_pem;
  EXPECT_EQ(Examined("key").state, CheckState::kFailed);
  EXPECT_EQ(Examined("accepted").state, CheckState::kSkipped);
  options_.tls.key_pem.swap(options_.tls.certificate_pem);
  EXPECT_EQ(Examined("accepted").state, CheckState::kSkipped);
}

}  // namespace
}  // namespace coalition::cli
