#include "server/store/key_probe.h"

#include <string>
#include <utility>
#include <vector>

#include "leveldb/options.h"
#include "leveldb/slice.h"
#include "server/store/key_codec.h"

namespace coalition::store {
namespace {

constexpr char kProbeMark = static_cast<char>(0xFF);
constexpr size_t kRevisionBytes = 8;

// Set by the filter policy and by the comparator, which Get calls on its caller's thread. By the comparator
// too, since LevelDB goes without a filter that it cannot read, and a deletion ends what it looks for.
thread_local bool met_the_key = false;

bool IsProbe(const leveldb::Slice& key) { return !key.empty() && key[0] == kProbeMark; }

leveldb::Slice ProbeBody(const leveldb::Slice& probe) { return {probe.data() + 1, probe.size() - 1}; }

int CompareProbe(const leveldb::Slice& probe, const leveldb::Slice& key) {
  const leveldb::Slice body = ProbeBody(probe);
  if (!key.starts_with(body)) return body.compare(key);
  met_the_key = true;
  return 0;
}

class VersionedKeyComparator final : public leveldb::Comparator {
 public:
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    const bool a_probes = IsProbe(a);
    const bool b_probes = IsProbe(b);
    if (!a_probes && !b_probes) return a.compare(b);
    if (a_probes && b_probes) return a.compare(b);
    return a_probes ? CompareProbe(a, b) : -CompareProbe(b, a);
  }
  const char* Name() const override { return "coalition.VersionedKey.1"; }
  void FindShortestSeparator(std::string* start, const leveldb::Slice& limit) const override {
    leveldb::BytewiseComparator()->FindShortestSeparator(start, limit);
  }
  void FindShortSuccessor(std::string* key) const override {
    leveldb::BytewiseComparator()->FindShortSuccessor(key);
  }
};

class KeyFilterPolicy final : public leveldb::FilterPolicy {
 public:
  explicit KeyFilterPolicy(int bits_per_key) : bloom_(leveldb::NewBloomFilterPolicy(bits_per_key)) {}

  const char* Name() const override { return "coalition.KeyBloom.1"; }

  void CreateFilter(const leveldb::Slice* keys, int count, std::string* out) const override {
    std::vector<leveldb::Slice> bare;
    bare.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      const leveldb::Slice key = WithoutRevision(keys[i]);
      if (bare.empty() || bare.back() != key) bare.push_back(key);
    }
    bloom_->CreateFilter(bare.data(), static_cast<int>(bare.size()), out);
  }

  bool KeyMayMatch(const leveldb::Slice& key, const leveldb::Slice& filter) const override {
    const bool match = bloom_->KeyMayMatch(WithoutRevision(key), filter);
    met_the_key |= match;
    return match;
  }

 private:
  static leveldb::Slice WithoutRevision(const leveldb::Slice& key) {
    if (IsProbe(key)) return ProbeBody(key);
    if (key.empty() || key[0] != kDataSpace || key.size() < kRevisionBytes) return key;
    return {key.data(), key.size() - kRevisionBytes};
  }

  const std::unique_ptr<const leveldb::FilterPolicy> bloom_;
};

}  // namespace

const leveldb::Comparator* KeyComparator() {
  static const VersionedKeyComparator* const comparator = new VersionedKeyComparator;
  return comparator;
}

std::unique_ptr<const leveldb::FilterPolicy> NewKeyFilterPolicy(int bits_per_key) {
  return std::make_unique<KeyFilterPolicy>(bits_per_key);
}

KeyProbe::KeyProbe(leveldb::DB& db, uint64_t memory_tables_bytes)
    : db_(db), memory_tables_bytes_(memory_tables_bytes) {}

bool KeyProbe::Trusted() const {
  return written_.load(std::memory_order_acquire) >= trusted_from_.load(std::memory_order_acquire);
}

bool KeyProbe::MayExist(std::string_view key) const {
  if (!Trusted()) return true;
  thread_local std::string probe;
  thread_local std::string value;
  EncodeDataKey(key, 0, probe);
  probe.resize(probe.size() - kRevisionBytes);
  probe.insert(probe.begin(), kProbeMark);
  met_the_key = false;
  const leveldb::Status status = db_.Get(leveldb::ReadOptions(), probe, &value);
  return !status.IsNotFound() || met_the_key || !Trusted();
}

void KeyProbe::BeforeDeletions() {
  trusted_from_.store(written_.load(std::memory_order_acquire) + memory_tables_bytes_,
                      std::memory_order_release);
}

}  // namespace coalition::store
