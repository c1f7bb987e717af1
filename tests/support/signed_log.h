// A ledger in memory and its key, by definition and from all leaves each time: for tests of whoever verifies.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coalition/v1/ledger_service.pb.h"
#include "common/checkpoint.h"
#include "common/ed25519.h"
#include "common/ledger_leaf.h"
#include "common/ledger_verify.h"
#include "common/signed_note.h"
#include "common/tick_tree.h"
#include "tests/unit/common/merkle_reference.h"

namespace coalition::testing {

// An entry's parts, both opened, as `salt` and content; the salts follow from what they are of.
inline v1::LedgerEntry Parts(const v1::LedgerContent& content, const v1::LedgerReserved& reserved = {}) {
  v1::LedgerEntry entry;
  entry.mutable_open()->set_content(content.SerializeAsString());
  entry.mutable_reserved()->set_content(reserved.SerializeAsString());
  for (v1::LedgerPart* part : {entry.mutable_open(), entry.mutable_reserved()}) {
    const Sha256Digest digest = Sha256({part == &entry.open() ? "open" : "reserved", part->content()});
    part->set_salt(std::string(Bytes(digest).substr(0, ledger::kPartSaltBytes)));
  }
  return entry;
}

// With the commitment to a part in its place.
inline void Close(v1::LedgerPart* part) {
  const Sha256Digest commitment = ledger::CommitmentOf(part->salt(), part->content());
  part->Clear();
  part->set_commitment(std::string(Bytes(commitment)));
}

// Not thread-safe. Aborts on what a test can't mean.
class SignedLog {
 public:
  explicit SignedLog(const std::string& origin = "coalition.example/ledger", uint8_t seed = 1)
      : origin_(origin), key_(MakeKey(seed)), verifier_(MakeVerifier(origin, key_)) {}

  const VerifierKey& verifier() const { return verifier_; }
  uint64_t size() const { return leaves_.size(); }

  // One tick more. `entries`: as of Parts, by their slots. `secret` tells apart what is else the same.
  void Tick(int64_t time_ms, const std::map<uint32_t, v1::LedgerEntry>& entries = {}, uint8_t secret = 7) {
    OneTick tick{time_ms, std::vector<uint8_t>(merkle::kTickSecretBytes, secret), {}, entries};
    tick.secret[0] = static_cast<uint8_t>(leaves_.size());
    for (const auto& [slot, entry] : entries) {
      tick.leaves.push_back(
          {slot, ledger::EntryLeafHash(CommitmentOf(entry.open()), CommitmentOf(entry.reserved()))});
    }
    const auto root = merkle::SparseRoot(ledger::kSlotDepth, SecretOf(tick), tick.leaves);
    if (!root.ok()) std::abort();
    leaves_.push_back(ledger::TickLeaf(leaves_.size(), time_ms, ledger::TickSaltOf(SecretOf(tick)), *root));
    ticks_.push_back(std::move(tick));
  }

  coalition::Checkpoint CheckpointOf(uint64_t size) const {
    return {origin_, size, merkle::ReferenceTree(leaves_).Root(size), {}};
  }
  // Signed.
  std::string Note(uint64_t size) const {
    const auto note = SignCheckpoint(CheckpointOf(size), key_);
    if (!note.ok()) std::abort();
    return *note;
  }
  std::string Note() const { return Note(size()); }

  // Both parts opened, with the proof that it is in the log of that size.
  v1::LedgerEntry Prove(uint64_t tick, uint32_t slot, uint64_t size) const {
    const OneTick& at = ticks_.at(tick);
    v1::LedgerEntry entry = at.entries.at(slot);
    entry.set_name(ledger::FormatEntryName({tick, slot}));
    v1::LedgerProof& proof = *entry.mutable_proof();
    const auto path = merkle::SparsePath(ledger::kSlotDepth, SecretOf(at), at.leaves, slot);
    if (!path.ok()) std::abort();
    for (const Sha256Digest& hash : *path) proof.add_slot_path(std::string(Bytes(hash)));
    proof.mutable_tick_time()->set_seconds(at.time_ms / 1000);
    proof.mutable_tick_time()->set_nanos(static_cast<int32_t>(at.time_ms % 1000 * 1'000'000));
    proof.set_tick_salt(std::string(Bytes(ledger::TickSaltOf(SecretOf(at)))));
    for (const Sha256Digest& hash : merkle::ReferenceTree(leaves_).Path(tick, 0, size))
      proof.add_log_path(std::string(Bytes(hash)));
    proof.set_note(Note(size));
    return entry;
  }

  ledger::ProofHashes Consistency(uint64_t old_size, uint64_t new_size) const {
    ledger::ProofHashes hashes;
    if (old_size >= new_size) return hashes;
    for (const Sha256Digest& hash : merkle::ReferenceTree(leaves_).SubProof(old_size, 0, new_size, true))
      *hashes.Add() = std::string(Bytes(hash));
    return hashes;
  }

 private:
  struct OneTick {
    int64_t time_ms;
    std::vector<uint8_t> secret;
    std::vector<merkle::SlotLeaf> leaves;
    std::map<uint32_t, v1::LedgerEntry> entries;
  };

  static merkle::TickSecret SecretOf(const OneTick& tick) {
    return merkle::TickSecret(tick.secret.data(), merkle::kTickSecretBytes);
  }
  static Sha256Digest CommitmentOf(const v1::LedgerPart& part) {
    return ledger::CommitmentOf(part.salt(), part.content());
  }
  static Ed25519Key MakeKey(uint8_t seed) {
    std::array<uint8_t, kEd25519KeyBytes> bytes{};
    bytes[0] = seed;
    const auto key = Ed25519Key::FromSeed(bytes);
    if (!key.ok()) std::abort();
    return *key;
  }
  static VerifierKey MakeVerifier(const std::string& origin, const Ed25519Key& key) {
    const auto verifier = VerifierKey::Make(origin, NoteAlgorithm::kEd25519, key.public_key());
    if (!verifier.ok()) std::abort();
    return *verifier;
  }

  std::string origin_;
  Ed25519Key key_;
  VerifierKey verifier_;
  std::vector<std::string> leaves_;  // data of
  std::vector<OneTick> ticks_;
};

}  // namespace coalition::testing
