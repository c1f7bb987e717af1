// Checkpoints of a transparency log (c2sp.org/tlog-checkpoint) and their cosignatures
// (c2sp.org/tlog-cosignature, cosignature/v1). A checkpoint is a signed note with this text:
//
//   origin                    the log's name for itself
//   size                      of its tree, in decimal without leading zeros
//   root                      RFC 6962's, in base 64
//   extension lines           any number of them, none empty
//
// A log must never sign two checkpoints of which neither tree begins with the other. A cosignature is a
// witness's word that it has seen this checkpoint last, at its time, and that it is consistent with all that
// it saw before. Every function is thread-safe. Unless said otherwise errors are INVALID_ARGUMENT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ed25519.h"
#include "common/hash.h"
#include "common/signed_note.h"

namespace coalition {

struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  Sha256Digest root{};
  std::vector<std::string> extensions;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Strict: what is parsed and formatted again is the same text. Also refuses a tree of size 0 whose root is
// not the empty tree's.
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text);
// What ParseCheckpoint would refuse is refused.
absl::StatusOr<std::string> FormatCheckpoint(const Checkpoint& checkpoint);

// The note, signed by the log with Ed25519. The name of its key is the origin, which must fit: without spaces
// and '+'. INTERNAL: OpenSSL can't sign.
absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const Ed25519Key& log_key);

// The note with the cosignature of a witness whose key has that name. Verifies neither the log's signature
// nor that the checkpoint is consistent with those before: both are to be done first. An earlier cosignature
// of the same key makes way for it. INTERNAL: OpenSSL can't sign.
absl::StatusOr<std::string> CosignCheckpoint(std::string_view note, std::string_view name,
                                             const Ed25519Key& key, uint64_t time_s);

// A witness that has cosigned.
struct Cosignature {
  size_t witness = 0;  // which of the keys that were given
  uint64_t time_s = 0;
  friend bool operator==(const Cosignature&, const Cosignature&) = default;
};

struct OpenedCheckpoint {
  Checkpoint checkpoint;
  std::string text;
  std::vector<Cosignature> cosignatures;  // in the note's order, at most one of each witness
};

// A checkpoint of the log with that origin, signed with at least one of `log_keys` (of
// NoteAlgorithm::kEd25519), and who of `witnesses` (of kCosignatureV1) has cosigned it. Signatures of other
// keys are passed over; whether there are enough cosignatures is the caller's to say. FAILED_PRECONDITION:
// the log has not signed it, or it is another log's. DATA_LOSS: a signature that should be of a key given is
// not. INVALID_ARGUMENT: it is no checkpoint, or a key given is of the wrong algorithm.
absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(std::string_view note, std::span<const VerifierKey> log_keys,
                                                std::string_view origin,
                                                std::span<const VerifierKey> witnesses = {});

}  // namespace coalition
