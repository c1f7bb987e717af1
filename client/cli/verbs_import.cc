// coalition import: files of records.
#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/csv_records.h"
#include "client/cli/draft.h"
#include "client/cli/dsa_sor.h"
#include "client/cli/import_run.h"
#include "client/cli/import_source.h"
#include "client/cli/seller_map.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/ids.h"
#include "common/seller.h"
#include "common/strings.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

struct ImportFlags {
  std::string file;
  std::string format = "jsonl";
  bool format_given = false;
  AudienceFlags audience;
  std::string rejects;
  std::vector<std::string> platforms;
  std::string sellers;
  size_t row_bytes_max = size_t{1} << 20;
  uint64_t errors_max = 20;
  int batch = 250;
  int window = 4;
  bool dry_run = false;
};

// The platforms that the caller's member holds.
absl::StatusOr<std::vector<std::string>> HeldPlatforms(client::Client& client) {
  absl::StatusOr<v1::WhoAmIResponse> me = client.WhoAmI();
  if (!me.ok()) return me.status();
  std::vector<std::string> held;
  for (const absl::StatusOr<v1::Platform>& platform : client.ListPlatforms()) {
    if (!platform.ok()) return platform.status();
    if (platform->holder() != me->member().name()) continue;
    absl::StatusOr<std::string> host = ParsePlatformName(platform->name());
    if (!host.ok()) return host.status();
    held.push_back(*std::move(host));
  }
  if (held.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("your member (", me->member().name(),
                     ") holds no platform: outcomes are published by the marketplace that does"));
  }
  return held;
}

// Names in the dump -> platforms: the mappings given, else each platform held, under its host name and that
// name's first label.
absl::Status FindPlatforms(client::Client& client, const std::vector<std::string>& mappings,
                           std::map<std::string, std::string>* platforms) {
  absl::StatusOr<std::vector<std::string>> held = HeldPlatforms(client);
  if (!held.ok()) return held.status();
  for (const std::string& mapping : mappings) {
    const size_t equals = mapping.rfind('=');
    absl::StatusOr<std::string> host = equals == std::string::npos || equals == 0
                                           ? absl::InvalidArgumentError("write NAME=HOST")
                                           : NormalizePlatform(std::string_view(mapping).substr(equals + 1));
    if (!host.ok()) {
      return Local(absl::InvalidArgumentError(
          absl::StrCat("--platform ", Quoted(mapping), ": ", host.status().message())));
    }
    if (std::find(held->begin(), held->end(), *host) == held->end()) {
      return Local(absl::InvalidArgumentError(absl::StrCat("--platform: your member does not hold ", *host)));
    }
    (*platforms)[absl::AsciiStrToLower(mapping.substr(0, equals))] = *host;
  }
  if (!mappings.empty()) return absl::OkStatus();
  for (const std::string& host : *held) {
    (*platforms)[host] = host;
    platforms->emplace(host.substr(0, host.find('.')), host);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RowMapper>> MakeDsa(Session& session, client::Client& client,
                                                   const ImportFlags& flags) {
  DsaOptions options;
  if (absl::Status status = FindPlatforms(client, flags.platforms, &options.platforms); !status.ok())
    return status;
  if (!flags.sellers.empty()) {
    absl::StatusOr<ByteSource> source = OpenSource(flags.sellers, session.io().read_in);
    if (!source.ok()) return Local(source.status());
    auto sellers = std::make_shared<SellerMap>();
    if (absl::Status status = sellers->Load(*std::move(source), flags.row_bytes_max); !status.ok()) {
      return Local(absl::Status(status.code(), absl::StrCat(flags.sellers, ": ", status.message())));
    }
    options.sellers = std::move(sellers);
  }
  return MakeDsaMapper(std::move(options));
}

absl::StatusOr<std::unique_ptr<ImportSource>> MakeSource(Session& session, client::Client& client,
                                                         const ImportFlags& flags) {
  std::unique_ptr<RowMapper> mapper;
  if (flags.format == "dsa-sor") {
    absl::StatusOr<std::unique_ptr<RowMapper>> dsa = MakeDsa(session, client, flags);
    if (!dsa.ok()) return dsa.status();
    mapper = *std::move(dsa);
  } else if (flags.format == "csv") {
    mapper = MakeCsvRecordMapper();
  }
  absl::StatusOr<ByteSource> bytes = OpenSource(flags.file, session.io().read_in);
  if (!bytes.ok()) return Local(bytes.status());
  std::unique_ptr<ImportSource> source =
      mapper == nullptr ? MakeJsonlSource(*std::move(bytes), flags.row_bytes_max)
                        : MakeCsvSource(*std::move(bytes), flags.row_bytes_max, std::move(mapper));
  const absl::Status status =
      source->Start([&](const std::string& warning) { session.Note("warning: " + warning); });
  if (!status.ok()) {
    return Local(absl::Status(status.code(), absl::StrCat(flags.file, ": ", status.message())));
  }
  return source;
}

void PrintSummary(Session& session, const ImportCounts& counts, double seconds, bool dry_run) {
  const nlohmann::ordered_json json = {
      {"rows", counts.rows},   {"created", counts.created},   {"unchanged", counts.unchanged},
      {"valid", counts.valid}, {"rejected", counts.rejected}, {"skipped", counts.skipped},
      {"seconds", seconds}};
  const auto text = [](uint64_t number) { return std::to_string(number); };
  Facts facts = {{"rows", text(counts.rows)},
                 {"created", text(counts.created)},
                 {"unchanged", text(counts.unchanged)},
                 {"rejected", text(counts.rejected)},
                 {"skipped", text(counts.skipped)}};
  if (dry_run) facts.insert(facts.begin() + 1, {"valid", text(counts.valid)});
  session.One(facts, json.dump());
}

// Whether both are the one file, whatever they are called; `input` may be "-".
bool IsSameFile(const std::string& file, const std::string& input) {
  if (file.empty() || input.empty()) return false;
  std::error_code error;  // one of them is not there: two files
  if (file == input) return true;
  return std::filesystem::is_regular_file(file, error) &&
         std::filesystem::equivalent(file, input == "-" ? "/dev/stdin" : input, error);
}

// What the flags themselves have wrong.
absl::Status CheckFlags(const ImportFlags& flags) {
  if (flags.format != "dsa-sor" && (!flags.platforms.empty() || !flags.sellers.empty())) {
    return absl::InvalidArgumentError("--platform and --sellers go with --format dsa-sor");
  }
  if (flags.file == "-" && flags.sellers == "-") {
    return absl::InvalidArgumentError("only one of FILE and --sellers can be standard input");
  }
  if (IsSameFile(flags.rejects, flags.file) || IsSameFile(flags.rejects, flags.sellers)) {
    return absl::InvalidArgumentError("--rejects would overwrite the file that is imported, or --sellers");
  }
  return absl::OkStatus();
}

ImportSettings Settings(Session& session, const ImportFlags& flags, const v1::Record& defaults) {
  ImportSettings settings;
  settings.defaults = defaults;
  settings.rejects_file = flags.rejects;
  settings.errors_max = flags.errors_max;
  settings.err = &session.io().err;
  settings.progress = session.io().err_shows_progress;
  settings.interrupted = session.io().interrupted;
  return settings;
}

// What the counts alone do not make plain.
void Advise(Session& session, const ImportFlags& flags, const ImportRun& run) {
  const ImportCounts& counts = run.counts();
  if (const uint64_t count = counts.sellerless; count > 0) {
    session.Note(absl::StrCat(WithThousands(count), count == 1 ? " outcome names" : " outcomes name",
                              " no seller: ", count == 1 ? "it is" : "they are", " never screened",
                              flags.format == "dsa-sor" ? " (--sellers)" : ""));
  }
  const bool named_csv = !flags.format_given && absl::EndsWithIgnoreCase(flags.file, ".csv");
  if (flags.format == "jsonl" && counts.rejected > 0 && (named_csv || run.first_line_rejected())) {
    session.Note("Rows were read as JSON, one record a line; --format csv reads a table.");
  }
}

int Import(Session& session, const ImportFlags& flags) {
  v1::Record defaults;
  absl::Status status = CheckFlags(flags);
  if (status.ok()) status = ApplyAudience(flags.audience, &defaults);
  if (!status.ok()) return session.Misused(std::string(status.message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<std::unique_ptr<ImportSource>> source = MakeSource(session, **client, flags);
  if (!source.ok()) return session.Fail(source.status());
  if (defaults.audience().grants_size() == 0 && defaults.audience().include_size() == 0) {
    session.Note(flags.format == "dsa-sor"
                     ? "No --grant: nobody but your member will see these records."
                     : "No --grant: rows that grant nothing will be seen by your member alone.");
  }
  const client::ImportOptions options{
      .validate_only = flags.dry_run, .window = flags.window, .items_per_request = flags.batch};
  session.io().catch_interrupt();
  const auto start = std::chrono::steady_clock::now();
  ImportRun run(**source, Settings(session, flags, defaults),
                [&](auto on_result) { return (*client)->ImportRecords(options, std::move(on_result)); });
  status = run.Run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  PrintSummary(session, run.counts(), seconds.count(), flags.dry_run);
  Advise(session, flags, run);
  if (!status.ok()) {
    const int code = session.Fail(status);
    session.Note(absl::StrCat(
        "The import stopped early",
        run.unanswered() > 0 ? absl::StrCat("; ", run.unanswered(), " rows were sent and not answered") : "",
        ". Run it again: what is there already stays as it is."));
    return code;
  }
  if (run.interrupted()) {
    session.Note("Interrupted: everything that was sent has been answered. Run it again to go on.");
    return kExitInterrupted;
  }
  if (flags.dry_run) session.Note("Checked; nothing was kept.");
  return run.counts().rejected > 0 ? kExitNo : kExitOk;
}

}  // namespace

void AddImportVerb(App& app) {
  auto flags = std::make_shared<ImportFlags>();
  Verb verb = app.AddVerb(
      app.root(), "import",
      "Contributes a file of records. Rows stand alone: a bad one is told, counted and kept with --rejects, "
      "and stops\n"
      "nothing. A second run changes nothing. Exit code 1: some rows were rejected",
      {{"import --format dsa-sor sor-global-2026-11-01-full.csv --sellers sellers.csv --grant "
        "kind:brand=full "
        "--rejects refused.csv",
        "A daily dump of the DSA Transparency Database: the rows of your own platforms, naming sellers by "
        "platform_uid."},
       {"import --format dsa-sor - --sellers sellers.csv --platform 'Bazaar France=bazaar.example'",
        "From a pipe, and a platform by another name."},
       {"import --format csv reports.csv --label amber --grant kind:brand=full --dry-run",
        "Reports and notices from a spreadsheet; checks only."},
       {"import --format jsonl records.jsonl -o json", "One record as JSON a line; the summary as JSON."}},
      [flags](Session& session) { return Import(session, *flags); });
  verb.AddOption("FILE", flags->file, "File to import, - is standard input").Required();
  verb.AddOption("--format", flags->format, "jsonl, csv or dsa-sor (jsonl)")
      .Among({"jsonl", "csv", "dsa-sor"})
      .Given(&flags->format_given);
  AddAudienceFlags(verb, &flags->audience);
  verb.AddOption("--rejects", flags->rejects, "File for the refused rows, byte for byte as they came");
  verb.AddOption("--platform", flags->platforms,
                 "dsa-sor: NAME=HOST, platform_name of the dump and the platform that it is. Repeatable. "
                 "Without any: "
                 "the platforms that your member holds, by host name or its first label")
      .OnePerFlag();
  verb.AddOption(
      "--sellers", flags->sellers,
      "dsa-sor: CSV with platform_uid,seller_id: whom a statement is about. Without it the outcomes are "
      "never screened, and a second run can't add it");
  verb.AddOption("--max-row-bytes", flags->row_bytes_max, "A longer row is rejected (1048576)")
      .Between(1'024, 64 << 20);
  verb.AddOption("--max-errors", flags->errors_max,
                 "Bad rows told one by one, 0: none; the rest is counted (20)")
      .Between(0, 1'000'000'000);
  verb.AddOption("--batch", flags->batch, "Records in one request (250)").Between(1, 10'000);
  verb.AddOption("--window", flags->window, "Requests under way at a time (4)").Between(1, 64);
  verb.AddFlag("--dry-run", flags->dry_run, "Check everything, keep nothing");
}

}  // namespace coalition::cli
