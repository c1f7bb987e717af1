#include "server/identity/identity.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "common/strings.h"
#include "common/tls.h"

namespace coalition::identity {
namespace {

// A leaf with one name is about 1 KiB.
constexpr size_t kPeerPemBytesMax = 16'384;
constexpr size_t kShards = 16;

absl::Status Malformed(std::string_view message, std::string_view found) {
  return Error(v1::ERROR_REASON_IDENTITY_MALFORMED, message, {{"found", found}});
}

absl::Status Unregistered(std::string_view message, std::string_view identity) {
  return Error(v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, message, {{"identity", identity}});
}

// What a certificate says, whoever asks and whenever: the part that may be kept.
struct Parsed {
  absl::Status malformed;  // OK: the rest holds
  SpiffeId id;
  Sha256Digest key_sha256{};
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;
};

absl::Status CheckUse(const CertificateFacts& facts) {
  if (facts.uri_sans.size() != 1) {
    return Malformed("The client certificate must have exactly one URI subject alternative name.",
                     absl::StrCat(facts.uri_sans.size(), " URI names"));
  }
  if (facts.is_ca)
    return Malformed("The client certificate is a CA's, which identifies nobody.", "a CA certificate");
  if (!facts.client_auth) {
    return Malformed("The client certificate's extended key usage does not allow TLS clients.",
                     "no clientAuth");
  }
  return absl::OkStatus();
}

Parsed Refused(absl::Status why) {
  Parsed parsed;
  parsed.malformed = std::move(why);
  return parsed;
}

Parsed Parse(std::string_view pem, const std::string& trust_domain) {
  const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(pem);
  if (!facts.ok())
    return Refused(Malformed("The client certificate cannot be read.", Std(facts.status().message())));
  if (absl::Status use = CheckUse(*facts); !use.ok()) return Refused(std::move(use));
  absl::StatusOr<SpiffeId> id = ParseSpiffeMemberId(facts->uri_sans[0]);
  if (!id.ok()) {
    return Refused(Malformed(
        "The client certificate's URI name must be spiffe://{trust domain}/member/{member}/{credential}.",
        Quoted(facts->uri_sans[0])));
  }
  if (id->trust_domain != trust_domain) {
    return Refused(
        Malformed(absl::StrCat("The client certificate is of another trust domain than ", trust_domain, "."),
                  id->trust_domain));
  }
  Parsed parsed;
  parsed.id = *std::move(id);
  parsed.key_sha256 = facts->spki_sha256;
  parsed.not_before_s = facts->not_before_s;
  parsed.not_after_s = facts->not_after_s;
  return parsed;
}

// Whether the credential may use the key at that time.
bool Accepts(const RegisteredCredential& registered, const Sha256Digest& key, int64_t now_s) {
  if (registered.key_sha256 != Sha256Digest{} &&
      ConstantTimeEquals(Bytes(registered.key_sha256), Bytes(key))) {
    return true;
  }
  return now_s < registered.previous_key_until_s &&
         ConstantTimeEquals(Bytes(registered.previous_key_sha256), Bytes(key));
}

bool Revoked(const RegisteredCredential& registered, const Sha256Digest& key) {
  return std::find(registered.revoked_keys.begin(), registered.revoked_keys.end(), key) !=
         registered.revoked_keys.end();
}

absl::Status RevokedError(std::string_view message, const SpiffeId& id) {
  return Error(v1::ERROR_REASON_CREDENTIAL_REVOKED, message, {{"identity", FormatSpiffeMemberId(id)}});
}

absl::Status NotCurrent(const Parsed& parsed, int64_t now_s) {
  const bool early = now_s < parsed.not_before_s;
  const std::string time = FormatTime(early ? parsed.not_before_s : parsed.not_after_s);
  return Error(v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT,
               absl::StrCat(early ? "The client certificate is not valid before "
                                  : "The client certificate expired at ",
                            time, "."),
               {{early ? "not_before" : "not_after", time}});
}

}  // namespace

KeyUse UseOf(const RegisteredCredential& registered, const Sha256Digest& key,
             int64_t certificate_not_before_s, int64_t now_s) {
  if (!Accepts(registered, key, now_s)) {
    if (Revoked(registered, key)) return KeyUse::kRevoked;
    const Sha256Digest& waiting = registered.unconfirmed_key_sha256;
    return waiting != Sha256Digest{} && ConstantTimeEquals(Bytes(waiting), Bytes(key)) ? KeyUse::kUnconfirmed
                                                                                       : KeyUse::kUnknown;
  }
  return certificate_not_before_s < registered.certificates_not_before_s ? KeyUse::kCertificateRefused
                                                                         : KeyUse::kAccepted;
}

absl::Status RevokedSince() {
  return Error(v1::ERROR_REASON_CREDENTIAL_REVOKED, "The credential's key or certificate was revoked.");
}

// Bounded and sharded. What is full loses its oldest entries: a certificate that is still in use is parsed
// again.
class Identifier::Cache {
 public:
  explicit Cache(size_t entries_max) : entries_per_shard_(std::max<size_t>(entries_max / kShards, 1)) {}

  // nullptr: not kept.
  std::shared_ptr<const Parsed> Find(std::string_view pem, size_t hash) {
    Shard& shard = ShardOf(hash);
    MutexLock lock(shard.mutex);
    const auto it = shard.entries.find(Key{pem, hash});
    return it == shard.entries.end() ? nullptr : it->second->parsed;
  }

  void Insert(std::string_view pem, size_t hash, std::shared_ptr<const Parsed> parsed) {
    auto entry = std::make_unique<Entry>(Entry{std::string(pem), hash, std::move(parsed)});
    Shard& shard = ShardOf(hash);
    MutexLock lock(shard.mutex);
    const Key key{entry->pem, hash};
    if (shard.entries.contains(key)) return;  // another thread was first
    if (shard.order.size() >= entries_per_shard_) {
      shard.entries.erase(shard.order.front());
      shard.order.pop_front();
    }
    shard.order.push_back(key);
    shard.entries.emplace(key, std::move(entry));
  }

 private:
  // Points into its Entry; compares all bytes, for a hash identifies nobody.
  struct Key {
    std::string_view pem;
    size_t hash;
    friend bool operator==(const Key& a, const Key& b) { return a.hash == b.hash && a.pem == b.pem; }
  };
  struct KeyHash {
    size_t operator()(const Key& key) const { return key.hash; }
  };
  struct Entry {
    std::string pem;
    size_t hash;
    std::shared_ptr<const Parsed> parsed;
  };
  struct Shard {
    Mutex mutex;
    absl::flat_hash_map<Key, std::unique_ptr<Entry>, KeyHash> entries ABSL_GUARDED_BY(mutex);
    std::deque<Key> order ABSL_GUARDED_BY(mutex);  // oldest first
  };

  // By other bits than those by which the table places its entries.
  Shard& ShardOf(size_t hash) { return shards_[(hash >> 48) % kShards]; }

  const size_t entries_per_shard_;
  std::array<Shard, kShards> shards_;
};

Identifier::Identifier(std::string trust_domain, size_t cached_certificates_max)
    : trust_domain_(std::move(trust_domain)), cache_(std::make_unique<Cache>(cached_certificates_max)) {}

Identifier::~Identifier() = default;

absl::StatusOr<Caller> Identifier::Identify(std::string_view peer_pem, const CredentialRegistry& registry,
                                            int64_t now_s) const {
  if (peer_pem.empty()) return Malformed("There is no client certificate.", "nothing");
  if (peer_pem.size() > kPeerPemBytesMax) {
    return Malformed("The client certificate is too large.", absl::StrCat(peer_pem.size(), " bytes"));
  }
  const size_t hash = absl::Hash<std::string_view>{}(peer_pem);
  std::shared_ptr<const Parsed> parsed = cache_->Find(peer_pem, hash);
  if (parsed == nullptr) {
    parsed = std::make_shared<const Parsed>(Parse(peer_pem, trust_domain_));
    cache_->Insert(peer_pem, hash, parsed);
  }
  if (!parsed->malformed.ok()) return parsed->malformed;
  // From here on everything is asked again at each call: it changes while a connection lives.
  const RegisteredCredential* registered = registry.Find(parsed->id.member, parsed->id.credential);
  if (registered == nullptr) {
    return Unregistered("The credential is not registered.", FormatSpiffeMemberId(parsed->id));
  }
  switch (UseOf(*registered, parsed->key_sha256, parsed->not_before_s, now_s)) {
    case KeyUse::kAccepted:
      break;
    case KeyUse::kUnknown:
      return Unregistered("The certificate's public key is not the one registered for the credential.",
                          FormatSpiffeMemberId(parsed->id));
    case KeyUse::kUnconfirmed:
      return Error(v1::ERROR_REASON_CREDENTIAL_UNREGISTERED,
                   "The certificate's public key is registered and waits to be confirmed.",
                   {{"identity", FormatSpiffeMemberId(parsed->id)}, {"state", "UNCONFIRMED"}});
    case KeyUse::kRevoked:
      return RevokedError("The certificate's public key was revoked.", parsed->id);
    case KeyUse::kCertificateRefused:
      return RevokedError("Your member refuses certificates that became valid as early as this one.",
                          parsed->id);
  }
  if (now_s < parsed->not_before_s || now_s > parsed->not_after_s) return NotCurrent(*parsed, now_s);
  return Caller{.member_number = registered->member_number,
                .member = registered->member,
                .credential = registered->credential,
                .roles = registered->roles,
                .purpose = registered->purpose,
                .gate = registered->gate.get(),
                .key_sha256 = parsed->key_sha256,
                .certificate_not_before_s = parsed->not_before_s,
                .certificate_not_after_s = parsed->not_after_s};
}

}  // namespace coalition::identity
