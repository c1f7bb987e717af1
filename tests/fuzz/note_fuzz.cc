// Any bytes as a signed note, as a checkpoint's text and as a verifier key: refused, or written back as they
// were; and nothing is taken for signed that is not.
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/checkpoint.h"
#include "common/hash.h"
#include "common/signed_note.h"

namespace {

using coalition::Ed25519Key;
using coalition::NoteAlgorithm;
using coalition::VerifierKey;

// The texts that corpus/note_fuzz has with a signature of a key below.
constexpr std::string_view kSignedTexts[] = {
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
    "This is an example message.\n",
    "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"};
constexpr std::string_view kLogOrigin = "arche2025h1.staging.ct.transparency.dev";

void Require(bool holds) {
  if (!holds) std::abort();
}

std::vector<VerifierKey> Keys(std::initializer_list<const char*> texts) {
  std::vector<VerifierKey> keys;
  for (const char* text : texts) keys.push_back(VerifierKey::Parse(text).value());
  return keys;
}

const std::vector<VerifierKey>& LogKeys() {
  static const auto& keys = *new std::vector<VerifierKey>(Keys(
      {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
       "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
       "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"}));
  return keys;
}

const std::vector<VerifierKey>& Witnesses() {
  static const auto& keys = *new std::vector<VerifierKey>(
      Keys({"remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"}));
  return keys;
}

bool IsSignedText(std::string_view text) {
  for (const std::string_view known : kSignedTexts) {
    if (text == known) return true;
  }
  return false;
}

void TryNote(std::string_view bytes) {
  const auto note = coalition::ParseNote(bytes);
  if (!note.ok()) {
    Require(absl::IsInvalidArgument(note.status()) && !coalition::OpenNote(bytes, LogKeys()).ok());
    return;
  }
  Require(coalition::FormatNote(*note).value() == bytes);
  Require(!note->signatures.empty() && note->signatures.size() <= coalition::kNoteSignaturesMax);
  const auto opened = coalition::OpenNote(bytes, LogKeys());
  if (opened.ok()) Require(opened->text == note->text && IsSignedText(opened->text));
  const auto checkpoint = coalition::OpenCheckpoint(bytes, LogKeys(), kLogOrigin, Witnesses());
  if (!checkpoint.ok()) return;
  Require(checkpoint->text == kSignedTexts[2] && checkpoint->checkpoint.size == 1'432'088'532);
  for (const coalition::Cosignature& cosignature : checkpoint->cosignatures) {
    Require(cosignature.witness < Witnesses().size() && cosignature.time_s == 1'779'573'024);
  }
}

// What was parsed can be signed, cosigned and opened again, where its origin can be a key's name.
void TryCheckpoint(std::string_view text) {
  const auto checkpoint = coalition::ParseCheckpoint(text);
  if (!checkpoint.ok()) return;
  Require(coalition::FormatCheckpoint(*checkpoint).value() == text);
  static const auto& key = *new Ed25519Key(Ed25519Key::FromSeed(coalition::Sha256("fuzz")).value());
  const auto log_key = VerifierKey::Make(checkpoint->origin, NoteAlgorithm::kEd25519, key.public_key());
  const auto note = coalition::SignCheckpoint(*checkpoint, key);
  Require(note.ok() == log_key.ok() || text.size() > coalition::kNoteBytesMax / 2);
  if (!note.ok() || !log_key.ok()) return;
  const auto cosigned = coalition::CosignCheckpoint(*note, "witness", key, 7);
  if (!cosigned.ok()) return;
  const VerifierKey witness =
      VerifierKey::Make("witness", NoteAlgorithm::kCosignatureV1, key.public_key()).value();
  const auto opened = coalition::OpenCheckpoint(*cosigned, {&*log_key, 1}, checkpoint->origin, {&witness, 1});
  Require(opened.ok() && opened->checkpoint == *checkpoint && opened->cosignatures.size() == 1);
}

void TryVerifierKey(std::string_view text) {
  const auto key = VerifierKey::Parse(text);
  if (key.ok()) Require(key->ToText() == text && coalition::IsKeyName(key->name()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TryNote(bytes);
  TryCheckpoint(bytes);
  if (const auto note = coalition::ParseNote(bytes); note.ok()) TryCheckpoint(note->text);
  TryVerifierKey(bytes);
  return 0;
}
