#include "common/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <algorithm>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/openssl.h"
#include "common/strings.h"

namespace coalition {
namespace {

using openssl::HashKey;
using openssl::NamesPtr;
using openssl::Oneline;
using openssl::OutOfMemory;
using openssl::ReadCertificates;
using openssl::ReadKey;
using openssl::StackPtr;
using openssl::StoreContextPtr;
using openssl::StorePtr;
using openssl::X509Ptr;

std::string_view BytesOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string CommonName(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return "";
  return CleanUtf8(BytesOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))), 256);
}

std::string FormatAddress(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof(text));
  if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

// False: the extension is there more than once or cannot be read.
bool ReadNames(const X509* certificate, CertificateFacts* facts) {
  int critical = -1;
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
  if (names == nullptr) return critical == -1;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_URI:
        facts->uri_sans.emplace_back(BytesOf(name->d.uniformResourceIdentifier));
        break;
      case GEN_DNS:
        facts->dns_sans.emplace_back(BytesOf(name->d.dNSName));
        break;
      case GEN_IPADD:
        facts->ip_sans.push_back(FormatAddress(BytesOf(name->d.iPAddress)));
        break;
      default:
        ++facts->other_sans;
    }
  }
  return true;
}

bool ReadTime(const ASN1_TIME* time, int64_t* unix_s) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return false;
  *unix_s = timegm(&parts);
  return true;
}

absl::StatusOr<CertificateFacts> FactsOf(X509* certificate) {
  CertificateFacts facts;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  facts.common_name = CommonName(subject);
  facts.subject = Oneline(subject);
  facts.issuer = Oneline(X509_get_issuer_name(certificate));
  facts.self_signed = X509_NAME_cmp(subject, X509_get_issuer_name(certificate)) == 0;
  const uint32_t flags = X509_get_extension_flags(certificate);
  const uint32_t usage =
      X509_get_extended_key_usage(certificate);  // all bits when there is no such extension
  const bool complete = (flags & EXFLAG_INVALID) == 0 && ReadNames(certificate, &facts) &&
                        ReadTime(X509_get0_notBefore(certificate), &facts.not_before_s) &&
                        ReadTime(X509_get0_notAfter(certificate), &facts.not_after_s) &&
                        HashKey(X509_get_X509_PUBKEY(certificate), &facts.spki_sha256);
  ERR_clear_error();
  if (!complete)
    return absl::InvalidArgumentError("the certificate has an extension, time or key that cannot be read");
  facts.is_ca = (flags & EXFLAG_CA) != 0;
  facts.client_auth = (usage & XKU_SSL_CLIENT) != 0;
  facts.server_auth = (usage & XKU_SSL_SERVER) != 0;
  return facts;
}

bool IsTrustDomainCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

// All of `pem` into a stack that borrows from `certificates`.
StackPtr Borrow(const std::vector<X509Ptr>& certificates, size_t from) {
  StackPtr stack(sk_X509_new_null());
  for (size_t i = from; i < certificates.size(); ++i) sk_X509_push(stack.get(), certificates[i].get());
  return stack;
}

}  // namespace

absl::StatusOr<CertificateFacts> ParseCertificatePem(std::string_view pem) {
  const absl::StatusOr<std::vector<X509Ptr>> certificates = ReadCertificates(pem, 1);
  if (!certificates.ok()) return certificates.status();
  return FactsOf(certificates->front().get());
}

absl::StatusOr<std::vector<CertificateFacts>> ParseCertificateChainPem(std::string_view pem) {
  // More than any chain or bundle of a coalition's has.
  const absl::StatusOr<std::vector<X509Ptr>> certificates = ReadCertificates(pem, 256);
  if (!certificates.ok()) return certificates.status();
  std::vector<CertificateFacts> chain;
  for (const X509Ptr& certificate : *certificates) {
    absl::StatusOr<CertificateFacts> facts = FactsOf(certificate.get());
    if (!facts.ok()) return facts.status();
    chain.push_back(*std::move(facts));
  }
  return chain;
}

bool IsCurrent(const CertificateFacts& facts, int64_t now_s) {
  return facts.not_before_s <= now_s && now_s <= facts.not_after_s;
}

std::string FormatTime(int64_t unix_s) {
  const time_t time = unix_s;
  std::tm parts{};
  char text[64];
  if (gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
    return absl::StrCat("@", unix_s);
  }
  return text;
}

absl::StatusOr<PrivateKeyFacts> ParsePrivateKeyPem(std::string_view pem) {
  const absl::StatusOr<openssl::KeyPtr> key = ReadKey(pem);
  if (!key.ok()) return key.status();
  PrivateKeyFacts facts;
  facts.is_ecdsa = EVP_PKEY_is_a(key->get(), "EC") == 1;
  facts.bits = EVP_PKEY_get_bits(key->get());
  const char* type = EVP_PKEY_get0_type_name(key->get());
  facts.type = type == nullptr ? "unknown" : type;
  if (!HashKey(key->get(), &facts.spki_sha256)) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the private key has no public key");
  }
  return facts;
}

absl::Status CheckKeyMatchesCertificate(std::string_view certificate_pem, std::string_view key_pem) {
  const absl::StatusOr<std::vector<X509Ptr>> certificates = ReadCertificates(certificate_pem, 1);
  if (!certificates.ok()) return certificates.status();
  const absl::StatusOr<openssl::KeyPtr> key = ReadKey(key_pem);
  if (!key.ok()) return key.status();
  const bool matches = X509_check_private_key(certificates->front().get(), key->get()) == 1;
  ERR_clear_error();
  if (matches) return absl::OkStatus();
  return absl::FailedPreconditionError("the private key is not that of the certificate");
}

absl::Status VerifyChain(std::string_view chain_pem, std::string_view ca_pem, CertificatePurpose purpose,
                         int64_t now_s) {
  const absl::StatusOr<std::vector<X509Ptr>> chain = ReadCertificates(chain_pem, 16);
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<std::vector<X509Ptr>> authorities = ReadCertificates(ca_pem, 256);
  if (!authorities.ok()) return authorities.status();
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr) return OutOfMemory();
  for (const X509Ptr& authority : *authorities) X509_STORE_add_cert(store.get(), authority.get());
  const StackPtr others = Borrow(*chain, 1);
  if (X509_STORE_CTX_init(context.get(), store.get(), chain->front().get(), others.get()) != 1) {
    return OutOfMemory();
  }
  X509_STORE_CTX_set_default(context.get(),
                             purpose == CertificatePurpose::kServer ? "ssl_server" : "ssl_client");
  X509_STORE_CTX_set_time(context.get(), 0, now_s);
  const bool verified = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  X509* culprit = X509_STORE_CTX_get_current_cert(context.get());
  ERR_clear_error();
  if (verified) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(X509_verify_cert_error_string(error), ": ",
                   culprit == nullptr ? "?" : Oneline(X509_get_subject_name(culprit))));
}

bool IsTrustDomain(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), IsTrustDomainCharacter);
}

absl::StatusOr<SpiffeId> ParseSpiffeMemberId(std::string_view uri) {
  constexpr std::string_view kScheme = "spiffe://";
  constexpr std::string_view kMember = "/member/";
  const auto refuse = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(uri), " is not spiffe://{trust domain}/member/{member}/{credential}"));
  };
  if (!uri.starts_with(kScheme)) return refuse();
  const std::string_view rest = uri.substr(kScheme.size());
  const size_t path_at = rest.find('/');
  if (path_at == std::string_view::npos) return refuse();
  const std::string_view trust_domain = rest.substr(0, path_at);
  const std::string_view path = rest.substr(path_at);
  if (!IsTrustDomain(trust_domain) || !path.starts_with(kMember)) return refuse();
  const std::string_view ids = path.substr(kMember.size());
  const size_t slash = ids.find('/');
  if (slash == std::string_view::npos) return refuse();
  const std::string_view member = ids.substr(0, slash);
  const std::string_view credential = ids.substr(slash + 1);
  if (!IsId(member) || !IsId(credential)) return refuse();
  return SpiffeId{std::string(trust_domain), std::string(member), std::string(credential)};
}

std::string FormatSpiffeMemberId(const SpiffeId& id) {
  return absl::StrCat("spiffe://", id.trust_domain, "/member/", id.member, "/", id.credential);
}

}  // namespace coalition
