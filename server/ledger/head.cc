#include "server/ledger/head.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/signed_note.h"
#include "common/strings.h"

namespace coalition::ledger {
namespace {

constexpr std::string_view kFirstLine = "coalition-head/v1\n";
constexpr std::string_view kSumPrefix = "sha256 ";
constexpr std::string_view kRevisionPrefix = "revision ";
constexpr size_t kHeadBytesMax = kNoteBytesMax + 4096;
constexpr size_t kAdoptBytesMax = size_t{1} << 20;

// Takes `prefix` and a line from the front of `text`. nullopt: it begins otherwise.
std::optional<std::string_view> TakeLine(std::string_view prefix, std::string_view* text) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos || text->substr(0, prefix.size()) != prefix || end < prefix.size()) {
    return std::nullopt;
  }
  const std::string_view line = text->substr(prefix.size(), end - prefix.size());
  text->remove_prefix(end + 1);
  return line;
}

// nullopt: it is not what FormatHead makes.
std::optional<Head> ParseHead(std::string_view text) {
  if (text.substr(0, kFirstLine.size()) != kFirstLine) return std::nullopt;
  text.remove_prefix(kFirstLine.size());
  const std::optional<std::string_view> sum = TakeLine(kSumPrefix, &text);
  if (!sum || *sum != HexEncode(Bytes(Sha256(text)))) return std::nullopt;
  const std::optional<std::string_view> revision = TakeLine(kRevisionPrefix, &text);
  Head head;
  if (!revision || !absl::SimpleAtoi(Absl(*revision), &head.revision)) return std::nullopt;
  if (text.empty() || text.front() != '\n') return std::nullopt;
  head.note = text.substr(1);
  return head;
}

std::string FormatHead(const Head& head) {
  const std::string body = absl::StrCat(Absl(kRevisionPrefix), head.revision, "\n\n", head.note);
  return absl::StrCat(Absl(kFirstLine), Absl(kSumPrefix), HexEncode(Bytes(Sha256(body))), "\n", body);
}

}  // namespace

absl::Status HeadDir::Make() const { return MakeDir(path_, 0700); }

absl::StatusOr<std::optional<Head>> HeadDir::Read() const {
  const absl::StatusOr<std::string> text = ReadFile(file(), kHeadBytesMax);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return text.status();
  std::optional<Head> head = ParseHead(*text);
  if (head) return head;
  return absl::DataLossError(absl::StrCat(
      file(),
      " is damaged, so that the store can't be held against it: restore it from your copy of the "
      "directory. If there is none and you trust the store, remove it and create a file ",
      adopt_file(), ": the next start takes the store's log as it is."));
}

absl::Status HeadDir::Write(const Head& head) const {
  return WriteFileAtomic(file(), FormatHead(head), 0600);
}

absl::StatusOr<bool> HeadDir::MayAdopt() const {
  const absl::StatusOr<std::string> word = ReadFile(adopt_file(), kAdoptBytesMax);
  if (absl::IsNotFound(word.status())) return false;
  return word.ok() ? absl::StatusOr<bool>(true) : word.status();
}

absl::Status HeadDir::EndAdopting() const {
  if (unlink(adopt_file().c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot remove ", adopt_file()));
}

}  // namespace coalition::ledger
