// A ledger over a World's store that is sealed when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/ledger_verify.h"
#include "server/ledger/sealer.h"
#include "server/store/commit_lane.h"
#include "tests/support/exchange_world.h"
#include "tests/unit/ledger/entries_support.h"

namespace coalition::testing {

inline constexpr char kTestOrigin[] = "ledger.coalition.example";

// What a test can't go on without.
template <class T>
T Given(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

// The world's clock goes on by a second with each tick. The world must outlive it.
class SealedLedger {
 public:
  explicit SealedLedger(World& world, std::vector<VerifierKey> witnesses = {})
      : world_(world),
        key_(Given(Ed25519Key::Generate(world.random))),
        lane_(world.store()),
        sealer_(Given(ledger::Sealer::Open(
            {kTestOrigin, std::chrono::milliseconds(1000), dir_.path() + "/head", std::move(witnesses)}, key_,
            world.store(), lane_, world.clock, world.random, Facts(world)))) {}
  ~SealedLedger() {
    sealer_->Stop();
    lane_.Drain();
  }
  SealedLedger(const SealedLedger&) = delete;
  SealedLedger& operator=(const SealedLedger&) = delete;

  // In one commit; not sealed yet.
  void Write(const std::vector<storage::v1::StoredLedgerEntry>& entries) {
    store::Commit commit;
    commit.build = [&](store::Revision revision, auto) -> absl::StatusOr<std::vector<store::Write>> {
      std::vector<store::Write> writes;
      for (const auto& entry : entries) {
        writes.push_back(ledger::EntryWrite({revision, static_cast<uint32_t>(writes.size())}, entry));
      }
      return writes;
    };
    ASSERT_TRUE(world_.store().CommitAll({&commit, 1}).front().ok());
  }
  void Tick() {
    world_.clock.now_ns += 1'000'000'000;
    const absl::Status sealed = sealer_->Tick();
    ASSERT_TRUE(sealed.ok()) << sealed;
  }
  void Seal(const std::vector<storage::v1::StoredLedgerEntry>& entries) {
    Write(entries);
    Tick();
  }

  ledger::Checkpoint Newest() const { return sealer_->Newest(); }
  ledger::Sealer& sealer() { return *sealer_; }
  const Ed25519Key& key() const { return key_; }
  VerifierKey verifier() const {
    return Given(VerifierKey::Make(kTestOrigin, NoteAlgorithm::kEd25519, key_.public_key()));
  }

 private:
  static ledger::MemberFacts Facts(const World& world) {
    const auto member = [&world](uint32_t number) {
      return world.directory().Current()->policy_state().member(number);
    };
    return {{[member](uint32_t number) { return FormatMemberName(member(number)->id); },
             [](policy::ViewSet) { return std::vector<std::string>{"full"}; }, TestEntryKeys()},
            [member](uint32_t number) { return member(number)->kind; }};
  }

  World& world_;
  const TempDir dir_;
  const Ed25519Key key_;
  store::CommitLane lane_;
  const std::unique_ptr<ledger::Sealer> sealer_;
};

}  // namespace coalition::testing
