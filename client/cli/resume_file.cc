#include "client/cli/resume_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/text.h"
#include "common/file.h"

namespace coalition::cli {
namespace {

// So that no other file is taken for one, and overwritten.
constexpr std::string_view kHeader = "coalition watch cursor 1\n";
constexpr size_t kBytesMax = 65'536;

// What SaveCursor will do, but for the renaming.
absl::Status CheckReplaceable(const std::string& path) {
  std::string beside = path + ".XXXXXX";
  const int fd = ::mkstemp(beside.data());
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot make a file beside ", path));
  ::close(fd);
  ::unlink(beside.c_str());
  return absl::OkStatus();
}

absl::StatusOr<std::string> ParseCursor(const std::string& path, std::string_view text) {
  if (text.substr(0, kHeader.size()) == kHeader && text.back() == '\n') {
    text.remove_prefix(kHeader.size());
    if (!text.empty()) text.remove_suffix(1);
    if (!text.empty() && Printable(text) == text) return std::string(text);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, " holds no cursor of a watch: name another file, or delete it to begin again"));
}

}  // namespace

absl::StatusOr<std::string> OpenResumeFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kBytesMax);
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  std::string cursor;
  if (text.ok()) {
    absl::StatusOr<std::string> parsed = ParseCursor(path, *text);
    if (!parsed.ok()) return parsed.status();
    cursor = *std::move(parsed);
  }
  if (absl::Status status = CheckReplaceable(path); !status.ok()) return status;
  return cursor;
}

absl::Status SaveCursor(const std::string& path, const std::string& cursor) {
  return WriteFileAtomic(path, absl::StrCat(std::string(kHeader), cursor, "\n"), 0600);
}

}  // namespace coalition::cli
