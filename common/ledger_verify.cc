#include "common/ledger_verify.h"

#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/hash.h"
#include "common/merkle.h"
#include "common/strings.h"

namespace coalition::ledger {
namespace {

absl::Status Invalid(const std::string& what) { return absl::InvalidArgumentError(what); }

bool IsOpened(const v1::LedgerPart& part) { return !part.salt().empty(); }

// `name`: "open" or "reserved".
absl::Status CheckForm(const v1::LedgerPart& part, const char* name) {
  if (IsOpened(part)) {
    if (part.salt().size() == kPartSaltBytes) return absl::OkStatus();
    return Invalid(absl::StrCat("the salt of the ", name, " part is not ", kPartSaltBytes, " bytes long"));
  }
  if (!part.content().empty()) return Invalid(absl::StrCat("the ", name, " part has contents and no salt"));
  if (part.commitment().empty()) return Invalid(absl::StrCat("the ", name, " part is missing"));
  return absl::OkStatus();
}

template <class Message>
absl::StatusOr<std::optional<Message>> Open(const v1::LedgerPart& part, const char* name) {
  if (absl::Status form = CheckForm(part, name); !form.ok()) return form;
  if (!IsOpened(part)) return std::nullopt;
  Message message;
  if (!message.ParseFromString(part.content())) {
    return Invalid(absl::StrCat("the contents of the ", name, " part are no ", message.GetTypeName()));
  }
  return message;
}

absl::StatusOr<Sha256Digest> Commitment(const v1::LedgerPart& part, const char* name) {
  if (absl::Status form = CheckForm(part, name); !form.ok()) return form;
  const std::optional<Sha256Digest> given = ToDigest(part.commitment());
  if (!part.commitment().empty() && !given) {
    return Invalid(absl::StrCat("the commitment to the ", name, " part is not 32 bytes long"));
  }
  if (!IsOpened(part)) return *given;
  const Sha256Digest computed = CommitmentOf(part.salt(), part.content());
  if (given && *given != computed) {
    return absl::DataLossError(absl::StrCat("the commitment to the ", name, " part is not to its contents"));
  }
  return computed;
}

absl::StatusOr<std::vector<Sha256Digest>> Digests(const ProofHashes& hashes, const char* what) {
  std::vector<Sha256Digest> digests;
  for (const std::string& hash : hashes) {
    const std::optional<Sha256Digest> digest = ToDigest(hash);
    if (!digest)
      return Invalid(absl::StrCat("hash ", digests.size() + 1, " of the ", what, " is not 32 bytes long"));
    digests.push_back(*digest);
  }
  return digests;
}

// The root that the path leads to: what it must be stands nowhere in the proof, but is below the log's root.
absl::StatusOr<Sha256Digest> EntriesRoot(const v1::LedgerEntry& entry, uint32_t slot) {
  const absl::StatusOr<Sha256Digest> open = Commitment(entry.open(), "open");
  if (!open.ok()) return open.status();
  const absl::StatusOr<Sha256Digest> reserved = Commitment(entry.reserved(), "reserved");
  if (!reserved.ok()) return reserved.status();
  const auto path = Digests(entry.proof().slot_path(), "slot path");
  if (!path.ok()) return path.status();
  if (path->size() != kSlotDepth) {
    return Invalid(absl::StrCat("the slot path has ", path->size(), " hashes; it must have ", kSlotDepth));
  }
  Sha256Digest hash = EntryLeafHash(*open, *reserved);
  for (const Sha256Digest& sibling : *path) {
    hash = (slot & 1) == 0 ? merkle::HashNode(hash, sibling) : merkle::HashNode(sibling, hash);
    slot >>= 1;
  }
  return hash;
}

absl::StatusOr<int64_t> TickTimeMs(const v1::LedgerProof& proof) {
  constexpr int64_t kLast = 253'402'300'799;  // 9999-12-31
  constexpr int32_t kNanosPerMs = 1'000'000;
  const google::protobuf::Timestamp& time = proof.tick_time();
  if (time.seconds() < 0 || time.seconds() > kLast || time.nanos() < 0 || time.nanos() > 999'999'999 ||
      time.nanos() % kNanosPerMs != 0) {
    return Invalid("the tick's time is none: whole milliseconds since 1970");
  }
  return time.seconds() * 1000 + time.nanos() / kNanosPerMs;
}

// The same code, and what it is about.
absl::Status About(std::string_view what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(Absl(what), ": ", status.message()));
}

// That the tick's leaf, over that root, is in the log.
absl::Status VerifyTick(const v1::LedgerProof& proof, const VerifiedEntry& verified,
                        const Sha256Digest& entries_root) {
  const std::optional<Sha256Digest> salt = ToDigest(proof.tick_salt());
  if (!salt) return Invalid("the tick's salt is not 32 bytes long");
  const auto path = Digests(proof.log_path(), "log path");
  if (!path.ok()) return path.status();
  const Sha256Digest leaf =
      merkle::HashLeaf(TickLeaf(verified.place.tick, verified.tick_time_ms, *salt, entries_root));
  const coalition::Checkpoint& checkpoint = verified.checkpoint.checkpoint;
  absl::Status included =
      merkle::VerifyInclusion(leaf, verified.place.tick, checkpoint.size, *path, checkpoint.root);
  if (absl::IsDataLoss(included)) {
    return absl::DataLossError(
        "the proof does not lead to the log's root: the entry, its place or the proof was changed, or it was "
        "never in this log");
  }
  return included.ok() ? included : About("the log path", included);
}

}  // namespace

absl::StatusOr<OpenedEntry> OpenEntry(const v1::LedgerEntry& entry) {
  absl::StatusOr<std::optional<v1::LedgerContent>> content = Open<v1::LedgerContent>(entry.open(), "open");
  if (!content.ok()) return content.status();
  absl::StatusOr<std::optional<v1::LedgerReserved>> reserved =
      Open<v1::LedgerReserved>(entry.reserved(), "reserved");
  if (!reserved.ok()) return reserved.status();
  return OpenedEntry{*std::move(content), *std::move(reserved)};
}

absl::StatusOr<coalition::OpenedCheckpoint> OpenLogCheckpoint(std::string_view note,
                                                              const VerifierKey& log_key) {
  return coalition::OpenCheckpoint(note, std::span(&log_key, 1), log_key.name());
}

absl::StatusOr<VerifiedEntry> VerifyEntry(const v1::LedgerEntry& entry, const VerifierKey& log_key) {
  VerifiedEntry verified;
  const absl::StatusOr<EntryPlace> place = ParseEntryName(entry.name());
  if (!place.ok()) return About("the entry's name", place.status());
  verified.place = *place;
  if (!entry.has_proof()) return Invalid("the entry has no proof with it");
  absl::StatusOr<coalition::OpenedCheckpoint> checkpoint = OpenLogCheckpoint(entry.proof().note(), log_key);
  if (!checkpoint.ok()) return checkpoint.status();
  verified.checkpoint = *std::move(checkpoint);
  const absl::StatusOr<int64_t> time_ms = TickTimeMs(entry.proof());
  if (!time_ms.ok()) return time_ms.status();
  verified.tick_time_ms = *time_ms;
  const absl::StatusOr<Sha256Digest> root = EntriesRoot(entry, place->slot);
  if (!root.ok()) return root.status();
  if (absl::Status tick = VerifyTick(entry.proof(), verified, *root); !tick.ok()) return tick;
  absl::StatusOr<OpenedEntry> opened = OpenEntry(entry);
  if (!opened.ok()) return opened.status();
  verified.opened = *std::move(opened);
  return verified;
}

absl::Status VerifyGrowth(const coalition::Checkpoint& before, const coalition::Checkpoint& now,
                          const ProofHashes& hashes) {
  if (before.origin != now.origin) {
    return absl::FailedPreconditionError(absl::StrCat("they are checkpoints of two logs, ",
                                                      Quoted(before.origin), " and ", Quoted(now.origin)));
  }
  if (now.size < before.size) {
    return absl::OutOfRangeError(
        absl::StrCat("the log has shrunk from ", before.size, " ticks to ", now.size));
  }
  if (now.size == before.size && now.root != before.root) {
    return absl::DataLossError(absl::StrCat("two logs of ", now.size, " ticks have different roots"));
  }
  const auto proof = Digests(hashes, "proof");
  if (!proof.ok()) return proof.status();
  absl::Status consistent = merkle::VerifyConsistency(before.size, before.root, now.size, now.root, *proof);
  if (!absl::IsDataLoss(consistent)) return consistent;
  return absl::DataLossError(absl::StrCat("by the proof, the log of ", before.size,
                                          " ticks is not the beginning of the one of ", now.size));
}

}  // namespace coalition::ledger
