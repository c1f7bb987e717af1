#include "client/internal/mirror_index.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "common/mutex.h"

namespace coalition::client::internal {
namespace {

constexpr uint32_t kNone = ~uint32_t{0};
// A huge page of entries.
constexpr size_t kPieceBytes = size_t{2} << 20;
constexpr size_t kPiecesMax = 8'192;

// What a match says, in 16 bits. 0: the record is none.
constexpr uint16_t kClassBits = 7;
constexpr int kLabelShift = 3;
constexpr int kActionShift = 7;
constexpr uint16_t kFourBits = 15;
constexpr uint16_t kContested = 1 << 11;
constexpr uint16_t kDisputed = 1 << 12;

KeyedHash MakeHash() {
  SystemRandom random;
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
uint16_t Packed(int value, int shift) {
  return static_cast<uint16_t>(value > 0 && value <= kFourBits ? value << shift : 0);
}

uint16_t Flags(const v1::Record& record) {
  const v1::Seller& seller = record.seller();
  if (!IsMatchClass(record.record_class()) || seller.platform().empty() || seller.seller_id().empty() ||
      IsToken(seller.seller_id())) {
    return 0;
  }
  unsigned flags = static_cast<unsigned>(record.record_class()) | Packed(record.label(), kLabelShift) |
                   Packed(record.permitted_action(), kActionShift);
  // What is not known to stand does not count as standing.
  if (record.state() != v1::RECORD_STATE_ACTIVE) flags |= kContested;
  if (record.disputed()) flags |= kDisputed;
  return static_cast<uint16_t>(flags);
}

uint32_t Seconds(int64_t seconds) {
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, ~uint32_t{0}));
}

template <class Enum>
Enum Known(unsigned value, bool (*is_valid)(int)) {
  return is_valid(static_cast<int>(value)) ? static_cast<Enum>(value) : Enum{};
}

}  // namespace

std::optional<RecordIdBytes> IdOfRecordName(std::string_view name) {
  constexpr std::string_view kPrefix = "records/";
  if (name.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  return RecordIdToBytes(name.substr(kPrefix.size()));
}

struct MirrorIndex::Entry {
  RecordIdBytes id;
  Seller seller;
  uint16_t flags;
  uint32_t next;  // of the seller; of what is free, too
  uint32_t create_s;

  MirrorMatch Match() const {
    MirrorMatch match;
    match.record_class = Known<v1::RecordClass>(flags & kClassBits, v1::RecordClass_IsValid);
    match.label = Known<v1::Label>((flags >> kLabelShift) & kFourBits, v1::Label_IsValid);
    match.permitted_action =
        Known<v1::PermittedAction>((flags >> kActionShift) & kFourBits, v1::PermittedAction_IsValid);
    match.state = (flags & kContested) != 0 ? v1::RECORD_STATE_CONTESTED : v1::RECORD_STATE_ACTIVE;
    match.disputed = (flags & kDisputed) != 0;
    match.create_time_s = create_s;
    match.id = id;
    return match;
  }
};

// The entries, in pieces, so that growing copies nothing. Those that are linked are read and changed under
// the lock of their seller's shard, or by the writer read without it.
class MirrorIndex::Entries {
 public:
  ~Entries() { Clear(); }

  Entry& operator[](uint32_t number) { return pieces_[number / kPerPiece][number % kPerPiece]; }
  const Entry& operator[](uint32_t number) const { return pieces_[number / kPerPiece][number % kPerPiece]; }
  // Of a new one.
  uint32_t Take() {
    if (free_ != kNone) return std::exchange(free_, (*this)[free_].next);
    if (count_ % kPerPiece == 0) pieces_.at(count_ / kPerPiece) = MakePiece();
    return count_++;
  }
  void Give(uint32_t number) {
    (*this)[number] = Entry{};
    (*this)[number].next = std::exchange(free_, number);
  }
  // Nobody may know of any.
  void Clear() {
    for (Entry*& piece : pieces_) {
      if (piece == nullptr) break;
      std::free(std::exchange(piece, nullptr));
    }
    count_ = 0;
    free_ = kNone;
  }

 private:
  static constexpr uint32_t kPerPiece = kPieceBytes / sizeof(Entry);

  static Entry* MakePiece() {
    void* piece = std::aligned_alloc(kPieceBytes, kPieceBytes);
    if (piece == nullptr) std::abort();  // as new does without exceptions
    // Where the system gives no huge page it is only slower.
    (void)::madvise(piece, kPieceBytes, MADV_HUGEPAGE);
    return static_cast<Entry*>(piece);
  }

  std::array<Entry*, kPiecesMax> pieces_{};
  uint32_t count_ = 0;
  uint32_t free_ = kNone;
};

// On lines of their own, so that readers of different sellers do not meet.
struct alignas(64) MirrorIndex::Shard {
  mutable Mutex mutex;
  MirrorTable heads ABSL_GUARDED_BY(mutex);
};

MirrorIndex::MirrorIndex()
    : first_(MakeHash()),
      second_(MakeHash()),
      shards_(std::make_unique<Shard[]>(kShards)),
      entries_(std::make_unique<Entries>()) {
  static_assert(sizeof(Entry) == 36);
}

MirrorIndex::~MirrorIndex() = default;

MirrorIndex::Shard& MirrorIndex::ShardOf(const Seller& seller) const { return shards_[seller[4] % kShards]; }

uint64_t MirrorIndex::HashOf(const RecordIdBytes& id) {
  uint64_t hash = 0;  // of ids that the exchange draws at random
  std::memcpy(&hash, id.data() + sizeof(hash), sizeof(hash));
  return hash;
}

uint64_t MirrorIndex::HashOf(const Seller& seller) {
  uint64_t hash = 0;
  std::memcpy(&hash, seller.data(), sizeof(hash));
  return hash;
}

MirrorIndex::Seller MirrorIndex::Digest(const SellerKeyView& seller) const {
  // Neither part holds a zero byte.
  std::array<char, kPlatformBytesMax + 1 + kSellerIdBytesMax> text;
  std::memcpy(text.data(), seller.platform.data(), seller.platform.size());
  text[seller.platform.size()] = '\0';
  std::memcpy(text.data() + seller.platform.size() + 1, seller.seller_id.data(), seller.seller_id.size());
  const std::string_view whole(text.data(), seller.platform.size() + 1 + seller.seller_id.size());
  const uint64_t most = first_(whole);
  Seller digest;
  std::memcpy(digest.data(), &most, sizeof(most));
  digest[4] = static_cast<uint16_t>(second_(whole));
  return digest;
}

void MirrorIndex::Fill(const RecordIdBytes& id, const v1::Record& record, Entry* entry) const {
  *entry = Entry{};
  entry->id = id;
  entry->flags = Flags(record);
  entry->create_s = Seconds(record.create_time().seconds());
  entry->next = kNone;
  if (entry->flags == 0) return;
  SellerKeyView seller;
  std::string scratch;
  const v1::Seller& named = record.seller();
  if (NormalizeSeller(named.platform(), named.seller_id(), &seller, &scratch).ok()) {
    entry->seller = Digest(seller);
  } else {
    entry->flags = 0;  // nobody can ask about it
  }
}

void MirrorIndex::Link(uint32_t number) {
  Entries& entries = *entries_;
  Entry& entry = entries[number];
  if (entry.flags == 0) return;
  Shard& shard = ShardOf(entry.seller);
  const uint64_t hash = HashOf(entry.seller);
  const MutexLock lock(shard.mutex);
  const auto head = shard.heads.Find(hash, [&](uint32_t n) { return entries[n].seller == entry.seller; });
  if (head) {
    // Behind the first, which stays it.
    Entry& first = entries[shard.heads.At(*head)];
    entry.next = std::exchange(first.next, number);
    return;
  }
  shard.heads.Insert(hash, number, [&](uint32_t n) { return HashOf(entries[n].seller); });
  ++sellers_;
}

void MirrorIndex::Unlink(uint32_t number) {
  Entries& entries = *entries_;
  const Entry& entry = entries[number];
  if (entry.flags == 0) return;
  Shard& shard = ShardOf(entry.seller);
  const uint64_t hash = HashOf(entry.seller);
  const MutexLock lock(shard.mutex);
  const auto head = shard.heads.Find(hash, [&](uint32_t n) { return entries[n].seller == entry.seller; });
  const uint32_t first = shard.heads.At(*head);
  if (first != number) {
    uint32_t before = first;
    while (entries[before].next != number) before = entries[before].next;
    entries[before].next = entry.next;
  } else if (entry.next != kNone) {
    shard.heads.Set(*head, entry.next);
  } else {
    shard.heads.Erase(hash, *head);
    --sellers_;
  }
}

void MirrorIndex::Put(const RecordIdBytes& id, const v1::Record& record) {
  Entries& entries = *entries_;
  Entry entry;
  Fill(id, record, &entry);
  const auto found = ids_.Find(HashOf(id), [&](uint32_t n) { return entries[n].id == id; });
  if (found) {
    Replace(ids_.At(*found), entry);
    return;
  }
  const uint32_t number = entries.Take();
  entries[number] = entry;
  Link(number);
  ids_.Insert(HashOf(id), number, [&](uint32_t n) { return HashOf(entries[n].id); });
  ++records_;
}

void MirrorIndex::Replace(uint32_t number, const Entry& entry) {
  Entry& before = (*entries_)[number];
  if (before.flags == 0 || entry.flags == 0 || before.seller != entry.seller) {
    Unlink(number);
    before = entry;
    Link(number);
    return;
  }
  // Never without it in between.
  const MutexLock lock(ShardOf(entry.seller).mutex);
  const uint32_t next = before.next;
  before = entry;
  before.next = next;
}

void MirrorIndex::Remove(const RecordIdBytes& id) {
  const auto found = ids_.Find(HashOf(id), [&](uint32_t n) { return (*entries_)[n].id == id; });
  if (!found) return;
  const uint32_t number = ids_.At(*found);
  ids_.Erase(HashOf(id), *found);
  Unlink(number);
  entries_->Give(number);
  --records_;
}

void MirrorIndex::Clear() {
  for (size_t i = 0; i < kShards; ++i) {
    const MutexLock lock(shards_[i].mutex);
    shards_[i].heads.Clear();
  }
  ids_.Clear();
  entries_->Clear();
  records_ = 0;
  sellers_ = 0;
}

MirrorAnswer MirrorIndex::Look(const SellerKeyView& seller) const {
  const Seller digest = Digest(seller);
  const Entries& entries = *entries_;
  MirrorAnswer answer;
  {
    const Shard& shard = ShardOf(digest);
    const MutexLock lock(shard.mutex);
    const auto head =
        shard.heads.Find(HashOf(digest), [&](uint32_t n) { return entries[n].seller == digest; });
    if (!head) return answer;
    for (uint32_t at = shard.heads.At(*head); at != kNone; at = entries[at].next)
      answer.matches.push_back(entries[at].Match());
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
