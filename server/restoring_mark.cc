#include "server/restoring_mark.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/file.h"
#include "common/strings.h"
#include "server/denials/journal.h"
#include "server/ledger/head.h"

namespace coalition::server {
namespace {

constexpr size_t kMarkBytesMax = size_t{1} << 16;
// The last line: whether there was a head before the restore.
constexpr std::string_view kHadHead = "had a head\n";
constexpr std::string_view kHadNoHead = "had no head\n";

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

absl::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot move ", from, " to ", to));
}

absl::Status Remove(const std::string& path) {
  absl::Status removed = RemoveFile(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> RestoringMark::Read() const {
  absl::StatusOr<std::string> text = ReadFile(file(), kMarkBytesMax);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return text.status();
  return std::optional(*std::move(text));
}

bool RestoringMark::IsThere() const { return Exists(file()); }

absl::Status RestoringMark::CheckNone(const std::string& store_dir) const {
  const auto mark = Read();
  if (!mark.ok()) return mark.status();
  if (!*mark) return absl::OkStatus();
  const std::string head = ledger::HeadDir(dir_).file(), journal = denials::Journal::FileIn(dir_);
  const std::string put_back_head = Exists(kept_head())
                                        ? absl::StrCat("move ", kept_head(), " to ", head, ", ")
                                    : (*mark)->ends_with(kHadNoHead) ? absl::StrCat("remove ", head, ", ")
                                                                     : "";
  const std::string put_back_journal = Exists(kept_journal())
                                           ? absl::StrCat("move ", kept_journal(), " to ", journal)
                                           : absl::StrCat("remove ", journal);
  return absl::FailedPreconditionError(
      absl::StrCat("a restore into ", store_dir, " was begun and has not ended (", file(),
                   "): empty the directory and run coalitiond --restore again. Or give it up: put back into "
                   "the directory what was there before, and ledger.origin as it was; ",
                   put_back_head, put_back_journal, "; and remove ", file(), " last."));
}

// Under a name with the time, and with a number where that is taken: nothing is overwritten.
absl::Status RestoringMark::MoveAway(const std::string& from, const std::string& to, int64_t now_s) const {
  if (!Exists(from)) return absl::OkStatus();
  const std::string dated = absl::StrCat(
      to, "-", absl::FormatTime("%Y%m%dT%H%M%SZ", absl::FromUnixSeconds(now_s), absl::UTCTimeZone()));
  std::string name = dated;
  for (int i = 2; Exists(name); ++i) name = absl::StrCat(dated, "-", i);
  return Rename(from, name);
}

absl::Status RestoringMark::PutBackHead(int64_t now_s) const {
  const auto mark = Read();
  if (!mark.ok()) return mark.status();
  if (!*mark) return absl::OkStatus();
  const std::string head = ledger::HeadDir(dir_).file();
  // Nobody was shown the log of that head.
  if ((*mark)->ends_with(kHadNoHead)) return MoveAway(head, head + "-of-unfinished-restore", now_s);
  return Exists(kept_head()) ? Rename(kept_head(), head) : absl::OkStatus();
}

absl::Status RestoringMark::Begin(const std::string& backup, bool has_head, bool has_journal,
                                  int64_t now_s) const {
  // Of an attempt that is begun again what is kept is from before the first.
  if (!Exists(file())) {
    if (absl::Status moved = MoveAway(kept_head(), kept_head(), now_s); !moved.ok()) return moved;
    if (absl::Status removed = Remove(kept_journal()); !removed.ok()) return removed;
    if (has_journal) {
      const auto journal = ReadFile(denials::Journal::FileIn(dir_), std::numeric_limits<size_t>::max());
      if (!journal.ok()) return journal.status();
      if (absl::Status kept = WriteFileAtomic(kept_journal(), *journal, 0600); !kept.ok()) return kept;
    }
  }
  return WriteFileAtomic(file(), absl::StrCat(backup, "\n", Absl(has_head ? kHadHead : kHadNoHead)), 0600);
}

absl::Status RestoringMark::PutAsideHead() const { return Rename(ledger::HeadDir(dir_).file(), kept_head()); }

absl::Status RestoringMark::End() const {
  // The new journal has all that it had.
  if (absl::Status removed = Remove(kept_journal()); !removed.ok()) return removed;
  return Remove(file());
}

}  // namespace coalition::server
