#include "server/contents/contents.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/big_endian.h"
#include "common/random.h"

namespace coalition::contents {
namespace {

constexpr std::string_view kFingerprintDomain = "fingerprint";
// Sealed for the id of all zeros, which no record has: ids are random.
constexpr std::string_view kMarkText = "coalition-contents";

// For a record whose key is gone: one that nobody keeps.
LeafKey KeyOfNobody() {
  LeafKey key{PuncturedTree::Key()};
  SystemRandom().Fill(key.bytes);
  return key;
}

uint64_t IndexOf(const RecordId& id) {
  return ReadBigEndian<uint64_t>(Bytes(id)) >> (64 - ContentKeys::kTreeBits);
}

}  // namespace

ContentKeys::TokenHash::TokenHash(std::string_view pseudonym, std::string_view domain)
    : TokenHash(HmacSha256(pseudonym, domain)) {}

ContentKeys::TokenHash::TokenHash(const Sha256Digest& keys)
    : high_(std::span(keys).first<KeyedHash::kKeyBytes>()),
      low_(std::span(keys).last<KeyedHash::kKeyBytes>()) {}

std::string ContentKeys::TokenHash::TokenOf(std::string_view text) const {
  std::array<char, 2 * sizeof(uint64_t)> bytes;
  uint64_t high = high_.Strong(text), low = low_.Strong(text);
  for (size_t i = sizeof(uint64_t); i > 0; --i, high >>= 8, low >>= 8) {
    bytes[i - 1] = static_cast<char>(high);
    bytes[sizeof(uint64_t) + i - 1] = static_cast<char>(low);
  }
  return Base32Encode({bytes.data(), bytes.size()});
}

ContentKeys::ContentKeys(std::string file, PuncturedTree tree, std::string_view pseudonym)
    : keys_(std::move(file), std::move(tree)),
      sellers_(pseudonym, "sellers"),
      external_ids_(pseudonym, "external ids"),
      pseudonym_mark_(HmacSha256(pseudonym, "mark")) {}

std::shared_ptr<ContentKeys> ContentKeys::Make(std::string file, PuncturedTree tree,
                                               std::string_view pseudonym) {
  if (tree.bits() != kTreeBits || pseudonym.size() != kPseudonymKeyBytes) {
    std::fputs("fatal: keys of contents have another size\n", stderr);
    std::abort();
  }
  return std::shared_ptr<ContentKeys>(new ContentKeys(std::move(file), std::move(tree), pseudonym));
}

std::string ContentKeys::Seal(const RecordId& id, std::string_view contents) const {
  std::optional<LeafKey> key = keys_.Leaf(IndexOf(id));
  if (!key) key = KeyOfNobody();
  std::array<uint8_t, kGcmNonceBytes> nonce;
  PagedRandom().Fill(nonce);
  return GcmSeal(key->bytes, nonce, contents, Bytes(id));
}

std::optional<std::string> ContentKeys::Open(const RecordId& id, std::string_view sealed) const {
  const std::optional<LeafKey> key = keys_.Leaf(IndexOf(id));
  return key ? GcmOpen(key->bytes, sealed, Bytes(id)) : std::nullopt;
}

bool ContentKeys::IsErased(const RecordId& id) const { return !keys_.Leaf(IndexOf(id)); }

absl::Status ContentKeys::Erase(std::span<const RecordId> ids) {
  std::vector<uint64_t> indices;
  indices.reserve(ids.size());
  for (const RecordId& id : ids) indices.push_back(IndexOf(id));
  return keys_.DestroyLeaves(indices);
}

std::string ContentKeys::SellerToken(std::string_view platform, std::string_view seller_id) const {
  if (seller_id.empty()) return std::string();
  // A platform's id has no zero byte.
  thread_local std::string text;
  text.assign(platform);
  text.push_back('\0');
  text.append(seller_id);
  return sellers_.TokenOf(text);
}

std::string ContentKeys::ExternalIdToken(uint32_t member, std::string_view external_id) const {
  thread_local std::string text;
  text.clear();
  AppendBigEndian(member, &text);
  text.append(external_id);
  return external_ids_.TokenOf(text);
}

Sha256Digest ContentKeys::Fingerprint(const RecordId& id, const Sha256Digest& of) const {
  std::optional<LeafKey> key = keys_.Leaf(IndexOf(id));
  if (!key) key = KeyOfNobody();
  std::string text(kFingerprintDomain);
  text += Bytes(of);
  return HmacSha256(Bytes(key->bytes), text);
}

std::string ContentKeys::Mark() const {
  return std::string(Bytes(pseudonym_mark_)) + Seal(RecordId(), kMarkText);
}

absl::Status ContentKeys::CheckMark(std::string_view mark) const {
  const auto of_another = [](std::string_view file) {
    return absl::FailedPreconditionError(
        absl::StrCat("key_dir/", std::string(file),
                     " is not the one that the store was made with: restore it from your copy of the key "
                     "directory; what to do if there is none stands in docs/operations.md, \"The keys\"."));
  };
  const size_t size = pseudonym_mark_.size();
  if (mark.substr(0, size) != Bytes(pseudonym_mark_)) return of_another(kPseudonymFile);
  if (Open(RecordId(), mark.substr(size)) != kMarkText) return of_another(kErasureKeysFile);
  return absl::OkStatus();
}

Sha256Digest ContentKeys::Digest() const { return keys_.Digest(); }

}  // namespace coalition::contents
