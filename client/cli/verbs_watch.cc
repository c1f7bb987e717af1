// coalition watch: records as they come, change and go.
#include <chrono>
#include <memory>
#include <thread>

#include "client/cli/app.h"
#include "client/cli/record_filter.h"
#include "client/cli/resume_file.h"
#include "client/cli/watch_run.h"

namespace coalition::cli {
namespace {

struct WatchFlags {
  RecordFilterFlags filter;
  std::string resume;
  uint64_t count = 0;
  bool snapshot = false;
};

WatchSettings Settings(Session& session, const WatchFlags& flags, bool resumed) {
  WatchSettings settings;
  settings.format = session.format();
  settings.resume_file = flags.resume;
  settings.count_max = flags.count;
  settings.snapshot = flags.snapshot;
  settings.resumed = resumed;
  settings.out = &session.io().out;
  settings.err = &session.io().err;
  settings.progress = session.io().err_shows_progress;
  return settings;
}

absl::Status RunUntilInterrupted(const Io& io, client::RecordWatch& watch, WatchRun& run) {
  // A thread that waits for the server does not notice Ctrl-C.
  const std::jthread interrupts([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (io.interrupted()) return watch.Cancel();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  return run.Run();
}

int Watch(Session& session, const WatchFlags& flags) {
  if (session.format() != Format::kTable && session.format() != Format::kJsonl) {
    return session.Misused("a watch is printed as it comes: -o jsonl is for programs, -o table for people");
  }
  const absl::StatusOr<v1::RecordFilter> filter = ToRecordFilter(flags.filter);
  if (!filter.ok()) return session.Misused(std::string(filter.status().message()));
  client::WatchOptions options;
  if (!flags.resume.empty()) {
    absl::StatusOr<std::string> cursor = OpenResumeFile(flags.resume);
    if (!cursor.ok()) return session.Fail(Local(cursor.status()));
    options.cursor = *std::move(cursor);
  }
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  session.io().catch_interrupt();
  const std::unique_ptr<client::RecordWatch> watch = (*client)->WatchRecords(*filter, options);
  WatchRun run(*watch, Settings(session, flags, !options.cursor.empty()));
  const absl::Status status = RunUntilInterrupted(session.io(), *watch, run);
  if (absl::IsCancelled(status) && session.io().interrupted()) {
    session.Note(flags.resume.empty() ? "Interrupted." : "Interrupted. Run it again to go on.");
    return kExitInterrupted;
  }
  return status.ok() ? kExitOk : session.Fail(status);
}

}  // namespace

void AddWatchVerb(App& app) {
  auto flags = std::make_shared<WatchFlags>();
  Verb verb = app.AddVerb(
      app.root(), "watch",
      "The records that you may see, and then every change of them, as it happens: UPSERT, a record appears "
      "or\n"
      "looks different; GONE, it is not for you to see any more; CLEARED, it was wrong. Until Ctrl-C",
      {{"watch", "Everything, for people."},
       {"watch --class report --seller bazaar.example -o jsonl --resume reports.cursor",
        "Reports about a platform's sellers, for a program; run again it goes on where it was."},
       {"watch -o jsonl --snapshot", "What there is now, and no changes."},
       {"watch -o jsonl --snapshot --resume changes.cursor",
        "At the first run what there is, at each later one what has changed since."}},
      [flags](Session& session) { return Watch(session, *flags); });
  AddRecordFilterFlags(verb, &flags->filter);
  verb.AddOption("--resume", flags->resume,
                 "File that keeps the place: goes on from there if it is there, and keeps it up to date");
  verb.AddOption(
          "--count", flags->count,
          "End after so many events; with --resume, after the whole response that has the last of them")
      .Between(1, 1'000'000'000);
  verb.AddFlag("--snapshot", flags->snapshot, "End when nothing is missing any more");
}

}  // namespace coalition::cli
