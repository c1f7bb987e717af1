#include "common/ledger_leaf.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/status/status.h"
#include "common/big_endian.h"

namespace coalition::ledger {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kTickHead = "coalition-tick/v1\n";
constexpr std::string_view kEntryHead = "ledgerEntries/";

// nullopt: not a number, or not spelled as it would be.
std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool canonical = text.size() == 1 || (!text.empty() && text[0] != '0');
  if (!canonical || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Sha256Digest CommitmentOf(std::string_view salt, std::string_view content) {
  return Sha256({"\x04"sv, salt, content});
}

Sha256Digest EntryLeafHash(const Sha256Digest& open, const Sha256Digest& reserved) {
  return Sha256({"\x00"sv, Bytes(open), Bytes(reserved)});
}

Sha256Digest TickSaltOf(merkle::TickSecret secret) { return Sha256({"\x05"sv, Bytes(secret)}); }

std::string TickLeaf(uint64_t tick, int64_t time_ms, const Sha256Digest& salt,
                     const Sha256Digest& entries_root) {
  std::string leaf(kTickHead);
  AppendBigEndian(tick, &leaf);
  AppendBigEndian(static_cast<uint64_t>(time_ms), &leaf);
  leaf.append(Bytes(salt));
  leaf.append(Bytes(entries_root));
  return leaf;
}

std::string FormatEntryName(EntryPlace place) {
  std::string name(kEntryHead);
  name += std::to_string(place.tick);
  name += '-';
  name += std::to_string(place.slot);
  return name;
}

absl::StatusOr<EntryPlace> ParseEntryName(std::string_view name) {
  if (name.starts_with(kEntryHead)) {
    const std::string_view rest = name.substr(kEntryHead.size());
    const size_t dash = rest.find('-');
    if (dash != std::string_view::npos) {
      const auto tick = ParseDecimal(rest.substr(0, dash)), slot = ParseDecimal(rest.substr(dash + 1));
      if (tick && *tick < uint64_t{std::numeric_limits<int64_t>::max()} && slot && *slot < kSlots)
        return EntryPlace{*tick, static_cast<uint32_t>(*slot)};
    }
  }
  return absl::InvalidArgumentError("must be ledgerEntries/{tick}-{slot}");
}

Sha256Digest DigestAt(std::string_view digests, size_t place) {
  return *ToDigest(digests.substr(place * sizeof(Sha256Digest), sizeof(Sha256Digest)));
}

std::optional<Sha256Digest> ToDigest(std::string_view bytes) {
  Sha256Digest digest;
  if (bytes.size() != digest.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace coalition::ledger
