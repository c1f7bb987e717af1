#include "common/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "common/file.h"
#include "tests/support/certificates.h"

namespace coalition {
namespace {

using testing::CertificateFactory;
using testing::CertificateSpec;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Identity;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

class TlsTest : public ::testing::Test {
 protected:
  CertificateFactory factory_;
};

TEST_F(TlsTest, ReadsAMembersCertificate) {
  const Identity member = factory_.Member("souk", "screening");
  const auto facts = ParseCertificatePem(member.certificate_pem);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(facts->uri_sans, ElementsAre("spiffe://coalition.example/member/souk/screening"));
  EXPECT_THAT(facts->dns_sans, IsEmpty());
  EXPECT_EQ(facts->other_sans, 0U);
  EXPECT_EQ(facts->common_name, "souk screening");
  EXPECT_EQ(facts->issuer, "CN=test root CA");
  EXPECT_EQ(HexEncode(Bytes(facts->spki_sha256)), member.spki_sha256_hex);
  EXPECT_EQ(facts->not_before_s, factory_.now_s() - 3600);
  EXPECT_EQ(facts->not_after_s, factory_.now_s() + 86'400);
  EXPECT_EQ(SecondsUntilExpiry(*facts, factory_.now_s()), 86'400);
  EXPECT_TRUE(facts->client_auth);
  EXPECT_FALSE(facts->server_auth);
  EXPECT_FALSE(facts->is_ca);
  EXPECT_FALSE(facts->self_signed);
}

TEST_F(TlsTest, ReadsAServersCertificate) {
  const auto facts =
      ParseCertificatePem(factory_.Server({"localhost", "exchange"}, {"127.0.0.1", "::1"}).certificate_pem);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(facts->dns_sans, ElementsAre("localhost", "exchange"));
  EXPECT_THAT(facts->ip_sans, ElementsAre("127.0.0.1", "::1"));
  EXPECT_TRUE(facts->server_auth);
  EXPECT_FALSE(facts->client_auth);
}

TEST_F(TlsTest, ReadsTheStrangeOnes) {
  CertificateSpec spec;
  spec.emails = {"a@example.com"};
  spec.uris = {std::string("spiffe://x\0y", 12), "a,b\nc"};
  spec.is_ca = true;
  const auto facts = ParseCertificatePem(factory_.Make(spec).certificate_pem);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(facts->uri_sans, ElementsAre(std::string("spiffe://x\0y", 12), "a,b\nc"));
  EXPECT_EQ(facts->other_sans, 1U);
  EXPECT_TRUE(facts->is_ca);
  EXPECT_EQ(facts->common_name, "");
  // Without an extended key usage everything is allowed.
  EXPECT_TRUE(facts->client_auth);
  EXPECT_TRUE(facts->server_auth);
}

TEST_F(TlsTest, ValidityIncludesBothEnds) {
  const auto facts = ParseCertificatePem(factory_.Member("souk", "a").certificate_pem).value();
  EXPECT_FALSE(IsCurrent(facts, facts.not_before_s - 1));
  EXPECT_TRUE(IsCurrent(facts, facts.not_before_s));
  EXPECT_TRUE(IsCurrent(facts, facts.not_after_s));
  EXPECT_FALSE(IsCurrent(facts, facts.not_after_s + 1));
}

TEST_F(TlsTest, ReadsChains) {
  CertificateFactory factory({.issuing_ca = true});
  const Identity member = factory.Member("souk", "a");
  const auto chain = ParseCertificateChainPem(member.certificate_pem + factory.ca_pem());
  ASSERT_TRUE(chain.ok()) << chain.status();
  ASSERT_THAT(*chain, SizeIs(3));
  EXPECT_EQ(chain->at(1).subject, "CN=test issuing CA");
  EXPECT_TRUE(chain->at(2).self_signed);
}

TEST_F(TlsTest, RefusesWhatIsNoCertificate) {
  const std::string pem = factory_.Member("souk", "a").certificate_pem;
  EXPECT_THAT(Message(ParseCertificatePem("").status()), HasSubstr("no PEM certificate"));
  EXPECT_THAT(Message(ParseCertificatePem("garbage").status()), HasSubstr("no PEM certificate"));
  EXPECT_FALSE(ParseCertificatePem(pem.substr(0, pem.size() / 2)).ok());
  std::string broken = pem;
  broken.replace(broken.find('\n') + 1, 4, "AAAA");
  EXPECT_THAT(Message(ParseCertificatePem(broken).status()),
              HasSubstr("certificate 1 of the PEM text is broken"));
  EXPECT_THAT(Message(ParseCertificateChainPem(pem + broken).status()), HasSubstr("certificate 2"));
  EXPECT_THAT(Message(ParseCertificatePem(std::string(kPemBytesMax + 1, 'x')).status()), HasSubstr("larger"));
  EXPECT_TRUE(ParseCertificatePem(pem).ok());
}

TEST_F(TlsTest, TellsEcdsaKeysFromOthers) {
  const auto ec = ParsePrivateKeyPem(factory_.Server().key_pem);
  ASSERT_TRUE(ec.ok()) << ec.status();
  EXPECT_TRUE(ec->is_ecdsa);
  EXPECT_EQ(ec->bits, 256);
  const auto rsa = ParsePrivateKeyPem(factory_.RsaServer().key_pem);
  ASSERT_TRUE(rsa.ok()) << rsa.status();
  EXPECT_FALSE(rsa->is_ecdsa);
  EXPECT_EQ(rsa->type, "RSA");
}

TEST_F(TlsTest, RefusesEncryptedAndBrokenKeys) {
  BIO* bio = BIO_new(BIO_s_mem());
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), "secret", 6, nullptr, nullptr), 1);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  const std::string encrypted(data, static_cast<size_t>(size));
  EVP_PKEY_free(key);
  BIO_free(bio);
  EXPECT_THAT(Message(ParsePrivateKeyPem(encrypted).status()), HasSubstr("encrypted"));
  EXPECT_THAT(Message(ParsePrivateKeyPem("garbage").status()), HasSubstr("no PEM private key"));
  EXPECT_FALSE(ParsePrivateKeyPem(factory_.ca_pem()).ok());
}

TEST_F(TlsTest, KnowsWhichKeyIsWhose) {
  const Identity one = factory_.Member("souk", "a");
  const Identity other = factory_.Member("souk", "a");
  EXPECT_TRUE(CheckKeyMatchesCertificate(one.certificate_pem, one.key_pem).ok());
  EXPECT_EQ(CheckKeyMatchesCertificate(one.certificate_pem, other.key_pem).code(),
            absl::StatusCode::kFailedPrecondition);
  const Identity renewed = factory_.Renewed(one, "souk", "a");
  EXPECT_EQ(renewed.spki_sha256_hex, one.spki_sha256_hex);
  EXPECT_NE(renewed.certificate_pem, one.certificate_pem);
  EXPECT_TRUE(CheckKeyMatchesCertificate(renewed.certificate_pem, one.key_pem).ok());
}

TEST_F(TlsTest, VerifiesChainsAndSaysWhyNot) {
  const auto verify = [&](const Identity& identity,
                          CertificatePurpose purpose = CertificatePurpose::kClient) {
    return Message(VerifyChain(identity.certificate_pem, factory_.ca_pem(), purpose, factory_.now_s()));
  };
  EXPECT_EQ(verify(factory_.Member("souk", "a")), "");
  EXPECT_EQ(verify(factory_.Server(), CertificatePurpose::kServer), "");
  EXPECT_THAT(verify(factory_.Expired("souk", "a")), HasSubstr("expired"));
  EXPECT_THAT(verify(factory_.NotYetValid("souk", "a")), HasSubstr("not yet valid"));
  EXPECT_THAT(verify(factory_.OtherCa("souk", "a")),
              HasSubstr("unable to get local issuer certificate: CN=souk a"));
  EXPECT_THAT(verify(factory_.SelfSigned("souk", "a")), HasSubstr("self-signed"));
  EXPECT_THAT(verify(factory_.ServerOnly("souk", "a")), HasSubstr("purpose"));
  EXPECT_THAT(verify(factory_.Member("souk", "a"), CertificatePurpose::kServer), HasSubstr("purpose"));
  CertificateFactory issuing({.issuing_ca = true});
  EXPECT_TRUE(VerifyChain(issuing.Member("souk", "a").certificate_pem, issuing.ca_pem(),
                          CertificatePurpose::kClient, issuing.now_s())
                  .ok());
}

TEST_F(TlsTest, WritesKeysForTheirOwnerOnly) {
  std::string directory = ::testing::TempDir() + "coalition-tls-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const Identity member = factory_.Member("souk", "a");
  const testing::IdentityFiles files = CertificateFactory::Write(member, directory, "souk-a");
  struct stat facts {};
  ASSERT_EQ(stat(files.key.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(ReadFile(files.certificate, kPemBytesMax).value(), member.certificate_pem);
  EXPECT_EQ(ReadFile(factory_.WriteCa(directory), kPemBytesMax).value(), factory_.ca_pem());
  std::filesystem::remove_all(directory);
}

TEST(Times, ArePrintedInUtc) {
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(1'795'467'600), "2026-11-23T21:00:00Z");
}

TEST(SpiffeIds, ReadBackWhatWasFormatted) {
  const SpiffeId id{"coalition.example", "souk", "screening-2"};
  EXPECT_EQ(FormatSpiffeMemberId(id), "spiffe://coalition.example/member/souk/screening-2");
  EXPECT_EQ(ParseSpiffeMemberId(FormatSpiffeMemberId(id)).value(), id);
}

TEST(SpiffeIds, RefuseEverythingElse) {
  for (const std::string uri : {"",
                                "spiffe://",
                                "spiffe:///member/souk/a",
                                "spiffe://c/member/souk",
                                "spiffe://c/member/souk/",
                                "spiffe://c/member//a",
                                "spiffe://c/member/souk/a/",
                                "spiffe://c/member/souk/a/b",
                                "spiffe://c/members/souk/a",
                                "SPIFFE://c/member/souk/a",
                                "spiffe://C/member/souk/a",
                                "spiffe://c:443/member/souk/a",
                                "spiffe://u@c/member/souk/a",
                                "spiffe://c/member/souk/a?x=1",
                                "spiffe://c/member/souk/a#x",
                                "spiffe://c/member/so%75k/a",
                                "spiffe://c/member/Souk/a",
                                "https://c/member/souk/a",
                                " spiffe://c/member/souk/a",
                                "spiffe://c//member/souk/a",
                                "spiffe://c/member/../a"}) {
    const auto id = ParseSpiffeMemberId(uri);
    EXPECT_EQ(id.status().code(), absl::StatusCode::kInvalidArgument) << uri;
  }
  EXPECT_FALSE(ParseSpiffeMemberId(std::string("spiffe://c/member/souk/a\0", 25)).ok());
  EXPECT_FALSE(ParseSpiffeMemberId("spiffe://" + std::string(256, 'a') + "/member/souk/a").ok());
  EXPECT_TRUE(ParseSpiffeMemberId("spiffe://" + std::string(255, 'a') + "/member/souk/a").ok());
}

}  // namespace
}  // namespace coalition
