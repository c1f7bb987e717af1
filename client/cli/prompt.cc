#include "client/cli/prompt.h"

#include "absl/strings/ascii.h"
#include "client/cli/text.h"

namespace coalition::cli {

bool CanAsk(const Session& session) { return session.io().in_is_terminal && session.io().err_is_terminal; }

std::string AskLine(Session& session, const std::string& question) {
  session.io().err << question << std::flush;
  // The whole line: what were left of it would be the shell's next command.
  std::string line;
  char buffer[256];
  for (ssize_t n; (n = session.io().read_in(buffer, sizeof(buffer))) > 0;) {
    line.append(buffer, static_cast<size_t>(n));
    if (line.back() == '\n') return std::string(absl::StripAsciiWhitespace(line));
  }
  session.io().err << '\n';  // Ctrl-D leaves the cursor behind the question
  return "";
}

int ConfirmLoss(Session& session, bool yes, const std::vector<std::string>& lost,
                const std::string& question) {
  if (yes) return kExitOk;
  for (const std::string& line : lost) session.Note(line);
  if (!CanAsk(session)) return session.Misused("confirm with --yes where nobody can be asked");
  if (AskLine(session, Printable(question) + " Type yes: ") == "yes") return kExitOk;
  session.Note("Nothing was changed.");
  return kExitNo;
}

}  // namespace coalition::cli
