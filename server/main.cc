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
#include "common/random.h"
#include "server/config.h"
#include "server/key_rotation.h"
#include "server/restoring.h"
#include "server/server.h"
#include "server/verifying.h"

namespace coalition::server {
namespace {

enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2 };
// Of --verify.
constexpr ExitCode kUnsound = kFailed, kUnreadable = kUsage;

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

struct Flags {
  std::string config;
  bool check = false;
  bool verify = false;
  std::string rotate_key, end_key_overlap;
  RestoreRequest restore;
};

void AddFlags(CLI::App& app, Flags* flags) {
  app.add_option("--config", flags->config,
                 "The configuration, a textproto of coalition.config.v1.ServerConfig")
      ->required()
      ->type_name("FILE");
  app.add_flag("--check", flags->check,
               "Say whether the configuration and its files are sound, and start nothing");
  app.add_flag(
      "--verify", flags->verify,
      "Read everything in the store, with the server stopped, and say whether it is sound; write nothing");
  CLI::Option* rotate =
      app.add_option("--rotate-key", flags->rotate_key,
                     "Put a new key in the place of ledger_key, page_token, seller_hash or etag of key_dir, "
                     "with the server stopped")
          ->type_name("KEY");
  app.add_option("--end-key-overlap", flags->end_key_overlap,
                 "Remove the former ledger_key or page_token, which --rotate-key has kept")
      ->type_name("KEY")
      ->excludes(rotate);
  CLI::Option* restore =
      app.add_option(
             "--restore", flags->restore.file,
             "Make the store, whose directory must be empty, from this backup, and begin a new ledger")
          ->type_name("FILE");
  app.add_option("--backup-key", flags->restore.key_file, "The private key that the backup is encrypted to")
      ->type_name("FILE")
      ->needs(restore);
  app.set_version_flag("--version", "coalitiond " COALITION_VERSION);
  app.footer(
      "Exit codes: 0 stopped cleanly, 1 failed, 2 wrong command line or configuration; of --verify: 0 sound, "
      "1 "
      "it is not, 2 it could not be read.\n"
      "Example: coalitiond --config /etc/coalition/server.textproto --check");
}

int Check(const Flags& flags) {
  const auto config = CheckConfig(flags.config, SystemClock().NowS());
  if (!config.ok()) return Complain(config.status(), kUsage);
  std::printf("%s: sound\n", flags.config.c_str());
  return kOk;
}

int Verify(const Flags& flags) {
  const auto config = LoadConfig(flags.config);
  if (!config.ok()) return Complain(config.status(), kUsage);
  const absl::StatusOr<bool> sound = VerifyAndTell(*config, stdout);
  if (!sound.ok()) return Complain(sound.status(), kUnreadable);
  return *sound ? kOk : kUnsound;
}

int ChangeKey(const Flags& flags, bool rotates) {
  const auto config = LoadConfig(flags.config);
  if (!config.ok()) return Complain(config.status(), kUsage);
  SystemRandom random;
  const auto done =
      rotates ? RotateKey(*config, flags.rotate_key, random) : EndKeyOverlap(*config, flags.end_key_overlap);
  if (!done.ok()) return Complain(done.status(), absl::IsInvalidArgument(done.status()) ? kUsage : kFailed);
  std::printf("%s\n", done->c_str());
  return kOk;
}

int RestoreStore(const Flags& flags) {
  if (flags.restore.key_file.empty())
    return Complain(absl::InvalidArgumentError("--restore takes --backup-key FILE"), kUsage);
  const auto config = LoadConfig(flags.config);
  if (!config.ok()) return Complain(config.status(), kUsage);
  SystemRandom random;
  absl::Status restored = Restore(*config, flags.restore, SystemClock(), random, [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  });
  return restored.ok() ? kOk : Complain(restored, kFailed);
}

int Main(int argc, char** argv) {
  CLI::App app("coalitiond, the exchange of an anti-counterfeiting coalition.");
  Flags flags;
  AddFlags(app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  if (flags.check) return Check(flags);
  if (flags.verify) return Verify(flags);
  if (app.count("--restore") > 0) return RestoreStore(flags);
  const bool rotates = app.count("--rotate-key") > 0;
  if (rotates || app.count("--end-key-overlap") > 0) return ChangeKey(flags, rotates);
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
  return Serve(flags.config, signals);
}

}  // namespace
}  // namespace coalition::server

int main(int argc, char** argv) { return coalition::server::Main(argc, argv); }
