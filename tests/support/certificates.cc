#include "tests/support/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "common/file.h"
#include "common/hash.h"

namespace coalition::testing {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using X509Ptr = std::unique_ptr<X509, FreeCertificate>;

void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "the certificate factory failed: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

template <class Write>
std::string ToPem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  Require(bio != nullptr && write(bio) == 1, "PEM");
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

std::string CertificatePem(X509* certificate) {
  return ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

KeyPtr MakeKey(const CertificateSpec& spec) {
  EVP_PKEY* key = nullptr;
  if (!spec.key_pem.empty()) {
    BIO* bio = BIO_new_mem_buf(spec.key_pem.data(), static_cast<int>(spec.key_pem.size()));
    key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
  } else {
    key = spec.rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                   : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", spec.curve.c_str());
  }
  Require(key != nullptr, "key");
  return KeyPtr(key);
}

void AddExtension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  Require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value);
  X509_EXTENSION_free(extension);
}

// By hand and not by a configuration string, in which a comma or a line's end in a name would mean something.
void AddText(GENERAL_NAMES* names, int type, const std::string& text) {
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  Require(ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1, "name");
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  sk_GENERAL_NAME_push(names, name);
}

void AddSans(X509* certificate, const CertificateSpec& spec) {
  GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
  for (const std::string& uri : spec.uris) AddText(names, GEN_URI, uri);
  for (const std::string& dns_name : spec.dns_names) AddText(names, GEN_DNS, dns_name);
  for (const std::string& email : spec.emails) AddText(names, GEN_EMAIL, email);
  for (const std::string& address : spec.ip_addresses) {
    ASN1_OCTET_STRING* value = a2i_IPADDRESS(address.c_str());
    Require(value != nullptr, "address");
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_IPADD, value);
    sk_GENERAL_NAME_push(names, name);
  }
  if (sk_GENERAL_NAME_num(names) > 0) {
    Require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1, "SAN");
  }
  sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

void AddUsage(X509* certificate, const CertificateSpec& spec) {
  AddExtension(certificate, NID_basic_constraints, spec.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  AddExtension(certificate, NID_key_usage,
               spec.is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  AddExtension(certificate, NID_subject_key_identifier, "hash");
  std::string usage = spec.client_auth ? "clientAuth" : "";
  if (spec.server_auth) usage += usage.empty() ? "serverAuth" : ",serverAuth";
  if (!spec.is_ca && !usage.empty()) AddExtension(certificate, NID_ext_key_usage, usage.c_str());
}

void SetSerial(X509* certificate) {
  unsigned char bytes[16];
  Require(RAND_bytes(bytes, sizeof(bytes)) == 1, "randomness");
  bytes[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(bytes, sizeof(bytes), nullptr);
  Require(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr, "serial");
  BN_free(number);
}

// Signed by `issuer`, or by itself when that is null.
X509Ptr Sign(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, int64_t now_s) {
  X509Ptr certificate(X509_new());
  X509* raw = certificate.get();
  Require(raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1, "certificate");
  SetSerial(raw);
  ASN1_TIME_set(X509_getm_notBefore(raw), now_s + spec.begins_in_s);
  ASN1_TIME_set(X509_getm_notAfter(raw), now_s + spec.ends_in_s);
  const auto* name = reinterpret_cast<const unsigned char*>(spec.common_name.c_str());
  X509_NAME* subject = X509_get_subject_name(raw);
  if (!spec.common_name.empty()) {
    Require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1, "CN");
  }
  Require(X509_set_issuer_name(raw, issuer == nullptr ? subject : X509_get_subject_name(issuer)) == 1,
          "issuer");
  Require(X509_set_pubkey(raw, key) == 1, "public key");
  AddUsage(raw, spec);
  AddSans(raw, spec);
  Require(X509_sign(raw, issuer == nullptr ? key : issuer_key, EVP_sha256()) > 0, "signature");
  return certificate;
}

Identity ToIdentity(X509* certificate, EVP_PKEY* key, const std::string& chain_pem) {
  Identity identity;
  identity.certificate_pem = CertificatePem(certificate) + chain_pem;
  identity.key_pem = ToPem([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Require(size > 0, "public key");
  const Sha256Digest digest = Sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  identity.spki_sha256_hex = HexEncode(Bytes(digest));
  OPENSSL_free(der);
  return identity;
}

CertificateSpec CaSpec(const std::string& common_name) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.is_ca = true;
  // Longer than anything it signs, so that a test of an expired leaf is not one of an expired CA.
  spec.begins_in_s = -40 * 86'400;
  spec.ends_in_s = 400 * 86'400;
  return spec;
}

void WriteOrAbort(const std::string& path, const std::string& contents, unsigned mode) {
  const absl::Status status = WriteFileAtomic(path, contents, mode);
  Require(status.ok(), status.ToString().c_str());
}

}  // namespace

struct CertificateFactory::Impl {
  Options options;
  KeyPtr root_key;
  X509Ptr root;
  std::string root_pem;
  KeyPtr issuing_key;  // null: the root signs
  X509Ptr issuing;

  X509* issuer() const { return issuing != nullptr ? issuing.get() : root.get(); }
  EVP_PKEY* issuer_key() const { return issuing != nullptr ? issuing_key.get() : root_key.get(); }
};

CertificateFactory::CertificateFactory() : CertificateFactory(Options{}) {}

CertificateFactory::CertificateFactory(Options options) : impl_(std::make_unique<Impl>()) {
  if (options.now_s == 0) options.now_s = std::time(nullptr);
  impl_->options = std::move(options);
  const int64_t now_s = impl_->options.now_s;
  const CertificateSpec root = CaSpec(impl_->options.root_name);
  impl_->root_key = MakeKey(root);
  impl_->root = Sign(root, impl_->root_key.get(), nullptr, nullptr, now_s);
  impl_->root_pem = CertificatePem(impl_->root.get());
  if (!impl_->options.issuing_ca) return;
  const CertificateSpec issuing = CaSpec("test issuing CA");
  impl_->issuing_key = MakeKey(issuing);
  impl_->issuing = Sign(issuing, impl_->issuing_key.get(), impl_->root.get(), impl_->root_key.get(), now_s);
}

CertificateFactory::~CertificateFactory() = default;
CertificateFactory::CertificateFactory(CertificateFactory&&) noexcept = default;

const std::string& CertificateFactory::ca_pem() const { return impl_->root_pem; }
const std::string& CertificateFactory::trust_domain() const { return impl_->options.trust_domain; }
int64_t CertificateFactory::now_s() const { return impl_->options.now_s; }

std::string CertificateFactory::SpiffeUri(const std::string& member, const std::string& credential) const {
  return "spiffe://" + trust_domain() + "/member/" + member + "/" + credential;
}

CertificateSpec CertificateFactory::MemberSpec(const std::string& member,
                                               const std::string& credential) const {
  CertificateSpec spec;
  spec.common_name = member + " " + credential;
  spec.uris = {SpiffeUri(member, credential)};
  return spec;
}

Identity CertificateFactory::Make(const CertificateSpec& spec) {
  const KeyPtr key = MakeKey(spec);
  const X509Ptr certificate = Sign(spec, key.get(), impl_->issuer(), impl_->issuer_key(), now_s());
  return ToIdentity(certificate.get(), key.get(),
                    impl_->issuing != nullptr ? CertificatePem(impl_->issuing.get()) : "");
}

Identity CertificateFactory::Server(const std::vector<std::string>& dns_names,
                                    const std::vector<std::string>& ip_addresses) {
  CertificateSpec spec;
  spec.common_name = "exchange";
  spec.dns_names = dns_names;
  spec.ip_addresses = ip_addresses;
  spec.client_auth = false;
  spec.server_auth = true;
  return Make(spec);
}

Identity CertificateFactory::Member(const std::string& member, const std::string& credential) {
  return Make(MemberSpec(member, credential));
}

Identity CertificateFactory::Renewed(const Identity& identity, const std::string& member,
                                     const std::string& credential) {
  CertificateSpec spec = MemberSpec(member, credential);
  spec.key_pem = identity.key_pem;
  return Make(spec);
}

Identity CertificateFactory::Expired(const std::string& member, const std::string& credential) {
  CertificateSpec spec = MemberSpec(member, credential);
  spec.begins_in_s = -30 * 86'400;
  spec.ends_in_s = -86'400;
  return Make(spec);
}

Identity CertificateFactory::NotYetValid(const std::string& member, const std::string& credential) {
  CertificateSpec spec = MemberSpec(member, credential);
  spec.begins_in_s = 86'400;
  spec.ends_in_s = 30 * 86'400;
  return Make(spec);
}

Identity CertificateFactory::OtherCa(const std::string& member, const std::string& credential) {
  Options options = impl_->options;
  options.root_name = "other root CA";
  return CertificateFactory(options).Member(member, credential);
}

Identity CertificateFactory::SelfSigned(const std::string& member, const std::string& credential) {
  const CertificateSpec spec = MemberSpec(member, credential);
  const KeyPtr key = MakeKey(spec);
  return ToIdentity(Sign(spec, key.get(), nullptr, nullptr, now_s()).get(), key.get(), "");
}

Identity CertificateFactory::ServerOnly(const std::string& member, const std::string& credential) {
  CertificateSpec spec = MemberSpec(member, credential);
  spec.client_auth = false;
  spec.server_auth = true;
  return Make(spec);
}

Identity CertificateFactory::ExpiredServer() {
  CertificateSpec spec;
  spec.common_name = "exchange";
  spec.dns_names = {"localhost"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  spec.client_auth = false;
  spec.server_auth = true;
  spec.begins_in_s = -30 * 86'400;
  spec.ends_in_s = -86'400;
  return Make(spec);
}

Identity CertificateFactory::RsaServer() {
  CertificateSpec spec;
  spec.common_name = "exchange";
  spec.dns_names = {"localhost"};
  spec.client_auth = false;
  spec.server_auth = true;
  spec.rsa = true;
  return Make(spec);
}

Identity CertificateFactory::TwoUris(const std::string& member, const std::string& credential) {
  CertificateSpec spec = MemberSpec(member, credential);
  spec.uris.push_back(SpiffeUri("another", credential));
  return Make(spec);
}

Identity CertificateFactory::CommonNameOnly(const std::string& member, const std::string& credential) {
  CertificateSpec spec;
  // A CN holds 64 characters at most.
  spec.common_name = SpiffeUri(member, credential).substr(0, 64);
  return Make(spec);
}

Identity CertificateFactory::NoSan() {
  CertificateSpec spec;
  spec.common_name = "nobody";
  return Make(spec);
}

Identity CertificateFactory::DnsOnly(const std::string& dns_name) {
  CertificateSpec spec;
  spec.common_name = dns_name;
  spec.dns_names = {dns_name};
  return Make(spec);
}

Identity CertificateFactory::OtherTrustDomain(const std::string& member, const std::string& credential) {
  CertificateSpec spec = MemberSpec(member, credential);
  spec.uris = {"spiffe://elsewhere.example/member/" + member + "/" + credential};
  return Make(spec);
}

IdentityFiles CertificateFactory::Write(const Identity& identity, const std::string& directory,
                                        const std::string& stem) {
  IdentityFiles files{.certificate = directory + "/" + stem + ".pem", .key = directory + "/" + stem + ".key"};
  WriteOrAbort(files.certificate, identity.certificate_pem, 0644);
  WriteOrAbort(files.key, identity.key_pem, 0600);
  return files;
}

std::string CertificateFactory::WriteCa(const std::string& directory) const {
  std::string path = directory + "/ca.pem";
  WriteOrAbort(path, ca_pem(), 0644);
  return path;
}

}  // namespace coalition::testing
