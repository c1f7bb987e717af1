#include "client/cli/prompt.h"

#include "absl/strings/ascii.h"

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

}  // namespace coalition::cli
