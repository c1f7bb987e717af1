// coalitiond: the exchange as a program.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "CLI/CLI.hpp"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/config.h"
#include "server/server.h"

namespace coalition::server {
namespace {

enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2 };

int Complain(const absl::Status& status, ExitCode code) {
  std::fprintf(stderr, "coalitiond: %s\n", std::string(status.message()).c_str());
  return code;
}

void ConfigureLog(const config::v1::Log& log) {
  LogLevel level = LogLevel::kInfo;
  Log::ParseLevel(log.level(), &level);
  Log::Configure(level, log.format() == config::v1::Log::FORMAT_JSON ? LogFormat::kJson : LogFormat::kText);
}

// Waits for a signal that says stop; one that says reload is done meanwhile.
void AwaitStop(const sigset_t& signals, Server& server) {
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    Log::Info("signal", {{"signal", signal}});
    if (signal != SIGHUP) return;
    server.ReloadTls().IgnoreError();  // said in the log, and the old files serve
  }
}

// Serves until a signal says stop. A second one stops at once.
int Serve(const std::string& path, const sigset_t& signals) {
  // As --check does: what is wrong in the files ends with kUsage, so that nobody tries again.
  const auto config = CheckConfig(path, SystemClock().NowS());
  if (!config.ok()) return Complain(config.status(), kUsage);
  ConfigureLog(config->log());
  ServerOptions options;
  options.config = *config;
  const auto server = Server::Start(std::move(options));
  if (!server.ok()) return Complain(server.status(), kFailed);
  AwaitStop(signals, **server);
  std::thread([signals] {
    int second = 0;
    do {
      sigwait(&signals, &second);
    } while (second == SIGHUP);
    // Nothing acknowledged is lost: it is durable before it is acknowledged.
    _exit(kFailed);
  }).detach();
  (*server)->Shutdown();
  return kOk;
}

int Main(int argc, char** argv) {
  CLI::App app("coalitiond, the exchange of an anti-counterfeiting coalition.");
  std::string path;
  bool check = false;
  app.add_option("--config", path, "The configuration, a textproto of coalition.config.v1.ServerConfig")
      ->required()
      ->type_name("FILE");
  app.add_flag("--check", check, "Say whether the configuration and its files are sound, and start nothing");
  app.set_version_flag("--version", "coalitiond " COALITION_VERSION);
  app.footer(
      "Exit codes: 0 stopped cleanly, 1 failed, 2 wrong command line or configuration.\n"
      "Example: coalitiond --config /etc/coalition/server.textproto --check");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  if (check) {
    const auto config = CheckConfig(path, SystemClock().NowS());
    if (!config.ok()) return Complain(config.status(), kUsage);
    std::printf("%s: sound\n", path.c_str());
    return kOk;
  }
  // Debian builds Abseil with its debugging aid for lock orders, which takes a tenth of a call's time in
  // gRPC's locks. Of ours there are none.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Before any thread: all inherit it, and one of them waits.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return Serve(path, signals);
}

}  // namespace
}  // namespace coalition::server

int main(int argc, char** argv) { return coalition::server::Main(argc, argv); }
