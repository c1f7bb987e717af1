// Signed notes (c2sp.org/signed-note): a text and the signatures of those who vouch for it.
//
//   text, ending in a newline
//   (a blank line)
//   — name base64(key id, four bytes || signature)      one line for each signature
//
// Strict, so that what is parsed and formatted again is the same bytes: valid UTF-8, no characters below
// U+0020 but newlines, base 64 (RFC 4648 §4) with its padding and its unused bits zero. Every function is
// thread-safe. Unless said otherwise errors are INVALID_ARGUMENT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ed25519.h"

namespace coalition {

// A note with all its signatures. The format asks for 16 of them at least.
inline constexpr size_t kNoteBytesMax = size_t{256} << 10;
inline constexpr size_t kNoteSignaturesMax = 256;
// Of a verifier key's text.
inline constexpr size_t kVerifierKeyBytesMax = 1024;
// Of a cosignature, in seconds since the Unix epoch; c2sp.org/tlog-cosignature's bound.
inline constexpr uint64_t kCosignatureTimeMax = (uint64_t{1} << 63) - 1;

// Who signed, the bytes as they stand in the note, and nothing about whether they are right.
struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string signature;  // not empty
  friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};

struct SignedNote {
  std::string text;
  std::vector<NoteSignature> signatures;  // 1 to kNoteSignaturesMax
  friend bool operator==(const SignedNote&, const SignedNote&) = default;
};

// Verifies nothing: the text may be anybody's.
absl::StatusOr<SignedNote> ParseNote(std::string_view note);
// What ParseNote would refuse is refused.
absl::StatusOr<std::string> FormatNote(const SignedNote& note);
// Whether it can be a note's text.
absl::Status CheckNoteText(std::string_view text);
// Not empty, UTF-8, without Unicode spaces, characters below U+0020 and '+'.
bool IsKeyName(std::string_view name);

// The format's number of the kind of signature.
enum class NoteAlgorithm : uint8_t {
  // Of the text.
  kEd25519 = 0x01,
  // c2sp.org/tlog-cosignature, cosignature/v1: a time, eight bytes big-endian, and the signature of
  // "cosignature/v1\ntime {time in decimal}\n{text}".
  kCosignatureV1 = 0x04,
};

// Who is believed, written "{name}+{key id, eight hex digits}+{base64(algorithm, one byte || public key)}". A
// public key should be used for one algorithm only: a log that used its key for both would cosign whatever
// text begins like a cosignature's message.
class VerifierKey {
 public:
  static absl::StatusOr<VerifierKey> Make(std::string_view name, NoteAlgorithm algorithm,
                                          const Ed25519PublicKey& public_key);
  // Also refuses a key id that is not the key's, and algorithms that are not above.
  static absl::StatusOr<VerifierKey> Parse(std::string_view text);
  std::string ToText() const;

  const std::string& name() const { return name_; }
  NoteAlgorithm algorithm() const { return algorithm_; }
  const Ed25519PublicKey& public_key() const { return public_key_; }
  // The first four bytes of SHA-256(name || 0x0A || algorithm || public key), big-endian. With the name it
  // tells which key signed; it is short, and proves nothing.
  uint32_t id() const { return id_; }
  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;

 private:
  VerifierKey(std::string_view name, NoteAlgorithm algorithm, const Ed25519PublicKey& public_key);

  std::string name_;
  NoteAlgorithm algorithm_;
  Ed25519PublicKey public_key_;
  uint32_t id_;
};

// Signatures of a text. INTERNAL: OpenSSL can't sign.
absl::StatusOr<NoteSignature> SignText(std::string_view text, std::string_view name, const Ed25519Key& key);
absl::StatusOr<NoteSignature> CosignText(std::string_view text, std::string_view name, const Ed25519Key& key,
                                         uint64_t time_s);

// The note with one more signature, at its end; one by the same name and key id makes way for it.
absl::StatusOr<std::string> AddSignature(std::string_view note, const NoteSignature& signature);

// A signature that was verified.
struct NoteEndorsement {
  size_t key = 0;                  // which of the keys that were given
  std::optional<uint64_t> time_s;  // of a cosignature
  friend bool operator==(const NoteEndorsement&, const NoteEndorsement&) = default;
};

struct OpenedNote {
  std::string text;
  // At least one; in the note's order, of each key its first signature.
  std::vector<NoteEndorsement> endorsements;
};

// Verifies every signature whose name and key id are those of a key given, and passes over the others.
// FAILED_PRECONDITION: none of the keys has signed. DATA_LOSS: a signature that should be of a key given is
// not, so the text or the signature was changed. INVALID_ARGUMENT: it is no note, or two keys given have the
// same name and id and are not the same.
absl::StatusOr<OpenedNote> OpenNote(std::string_view note, std::span<const VerifierKey> keys);

// RFC 4648 §4, strict, so that each value has one spelling. nullopt: not that.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace coalition
