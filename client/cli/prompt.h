// Questions to the person at the terminal.
#pragma once

#include <string>

#include "client/cli/session.h"

namespace coalition::cli {

// Whether somebody can read a question and answer it.
bool CanAsk(const Session& session);

// What is typed after `question`, without white space around it; nothing at the end of input.
std::string AskLine(Session& session, const std::string& question);

}  // namespace coalition::cli
