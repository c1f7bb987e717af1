// RFC 6962 §2.1 word for word, from all leaves: what common/merkle.h is compared with. And the tree that
// other implementations publish their proofs of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"
#include "common/merkle.h"

namespace coalition::merkle {

using Proof = std::vector<Sha256Digest>;

class ReferenceTree {
 public:
  explicit ReferenceTree(const std::vector<std::string>& data) {
    for (const std::string& leaf : data) leaves_.push_back(Sha256({std::string_view("\x00", 1), leaf}));
  }

  uint64_t size() const { return leaves_.size(); }
  const Sha256Digest& leaf(uint64_t index) const { return leaves_[index]; }

  // MTH(D[begin:end])
  Sha256Digest Hash(uint64_t begin, uint64_t end) const {
    if (begin == end) return Sha256("");
    if (begin + 1 == end) return leaves_[begin];
    const auto known = hashes_.find({begin, end});
    if (known != hashes_.end()) return known->second;
    const uint64_t middle = begin + Split(end - begin);
    const Sha256Digest left = Hash(begin, middle), right = Hash(middle, end);
    return hashes_[{begin, end}] = Sha256({std::string_view("\x01", 1), Bytes(left), Bytes(right)});
  }
  Sha256Digest Root(uint64_t size) const { return Hash(0, size); }

  // PATH(m, D[begin:end]), m counted from `begin`
  Proof Path(uint64_t m, uint64_t begin, uint64_t end) const {
    if (end - begin == 1) return {};
    const uint64_t k = Split(end - begin);
    Proof path = m < k ? Path(m, begin, begin + k) : Path(m - k, begin + k, end);
    path.push_back(m < k ? Hash(begin + k, end) : Hash(begin, begin + k));
    return path;
  }

  // SUBPROOF(m, D[begin:end], whole); PROOF(m, D) is that of whole = true.
  Proof SubProof(uint64_t m, uint64_t begin, uint64_t end, bool whole) const {
    if (m == end - begin) return whole ? Proof{} : Proof{Hash(begin, end)};
    const uint64_t k = Split(end - begin);
    Proof proof = m <= k ? SubProof(m, begin, begin + k, whole) : SubProof(m - k, begin + k, end, false);
    proof.push_back(m <= k ? Hash(begin + k, end) : Hash(begin, begin + k));
    return proof;
  }

  // Of the tree of the first `size` leaves; INTERNAL for a subtree that is not complete in it.
  NodeSource Source(uint64_t size) const {
    return [this, size](unsigned level, uint64_t index) -> absl::StatusOr<Sha256Digest> {
      if (level > 32 || (index + 1) << level > size) return absl::InternalError("not complete");
      return Hash(index << level, (index + 1) << level);
    };
  }

 private:
  // The largest power of two smaller than n.
  static uint64_t Split(uint64_t n) {
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }

  std::vector<Sha256Digest> leaves_;
  mutable std::map<std::pair<uint64_t, uint64_t>, Sha256Digest> hashes_;
};

// Different leaves.
inline ReferenceTree ManyLeaves(uint64_t size) {
  std::vector<std::string> data;
  for (uint64_t i = 0; i < size; ++i) data.push_back("leaf " + std::to_string(i));
  return ReferenceTree(data);
}

inline Sha256Digest Digest(std::string_view hex) {
  Sha256Digest digest{};
  const std::string bytes = HexDecode(hex).value();
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

// With one bit of `digest` flipped, each in turn.
template <class Try>
void FlipEachBit(Sha256Digest& digest, Try attempt) {
  for (size_t bit = 0; bit < 8 * digest.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    digest[bit / 8] ^= mask;
    attempt();
    digest[bit / 8] ^= mask;
  }
}

}  // namespace coalition::merkle
