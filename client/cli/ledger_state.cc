#include "client/cli/ledger_state.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "client/cli/values.h"
#include "common/file.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "google/protobuf/util/time_util.h"

namespace coalition::cli {
namespace {

// So that no other file is taken for one, and overwritten.
constexpr std::string_view kHeader = "coalition ledger checkpoint 1\n";
constexpr std::string_view kSeen = "seen ";
constexpr size_t kBytesMax = kNoteBytesMax + 1024;

std::string TimeOf(int64_t unix_s) {
  return TimeText(google::protobuf::util::TimeUtil::SecondsToTimestamp(unix_s));
}

std::string Format(const SeenCheckpoint& seen) {
  return absl::StrCat(Absl(kHeader), Absl(kSeen), TimeOf(seen.seen_s), "\n", seen.note);
}

absl::StatusOr<Fd> Lock(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", path));
  }
  return fd;
}

// The line's time is taken from `text`.
absl::StatusOr<int64_t> TakeSeen(std::string_view* text) {
  const size_t end = text->find('\n');
  if (text->substr(0, kSeen.size()) == kSeen && end != std::string_view::npos) {
    const auto time = ParseTime(text->substr(kSeen.size(), end - kSeen.size()));
    text->remove_prefix(end + 1);
    if (time.ok()) return time->seconds();
  }
  return absl::InvalidArgumentError("its second line does not say when the checkpoint was seen");
}

}  // namespace

absl::StatusOr<SeenCheckpoint> ParseSeenCheckpoint(std::string_view text) {
  SeenCheckpoint seen;
  if (text.substr(0, kHeader.size()) == kHeader) {
    text.remove_prefix(kHeader.size());
    const absl::StatusOr<int64_t> time = TakeSeen(&text);
    if (!time.ok()) return time.status();
    seen.seen_s = *time;
  }
  const absl::StatusOr<SignedNote> note = ParseNote(text);
  if (!note.ok()) return note.status();
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  if (!checkpoint.ok()) return checkpoint.status();
  seen.note = text;
  seen.checkpoint = *std::move(checkpoint);
  return seen;
}

absl::StatusOr<LedgerState> LedgerState::Open(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    if (absl::Status status = MakeDir(path.substr(0, slash), 0700); !status.ok()) return status;
  }
  absl::StatusOr<Fd> lock = Lock(path + ".lock");
  if (!lock.ok()) return lock.status();
  LedgerState state(path, *std::move(lock));
  const absl::StatusOr<std::string> text = ReadFile(path, kBytesMax);
  if (absl::IsNotFound(text.status())) return state;
  if (!text.ok()) return text.status();
  // A bare note is not what Save writes: to replace it could be a mistake.
  absl::StatusOr<SeenCheckpoint> seen = ParseSeenCheckpoint(*text);
  if (!seen.ok() || seen->seen_s == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " does not keep a checkpoint as `coalition ledger audit` does (",
        seen.ok() ? "it does not say when it was seen" : seen.status().message(), "): name another file"));
  }
  state.last_ = *std::move(seen);
  return state;
}

absl::Status LedgerState::Save(SeenCheckpoint now) {
  if (absl::Status status = WriteFileAtomic(path_, Format(now), 0600); !status.ok()) return status;
  last_ = std::move(now);
  return absl::OkStatus();
}

absl::StatusOr<bool> LedgerState::KeepConflict(const LedgerConflict& conflict) const {
  const std::string text = absl::StrCat(
      "coalition ledger conflict 1\n", conflict.what, "\n\nverified at ", TimeOf(conflict.before.seen_s),
      ":\n\n", conflict.before.note, "\nshown at ", TimeOf(conflict.now.seen_s), ":\n\n", conflict.now.note);
  const absl::Status written = WriteNewFile(conflict_path(), text, 0600);
  if (absl::IsAlreadyExists(written)) return false;
  if (!written.ok()) return written;
  return true;
}

}  // namespace coalition::cli
