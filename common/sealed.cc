#include "common/sealed.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/aes_gcm.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr char kVersion = 1;
constexpr size_t kSaltBytes = 16;
constexpr size_t kOverheadBytes = 1 + kSaltBytes + kGcmTagBytes;
// Longer input is nothing that we made.
constexpr size_t kTokenBytesMax = size_t{64} << 10;
// Right because each key encrypts one message. So it is not in a token.
constexpr std::array<uint8_t, kGcmNonceBytes> kNonce = {};

void Require(bool ok) {
  if (ok) return;
  std::fputs("fatal: a text is too long to be sealed in a token\n", stderr);
  std::abort();
}

struct TokenKey {
  TokenKey(std::span<const uint8_t> key, std::string_view salt) : bytes(HmacSha256(Bytes(key), salt)) {}
  ~TokenKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  TokenKey(const TokenKey&) = delete;
  TokenKey& operator=(const TokenKey&) = delete;
  Sha256Digest bytes;
};

absl::Status NotOurs() { return absl::InvalidArgumentError("the token is not valid for this request"); }

// What `bytes`, which have the layout of a token, seal under that key. nullopt: it has not sealed them.
std::optional<std::string> OpenWith(const SealKey& seal_key, std::string_view bytes,
                                    std::string_view associated_data) {
  const TokenKey key(seal_key, bytes.substr(1, kSaltBytes));
  std::string sealed(Bytes(kNonce));
  sealed += bytes.substr(1 + kSaltBytes);
  return GcmOpen(key.bytes, sealed, associated_data);
}

}  // namespace

Sealer::Sealer(std::span<const uint8_t, kSealKeyBytes> key, Random& random, std::vector<SealKey> former)
    : former_(std::move(former)), random_(random) {
  std::copy(key.begin(), key.end(), key_.begin());
}

Sealer::~Sealer() {
  OPENSSL_cleanse(key_.data(), key_.size());
  for (SealKey& key : former_) OPENSSL_cleanse(key.data(), key.size());
}

std::string Sealer::Seal(std::string_view plaintext, std::string_view associated_data) const {
  Require(plaintext.size() <= kTokenBytesMax / 2 &&
          associated_data.size() <= std::numeric_limits<int>::max());
  const std::string salt = random_.Bytes(kSaltBytes);
  const TokenKey key(key_, salt);
  std::string sealed(1, kVersion);
  sealed += salt;
  sealed += std::string_view(GcmSeal(key.bytes, kNonce, plaintext, associated_data)).substr(kGcmNonceBytes);
  return absl::WebSafeBase64Escape(sealed);
}

absl::StatusOr<std::string> Sealer::Open(std::string_view token, std::string_view associated_data) const {
  if (token.size() > kTokenBytesMax || associated_data.size() > std::numeric_limits<int>::max())
    return NotOurs();
  std::string sealed;
  // The decoder is lenient about padding and unused bits: only the one spelling that we would have made is
  // ours.
  if (!absl::WebSafeBase64Unescape(Absl(token), &sealed) ||
      Absl(token) != absl::WebSafeBase64Escape(sealed)) {
    return NotOurs();
  }
  if (sealed.size() < kOverheadBytes || sealed[0] != kVersion) return NotOurs();
  std::optional<std::string> plaintext = OpenWith(key_, sealed, associated_data);
  for (size_t i = 0; !plaintext && i < former_.size(); ++i) {
    plaintext = OpenWith(former_[i], sealed, associated_data);
  }
  if (!plaintext) return NotOurs();
  return *std::move(plaintext);
}

}  // namespace coalition
