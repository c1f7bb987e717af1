// Enrolment: a key and a request at the member, a certificate of the coalition's own CA.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "common/file.h"
#include "common/tls.h"
#include "common/x509_request.h"
#include "nlohmann/json.hpp"
#include "tests/support/certificates.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kName[] = "members/souk/credentials/backend";

// The exchange, as far as enrolment needs it.
class RegistryConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::GetMemberResponse> GetMember(const client::CallOptions&,
                                                  const v1::GetMemberRequest& request) override {
    v1::GetMemberResponse response;
    response.mutable_member()->set_name(request.name());
    if (not_before_s != 0) {
      response.mutable_member()->mutable_certificates_not_before()->set_seconds(not_before_s);
    }
    return response;
  }
  absl::StatusOr<v1::SetCredentialResponse> SetCredential(const client::CallOptions&,
                                                          const v1::SetCredentialRequest& request) override {
    set.push_back(request);
    return v1::SetCredentialResponse();
  }
  absl::StatusOr<v1::RegisterKeyResponse> RegisterKey(const client::CallOptions&,
                                                      const v1::RegisterKeyRequest& request) override {
    registered.push_back(request);
    if (refuse) return absl::NotFoundError("no such credential");
    v1::RegisterKeyResponse response;
    response.mutable_credential()->set_name(request.credential());
    if (at_once) {
      response.mutable_credential()->set_public_key_sha256(request.public_key_sha256());
    } else {
      response.mutable_credential()->set_unconfirmed_public_key_sha256(request.public_key_sha256());
    }
    return response;
  }

  bool refuse = false, at_once = false;
  int64_t not_before_s = 0;
  std::vector<v1::SetCredentialRequest> set;
  std::vector<v1::RegisterKeyRequest> registered;
};

class EnrolmentTest : public VerbsFixture<RegistryConnection> {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "coalition-enrolment-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::string Contents(const std::string& name) const { return ReadFile(Path(name), 1 << 20).value_or(""); }
  static unsigned ModeOf(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 07777;
  }
  nlohmann::json Json() { return nlohmann::json::parse(out_.str(), nullptr, false); }

  int Request(std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"credential",   "request",     "--member", "souk",
                                     "--credential", "backend",     "--key",    Path("b.key"),
                                     "--csr",        Path("b.csr"), "-o",       "json"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }
  int Init(const std::string& dir) {
    return Run({"admin", "ca", "init", "--dir", Path(dir), "--name", "Example Coalition", "--trust-domain",
                "coalition.example", "-o", "json"});
  }
  int Issue(std::vector<std::string> more, const std::string& typed = "") {
    std::vector<std::string> args = {"admin",       "credential", "issue",        "--ca-dir", Path("ca"),
                                     "--member",    "souk",       "--credential", "backend",  "--csr",
                                     Path("b.csr"), "--out",      Path("b.pem"),  "-o",       "json"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args, typed);
  }

  std::string dir_;
};

TEST_F(EnrolmentTest, ARequestLeavesTheKeyHere) {
  ASSERT_EQ(Request(), kExitOk) << err_.str();
  EXPECT_EQ(ModeOf(Path("b.key")), 0600u);
  const std::string key = Contents("b.key"), csr = Contents("b.csr");
  const std::string fingerprint = HexEncode(Bytes(ParsePrivateKeyPem(key)->spki_sha256));
  EXPECT_EQ(Json()["publicKeySha256"], fingerprint);
  EXPECT_EQ(Json()["credential"], kName);
  EXPECT_EQ(HexEncode(Bytes(ParseSigningRequestPem(csr)->spki_sha256)), fingerprint);
  EXPECT_THAT(out_.str() + err_.str() + csr, Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(err_.str(), HasSubstr("by another way"));

  // Neither is replaced unasked, and a request that can't be written leaves no key.
  EXPECT_EQ(Request(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--force"));
  std::filesystem::remove(Path("b.csr"));
  EXPECT_EQ(Request(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--reuse-key"));
  EXPECT_EQ(Contents("b.key"), key);
  EXPECT_EQ(Request({"--reuse-key"}), kExitOk) << err_.str();
  EXPECT_EQ(Json()["publicKeySha256"], fingerprint);
  EXPECT_EQ(Contents("b.key"), key);
  std::filesystem::remove(Path("b.key"));
  EXPECT_EQ(Request(), kExitUsage);
  EXPECT_FALSE(std::filesystem::exists(Path("b.key")));
  EXPECT_EQ(Request({"--force"}), kExitOk) << err_.str();
  EXPECT_NE(Json()["publicKeySha256"], fingerprint);
  EXPECT_EQ(ModeOf(Path("b.key")), 0600u);
}

TEST_F(EnrolmentTest, ARequestNamesItsCredential) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{},
        {"--member", "souk"},
        {"--credential", "backend"},
        {"--member", "Souk", "--credential", "backend"},
        {"--member", "souk", "--credential", "backend", "--for-server"}}) {
    std::vector<std::string> args = {"credential", "request", "--key", Path("k"), "--csr", Path("c")};
    args.insert(args.end(), names.begin(), names.end());
    EXPECT_EQ(Run(args), kExitUsage);
    EXPECT_FALSE(std::filesystem::exists(Path("k")));
  }
  EXPECT_EQ(Run({"credential", "request", "--for-server", "--key", Path("k"), "--csr", Path("k")}),
            kExitUsage);
}

TEST_F(EnrolmentTest, ACaIsMadeWholeOrNotAtAll) {
  ASSERT_EQ(Init("ca"), kExitOk) << err_.str();
  EXPECT_EQ(ModeOf(Path("ca")), 0700u);
  EXPECT_EQ(ModeOf(Path("ca/root.key")), 0600u);
  EXPECT_EQ(ModeOf(Path("ca/issuing.key")), 0600u);
  EXPECT_EQ(Json()["trustDomain"], "coalition.example");
  EXPECT_TRUE(CheckKeyMatchesCertificate(Contents("ca/issuing.pem"), Contents("ca/issuing.key")).ok());
  const std::string root = Contents("ca/root.pem");
  EXPECT_EQ(Init("ca"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is there already"));
  EXPECT_EQ(Contents("ca/root.pem"), root);
  std::filesystem::create_directory(Path("empty"));
  EXPECT_EQ(Init("empty/"), kExitOk) << err_.str();
  EXPECT_EQ(Init("above/ca"), kExitOk) << err_.str();
  EXPECT_EQ(Run({"admin", "ca", "init", "--dir", Path("c"), "--name", "C", "--trust-domain", "C,DNS:x"}),
            kExitUsage);
  // Nothing is left beside them.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 3);
}

TEST_F(EnrolmentTest, WhatIsIssuedIsWhatWasAskedForHere) {
  ASSERT_EQ(Init("ca"), kExitOk);
  ASSERT_EQ(Request(), kExitOk);
  const std::string fingerprint = Json()["publicKeySha256"];
  ASSERT_EQ(Issue({"--public-key-sha256", fingerprint, "--days", "30"}), kExitOk) << err_.str();
  const std::string chain = Contents("b.pem");
  const CertificateFacts facts = ParseCertificatePem(chain).value();
  EXPECT_THAT(facts.uri_sans, ElementsAre("spiffe://coalition.example/member/souk/backend"));
  EXPECT_EQ(ParseCertificateChainPem(chain)->size(), 2u);
  EXPECT_TRUE(
      VerifyChain(chain, Contents("ca/root.pem"), CertificatePurpose::kClient, std::time(nullptr)).ok());
  EXPECT_NEAR(facts.not_after_s - std::time(nullptr), 30 * 86'400, 60);
  ASSERT_EQ(connection_->registered.size(), 1u);
  EXPECT_EQ(connection_->registered[0].credential(), kName);
  EXPECT_EQ(connection_->registered[0].public_key_sha256(), fingerprint);
  EXPECT_THAT(connection_->set, IsEmpty());
  EXPECT_EQ(Json()["state"], "waits-for-confirmation");
  EXPECT_THAT(err_.str(),
              HasSubstr("coalition credential confirm backend --public-key-sha256 " + fingerprint));

  EXPECT_EQ(Issue({"--public-key-sha256", fingerprint}), kExitUsage);  // b.pem is there
  EXPECT_EQ(connection_->registered.size(), 1u);
  connection_->at_once = true;
  EXPECT_EQ(Issue({"--yes", "--force", "--role", "reader,contributor", "--purpose", "case system"}), kExitOk)
      << err_.str();
  EXPECT_EQ(Json()["state"], "accepted");
  ASSERT_EQ(connection_->set.size(), 1u);
  EXPECT_THAT(connection_->set[0].roles(), ElementsAre(v1::ROLE_READER, v1::ROLE_CONTRIBUTOR));
  EXPECT_EQ(connection_->set[0].purpose(), "case system");
}

TEST_F(EnrolmentTest, AKeyIsSignedOnlyWhereItWasToldByAnotherWay) {
  ASSERT_EQ(Init("ca"), kExitOk);
  ASSERT_EQ(Request(), kExitOk);
  const std::string fingerprint = Json()["publicKeySha256"];
  EXPECT_EQ(Issue({"--public-key-sha256", std::string(64, 'a')}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr(fingerprint));
  EXPECT_EQ(Issue({"--public-key-sha256", "abc"}), kExitUsage);
  EXPECT_EQ(Issue({}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("Nothing was signed."));
  io_.in_is_terminal = false;
  EXPECT_EQ(Issue({}, "yes\n"), kExitUsage);
  io_.in_is_terminal = true;
  EXPECT_FALSE(std::filesystem::exists(Path("b.pem")));
  EXPECT_THAT(connection_->registered, IsEmpty());
  // What the exchange refuses is not written.
  connection_->refuse = true;
  EXPECT_EQ(Issue({}, "yes\n"), 64 + 5);
  EXPECT_FALSE(std::filesystem::exists(Path("b.pem")));
  connection_->refuse = false;
  EXPECT_EQ(Issue({}, "yes\n"), kExitOk);
  EXPECT_TRUE(std::filesystem::exists(Path("b.pem")));
}

TEST_F(EnrolmentTest, ACertificateBeginsAfterTheMembersCutOff) {
  ASSERT_EQ(Init("ca"), kExitOk);
  ASSERT_EQ(Request(), kExitOk);
  const int64_t now_s = std::time(nullptr);
  connection_->not_before_s = now_s - 5;
  ASSERT_EQ(Issue({"--yes"}), kExitOk) << err_.str();
  EXPECT_EQ(ParseCertificatePem(Contents("b.pem"))->not_before_s, now_s - 5);
  connection_->not_before_s = now_s - 86'400;
  ASSERT_EQ(Issue({"--yes", "--force"}), kExitOk) << err_.str();
  EXPECT_NEAR(ParseCertificatePem(Contents("b.pem"))->not_before_s, now_s - 60, 30);
}

TEST_F(EnrolmentTest, SigningNeedsNoNetwork) {
  ASSERT_EQ(Init("ca"), kExitOk);
  ASSERT_EQ(Request(), kExitOk);
  const std::string fingerprint = Json()["publicKeySha256"];
  ASSERT_EQ(Issue({"--yes", "--no-register"}), kExitOk) << err_.str();
  EXPECT_THAT(connection_->registered, IsEmpty());
  EXPECT_EQ(Json()["state"], "not-registered");
  EXPECT_THAT(
      err_.str(),
      HasSubstr("coalition credential register backend --member souk --public-key-sha256 " + fingerprint));
  EXPECT_EQ(Issue({"--yes", "--no-register", "--role", "reader"}), kExitUsage);
}

TEST_F(EnrolmentTest, AnIssuingCaIsRenewedAndMustBeTheRoots) {
  ASSERT_EQ(Init("ca"), kExitOk);
  ASSERT_EQ(Init("other"), kExitOk);
  ASSERT_EQ(Request(), kExitOk);
  const std::string before = Contents("ca/issuing.pem");
  ASSERT_EQ(Run({"admin", "ca", "renew", "--dir", Path("ca"), "-o", "json"}), kExitOk) << err_.str();
  EXPECT_NE(Contents("ca/issuing.pem"), before);
  EXPECT_EQ(Json()["trustDomain"], "coalition.example");
  EXPECT_EQ(ModeOf(Path("ca/issuing.key")), 0600u);
  EXPECT_EQ(Issue({"--yes"}), kExitOk) << err_.str();
  std::filesystem::copy_file(Path("other/root.pem"), Path("ca/root.pem"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(Issue({"--yes", "--force"}), kExitUsage);
  EXPECT_EQ(Run({"admin", "ca", "renew", "--dir", Path("ca")}), kExitUsage);
  ::chmod(Path("other/issuing.key").c_str(), 0644);
  EXPECT_EQ(Run({"admin", "credential", "issue", "--ca-dir", Path("other"), "--member", "souk",
                 "--credential", "backend", "--csr", Path("b.csr"), "--out", Path("x"), "--yes"}),
            kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("can be read by others"));
}

TEST_F(EnrolmentTest, TheServersCertificateIsOfTheSameCa) {
  ASSERT_EQ(Init("ca"), kExitOk);
  ASSERT_EQ(Run({"credential", "request", "--for-server", "--key", Path("s.key"), "--csr", Path("s.csr")}),
            kExitOk);
  const std::vector<std::string> sign = {"admin", "ca",          "server", "--dir",       Path("ca"),
                                         "--csr", Path("s.csr"), "--out",  Path("s.pem"), "--yes"};
  std::vector<std::string> named = sign;
  named.insert(named.end(), {"--dns", "exchange.example", "--ip", "192.0.2.7"});
  EXPECT_EQ(Run(sign), kExitUsage);
  ASSERT_EQ(Run(named), kExitOk) << err_.str();
  const CertificateFacts facts = ParseCertificatePem(Contents("s.pem")).value();
  EXPECT_THAT(facts.dns_sans, ElementsAre("exchange.example"));
  EXPECT_THAT(facts.ip_sans, ElementsAre("192.0.2.7"));
  EXPECT_TRUE(
      VerifyChain(Contents("s.pem"), Contents("ca/root.pem"), CertificatePurpose::kServer, std::time(nullptr))
          .ok());
}

TEST_F(EnrolmentTest, StatusHasExitCodesForTimers) {
  coalition::testing::CertificateFactory factory;
  const auto write = [&](const std::string& name, int64_t begins_in_s, int64_t ends_in_s) {
    coalition::testing::CertificateSpec spec;
    spec.uris = {factory.SpiffeUri("aurore", "backend")};
    spec.begins_in_s = begins_in_s;
    spec.ends_in_s = ends_in_s;
    std::ofstream(Path(name)) << factory.Make(spec).certificate_pem;
    return Path(name);
  };
  constexpr int64_t kDay = 86'400;
  const std::string fresh = write("fresh.pem", -kDay, 89 * kDay);
  const std::string old = write("old.pem", -80 * kDay, 10 * kDay);
  const std::string ended = write("ended.pem", -80 * kDay, -60);
  const auto status = [&](const std::string& file, const std::string& expires_in) {
    return Run({"credential", "status", "--certificate", file, "--expires-in", expires_in, "-o", "json"});
  };
  EXPECT_EQ(status(fresh, "30%"), kExitOk) << err_.str();
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(Json()[0]["what"], "certificate");
  EXPECT_EQ(Json()[0]["state"], "fine");
  EXPECT_EQ(Json()[0]["name"], "spiffe://coalition.example/member/aurore/backend");
  EXPECT_EQ(status(fresh, "95%"), kExitOk);
  EXPECT_EQ(status(fresh, "100%"), kExitNo);
  EXPECT_EQ(status(fresh, "100d"), kExitNo);
  EXPECT_EQ(status(old, "30%"), kExitNo);
  EXPECT_EQ(Json()[0]["state"], "expires-soon");
  EXPECT_THAT(err_.str(), HasSubstr("old.pem: expires-soon, valid from "));
  EXPECT_EQ(status(old, "5%"), kExitOk);
  EXPECT_EQ(status(old, "9d"), kExitOk);
  EXPECT_EQ(status(ended, "1%"), kExitNo);
  EXPECT_EQ(Json()[0]["state"], "expired");
  EXPECT_EQ(status(fresh, "soon"), kExitUsage);
  EXPECT_EQ(status(Path("none"), "30%"), kExitUsage);
  // A context's: its CAs too, of which an old one may end beside its successor.
  const auto with_ca = [&](const std::string& ca) {
    return Run({"credential", "status", "--server", "h:1", "--ca", ca, "--cert", fresh, "--key", Path("k"),
                "-o", "json"});
  };
  const std::string both = Path("both.pem");
  std::ofstream(both) << Contents("ended.pem") << Contents("fresh.pem");
  EXPECT_EQ(with_ca(ended), kExitNo);
  EXPECT_EQ(with_ca(both), kExitOk) << err_.str();
  EXPECT_EQ(Json().size(), 3u);
  EXPECT_EQ(Json()[1]["what"], "ca");
}

}  // namespace
}  // namespace coalition::cli
