#include "server/exchange/presence.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/hash.h"
#include "server/exchange/keys.h"
#include "server/exchange/screen.h"
#include "server/exchange/stored_record.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

using Hashes = std::vector<uint64_t>;

constexpr size_t kRebuildCommitKeys = 10'000;
constexpr unsigned kLoadThreadsMax = 4;
// Room for sellers to come before the filter grows by a second, slower part.
constexpr size_t kSpareMin = size_t{1} << 16;

// Part `part` of `parts` of the presence keys: they are hashes, so equal ranges hold about equal numbers.
absl::Status ReadPart(const store::Store& store, store::Revision at, unsigned part, unsigned parts,
                      Hashes* hashes) {
  const auto bound = [parts](unsigned i) {
    if (i == parts) return PrefixEnd(kPresencePrefix);
    return std::string(kPresencePrefix) + static_cast<char>(256 * i / parts);
  };
  return store.ScanEach(bound(part), bound(part + 1), at,
                        [hashes](std::string_view key, std::string_view, store::Revision) {
                          if (const auto hash = HashOfPresenceKey(key)) hashes->push_back(*hash);
                          return true;
                        });
}

std::unique_ptr<store::PresenceFilter> MakeFilter(const std::vector<Hashes>& parts) {
  size_t count = 0;
  for (const Hashes& part : parts) count += part.size();
  auto filter = std::make_unique<store::PresenceFilter>(count + std::max(count / 4, kSpareMin));
  for (const Hashes& part : parts) {
    for (const uint64_t hash : part) filter->Add(hash);
  }
  return filter;
}

absl::StatusOr<std::unique_ptr<store::PresenceFilter>> ReadAll(const store::Store& store) {
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1U, kLoadThreadsMax);
  const store::Revision at = store.Head();
  std::vector<Hashes> parts(count);
  std::vector<absl::Status> statuses(count);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] { statuses[i] = ReadPart(store, at, i, count, &parts[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return MakeFilter(parts);
}

// The hashes of all sellers that screening must find, from the records themselves, and of those that were
// cleared.
absl::Status HashRecords(const store::Store& store, const KeyedHash& hash, Hashes* hashes) {
  absl::Status status = store.ScanEach(kRecordsPrefix, PrefixEnd(kRecordsPrefix), store.Head(),
                                       [&](std::string_view key, std::string_view, store::Revision) {
                                         const auto seller = SellerOfRecordKey(key);
                                         if (seller && !seller->token.empty())
                                           hashes->push_back(HashSeller(hash, seller->token));
                                         return true;
                                       });
  if (!status.ok()) return status;
  // Who is listed again is to be found to have been cleared, also if nothing else is left of it.
  status = store.ScanEach(kClearancesPrefix, PrefixEnd(kClearancesPrefix), store.Head(),
                          [&](std::string_view key, std::string_view, store::Revision) {
                            const auto seller = SellerOfClearanceKey(key);
                            if (seller) hashes->push_back(HashSeller(hash, seller->token));
                            return true;
                          });
  std::sort(hashes->begin(), hashes->end());
  hashes->erase(std::unique(hashes->begin(), hashes->end()), hashes->end());
  return status;
}

// Presence keys of the old hash stay and do no harm: they are found by nobody.
absl::StatusOr<std::unique_ptr<store::PresenceFilter>> Rebuild(store::Store& store, const KeyedHash& hash,
                                                               const std::string& hash_key_mac,
                                                               std::vector<store::Write> facts) {
  std::vector<Hashes> parts(1);
  Hashes& hashes = parts[0];
  if (absl::Status status = HashRecords(store, hash, &hashes); !status.ok()) return status;
  for (size_t begin = 0; begin < hashes.size(); begin += kRebuildCommitKeys) {
    std::vector<store::Write> writes;
    for (size_t i = begin; i < std::min(begin + kRebuildCommitKeys, hashes.size()); ++i) {
      writes.push_back({PresenceKey(hashes[i]), std::string()});
    }
    if (const auto made = store::CommitWrites(store, std::move(writes)); !made.ok()) return made.status();
  }
  // Last: a rebuild that was interrupted begins again.
  facts.push_back({std::string(kSellerHashCheckKey), hash_key_mac});
  if (const auto made = store::CommitWrites(store, std::move(facts)); !made.ok()) return made.status();
  return MakeFilter(parts);
}

}  // namespace

std::string SellerHashMac(std::string_view seller_hash_key) {
  const Sha256Digest mac = HmacSha256(seller_hash_key, "presence keys of sellers");
  return std::string(Bytes(mac));
}

absl::StatusOr<std::unique_ptr<store::PresenceFilter>> LoadPresence(store::Store& store,
                                                                    const KeyedHash& hash,
                                                                    const std::string& hash_key_mac,
                                                                    std::vector<store::Write> facts) {
  const std::string key(kSellerHashCheckKey);
  const auto check = store.Read(std::span(&key, 1), store.Head());
  if (!check.ok()) return check.status();
  const bool same_key = (*check)[0].has_value() && (*check)[0]->value == hash_key_mac;
  if (!same_key) return Rebuild(store, hash, hash_key_mac, std::move(facts));
  if (const auto made = store::CommitWrites(store, std::move(facts)); !made.ok()) return made.status();
  return ReadAll(store);
}

}  // namespace coalition::exchange
