#include "common/checkpoint.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/merkle.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr size_t kLinesMin = 3;

absl::Status Invalid(std::string_view what) { return absl::InvalidArgumentError(Absl(what)); }

// `text` ends in a newline.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  uint64_t size = 0;
  // The parser is lenient about signs, white space and leading zeros.
  if (!absl::SimpleAtoi(Absl(text), &size) || absl::StrCat(size) != Absl(text)) return std::nullopt;
  return size;
}

absl::Status CheckAlgorithm(std::span<const VerifierKey> keys, NoteAlgorithm algorithm, const char* whose) {
  for (const VerifierKey& key : keys) {
    if (key.algorithm() == algorithm) continue;
    return Invalid(absl::StrCat("the verifier key of ", Quoted(key.name()), " is of algorithm ",
                                static_cast<int>(key.algorithm()), ", but ", whose, " must be of ",
                                static_cast<int>(algorithm)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text) {
  if (absl::Status status = CheckNoteText(text); !status.ok()) return status;
  const std::vector<std::string_view> lines = Lines(text);
  if (lines.size() < kLinesMin)
    return Invalid("a checkpoint has three lines at least: origin, size and root");
  if (std::any_of(lines.begin(), lines.end(), [](std::string_view line) { return line.empty(); })) {
    return Invalid("a line of the checkpoint is empty");
  }
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  const std::optional<uint64_t> size = ParseSize(lines[1]);
  if (!size)
    return Invalid("the checkpoint's second line is no size: a decimal number without leading zeros");
  checkpoint.size = *size;
  const std::optional<std::string> root = DecodeBase64(lines[2]);
  if (!root || root->size() != checkpoint.root.size()) {
    return Invalid("the checkpoint's third line is no root: base 64 of 32 bytes");
  }
  std::copy(root->begin(), root->end(), checkpoint.root.begin());
  if (checkpoint.size == 0 && checkpoint.root != merkle::EmptyRoot()) {
    return Invalid("the checkpoint is of an empty tree but has another root");
  }
  checkpoint.extensions.assign(lines.begin() + kLinesMin, lines.end());
  return checkpoint;
}

absl::StatusOr<std::string> FormatCheckpoint(const Checkpoint& checkpoint) {
  std::string text = absl::StrCat(checkpoint.origin, "\n", checkpoint.size, "\n",
                                  absl::Base64Escape(Absl(Bytes(checkpoint.root))), "\n");
  for (const std::string& extension : checkpoint.extensions) absl::StrAppend(&text, extension, "\n");
  // A newline within a line would make another checkpoint of it.
  const absl::StatusOr<Checkpoint> parsed = ParseCheckpoint(text);
  if (!parsed.ok()) return parsed.status();
  if (*parsed != checkpoint) return Invalid("a line of the checkpoint has a newline in it");
  return text;
}

absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const Ed25519Key& log_key) {
  absl::StatusOr<std::string> text = FormatCheckpoint(checkpoint);
  if (!text.ok()) return text.status();
  absl::StatusOr<NoteSignature> signature = SignText(*text, checkpoint.origin, log_key);
  if (!signature.ok()) return signature.status();
  return FormatNote({*std::move(text), {*std::move(signature)}});
}

absl::StatusOr<std::string> CosignCheckpoint(std::string_view note, std::string_view name,
                                             const Ed25519Key& key, uint64_t time_s) {
  const absl::StatusOr<SignedNote> parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  if (absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(parsed->text); !checkpoint.ok()) {
    return checkpoint.status();
  }
  const absl::StatusOr<NoteSignature> signature = CosignText(parsed->text, name, key, time_s);
  if (!signature.ok()) return signature.status();
  return AddSignature(note, *signature);
}

absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(std::string_view note, std::span<const VerifierKey> log_keys,
                                                std::string_view origin,
                                                std::span<const VerifierKey> witnesses) {
  absl::Status keys_ok = CheckAlgorithm(log_keys, NoteAlgorithm::kEd25519, "a log's");
  keys_ok.Update(CheckAlgorithm(witnesses, NoteAlgorithm::kCosignatureV1, "a witness's"));
  if (!keys_ok.ok()) return keys_ok;
  std::vector<VerifierKey> keys(log_keys.begin(), log_keys.end());
  keys.insert(keys.end(), witnesses.begin(), witnesses.end());
  absl::StatusOr<OpenedNote> opened = OpenNote(note, keys);
  if (!opened.ok()) return opened.status();
  OpenedCheckpoint result;
  bool signed_by_log = false;
  for (const NoteEndorsement& endorsement : opened->endorsements) {
    if (endorsement.time_s) {
      result.cosignatures.push_back({endorsement.key - log_keys.size(), *endorsement.time_s});
    } else {
      signed_by_log = true;
    }
  }
  if (!signed_by_log) {
    return absl::FailedPreconditionError("the checkpoint is not signed with any of the log's keys");
  }
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(opened->text);
  if (!checkpoint.ok()) return checkpoint.status();
  if (checkpoint->origin != origin) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the checkpoint is of the log ", Quoted(checkpoint->origin), ", not of ", Quoted(origin)));
  }
  result.checkpoint = *std::move(checkpoint);
  result.text = std::move(opened->text);
  return result;
}

}  // namespace coalition
