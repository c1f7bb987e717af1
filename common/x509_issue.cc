#include "common/x509_issue.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "common/openssl.h"
#include "common/strings.h"

namespace coalition {
namespace {

using openssl::BioPtr;
using openssl::Failed;
using openssl::KeyPtr;
using openssl::RequestPtr;
using openssl::X509Ptr;

constexpr int64_t kDayS = 86'400;
constexpr size_t kSerialBytes = 16;
constexpr std::string_view kScheme = "spiffe://";

using SubjectParts = std::vector<std::pair<int, std::string>>;

struct CertificateForm {
  SubjectParts subject;  // NIDs and values
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;
  // As in openssl's x509v3_config, in this order. Names hold none of its special characters.
  std::vector<std::pair<int, std::string>> extensions;
};

bool SetSerial(X509* certificate, Random& random) {
  std::string bytes = random.Bytes(kSerialBytes);
  bytes.back() = static_cast<char>(bytes.back() | 1);  // never 0
  using BignumPtr = std::unique_ptr<BIGNUM, openssl::Deleter<&BN_free>>;
  const BignumPtr number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()), nullptr));
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetSubject(X509* certificate, const SubjectParts& parts) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return std::all_of(parts.begin(), parts.end(), [&](const auto& part) {
    return X509_NAME_add_entry_by_NID(name, part.first, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(part.second.data()),
                                      static_cast<int>(part.second.size()), -1, 0) == 1;
  });
}

// nullptr as `issuer`: it signs for itself.
bool AddExtensions(X509* certificate, X509* issuer, const CertificateForm& form) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr, 0);
  using ExtensionPtr = std::unique_ptr<X509_EXTENSION, openssl::Deleter<&X509_EXTENSION_free>>;
  return std::all_of(form.extensions.begin(), form.extensions.end(), [&](const auto& extension) {
    const ExtensionPtr made(
        X509V3_EXT_conf_nid(nullptr, &context, extension.first, extension.second.c_str()));
    return made != nullptr && X509_add_ext(certificate, made.get(), -1) == 1;
  });
}

// Signs with `signer`, whose certificate is `issuer`, or nullptr: the new one is its own issuer.
absl::StatusOr<std::string> Sign(const CertificateForm& form, EVP_PKEY* subject_key, X509* issuer,
                                 EVP_PKEY* signer, Random& random) {
  const X509Ptr certificate(X509_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (certificate == nullptr || bio == nullptr) return openssl::OutOfMemory();
  X509* const made = certificate.get();
  const bool signed_well =
      X509_set_version(made, X509_VERSION_3) == 1 && SetSerial(made, random) &&
      SetSubject(made, form.subject) &&
      X509_set_issuer_name(made, X509_get_subject_name(issuer == nullptr ? made : issuer)) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(made), form.not_before_s) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made), form.not_after_s) != nullptr &&
      X509_set_pubkey(made, subject_key) == 1 && AddExtensions(made, issuer, form) &&
      X509_sign(made, signer, openssl::DigestFor(signer)) > 0 && PEM_write_bio_X509(bio.get(), made) == 1;
  if (!signed_well) return Failed("make the certificate");
  return openssl::Contents(bio.get());
}

absl::Status CheckAuthoritySpec(const AuthoritySpec& spec) {
  // What OpenSSL counts are characters; so many bytes are never more.
  if (spec.name.empty() || spec.name.size() > 64 || CleanUtf8(spec.name, 64) != spec.name) {
    return absl::InvalidArgumentError("the coalition's name must have 1 to 64 bytes of UTF-8");
  }
  if (!IsTrustDomain(spec.trust_domain)) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(spec.trust_domain), " is no trust domain: write 1 to 255 of a-z, 0-9, '.', '_' and '-'"));
  }
  return absl::OkStatus();
}

CertificateForm AuthorityForm(const AuthoritySpec& spec, const std::string& role, int path_length,
                              int64_t days, int64_t now_s) {
  CertificateForm form;
  form.subject = {{NID_organizationName, spec.name}, {NID_commonName, role}};
  form.not_before_s = now_s - kIssuedBackdatedS;
  form.not_after_s = now_s + days * kDayS;
  form.extensions = {
      {NID_basic_constraints, absl::StrCat("critical,CA:TRUE,pathlen:", path_length)},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
      {NID_subject_alt_name, absl::StrCat("URI:", Absl(kScheme), spec.trust_domain)},
  };
  return form;
}

// An issuer that can sign, taken apart.
struct Issuer {
  X509Ptr certificate;
  KeyPtr key;
  CertificateFacts facts;
};

// Whether it can sign what is valid from `now_s` to `until_s`.
absl::StatusOr<Issuer> OpenIssuer(const CertificateAuthority& authority, int64_t now_s, int64_t until_s) {
  Issuer issuer;
  absl::StatusOr<std::vector<X509Ptr>> certificates = openssl::ReadCertificates(authority.certificate_pem, 1);
  if (!certificates.ok()) return certificates.status();
  absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(authority.certificate_pem);
  if (!facts.ok()) return facts.status();
  absl::StatusOr<KeyPtr> key = openssl::ReadKey(authority.key_pem);
  if (!key.ok()) return key.status();
  issuer = {std::move(certificates->front()), *std::move(key), *std::move(facts)};
  if (X509_check_private_key(issuer.certificate.get(), issuer.key.get()) != 1) {
    ERR_clear_error();
    return absl::FailedPreconditionError("the issuing key is not that of the issuing certificate");
  }
  const uint32_t usage = X509_get_key_usage(issuer.certificate.get());
  if (!issuer.facts.is_ca || (usage & KU_KEY_CERT_SIGN) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate of ", issuer.facts.subject, " may not sign others"));
  }
  if (!IsCurrent(issuer.facts, now_s)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the certificate of ", issuer.facts.subject, " is valid from ", FormatTime(issuer.facts.not_before_s),
        " to ", FormatTime(issuer.facts.not_after_s), "; it is now ", FormatTime(now_s)));
  }
  if (until_s > issuer.facts.not_after_s) {
    return absl::FailedPreconditionError(absl::StrCat(
        "what is signed would outlive its issuer, which ends at ", FormatTime(issuer.facts.not_after_s),
        ": sign for at most ", (issuer.facts.not_after_s - now_s) / kDayS, " days, or renew the issuer"));
  }
  return issuer;
}

// As the CA was made by.
absl::StatusOr<AuthoritySpec> SpecOf(const Issuer& issuer, std::string_view certificate_pem) {
  absl::StatusOr<std::string> trust_domain = TrustDomainOf(certificate_pem);
  if (!trust_domain.ok()) return trust_domain.status();
  char name[65] = "";
  const X509_NAME* subject = X509_get_subject_name(issuer.certificate.get());
  const int index = X509_NAME_get_index_by_NID(subject, NID_organizationName, -1);
  if (index >= 0) {
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
    const size_t size = static_cast<size_t>(ASN1_STRING_length(value));
    std::memcpy(name, ASN1_STRING_get0_data(value), std::min(size, sizeof(name) - 1));
  }
  const bool p256 = EVP_PKEY_get_bits(issuer.key.get()) == 256;
  const AuthoritySpec spec{name, *std::move(trust_domain), p256 ? Curve::kP256 : Curve::kP384};
  if (absl::Status status = CheckAuthoritySpec(spec); !status.ok()) return status;
  return spec;
}

// The leaf of `names` and `purpose` for the key of the request.
absl::StatusOr<std::string> IssueLeaf(const CertificateAuthority& authority, const IssueSpec& spec,
                                      SubjectParts subject, const std::string& names, const char* purpose,
                                      EVP_PKEY* key, Random& random) {
  if (spec.days < 1 || spec.days > kRootLifetimeDays) {
    return absl::InvalidArgumentError(
        absl::StrCat("a certificate is for 1 to ", kRootLifetimeDays, " days, not ", spec.days));
  }
  CertificateForm form;
  form.subject = std::move(subject);
  form.not_before_s = spec.not_before_s == 0 ? spec.now_s - kIssuedBackdatedS : spec.not_before_s;
  if (form.not_before_s > spec.now_s) {
    return absl::InvalidArgumentError("a certificate does not become valid in the future");
  }
  form.not_after_s = spec.now_s + spec.days * kDayS;
  absl::StatusOr<Issuer> issuer = OpenIssuer(authority, spec.now_s, form.not_after_s);
  if (!issuer.ok()) return issuer.status();
  form.extensions = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, purpose},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
      {NID_subject_alt_name, names},
  };
  return Sign(form, key, issuer->certificate.get(), issuer->key.get(), random);
}

// "DNS:localhost,IP:127.0.0.1"
absl::StatusOr<std::string> ServerNames(const std::vector<std::string>& dns_names,
                                        const std::vector<std::string>& ip_addresses) {
  std::vector<std::string> names;
  for (const std::string& name : dns_names) {
    if (!IsPlatformId(name)) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(name), " is no host name in lower case"));
    }
    names.push_back("DNS:" + name);
  }
  for (const std::string& address : ip_addresses) {
    unsigned char bytes[16];
    if (inet_pton(AF_INET, address.c_str(), bytes) != 1 && inet_pton(AF_INET6, address.c_str(), bytes) != 1) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(address), " is no IP address"));
    }
    names.push_back("IP:" + address);
  }
  if (names.empty()) return absl::InvalidArgumentError("a server's certificate needs a name or an address");
  return absl::StrJoin(names, ",");
}

}  // namespace

absl::StatusOr<CertificateAuthority> MakeRootCa(const AuthoritySpec& spec, int64_t now_s, Random& random) {
  if (absl::Status status = CheckAuthoritySpec(spec); !status.ok()) return status;
  absl::StatusOr<std::string> key_pem = NewPrivateKeyPem(spec.curve);
  if (!key_pem.ok()) return key_pem.status();
  const absl::StatusOr<KeyPtr> key = openssl::ReadKey(*key_pem);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> certificate = Sign(AuthorityForm(spec, "root CA", 1, kRootLifetimeDays, now_s),
                                                 key->get(), nullptr, key->get(), random);
  if (!certificate.ok()) return certificate.status();
  return CertificateAuthority{*std::move(certificate), *std::move(key_pem)};
}

absl::StatusOr<CertificateAuthority> MakeIssuingCa(const CertificateAuthority& root, int64_t now_s,
                                                   Random& random) {
  const absl::StatusOr<Issuer> issuer = OpenIssuer(root, now_s, now_s);
  if (!issuer.ok()) return issuer.status();
  if (X509_get_pathlen(issuer->certificate.get()) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate of ", issuer->facts.subject, " may not sign CAs"));
  }
  const absl::StatusOr<AuthoritySpec> spec = SpecOf(*issuer, root.certificate_pem);
  if (!spec.ok()) return spec.status();
  absl::StatusOr<std::string> key_pem = NewPrivateKeyPem(spec->curve);
  if (!key_pem.ok()) return key_pem.status();
  const absl::StatusOr<KeyPtr> key = openssl::ReadKey(*key_pem);
  if (!key.ok()) return key.status();
  // Each has a name of its own: who looks for an issuer by name finds one.
  const std::string day = FormatTime(now_s).substr(0, 10);
  CertificateForm form =
      AuthorityForm(*spec, absl::StrCat("issuing CA ", day), 0, kIssuingLifetimeDays, now_s);
  form.not_after_s = std::min(form.not_after_s, issuer->facts.not_after_s);
  absl::StatusOr<std::string> certificate =
      Sign(form, key->get(), issuer->certificate.get(), issuer->key.get(), random);
  if (!certificate.ok()) return certificate.status();
  return CertificateAuthority{*std::move(certificate), *std::move(key_pem)};
}

absl::StatusOr<std::string> TrustDomainOf(std::string_view ca_certificate_pem) {
  const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(ca_certificate_pem);
  if (!facts.ok()) return facts.status();
  if (facts->uri_sans.size() == 1 && facts->uri_sans.front().starts_with(kScheme)) {
    std::string trust_domain = facts->uri_sans.front().substr(kScheme.size());
    if (IsTrustDomain(trust_domain)) return trust_domain;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the certificate of ", facts->subject, " names no trust domain"));
}

absl::StatusOr<std::string> IssueMemberCertificate(const CertificateAuthority& issuer, const SpiffeId& id,
                                                   const IssueSpec& spec, Random& random) {
  const std::string uri = FormatSpiffeMemberId(id);
  if (absl::StatusOr<SpiffeId> parsed = ParseSpiffeMemberId(uri); !parsed.ok()) return parsed.status();
  const absl::StatusOr<RequestPtr> request = openssl::ReadRequest(spec.request_pem);
  if (!request.ok()) return request.status();
  return IssueLeaf(issuer, spec, {{NID_organizationName, id.member}, {NID_commonName, id.credential}},
                   "URI:" + uri, "clientAuth", X509_REQ_get0_pubkey(request->get()), random);
}

absl::StatusOr<std::string> IssueServerCertificate(const CertificateAuthority& issuer,
                                                   const std::vector<std::string>& dns_names,
                                                   const std::vector<std::string>& ip_addresses,
                                                   const IssueSpec& spec, Random& random) {
  const absl::StatusOr<std::string> names = ServerNames(dns_names, ip_addresses);
  if (!names.ok()) return names.status();
  const absl::StatusOr<RequestPtr> request = openssl::ReadRequest(spec.request_pem);
  if (!request.ok()) return request.status();
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request->get());
  // With any other the exchange could not leave TLS 1.3 alone.
  if (EVP_PKEY_is_a(key, "EC") != 1) {
    return absl::InvalidArgumentError("a server's key must be ECDSA: make one with P-256");
  }
  return IssueLeaf(issuer, spec, {{NID_commonName, "exchange"}}, *names, "serverAuth", key, random);
}

}  // namespace coalition
