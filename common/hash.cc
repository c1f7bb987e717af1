#include "common/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace coalition {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::string_view kBase32Digits = "abcdefghijklmnopqrstuvwxyz234567";

// SHA-256 fails only when memory or OpenSSL itself is broken: no caller could go on.
void Require(bool ok) {
  if (ok) return;
  std::fputs("fatal: OpenSSL cannot compute SHA-256\n", stderr);
  std::abort();
}

// Fetching the algorithm by name costs more than hashing a short text with it: fetch once, for the process's
// life.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Require(algorithm != nullptr);
  return algorithm;
}

struct DigestContext {
  DigestContext() : context(EVP_MD_CTX_new()) { Require(context != nullptr); }
  ~DigestContext() { EVP_MD_CTX_free(context); }
  DigestContext(const DigestContext&) = delete;
  DigestContext& operator=(const DigestContext&) = delete;
  EVP_MD_CTX* context;
};

void Begin(EVP_MD_CTX* context) { Require(EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr) == 1); }

void Add(EVP_MD_CTX* context, std::string_view data) {
  Require(EVP_DigestUpdate(context, data.data(), data.size()) == 1);
}

Sha256Digest End(EVP_MD_CTX* context) {
  Sha256Digest digest;
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(context, digest.data(), &size) == 1 && size == digest.size());
  return digest;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int Base32Value(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

Sha256Digest Sha256(std::string_view data) { return Sha256({data}); }

Sha256Digest Sha256(std::initializer_list<std::string_view> parts) {
  thread_local DigestContext digest;
  Begin(digest.context);
  for (std::string_view part : parts) Add(digest.context, part);
  return End(digest.context);
}

struct Sha256Stream::Impl {
  DigestContext digest;
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) { Begin(impl_->digest.context); }
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Update(std::string_view data) { Add(impl_->digest.context, data); }

Sha256Digest Sha256Stream::Finish() {
  const Sha256Digest digest = End(impl_->digest.context);
  Begin(impl_->digest.context);
  return digest;
}

// By its definition: OpenSSL's MAC interface takes twice the time for the short texts that are hashed here.
Sha256Digest HmacSha256(std::string_view key, std::string_view data) {
  constexpr size_t kBlockBytes = 64;
  std::array<char, kBlockBytes> block{};
  if (key.size() > kBlockBytes) {
    const Sha256Digest digest = Sha256(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (char& byte : block) byte = static_cast<char>(byte ^ 0x36);
  const Sha256Digest inner = Sha256({{block.data(), block.size()}, data});
  for (char& byte : block) byte = static_cast<char>(byte ^ 0x36 ^ 0x5c);
  const Sha256Digest outer = Sha256({{block.data(), block.size()}, Bytes(inner)});
  OPENSSL_cleanse(block.data(), block.size());
  return outer;
}

std::string HexEncode(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    hex.push_back(kHexDigits[value >> 4]);
    hex.push_back(kHexDigits[value & 0x0f]);
  }
  return hex;
}

std::optional<std::string> HexDecode(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexValue(hex[i]);
    const int low = HexValue(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

std::string Base32Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t buffer = 0;
  int bits = 0;
  for (const char byte : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 5; bits -= 5) text.push_back(kBase32Digits[(buffer >> (bits - 5)) & 31]);
    buffer &= (1U << bits) - 1;
  }
  if (bits > 0) text.push_back(kBase32Digits[(buffer << (5 - bits)) & 31]);
  return text;
}

std::optional<std::string> Base32Decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 5 / 8);
  uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = Base32Value(c);
    if (value < 0) return std::nullopt;
    buffer = (buffer << 5) | static_cast<uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(buffer >> bits));
      buffer &= (1U << bits) - 1;
    }
  }
  // A whole digit too many, or bits that another spelling could have set.
  if (bits >= 5 || buffer != 0) return std::nullopt;
  return bytes;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace coalition
