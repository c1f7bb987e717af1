// coalition mirror …: a local copy that answers without asking anyone.
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/flatten.h"
#include "client/cli/progress_line.h"
#include "client/cli/record_filter.h"
#include "client/cli/screen_output.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "client/mirror.h"
#include "client/mirror_runner.h"
#include "common/errors.h"
#include "common/timestamp.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

using std::chrono::steady_clock;

constexpr char kHandling[] =
    "A match is a lead, not a finding: verify it with your own evidence and a human review, and act within "
    "its "
    "label and permitted action.";
constexpr auto kShowEvery = std::chrono::milliseconds(200);

struct RunFlags {
  std::string directory;
  RecordFilterFlags filter;
};

// Of the verbs that need no exchange.
struct LookFlags {
  std::string directory;
  std::string max_age = "1h";
  std::vector<std::string> sellers;
};

std::string TimeOf(int64_t ns) { return ns == 0 ? "" : TimeText(ToTimestamp(ns)); }

std::string CountsText(const client::MirrorStatus& status) {
  return absl::StrCat(WithThousands(status.records), status.records == 1 ? " record" : " records", " about ",
                      WithThousands(status.sellers), status.sellers == 1 ? " seller" : " sellers");
}

// Tells how the mirror is as it goes.
class RunReport {
 public:
  RunReport(Session& session, const client::Mirror& mirror)
      : session_(session), mirror_(mirror), progress_(&session.io().err, session.io().err_shows_progress) {}

  void OnResponse() {
    told_break_ = false;
    const auto now = steady_clock::now();
    if (!session_.io().err_shows_progress && told_complete_) return;
    if (told_complete_ && now - shown_ < kShowEvery) return;
    const client::MirrorStatus status = mirror_.status();
    if (status.complete && !told_complete_) {
      told_complete_ = true;
      progress_.Clear();
      session_.Note("Complete: " + CountsText(status) + ".");
    }
    if (now - shown_ < kShowEvery) return;
    shown_ = now;
    const std::string coming = status.records_coming == 0
                                   ? ""
                                   : absl::StrCat(", ", WithThousands(status.records_coming), " coming in");
    progress_.Show(absl::StrCat(
        CountsText(status), coming,
        status.complete_until_ns == 0 ? "" : ", complete until " + TimeOf(status.complete_until_ns)));
  }
  // Once, until something comes again.
  void OnBreak(const absl::Status& status) {
    if (std::exchange(told_break_, true)) return;
    progress_.Clear();
    session_.Note(GetErrorReason(status) == v1::ERROR_REASON_CURSOR_TOO_OLD
                      ? "The exchange no longer has what has changed since: all of it comes again."
                      : absl::StrCat("The connection is lost, and tried again: ", status.message()));
  }
  void Finish() { progress_.Clear(); }

 private:
  Session& session_;
  const client::Mirror& mirror_;
  const ProgressLine progress_;
  steady_clock::time_point shown_;
  bool told_complete_ = false;
  bool told_break_ = false;
};

absl::Status RunUntilInterrupted(const Io& io, client::MirrorRunner& runner) {
  // A thread that waits for the server does not notice Ctrl-C.
  const std::jthread interrupts([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (io.interrupted()) return runner.Stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  return runner.Run();
}

int RunMirror(Session& session, const RunFlags& flags) {
  const absl::StatusOr<v1::RecordFilter> filter = ToRecordFilter(flags.filter);
  if (!filter.ok()) return session.Misused(std::string(filter.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  session.io().catch_interrupt();
  client::MirrorOptions options;
  options.directory = flags.directory;
  options.filter = *filter;
  const absl::StatusOr<std::unique_ptr<client::Mirror>> mirror = client::Mirror::Open(options);
  if (!mirror.ok()) return session.Misused(std::string(mirror.status().message()));
  RunReport report(session, **mirror);
  client::MirrorRunner runner(
      **mirror, [&](const client::WatchOptions& watch) { return (*client)->WatchRecords(*filter, watch); },
      {.on_response = [&](const v1::WatchRecordsResponse&) { report.OnResponse(); },
       .on_break = [&](const absl::Status& status) { report.OnBreak(status); }});
  const absl::Status status = RunUntilInterrupted(session.io(), runner);
  report.Finish();
  if (absl::IsCancelled(status) && session.io().interrupted()) {
    session.Note("Interrupted. Run it again to go on.");
    return kExitInterrupted;
  }
  if (runner.mirror_failed()) return session.Misused(std::string(status.message()));
  if ((*mirror)->status().wiped.time_ns != 0) session.Note("The mirror was wiped.");
  return session.Fail(status);
}

// As the flags say it; an error is told, and is usage's.
absl::StatusOr<std::unique_ptr<client::Mirror>> OpenToLook(const LookFlags& flags) {
  const absl::StatusOr<int64_t> max_age_s = ParseDuration(flags.max_age);
  if (!max_age_s.ok())
    return absl::InvalidArgumentError(absl::StrCat("--max-age: ", max_age_s.status().message()));
  client::MirrorOptions options;
  options.directory = flags.directory;
  options.max_age = std::chrono::seconds(*max_age_s);
  options.read_only = true;
  return client::Mirror::Open(options);
}

int Status(Session& session, const LookFlags& flags) {
  const auto mirror = OpenToLook(flags);
  if (!mirror.ok()) return session.Misused(std::string(mirror.status().message()));
  const client::MirrorStatus status = (*mirror)->status();
  const bool answers = status.answers.ok();
  const int64_t age_s = status.age_ns / 1'000'000'000;
  nlohmann::ordered_json json = {{"answers", answers},
                                 {"complete", status.complete},
                                 {"records", status.records},
                                 {"sellers", status.sellers}};
  if (status.complete_until_ns != 0) {
    json["complete_until"] = TimeOf(status.complete_until_ns);
    json["age_seconds"] = age_s;
  }
  const std::string why = answers ? "" : std::string(status.answers.message());
  if (!answers) json["refusal"] = why;
  if (status.wiped.time_ns != 0) json["wiped_at"] = TimeOf(status.wiped.time_ns);
  const Facts facts = {{"answers", answers ? "yes" : "no"},
                       {"complete", status.complete ? "yes" : "no"},
                       {"records", std::to_string(status.records)},
                       {"sellers", std::to_string(status.sellers)},
                       {"complete_until", TimeOf(status.complete_until_ns)},
                       {"age", status.complete_until_ns == 0 ? "" : DurationText(age_s)},
                       {"refusal", why},
                       {"wiped_at", TimeOf(status.wiped.time_ns)}};
  session.One(facts, ToJson(json));
  return answers ? kExitOk : kExitNo;
}

int Check(Session& session, const LookFlags& flags) {
  const bool from_input = flags.sellers == std::vector<std::string>{"-"};
  std::vector<v1::Seller> sellers;
  for (const std::string& text : flags.sellers) {
    if (from_input) break;
    absl::StatusOr<v1::Seller> seller = ParseSeller(text);
    if (!seller.ok()) return session.Misused(std::string(seller.status().message()));
    sellers.push_back(*std::move(seller));
  }
  const auto mirror = OpenToLook(flags);
  if (!mirror.ok()) return session.Misused(std::string(mirror.status().message()));
  // So that a header is not all that comes of a refusal.
  if (const absl::Status status = (*mirror)->status().answers; !status.ok())
    return session.Misused(std::string(status.message()));
  ScreenPrinter printer(session);
  const auto ask = [&](const v1::Seller& seller) {
    const absl::StatusOr<client::MirrorAnswer> answer =
        (*mirror)->Check(seller.platform(), seller.seller_id());
    if (answer.ok()) printer.Print(seller, answer->ToScreenResult());
    return answer.status();
  };
  absl::StatusOr<bool> all_good = true;
  if (from_input) all_good = ReadSellers(session, "-", ask);
  for (const v1::Seller& seller : sellers) {
    if (const absl::Status status = ask(seller); !status.ok()) all_good = status;
    if (!all_good.ok()) break;
  }
  printer.Finish(kHandling);
  if (!all_good.ok()) return session.Misused(std::string(all_good.status().message()));
  if (printer.any_listed()) return kExitNo;
  return *all_good ? kExitOk : kExitUsage;
}

int Export(Session& session, const LookFlags& flags) {
  if (session.format() != Format::kJsonl && session.format() != Format::kCsv)
    return session.Misused("an export is for programs, and written as it comes: -o jsonl or -o csv");
  const auto mirror = OpenToLook(flags);
  if (!mirror.ok()) return session.Misused(std::string(mirror.status().message()));
  if (const absl::Status status = (*mirror)->status().answers; !status.ok())
    return session.Misused(std::string(status.message()));
  ListPrinter printer = session.List(RecordColumns());
  uint64_t left_out = 0;
  const absl::Status status = (*mirror)->ForEachRecord([&](const v1::Record& record) {
    if (record.label() != v1::LABEL_CLEAR) {
      ++left_out;
      return absl::OkStatus();
    }
    printer.Row(RecordCells(record), record);
    // Whoever reads has gone, or the disk is full; main says so.
    return session.io().out.good() ? absl::OkStatus() : absl::CancelledError("the output can't be written");
  });
  printer.Finish();
  if (!status.ok() && !absl::IsCancelled(status)) return session.Misused(std::string(status.message()));
  if (left_out > 0) {
    session.Note(absl::StrCat(WithThousands(left_out), left_out == 1 ? " record was" : " records were",
                              " left out: only what is labelled CLEAR may leave the coalition."));
  }
  return kExitOk;
}

void AddLookFlags(Verb verb, LookFlags* flags) {
  verb.AddOption("--dir", flags->directory, "Directory of the mirror").Required();
  verb.AddOption("--max-age", flags->max_age, "What is older is not answered from, e.g. 15m (1h)");
}

void AddRun(App& app, Verb family) {
  auto flags = std::make_shared<RunFlags>();
  Verb verb = app.AddVerb(
      family, "run",
      "Keeps a mirror in step, until Ctrl-C. Run again it goes on where it was. The directory is made where "
      "it "
      "is\nmissing, for its owner alone, and removed from when your member is suspended or has left",
      {{"mirror run --dir mirror", "All that you may see."},
       {"mirror run --dir reports --class report", "Reports alone: enough to know who is listed."}},
      [flags](Session& session) { return RunMirror(session, *flags); });
  verb.AddOption("--dir", flags->directory, "Directory of the mirror, which has nothing else").Required();
  AddRecordFilterFlags(verb, &flags->filter);
}

}  // namespace

void AddMirrorVerbs(App& app) {
  Verb family =
      app.AddFamily("mirror", "A local copy of what you may see, which answers without asking the exchange");
  AddRun(app, family);
  auto status = std::make_shared<LookFlags>();
  AddLookFlags(app.AddVerb(family, "status", "How a mirror is. Exit code 1: it would refuse to answer",
                           {{"mirror status --dir mirror", "For people."},
                            {"mirror status --dir mirror --max-age 5m -o json", "For monitoring."}},
                           [status](Session& session) { return Status(session, *status); }),
               status.get());
  auto check = std::make_shared<LookFlags>();
  Verb verb = app.AddVerb(
      family, "check",
      "Whether sellers are listed, as `screen` would have said when the mirror was last in step. Nobody is "
      "told "
      "who\nis asked about. Exit code 0: none, 1: at least one, 2: a refusal, or none, but - has bad lines",
      {{"mirror check --dir mirror bazaar.example/shop-4711", "One seller."},
       {"mirror check --dir mirror --max-age 5m - -o csv", "One PLATFORM/SELLER a line of standard input."}},
      [check](Session& session) { return Check(session, *check); });
  AddLookFlags(verb, check.get());
  verb.AddOption("SELLER", check->sellers, "PLATFORM/SELLER, or - for standard input").Required();
  auto exported = std::make_shared<LookFlags>();
  AddLookFlags(app.AddVerb(family, "export",
                           "The records that may leave the coalition: those labelled CLEAR, and no others",
                           {{"mirror export --dir mirror -o jsonl", "Whole, one a line."},
                            {"mirror export --dir mirror -o csv", "The columns of `record list`."}},
                           [exported](Session& session) { return Export(session, *exported); }),
               exported.get());
}

}  // namespace coalition::cli
