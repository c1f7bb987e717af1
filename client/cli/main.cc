// The command line's process: streams, signals, locale.
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "client/cli/app.h"
#include "client/cli/status.h"
#include "client/cli/text.h"
#include "client/options.h"

namespace {

volatile std::sig_atomic_t interrupted = 0;

void OnInterrupt(int) {
  // The second Ctrl-C ends the process at once.
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

void HandleInterrupt() {
  struct sigaction action {};
  action.sa_handler = OnInterrupt;
  // Not SA_RESTART: a read that waits for input must return.
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

// Whoever was to read standard output has gone, e.g. `| head -1`.
bool ReaderIsGone() {
  pollfd out{1, POLLOUT, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  coalition::client::RequireTls13InThisProcess();
  // The tool says itself what went wrong.
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  std::signal(SIGPIPE, SIG_IGN);  // a connection that breaks is an error, not the end
  coalition::cli::UseUtf8();
  std::ios::sync_with_stdio(false);
  coalition::cli::Io io{std::cout, std::cerr,
                        [](char* buffer, size_t size) { return ::read(0, buffer, size); }};
  io.in_is_terminal = ::isatty(0) == 1;
  io.out_is_terminal = ::isatty(1) == 1;
  io.err_is_terminal = ::isatty(2) == 1;
  const char* const term = std::getenv("TERM");
  io.err_shows_progress = io.err_is_terminal && term != nullptr && std::strcmp(term, "dumb") != 0;
  const std::vector<std::string> args(argv + 1, argv + argc);
  io.catch_interrupt = HandleInterrupt;
  io.interrupted = [] { return interrupted != 0; };
  const int code = coalition::cli::Run(args, io);
  std::cout.flush();
  if (!std::cout) {
    if (ReaderIsGone()) return code == 0 ? coalition::cli::kExitBrokenPipe : code;
    std::cerr << "error: standard output could not be written\n";
    return code == 0 ? coalition::cli::kExitUsage : code;
  }
  return code;
}
