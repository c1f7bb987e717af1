#include "server/ledger/entry_keys.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/big_endian.h"

namespace coalition::ledger {
namespace {

constexpr unsigned kBits = 48, kDayBits = 16;
constexpr unsigned kBitsOfLevel = 4;  // of the tree
constexpr int64_t kDays = int64_t{1} << kDayBits;
// Of a day that has keys at all, one of so many in turn is there.
constexpr int kTriesPerDay = 16;
constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;
static_assert(EntryKeys::kChanceBytes == sizeof(uint32_t) + kGcmNonceBytes);

uint64_t FirstOf(int64_t day) { return static_cast<uint64_t>(day) << (kBits - kDayBits); }

// Whether that day has keys left.
bool HasDay(const PuncturedTree& tree, int64_t day) {
  for (uint64_t i = 0; i < kTriesPerDay; ++i) {
    if (LeafKey::Of(tree, FirstOf(day) + i)) return true;
  }
  return false;
}

// They go in the order of their days: with the last of them all are gone.
bool HasDaysBefore(const PuncturedTree& tree, int64_t end) { return end > 0 && HasDay(tree, end - 1); }

PuncturedTree WithoutDaysBefore(const PuncturedTree& tree, int64_t end) {
  PuncturedTree rest = tree;
  for (int64_t first = 0; first < end;) {
    // The largest subtree that begins there and has no later day.
    unsigned below = 0;
    while (below + kBitsOfLevel < kDayBits && (first & ((int64_t{16} << below) - 1)) == 0 &&
           first + (int64_t{16} << below) <= end) {
      below += kBitsOfLevel;
    }
    const int64_t next = first + (int64_t{1} << below);
    if (HasDay(rest, next - 1)) rest = rest.WithoutBelow(FirstOf(first), (kDayBits - below) / kBitsOfLevel);
    first = next;
  }
  return rest;
}

}  // namespace

EntryKeys::EntryKeys(std::string file, PuncturedTree tree) : keys_(std::move(file), std::move(tree)) {}

std::shared_ptr<EntryKeys> EntryKeys::Make(Random& random) {
  return std::shared_ptr<EntryKeys>(new EntryKeys("", PuncturedTree::Make(kBits, random)));
}

absl::StatusOr<std::shared_ptr<EntryKeys>> EntryKeys::Load(const std::string& dir, bool may_create,
                                                           Random& random) {
  const std::string file = absl::StrCat(dir, "/", kEntryKeysFile);
  absl::StatusOr<PuncturedTree> tree =
      LoadKeyTree(file, kBits, may_create, "nobody can read what the ledger's entries say", random);
  if (!tree.ok()) return tree.status();
  return std::shared_ptr<EntryKeys>(new EntryKeys(file, *std::move(tree)));
}

EntryKeys::Sealed EntryKeys::Seal(int64_t time_ns, std::span<const uint8_t, kChanceBytes> chance,
                                  std::string_view contents, std::string_view bound) const {
  const std::shared_ptr<const PuncturedTree> tree = keys_.tree();
  const auto within = ReadBigEndian<uint32_t>(Bytes(chance));
  for (int64_t day = std::clamp<int64_t>(time_ns / kDayNs, 0, kDays - 1); day < kDays; ++day) {
    for (uint32_t i = 0; i < kTriesPerDay; ++i) {
      const uint64_t name = FirstOf(day) | (within + i);
      const std::optional<LeafKey> key = LeafKey::Of(*tree, name);
      if (!key) continue;
      return {name, GcmSeal(key->bytes, chance.subspan<sizeof(uint32_t)>(), contents, bound)};
    }
  }
  std::fputs("fatal: no key is left for an entry of the ledger\n", stderr);  // in the year 2149
  std::abort();
}

absl::StatusOr<std::optional<std::string>> EntryKeys::Open(uint64_t key, std::string_view sealed,
                                                           std::string_view bound) const {
  const std::optional<LeafKey> with = keys_.Leaf(key);
  if (!with) return std::optional<std::string>();
  std::optional<std::string> contents = GcmOpen(with->bytes, sealed, bound);
  if (!contents) return absl::DataLossError("what an entry of the ledger says does not open with its key");
  return contents;
}

bool EntryKeys::IsDestroyed(uint64_t key) const { return !keys_.Leaf(key); }

Sha256Digest EntryKeys::Digest() const { return keys_.Digest(); }

absl::Status EntryKeys::Destroy(std::span<const uint64_t> keys) { return keys_.DestroyLeaves(keys); }

absl::Status EntryKeys::DestroyDaysBefore(int64_t day) {
  // The last day stays, so that there is always one.
  const int64_t end = std::clamp<int64_t>(day, 0, kDays - 1);
  if (!HasDaysBefore(*keys_.tree(), end)) return absl::OkStatus();
  return keys_.Destroy([end](const PuncturedTree& tree) -> std::optional<PuncturedTree> {
    // Another thread may have come first.
    if (!HasDaysBefore(tree, end)) return std::nullopt;
    return WithoutDaysBefore(tree, end);
  });
}

}  // namespace coalition::ledger
