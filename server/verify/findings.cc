#include "server/verify/findings.h"

#include "absl/strings/escaping.h"
#include "common/strings.h"

namespace coalition::verify {

std::string_view NameOf(Subject subject) {
  switch (subject) {
    case Subject::kDisk:
      return "disk";
    case Subject::kHistory:
      return "history";
    case Subject::kRow:
      return "row";
    case Subject::kRecord:
      return "record";
    case Subject::kIndex:
      return "index";
    case Subject::kCoalition:
      return "coalition";
    case Subject::kLedger:
      return "ledger";
    case Subject::kHead:
      return "head";
    case Subject::kShown:
      return "shown";
  }
  return "";
}

std::string_view RemedyOf(Subject subject) {
  switch (subject) {
    case Subject::kDisk:
      return "the disk or the memory of this machine is not to be trusted: replace it, then restore the "
             "newest "
             "backup that verifies";
    case Subject::kHead:
      return "set store_dir, ledger.head_dir and key_dir to those that belong together; if they do, restore "
             "the newest backup";
    case Subject::kLedger:
      return "keep a copy of the directory, for it shows what was changed, and restore the newest backup "
             "that "
             "verifies";
    default:
      return "restore the newest backup that verifies; if the rows were written by this program, it is a "
             "defect: "
             "report it";
  }
}

void Findings::Add(Subject subject, std::string what, std::string_view key) {
  if (found_.size() == max_) {
    more_ = true;
    return;
  }
  found_.push_back({subject, std::move(what), absl::CHexEscape(Absl(key))});
}

}  // namespace coalition::verify
