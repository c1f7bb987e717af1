// Questions to the person at the terminal.
#pragma once

#include <string>
#include <vector>

#include "client/cli/session.h"

namespace coalition::cli {

// Whether somebody can read a question and answer it.
bool CanAsk(const Session& session);

// What is typed after `question`, without white space around it; nothing at the end of input.
std::string AskLine(Session& session, const std::string& question);

// Before something is lost: says `lost`, a line each, and asks `question` ("Suspend members/souk?"). kExitOk:
// yes, or `yes` was said on the command line. kExitNo: no, and that nothing was changed was said. kExitUsage:
// nobody can be asked, and that --yes is for that was said.
int ConfirmLoss(Session& session, bool yes, const std::vector<std::string>& lost,
                const std::string& question);

}  // namespace coalition::cli
