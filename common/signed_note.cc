#include "common/signed_note.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/big_endian.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // U+2014 and a space
constexpr size_t kKeyIdBytes = sizeof(uint32_t);
constexpr size_t kTimeBytes = sizeof(uint64_t);

absl::Status Invalid(std::string_view what) { return absl::InvalidArgumentError(Absl(what)); }

template <class T>
std::string BigEndian(T number) {
  std::string bytes;
  AppendBigEndian(number, &bytes);
  return bytes;
}

// As in Unicode's White_Space, without those below U+0020.
bool IsSpace(char32_t c) {
  return c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// UTF-8 of characters that are all `allowed`.
template <class Allowed>
bool ConsistsOf(std::string_view text, Allowed allowed) {
  while (!text.empty()) {
    char32_t c = 0;
    const size_t length = Utf8Character(text, &c);
    if (length == 0 || !allowed(c)) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsNoteUtf8(std::string_view text) {
  return ConsistsOf(text, [](char32_t c) { return c >= 0x20 || c == '\n'; });
}

absl::StatusOr<NoteSignature> ParseSignature(std::string_view line) {
  if (line.substr(0, kDash.size()) != kDash) {
    return Invalid("a line behind the note's blank line does not begin with a dash and a space");
  }
  line.remove_prefix(kDash.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !IsKeyName(line.substr(0, space))) {
    return Invalid("a signature line of the note has no name of a key");
  }
  const std::optional<std::string> bytes = DecodeBase64(line.substr(space + 1));
  if (!bytes || bytes->size() <= kKeyIdBytes) {
    return Invalid("a signature of the note is no base 64 of a key id and a signature");
  }
  const std::string_view view = *bytes;
  return NoteSignature{std::string(line.substr(0, space)), ReadBigEndian<uint32_t>(view),
                       std::string(view.substr(kKeyIdBytes))};
}

absl::Status TooLarge() {
  return Invalid(absl::StrCat("the note is larger than ", kNoteBytesMax >> 10, " KiB"));
}

absl::Status TooMany() {
  return Invalid(absl::StrCat("the note has more than ", kNoteSignaturesMax, " signatures"));
}

std::string CosignatureMessage(std::string_view text, uint64_t time_s) {
  return absl::StrCat("cosignature/v1\ntime ", time_s, "\n", Absl(text));
}

// Nothing: it is not of the key. A cosignature's time counts as true only with its signature.
std::optional<NoteEndorsement> Verify(const VerifierKey& key, std::string_view text,
                                      std::string_view signature) {
  NoteEndorsement endorsement;
  if (key.algorithm() == NoteAlgorithm::kEd25519) {
    if (!VerifyEd25519(key.public_key(), text, signature)) return std::nullopt;
    return endorsement;
  }
  if (signature.size() != kTimeBytes + kEd25519SignatureBytes) return std::nullopt;
  const uint64_t time_s = ReadBigEndian<uint64_t>(signature);
  const bool verified =
      time_s <= kCosignatureTimeMax &&
      VerifyEd25519(key.public_key(), CosignatureMessage(text, time_s), signature.substr(kTimeBytes));
  if (!verified) return std::nullopt;
  endorsement.time_s = time_s;
  return endorsement;
}

absl::Status CheckDistinct(std::span<const VerifierKey> keys) {
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (keys[i].id() == keys[j].id() && keys[i].name() == keys[j].name() && keys[i] != keys[j]) {
        return Invalid(absl::StrCat("two different verifier keys have the name ", Quoted(keys[i].name()),
                                    " and the same id"));
      }
    }
  }
  return absl::OkStatus();
}

// The first of the keys with the signature's name and id.
std::optional<size_t> FindKey(std::span<const VerifierKey> keys, const NoteSignature& signature) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const VerifierKey& key) {
    return key.id() == signature.key_id && key.name() == signature.name;
  });
  if (found == keys.end()) return std::nullopt;
  return static_cast<size_t>(found - keys.begin());
}

absl::StatusOr<NoteSignature> MakeSignature(std::string_view name, NoteAlgorithm algorithm,
                                            const Ed25519Key& key, std::string_view message,
                                            std::string_view prefix) {
  const absl::StatusOr<VerifierKey> verifier = VerifierKey::Make(name, algorithm, key.public_key());
  if (!verifier.ok()) return verifier.status();
  const absl::StatusOr<std::string> signature = key.Sign(message);
  if (!signature.ok()) return signature.status();
  return NoteSignature{verifier->name(), verifier->id(), std::string(prefix) + *signature};
}

}  // namespace

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string bytes;
  // The decoder is lenient about white space, padding and unused bits.
  if (!absl::Base64Unescape(Absl(text), &bytes) || absl::Base64Escape(bytes) != Absl(text)) {
    return std::nullopt;
  }
  return bytes;
}

absl::Status CheckNoteText(std::string_view text) {
  if (text.size() > kNoteBytesMax) return TooLarge();
  if (text.empty() || text.back() != '\n') return Invalid("the text of a note must end in a newline");
  if (!IsNoteUtf8(text)) return Invalid("the note is not UTF-8, or has control characters besides newlines");
  return absl::OkStatus();
}

bool IsKeyName(std::string_view name) {
  return !name.empty() && ConsistsOf(name, [](char32_t c) { return c > 0x20 && c != '+' && !IsSpace(c); });
}

absl::StatusOr<SignedNote> ParseNote(std::string_view note) {
  if (absl::Status status = CheckNoteText(note); !status.ok()) return status;
  const size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos || blank + 2 == note.size()) {
    return Invalid("the note has no blank line with signatures behind it");
  }
  SignedNote parsed;
  parsed.text = note.substr(0, blank + 1);
  for (std::string_view lines = note.substr(blank + 2); !lines.empty();) {
    if (parsed.signatures.size() == kNoteSignaturesMax) return TooMany();
    const size_t end = lines.find('\n');
    absl::StatusOr<NoteSignature> signature = ParseSignature(lines.substr(0, end));
    if (!signature.ok()) return signature.status();
    parsed.signatures.push_back(*std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return parsed;
}

absl::StatusOr<std::string> FormatNote(const SignedNote& note) {
  if (absl::Status text = CheckNoteText(note.text); !text.ok()) return text;
  if (note.signatures.empty()) return Invalid("the note has no signature");
  if (note.signatures.size() > kNoteSignaturesMax) return TooMany();
  std::string formatted = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    if (!IsKeyName(signature.name)) return Invalid("a signature of the note has no name of a key");
    if (signature.signature.empty()) return Invalid("a signature of the note is empty");
    absl::StrAppend(&formatted, Absl(kDash), signature.name, " ",
                    absl::Base64Escape(BigEndian(signature.key_id) + signature.signature), "\n");
  }
  if (formatted.size() > kNoteBytesMax) return TooLarge();
  return formatted;
}

VerifierKey::VerifierKey(std::string_view name, NoteAlgorithm algorithm, const Ed25519PublicKey& public_key)
    : name_(name), algorithm_(algorithm), public_key_(public_key) {
  const char separator_and_algorithm[] = {'\n', static_cast<char>(algorithm)};
  const Sha256Digest digest =
      Sha256({name, {separator_and_algorithm, sizeof(separator_and_algorithm)}, Bytes(public_key)});
  id_ = ReadBigEndian<uint32_t>(Bytes(digest));
}

absl::StatusOr<VerifierKey> VerifierKey::Make(std::string_view name, NoteAlgorithm algorithm,
                                              const Ed25519PublicKey& public_key) {
  if (!IsKeyName(name)) {
    return Invalid(absl::StrCat(Quoted(name), " is no name of a key: write UTF-8 without spaces and '+'"));
  }
  VerifierKey key(name, algorithm, public_key);
  if (key.ToText().size() > kVerifierKeyBytesMax) return Invalid("the name of the key is too long");
  return key;
}

absl::StatusOr<VerifierKey> VerifierKey::Parse(std::string_view text) {
  constexpr size_t kIdDigits = 2 * kKeyIdBytes;
  const size_t plus = text.find('+');
  if (text.size() > kVerifierKeyBytesMax || plus == std::string_view::npos ||
      text.size() < plus + kIdDigits + 2 || text[plus + 1 + kIdDigits] != '+') {
    return Invalid("a verifier key must have the form NAME+HEX+BASE64");
  }
  const std::optional<std::string> encoded = DecodeBase64(text.substr(plus + kIdDigits + 2));
  if (!encoded || encoded->empty()) return Invalid("the verifier key does not end in base 64 of a key");
  const auto algorithm = static_cast<NoteAlgorithm>(static_cast<uint8_t>(encoded->front()));
  if (algorithm != NoteAlgorithm::kEd25519 && algorithm != NoteAlgorithm::kCosignatureV1) {
    return Invalid(absl::StrCat("the verifier key is of algorithm ", static_cast<int>(algorithm),
                                ": known are 1, Ed25519, and 4, its cosignatures"));
  }
  Ed25519PublicKey public_key{};
  if (encoded->size() != 1 + public_key.size())
    return Invalid("the verifier key has no 32 bytes of a public key");
  std::copy(encoded->begin() + 1, encoded->end(), public_key.begin());
  absl::StatusOr<VerifierKey> key = Make(text.substr(0, plus), algorithm, public_key);
  if (key.ok() && key->ToText() != text) {
    return Invalid("the eight hex digits of the verifier key are not its id: it was changed or mistyped");
  }
  return key;
}

std::string VerifierKey::ToText() const {
  std::string encoded(1, static_cast<char>(algorithm_));
  encoded += Bytes(public_key_);
  return absl::StrCat(name_, "+", HexEncode(BigEndian(id_)), "+", absl::Base64Escape(encoded));
}

absl::StatusOr<NoteSignature> SignText(std::string_view text, std::string_view name, const Ed25519Key& key) {
  if (absl::Status status = CheckNoteText(text); !status.ok()) return status;
  return MakeSignature(name, NoteAlgorithm::kEd25519, key, text, "");
}

absl::StatusOr<NoteSignature> CosignText(std::string_view text, std::string_view name, const Ed25519Key& key,
                                         uint64_t time_s) {
  if (absl::Status status = CheckNoteText(text); !status.ok()) return status;
  if (time_s > kCosignatureTimeMax) return Invalid("the time of a cosignature must be below 2^63 seconds");
  return MakeSignature(name, NoteAlgorithm::kCosignatureV1, key, CosignatureMessage(text, time_s),
                       BigEndian(time_s));
}

absl::StatusOr<std::string> AddSignature(std::string_view note, const NoteSignature& signature) {
  absl::StatusOr<SignedNote> parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  std::erase_if(parsed->signatures, [&](const NoteSignature& other) {
    return other.key_id == signature.key_id && other.name == signature.name;
  });
  parsed->signatures.push_back(signature);
  return FormatNote(*parsed);
}

absl::StatusOr<OpenedNote> OpenNote(std::string_view note, std::span<const VerifierKey> keys) {
  if (absl::Status distinct = CheckDistinct(keys); !distinct.ok()) return distinct;
  absl::StatusOr<SignedNote> parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  OpenedNote opened;
  for (const NoteSignature& signature : parsed->signatures) {
    const std::optional<size_t> key = FindKey(keys, signature);
    if (!key) continue;
    std::optional<NoteEndorsement> endorsement = Verify(keys[*key], parsed->text, signature.signature);
    if (!endorsement) {
      return absl::DataLossError(absl::StrCat("the signature of ", Quoted(signature.name),
                                              " is not of this text: one of them was changed"));
    }
    endorsement->key = *key;
    const bool repeated = std::any_of(opened.endorsements.begin(), opened.endorsements.end(),
                                      [&](const NoteEndorsement& other) { return other.key == *key; });
    if (!repeated) opened.endorsements.push_back(*endorsement);
  }
  if (opened.endorsements.empty()) {
    return absl::FailedPreconditionError("the note is not signed with any of the keys that are known");
  }
  opened.text = std::move(parsed->text);
  return opened;
}

}  // namespace coalition
