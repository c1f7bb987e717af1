#include "client/internal/mirror_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/hash.h"
#include "common/mutex.h"

namespace coalition::client::internal {
namespace {

// What a match says, in 16 bits. 0: the record is none.
constexpr uint16_t kClassBits = 7;
constexpr int kLabelShift = 3;
constexpr int kActionShift = 7;
constexpr uint16_t kFourBits = 15;
constexpr uint16_t kContested = 1 << 11;
constexpr uint16_t kDisputed = 1 << 12;
// Not of the match: the seller has another, at the next key.
constexpr uint16_t kFollowed = 1 << 13;

constexpr uint32_t kHomeMask = (uint32_t{1} << MirrorBlocks::kHomeBits) - 1;

Random& System() {
  static SystemRandom random;
  return random;
}

KeyedHash MakeHash(Random& random) {
  std::array<uint8_t, KeyedHash::kKeyBytes> key;
  random.Fill(key);
  return KeyedHash(key);
}

bool IsMatchClass(v1::RecordClass record_class) {
  return record_class == v1::RECORD_CLASS_OFFENDER_REPORT ||
         record_class == v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
}

// What stands for a seller that the record's view does not name: "~" and 26 digits of base 32.
bool IsToken(std::string_view seller_id) {
  return seller_id.substr(0, 1) == "~" && IsRecordId(seller_id.substr(1));
}

// A value that only a later server knows is told as UNSPECIFIED.
uint16_t Packed(int value, int shift, bool (*is_valid)(int)) {
  return static_cast<uint16_t>(is_valid(value) && value > 0 && value <= kFourBits ? value << shift : 0);
}

uint16_t Flags(const v1::Record& record) {
  const v1::Seller& seller = record.seller();
  if (!IsMatchClass(record.record_class()) || seller.platform().empty() || seller.seller_id().empty() ||
      IsToken(seller.seller_id())) {
    return 0;
  }
  unsigned flags = static_cast<unsigned>(record.record_class()) |
                   Packed(record.label(), kLabelShift, v1::Label_IsValid) |
                   Packed(record.permitted_action(), kActionShift, v1::PermittedAction_IsValid);
  // What is not known to stand does not count as standing.
  if (record.state() != v1::RECORD_STATE_ACTIVE) flags |= kContested;
  if (record.disputed()) flags |= kDisputed;
  return static_cast<uint16_t>(flags);
}

uint32_t Seconds(int64_t seconds) {
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, ~uint32_t{0}));
}

void SetFollowed(MirrorBlocks& blocks, const MirrorBlocks::Place& place, bool followed) {
  MirrorEntry entry = blocks.At(place);
  entry.flags = static_cast<uint16_t>(followed ? entry.flags | kFollowed : entry.flags & ~kFollowed);
  blocks.Set(place, entry);
}

MirrorMatch MatchOf(const MirrorEntry& entry) {
  MirrorMatch match;
  match.record_class = static_cast<v1::RecordClass>(entry.flags & kClassBits);
  match.label = static_cast<v1::Label>((entry.flags >> kLabelShift) & kFourBits);
  match.permitted_action = static_cast<v1::PermittedAction>((entry.flags >> kActionShift) & kFourBits);
  match.state = (entry.flags & kContested) != 0 ? v1::RECORD_STATE_CONTESTED : v1::RECORD_STATE_ACTIVE;
  match.disputed = (entry.flags & kDisputed) != 0;
  match.create_time_s = entry.create_s;
  match.id = entry.id;
  return match;
}

}  // namespace

std::optional<RecordIdBytes> IdOfRecordName(std::string_view name) {
  constexpr std::string_view kPrefix = "records/";
  if (name.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  return RecordIdToBytes(name.substr(kPrefix.size()));
}

// On a line of its own, so that readers of different sellers do not meet.
struct alignas(64) MirrorIndex::Shard {
  mutable Mutex mutex;
  MirrorBlocks blocks ABSL_GUARDED_BY(mutex);

  // The writer, which alone changes it, looks without the lock.
  const MirrorBlocks& ForWriter() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return blocks; }
};

MirrorIndex::MirrorIndex() : MirrorIndex(System()) {}

MirrorIndex::MirrorIndex(Random& random)
    : first_(MakeHash(random)), second_(MakeHash(random)), shards_(std::make_unique<Shard[]>(kShards)) {}

MirrorIndex::~MirrorIndex() = default;

uint32_t MirrorIndex::NumberOf(const Spot& spot) {
  return uint32_t{spot.shard} << MirrorBlocks::kHomeBits | MirrorBlocks::HomeBits(spot.key);
}

uint64_t MirrorIndex::HashOf(const RecordIdBytes& id) const { return first_(Bytes(id)); }

MirrorIndex::Spot MirrorIndex::SpotOf(std::string_view text) const {
  const uint64_t more = second_(text);
  return {.shard = static_cast<uint8_t>(more % kShards),
          .key = MirrorKey(first_(text), static_cast<uint8_t>(more / kShards))};
}

MirrorIndex::Spot MirrorIndex::SpotOf(const SellerKeyView& seller) const {
  // Neither part holds a zero byte.
  std::array<char, kPlatformBytesMax + 1 + kSellerIdBytesMax> text;
  std::memcpy(text.data(), seller.platform.data(), seller.platform.size());
  text[seller.platform.size()] = '\0';
  std::memcpy(text.data() + seller.platform.size() + 1, seller.seller_id.data(), seller.seller_id.size());
  return SpotOf(std::string_view(text.data(), seller.platform.size() + 1 + seller.seller_id.size()));
}

MirrorIndex::Spot MirrorIndex::Fill(const RecordIdBytes& id, const v1::Record& record,
                                    MirrorEntry* entry) const {
  entry->id = id;
  entry->create_s = Seconds(record.create_time().seconds());
  entry->flags = Flags(record);
  SellerKeyView seller;
  std::string scratch;
  const v1::Seller& named = record.seller();
  if (entry->flags != 0 && NormalizeSeller(named.platform(), named.seller_id(), &seller, &scratch).ok())
    return SpotOf(seller);
  entry->flags = 0;  // nobody can ask about it
  // No seller's begins with a zero byte.
  return SpotOf(std::string(1, '\0').append(Bytes(id)));
}

std::optional<MirrorIndex::Held> MirrorIndex::Find(const RecordIdBytes& id) const {
  std::optional<Spot> spot;
  const auto place = ids_.Find(HashOf(id), [&](uint32_t number) {
    const auto shard = static_cast<uint8_t>(number >> MirrorBlocks::kHomeBits);
    const MirrorBlocks& blocks = shards_[shard].ForWriter();
    const auto found = blocks.FindRecord(number & kHomeMask, id);
    if (found) spot = {.shard = shard, .key = blocks.KeyAt(*found)};
    return found.has_value();
  });
  if (!place) return std::nullopt;
  return Held{.place = *place, .spot = *spot};
}

void MirrorIndex::MakeRoom(uint8_t shard) {
  if (!shards_[shard].ForWriter().HasRoom()) Spread();
  if (ids_.HasRoom()) return;
  ids_.Grow([this](const auto& put) {
    for (size_t i = 0; i < kShards; ++i) {
      shards_[i].ForWriter().ForEach([&](const MirrorKey& key, const MirrorEntry& entry) {
        put(HashOf(entry.id), NumberOf({.shard = static_cast<uint8_t>(i), .key = key}));
      });
    }
  });
}

void MirrorIndex::Spread() {
  std::array<size_t, kShards> counts;
  size_t count = 0;
  for (size_t i = 0; i < kShards; ++i)
    count += counts[i] = MirrorBlocks::CountFor(shards_[i].ForWriter().size());
  MirrorRegion region(count * sizeof(MirrorBlocks::Block));
  auto* next = reinterpret_cast<MirrorBlocks::Block*>(region.data());
  for (size_t i = 0; i < kShards; next += counts[i], ++i) {
    Shard& shard = shards_[i];
    const MirrorBlocks before = shard.ForWriter();
    MirrorBlocks after({next, counts[i]});
    before.ForEach([&](const MirrorKey& key, const MirrorEntry& entry) { after.Insert(key, entry); });
    {
      const MutexLock lock(shard.mutex);
      shard.blocks = after;
    }
    // No reader is in there any more: the memory is never needed twice.
    region_.GiveBackUntil(before.end());
  }
  region_ = std::move(region);
}

MirrorKey MirrorIndex::LastOf(const MirrorBlocks& blocks, const MirrorKey& key) {
  if ((blocks.At(*blocks.Find(key)).flags & kFollowed) == 0) return key;
  uint64_t steps = 1;
  while (blocks.Find(key.Next(2 * steps))) steps *= 2;
  for (uint64_t more = steps / 2; more > 0; more /= 2) {
    if (blocks.Find(key.Next(steps + more))) steps += more;
  }
  return key.Next(steps);
}

uint32_t MirrorIndex::Add(Spot spot, const MirrorEntry& entry, MirrorBlocks& blocks) {
  if (blocks.Find(spot.key)) {
    const MirrorKey last = LastOf(blocks, spot.key);
    SetFollowed(blocks, *blocks.Find(last), true);
    spot.key = last.Next();
  } else if (entry.flags != 0) {
    ++sellers_;
  }
  blocks.Insert(spot.key, entry);
  return NumberOf(spot);
}

void MirrorIndex::Take(const Spot& spot, MirrorBlocks& blocks) {
  const MirrorKey last = LastOf(blocks, spot.key);
  MirrorEntry moved = blocks.At(*blocks.Find(last));
  const bool matches = moved.flags != 0;
  if (last != spot.key) {
    ids_.Set(Find(moved.id)->place, NumberOf(spot));
    moved.flags |= kFollowed;
    blocks.Set(*blocks.Find(spot.key), moved);
  }
  blocks.Erase(*blocks.Find(last));
  if (!matches) return;
  if (const auto before = blocks.Find(last.Before())) {
    SetFollowed(blocks, *before, false);
  } else {
    --sellers_;
  }
}

void MirrorIndex::Put(const RecordIdBytes& id, const v1::Record& record) {
  MirrorEntry entry;
  const Spot spot = Fill(id, record, &entry);
  MakeRoom(spot.shard);
  if (const auto held = Find(id)) {
    Replace(*held, spot, entry);
    return;
  }
  {
    Shard& shard = shards_[spot.shard];
    const MutexLock lock(shard.mutex);
    ids_.Insert(HashOf(id), Add(spot, entry, shard.blocks));
  }
  ++records_;
}

void MirrorIndex::Replace(const Held& held, const Spot& spot, MirrorEntry entry) {
  const bool stays = held.spot.shard == spot.shard;
  if (!stays) TakeLocked(held.spot);
  Shard& shard = shards_[spot.shard];
  // If it is of the same seller, never without it in between.
  const MutexLock lock(shard.mutex);
  if (stays && held.spot.key == spot.key) {
    const MirrorBlocks::Place place = *shard.blocks.Find(spot.key);
    if ((shard.blocks.At(place).flags & kFollowed) != 0) entry.flags |= kFollowed;
    shard.blocks.Set(place, entry);
    return;
  }
  if (stays) Take(held.spot, shard.blocks);
  ids_.Set(held.place, Add(spot, entry, shard.blocks));
}

void MirrorIndex::TakeLocked(const Spot& spot) {
  Shard& shard = shards_[spot.shard];
  const MutexLock lock(shard.mutex);
  Take(spot, shard.blocks);
}

void MirrorIndex::Remove(const RecordIdBytes& id) {
  const auto held = Find(id);
  if (!held) return;
  TakeLocked(held->spot);
  ids_.Erase(HashOf(id), held->place);
  --records_;
}

void MirrorIndex::Clear() {
  for (size_t i = 0; i < kShards; ++i) {
    const MutexLock lock(shards_[i].mutex);
    shards_[i].blocks = MirrorBlocks();
  }
  region_ = MirrorRegion();
  ids_.Clear();
  records_ = 0;
  sellers_ = 0;
}

MirrorAnswer MirrorIndex::Look(const SellerKeyView& seller) const {
  const Spot spot = SpotOf(seller);
  MirrorAnswer answer;
  {
    const Shard& shard = shards_[spot.shard];
    const MutexLock lock(shard.mutex);
    for (MirrorKey key = spot.key;; key = key.Next()) {
      const auto place = shard.blocks.Find(key);
      if (!place) break;
      const MirrorEntry entry = shard.blocks.At(*place);
      answer.matches.push_back(MatchOf(entry));
      if ((entry.flags & kFollowed) == 0) break;
    }
  }
  if (answer.matches.size() > 1) {
    std::sort(answer.matches.begin(), answer.matches.end(), [](const MirrorMatch& a, const MirrorMatch& b) {
      return a.create_time_s != b.create_time_s ? a.create_time_s > b.create_time_s : a.id < b.id;
    });
  }
  for (const MirrorMatch& match : answer.matches) {
    if (match.record_class != v1::RECORD_CLASS_OFFENDER_REPORT) continue;
    if (match.state == v1::RECORD_STATE_ACTIVE && !match.disputed) {
      answer.verdict = v1::VERDICT_LISTED;
      break;
    }
    answer.verdict = v1::VERDICT_DISPUTED;
  }
  return answer;
}

}  // namespace coalition::client::internal
