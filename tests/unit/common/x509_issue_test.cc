#include "common/x509_issue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>

#include "common/openssl.h"

namespace coalition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'800'000'000;
constexpr int64_t kDay = 86'400;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

openssl::X509Ptr Parse(const std::string& pem) {
  return std::move(openssl::ReadCertificates(pem, 1).value().front());
}

// As somebody would ask who wants to be more than they are: the CSR carries these.
std::string GreedyRequest(const std::string& key_pem, const std::vector<std::pair<int, std::string>>& asked) {
  const openssl::KeyPtr key = openssl::ReadKey(key_pem).value();
  const openssl::RequestPtr request(X509_REQ_new());
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  for (const auto& [nid, value] : asked) {
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  }
  X509_REQ_add_extensions(request.get(), extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("office admin"), -1, -1, 0);
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return openssl::Contents(bio.get());
}

class X509IssueTest : public ::testing::Test {
 protected:
  std::string Request(Curve curve = Curve::kP256) {
    return MakeSigningRequestPem(NewPrivateKeyPem(curve).value(), "souk").value();
  }
  absl::StatusOr<std::string> Issue(const std::string& request, int64_t days = kMemberLifetimeDays,
                                    int64_t now_s = kNow) {
    return IssueMemberCertificate(issuing_, {"coalition.example", "souk", "backend"},
                                  {request, days, now_s, 0}, random_);
  }
  absl::Status Verify(const std::string& leaf, CertificatePurpose purpose, int64_t now_s = kNow) {
    return VerifyChain(leaf + issuing_.certificate_pem, root_.certificate_pem, purpose, now_s);
  }

  SystemRandom random_;
  const AuthoritySpec spec_{"Example Coalition", "coalition.example", Curve::kP384};
  const CertificateAuthority root_ = MakeRootCa(spec_, kNow, random_).value();
  const CertificateAuthority issuing_ = MakeIssuingCa(root_, kNow, random_).value();
};

TEST_F(X509IssueTest, ARequestSaysAnOrganizationAndNothingElse) {
  const std::string key = NewPrivateKeyPem(Curve::kP256).value();
  const PrivateKeyFacts facts = ParsePrivateKeyPem(key).value();
  EXPECT_TRUE(facts.is_ecdsa);
  EXPECT_EQ(facts.bits, 256);
  EXPECT_THAT(key, HasSubstr("BEGIN PRIVATE KEY"));
  EXPECT_NE(key, NewPrivateKeyPem(Curve::kP256).value());
  const std::string request = MakeSigningRequestPem(key, "souk").value();
  const SigningRequestFacts parsed = ParseSigningRequestPem(request).value();
  EXPECT_EQ(parsed.subject, "O=souk");
  EXPECT_EQ(parsed.spki_sha256, facts.spki_sha256);
  const openssl::RequestPtr raw = openssl::ReadRequest(request).value();
  EXPECT_EQ(X509_REQ_get_attr_count(raw.get()), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(MakeSigningRequestPem(key, "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeSigningRequestPem(key, std::string(65, 'a')).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeSigningRequestPem("no key", "souk").status()));
}

TEST_F(X509IssueTest, ARequestThatItsKeyDidNotSignIsRefused) {
  // Somebody else's public key in a request signed with one's own.
  const openssl::RequestPtr request = openssl::ReadRequest(Request()).value();
  const openssl::KeyPtr own = openssl::ReadKey(NewPrivateKeyPem(Curve::kP256).value()).value();
  X509_REQ_sign(request.get(), own.get(), EVP_sha256());
  const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  const std::string stolen = openssl::Contents(bio.get());
  EXPECT_THAT(Message(ParseSigningRequestPem(stolen).status()), HasSubstr("not signed with the key"));
  EXPECT_THAT(Message(Issue(stolen).status()), HasSubstr("not signed with the key"));
  EXPECT_THAT(Message(Issue("garbage").status()), HasSubstr("no PEM signing request"));
}

TEST_F(X509IssueTest, AWeakKeyIsRefused) {
  for (const char* curve : {"secp224r1", "P-521", "secp256k1"}) {
    const openssl::KeyPtr key(EVP_EC_gen(curve));
    const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    const std::string request = MakeSigningRequestPem(openssl::Contents(bio.get()), "souk").value();
    EXPECT_THAT(Message(Issue(request).status()), HasSubstr("is not certified")) << curve;
  }
  const auto rsa = [](unsigned bits) {
    const openssl::KeyPtr key(EVP_RSA_gen(bits));
    const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return MakeSigningRequestPem(openssl::Contents(bio.get()), "souk").value();
  };
  EXPECT_THAT(Message(Issue(rsa(2048)).status()), HasSubstr("is not certified"));
  EXPECT_TRUE(Issue(rsa(3072)).ok());
}

TEST_F(X509IssueTest, TheCasAreSound) {
  for (const auto& [pem, path_length, days] :
       {std::tuple{root_.certificate_pem, 1, kRootLifetimeDays},
        std::tuple{issuing_.certificate_pem, 0, kIssuingLifetimeDays}}) {
    const openssl::X509Ptr raw = Parse(pem);
    const CertificateFacts facts = ParseCertificatePem(pem).value();
    EXPECT_EQ(X509_check_ca(raw.get()), 1);
    EXPECT_EQ(X509_get_pathlen(raw.get()), path_length);
    EXPECT_EQ(X509_get_key_usage(raw.get()), uint32_t{KU_KEY_CERT_SIGN | KU_CRL_SIGN});
    for (const int nid : {NID_basic_constraints, NID_key_usage}) {
      EXPECT_TRUE(
          X509_EXTENSION_get_critical(X509_get_ext(raw.get(), X509_get_ext_by_NID(raw.get(), nid, -1))));
    }
    EXPECT_NE(X509_get0_subject_key_id(raw.get()), nullptr);
    EXPECT_NE(X509_get0_authority_key_id(raw.get()), nullptr);
    EXPECT_EQ(facts.not_before_s, kNow - kIssuedBackdatedS);
    EXPECT_EQ(facts.not_after_s, kNow + days * kDay);
    EXPECT_EQ(X509_get_signature_nid(raw.get()), NID_ecdsa_with_SHA384);
    EXPECT_THAT(facts.subject, HasSubstr("O=Example Coalition"));
    EXPECT_EQ(ParsePrivateKeyPem(issuing_.key_pem)->bits, 384);
    EXPECT_EQ(TrustDomainOf(pem).value(), "coalition.example");
  }
  EXPECT_TRUE(ParseCertificatePem(root_.certificate_pem)->self_signed);
  EXPECT_FALSE(ParseCertificatePem(issuing_.certificate_pem)->self_signed);
}

TEST_F(X509IssueTest, AMembersCertificateIsForOneNameAndOnePurpose) {
  const std::string request = Request();
  const std::string pem = Issue(request).value();
  const CertificateFacts facts = ParseCertificatePem(pem).value();
  EXPECT_THAT(facts.uri_sans, ElementsAre("spiffe://coalition.example/member/souk/backend"));
  EXPECT_THAT(facts.dns_sans, IsEmpty());
  EXPECT_THAT(facts.ip_sans, IsEmpty());
  EXPECT_EQ(facts.other_sans, 0u);
  EXPECT_TRUE(facts.client_auth);
  EXPECT_FALSE(facts.server_auth);
  EXPECT_FALSE(facts.is_ca);
  EXPECT_EQ(facts.not_before_s, kNow - 60);
  EXPECT_EQ(facts.not_after_s, kNow + 90 * kDay);
  EXPECT_EQ(facts.spki_sha256, ParseSigningRequestPem(request)->spki_sha256);
  const openssl::X509Ptr raw = Parse(pem);
  EXPECT_EQ(X509_get_key_usage(raw.get()), uint32_t{KU_DIGITAL_SIGNATURE});
  EXPECT_NE(X509_get0_subject_key_id(raw.get()), nullptr);
  EXPECT_EQ(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(raw.get()),
                                  X509_get0_subject_key_id(Parse(issuing_.certificate_pem).get())),
            0);
  // As OpenSSL judges the chain.
  EXPECT_TRUE(Verify(pem, CertificatePurpose::kClient).ok());
  EXPECT_FALSE(Verify(pem, CertificatePurpose::kServer).ok());
  EXPECT_FALSE(Verify(pem, CertificatePurpose::kClient, kNow - 61).ok());
  EXPECT_FALSE(Verify(pem, CertificatePurpose::kClient, kNow + 90 * kDay + 1).ok());
  EXPECT_FALSE(
      VerifyChain(pem, root_.certificate_pem, CertificatePurpose::kClient, kNow).ok());  // without the issuer
}

TEST_F(X509IssueTest, WhatTheRequestAsksForIsIgnored) {
  const std::string key = NewPrivateKeyPem(Curve::kP256).value();
  const std::string greedy = GreedyRequest(
      key, {{NID_subject_alt_name, "URI:spiffe://coalition.example/member/office/admin,DNS:exchange.example"},
            {NID_basic_constraints, "critical,CA:TRUE"},
            {NID_key_usage, "critical,keyCertSign"},
            {NID_ext_key_usage, "serverAuth,clientAuth"}});
  ASSERT_THAT(ParseSigningRequestPem(greedy)->subject, HasSubstr("office admin"));
  const std::string pem = Issue(greedy).value();
  const CertificateFacts facts = ParseCertificatePem(pem).value();
  EXPECT_THAT(facts.uri_sans, ElementsAre("spiffe://coalition.example/member/souk/backend"));
  EXPECT_THAT(facts.dns_sans, IsEmpty());
  EXPECT_FALSE(facts.is_ca);
  EXPECT_FALSE(facts.server_auth);
  EXPECT_EQ(facts.subject, "CN=backend,O=souk");
  EXPECT_EQ(X509_get_key_usage(Parse(pem).get()), uint32_t{KU_DIGITAL_SIGNATURE});
  EXPECT_FALSE(Verify(pem, CertificatePurpose::kServer).ok());
}

TEST_F(X509IssueTest, OnlyASoundIssuerSigns) {
  const std::string request = Request();
  const SpiffeId id{"coalition.example", "souk", "backend"};
  const auto by = [&](const CertificateAuthority& issuer, int64_t now_s = kNow) {
    return Message(IssueMemberCertificate(issuer, id, {request, 90, now_s, 0}, random_).status());
  };
  EXPECT_THAT(by({issuing_.certificate_pem, root_.key_pem}),
              HasSubstr("not that of the issuing certificate"));
  const std::string key = NewPrivateKeyPem(Curve::kP256).value();
  const std::string leaf = Issue(MakeSigningRequestPem(key, "souk").value()).value();
  EXPECT_THAT(by({leaf, key}), HasSubstr("may not sign others"));
  EXPECT_THAT(by(issuing_, kNow + 731 * kDay), HasSubstr("it is now"));
  EXPECT_THAT(by(issuing_, kNow - 61), HasSubstr("it is now"));
  EXPECT_THAT(by(issuing_, kNow + 700 * kDay), HasSubstr("for at most 30 days"));
  EXPECT_THAT(by({"", issuing_.key_pem}), HasSubstr("no PEM certificate"));
  // Clocks behind the issuer's, and none that runs ahead.
  const auto from = [&](int64_t not_before_s) {
    return IssueMemberCertificate(issuing_, id, {request, 90, kNow, not_before_s}, random_);
  };
  EXPECT_EQ(ParseCertificatePem(from(kNow - 10).value())->not_before_s, kNow - 10);
  EXPECT_TRUE(absl::IsInvalidArgument(from(kNow + 1).status()));
  // Late in the root's life, the issuing CA ends with it.
  const CertificateAuthority late = MakeIssuingCa(root_, kNow + 3600 * kDay, random_).value();
  EXPECT_EQ(ParseCertificatePem(late.certificate_pem)->not_after_s, kNow + 3650 * kDay);
}

TEST_F(X509IssueTest, BelowAnIssuingCaThereIsNoOther) {
  EXPECT_THAT(Message(MakeIssuingCa(issuing_, kNow, random_).status()), HasSubstr("may not sign CAs"));
}

TEST_F(X509IssueTest, IdsAndDaysAreChecked) {
  EXPECT_TRUE(absl::IsInvalidArgument(Issue(Request(), 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Issue(Request(), -1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Issue(Request(), 1'000'000'000'000'000).status()));
  for (const SpiffeId& id : {SpiffeId{"coalition.example", "souk,URI:x", "backend"},
                             SpiffeId{"coalition.example", "souk", ""}, SpiffeId{"Coalition", "souk", "b"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        IssueMemberCertificate(issuing_, id, {Request(), 1, kNow, 0}, random_).status()));
  }
  for (const AuthoritySpec& spec : {AuthoritySpec{"", "coalition.example"}, AuthoritySpec{"A", "A,DNS:b"},
                                    AuthoritySpec{std::string(65, 'a'), "coalition.example"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(MakeRootCa(spec, kNow, random_).status()));
  }
}

TEST_F(X509IssueTest, AServersCertificateHasItsNames) {
  const IssueSpec spec{Request(), 90, kNow, 0};
  const std::string pem =
      IssueServerCertificate(issuing_, {"exchange.example"}, {"192.0.2.1", "::1"}, spec, random_).value();
  const CertificateFacts facts = ParseCertificatePem(pem).value();
  EXPECT_THAT(facts.dns_sans, ElementsAre("exchange.example"));
  EXPECT_THAT(facts.ip_sans, ElementsAre("192.0.2.1", "::1"));
  EXPECT_THAT(facts.uri_sans, IsEmpty());
  EXPECT_TRUE(Verify(pem, CertificatePurpose::kServer).ok());
  EXPECT_FALSE(Verify(pem, CertificatePurpose::kClient).ok());
  for (const auto& [dns, ip] : std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>>{
           {{}, {}}, {{"a,URI:spiffe://x"}, {}}, {{"*.example"}, {}}, {{}, {"300.1.1.1"}}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(IssueServerCertificate(issuing_, dns, ip, spec, random_).status()));
  }
}

TEST_F(X509IssueTest, SerialsAre128BitsOfChance) {
  std::set<std::string> serials;
  int bits_most = 0;
  const std::string request = Request();
  for (int i = 0; i < 32; ++i) {
    const openssl::X509Ptr raw = Parse(Issue(request).value());
    const ASN1_INTEGER* serial = X509_get0_serialNumber(raw.get());
    EXPECT_EQ(serial->type, V_ASN1_INTEGER);  // not negative
    EXPECT_LE(ASN1_STRING_length(serial), 16);
    BIGNUM* number = ASN1_INTEGER_to_BN(serial, nullptr);
    bits_most = std::max(bits_most, BN_num_bits(number));
    char* hex = BN_bn2hex(number);
    serials.insert(hex);
    OPENSSL_free(hex);
    BN_free(number);
  }
  EXPECT_EQ(serials.size(), 32u);
  EXPECT_EQ(bits_most, 128);  // 1 in 2^32 that none of them is
}

}  // namespace
}  // namespace coalition
