// Makes certificates for tests with OpenSSL: right ones, and each wrong one that a server must refuse.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace coalition::testing {

// A certificate with its private key, as PEM.
struct Identity {
  std::string certificate_pem;  // the leaf, then the issuing CA's if there is one
  std::string key_pem;
  std::string spki_sha256_hex;  // what the bootstrap file registers
};

struct IdentityFiles {
  std::string certificate;
  std::string key;  // mode 0600
};

// What to put into a certificate.
struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> emails;
  bool client_auth = true;
  bool server_auth = false;
  bool is_ca = false;
  // Relative to the factory's now.
  int64_t begins_in_s = -3600;
  int64_t ends_in_s = 86'400;
  std::string curve = "P-256";
  // RSA 2048 instead.
  bool rsa = false;
  // PEM of a key to use again; empty: a new one.
  std::string key_pem;
};

// A root CA and what it signs. Every identity has a new key unless it says otherwise. Not thread-safe. Aborts
// when OpenSSL fails, since no test could go on.
class CertificateFactory {
 public:
  struct Options {
    std::string trust_domain = "coalition.example";
    // Signs leaves by an issuing CA below the root instead of by the root.
    bool issuing_ca = false;
    std::string root_name = "test root CA";
    // Seconds since the Unix epoch; 0: the machine's now.
    int64_t now_s = 0;
  };

  CertificateFactory();
  explicit CertificateFactory(Options options);
  ~CertificateFactory();
  CertificateFactory(CertificateFactory&&) noexcept;

  // The root's certificate: what both sides trust.
  const std::string& ca_pem() const;
  const std::string& trust_domain() const;
  int64_t now_s() const;
  // spiffe://{trust domain}/member/{member}/{credential}
  std::string SpiffeUri(const std::string& member, const std::string& credential) const;

  // What is accepted.
  Identity Server(const std::vector<std::string>& dns_names = {"localhost"},
                  const std::vector<std::string>& ip_addresses = {"127.0.0.1", "::1"});
  Identity Member(const std::string& member, const std::string& credential);
  // A new certificate of the same key.
  Identity Renewed(const Identity& identity, const std::string& member, const std::string& credential);

  // What is refused, and by whom: by TLS,
  Identity Expired(const std::string& member, const std::string& credential);
  Identity NotYetValid(const std::string& member, const std::string& credential);
  Identity OtherCa(const std::string& member, const std::string& credential);
  Identity SelfSigned(const std::string& member, const std::string& credential);
  Identity ServerOnly(const std::string& member, const std::string& credential);  // extended key usage
  Identity ExpiredServer();
  Identity RsaServer();
  // and by the identity room.
  Identity TwoUris(const std::string& member, const std::string& credential);
  Identity CommonNameOnly(const std::string& member, const std::string& credential);  // the URI as CN
  Identity NoSan();
  Identity DnsOnly(const std::string& dns_name);
  Identity OtherTrustDomain(const std::string& member, const std::string& credential);
  // A registered name with a key that is not the registered one is Member() called a second time.

  Identity Make(const CertificateSpec& spec);

  // Writes {stem}.pem and {stem}.key into the directory, which must be there.
  static IdentityFiles Write(const Identity& identity, const std::string& directory, const std::string& stem);
  // Writes ca.pem; returns its path.
  std::string WriteCa(const std::string& directory) const;

 private:
  struct Impl;
  CertificateSpec MemberSpec(const std::string& member, const std::string& credential) const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coalition::testing
