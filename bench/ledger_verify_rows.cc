// What a member's client does with a proof from the ledger, in this process.
#include <string>
#include <vector>

#include "bench/cpu_time.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/merkle.h"

namespace coalition::bench {
namespace {

constexpr unsigned kLevels = 20;
constexpr uint64_t kSize = uint64_t{1} << kLevels;
constexpr int kProofs = 20'000;

// CPU time of `work`, in microseconds for each of kProofs.
template <class Work>
double Microseconds(Work work) {
  const double start = ThreadCpuSeconds();
  for (int i = 0; i < kProofs; ++i) work();
  return (ThreadCpuSeconds() - start) * 1e6 / kProofs;
}

}  // namespace

Rows LedgerVerify(Workspace& /*workspace*/, const Settings& settings) {
  // Any hashes are a proof, of the root that they lead to.
  const auto source = [](unsigned level, uint64_t index) -> absl::StatusOr<Sha256Digest> {
    return merkle::HashLeaf(std::to_string(level) + " " + std::to_string(index));
  };
  const uint64_t index = kSize / 3;
  const absl::StatusOr<std::vector<Sha256Digest>> proof = merkle::InclusionProof(index, kSize, source);
  if (!proof.ok()) return proof.status();
  const Sha256Digest leaf = merkle::HashLeaf("a leaf");
  const auto fold = [&] {
    Sha256Digest root = leaf;
    for (unsigned level = 0; level < kLevels; ++level) {
      const Sha256Digest& sibling = (*proof)[level];
      root = (index >> level & 1) != 0 ? merkle::HashNode(sibling, root) : merkle::HashNode(root, sibling);
    }
    return root;
  };
  const Sha256Digest root = fold();
  int refused = 0;
  std::vector<double> measured, baseline;
  for (int round = 0; round < settings.rounds; ++round) {
    measured.push_back(Microseconds(
        [&] { refused += merkle::VerifyInclusion(leaf, index, kSize, *proof, root).ok() ? 0 : 1; }));
    baseline.push_back(Microseconds([&] { refused += fold() == root ? 0 : 1; }));
  }
  if (refused > 0) return absl::DataLossError("a proof is not verified");
  const double value = Median(measured);
  return std::vector<Row>{
      {.name = "ledger_verify",
       .measured = FormatRate(measured, " us"),
       .baseline = FormatRate(baseline, " us"),
       .ratio = MedianRatio(measured, baseline),
       .target = "<= 5 us",
       .ok = value <= 5,
       .note = "CPU time to verify the inclusion proof of a leaf in a tree of 2^20, without the "
               "checkpoint's signature; baseline: its 20 hashes",
       .measured_value = value,
       .baseline_value = Median(baseline)}};
}

}  // namespace coalition::bench
