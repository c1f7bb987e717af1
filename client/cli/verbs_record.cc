// coalition record …: records as they are stored.
#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/draft.h"
#include "client/cli/flatten.h"
#include "client/cli/record_filter.h"
#include "client/cli/take_back.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

int Get(Session& session, const std::string& text) {
  absl::StatusOr<std::string> name = ParseRecord(text);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::Record> record = (*client)->GetRecord(*name);
  if (!record.ok()) return session.Fail(record.status());
  session.One(RecordFacts(*record), ToJson(*record));
  return kExitOk;
}

struct ListFlags {
  RecordFilterFlags filter;
  uint64_t limit = 100;
};

int List(Session& session, const ListFlags& flags) {
  absl::StatusOr<v1::RecordFilter> filter = ToRecordFilter(flags.filter);
  if (!filter.ok()) return session.Misused(std::string(filter.status().message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List(RecordColumns());
  constexpr uint64_t kPage = 500;
  const int page_size = static_cast<int>(flags.limit == 0 ? kPage : std::min(flags.limit, kPage));
  uint64_t count = 0;
  bool more = false;
  for (const absl::StatusOr<v1::Record>& record : (*client)->ListRecords(*filter, page_size)) {
    if (!record.ok()) return session.Fail(record.status());
    if (flags.limit != 0 && count == flags.limit) {
      more = true;
      break;
    }
    printer.Row(RecordCells(*record), *record);
    ++count;
  }
  printer.Finish();
  if (more) session.Note(absl::StrCat("The newest ", flags.limit, "; --limit 0 lists all."));
  return kExitOk;
}

struct ReviseFlags {
  std::string record, file, etag, expire, reinstated_at, appeal, request_id;
  std::vector<std::string> fields;
  AudienceFlags audience;
  bool nobody = false, reinstated = false, dry_run = false;
};

bool Names(const std::vector<std::string>& paths, const char* path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

// The new values and, in `paths`, which fields they are for.
absl::StatusOr<v1::Record> ToRevision(Session& session, const ReviseFlags& flags,
                                      std::vector<std::string>* paths) {
  DraftFlags draft;
  draft.file = flags.file;
  draft.audience = flags.audience;
  draft.expire = flags.expire;
  absl::StatusOr<v1::Record> record = StartDraft(session, draft);
  if (!record.ok()) return record.status();
  if (absl::Status status = ApplyDraft(draft, &*record); !status.ok()) return status;
  for (const std::string& list : flags.fields) {
    for (std::string& path : SplitList(list, ',')) paths->push_back(std::move(path));
  }
  if (!flags.file.empty() && paths->empty()) {
    return absl::InvalidArgumentError("say with --field which fields of --file are to be replaced");
  }
  const bool audience = flags.audience.names_anybody();
  if (flags.nobody && (audience || Names(*paths, "audience"))) {
    return absl::InvalidArgumentError(
        "--nobody takes the whole audience away: leave out --grant, --exclude, --audience and --field "
        "audience, or --nobody");
  }
  if (flags.nobody) record->mutable_audience()->Clear();
  if (flags.nobody || audience) paths->push_back("audience");
  if (!flags.audience.label.empty()) paths->push_back("label");
  if (!flags.expire.empty()) paths->push_back("expire_time");
  if (flags.reinstated || !flags.reinstated_at.empty()) {
    record->mutable_takedown_outcome()->set_reinstated(true);
    paths->push_back("takedown_outcome.reinstated");
  }
  if (!flags.reinstated_at.empty()) {
    absl::StatusOr<google::protobuf::Timestamp> time = ParseTime(flags.reinstated_at);
    if (!time.ok()) return time.status();
    *record->mutable_takedown_outcome()->mutable_reinstated_time() = *time;
    paths->push_back("takedown_outcome.reinstated_time");
  }
  if (!flags.appeal.empty()) {
    absl::StatusOr<v1::AppealResult> result = ParseAppealResult(flags.appeal);
    if (!result.ok()) return result.status();
    record->mutable_takedown_outcome()->set_appeal_result(*result);
    paths->push_back("takedown_outcome.appeal_result");
  }
  if (paths->empty()) return absl::InvalidArgumentError("nothing is to be changed; see --help");
  record->set_etag(flags.etag);
  return record;
}

int Revise(Session& session, const ReviseFlags& flags) {
  absl::StatusOr<std::string> name = ParseRecord(flags.record);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  std::vector<std::string> paths;
  absl::StatusOr<v1::Record> revision = ToRevision(session, flags, &paths);
  if (!revision.ok()) return session.Misused(std::string(revision.status().message()));
  revision->set_name(*name);
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::Record> record = (*client)->ReviseRecord(
      *revision, paths, {.request_id = flags.request_id, .validate_only = flags.dry_run});
  if (!record.ok()) return session.Fail(record.status());
  session.One(RecordFacts(*record), ToJson(*record));
  if (flags.dry_run) session.Note("Checked; nothing was changed.");
  // The new audience takes the place of the old one as a whole.
  if (!flags.nobody && Names(paths, "audience")) NoteIfUnshared(session, *revision);
  return kExitOk;
}

void AddRevise(App& app, Verb family) {
  auto flags = std::make_shared<ReviseFlags>();
  Verb verb = app.AddVerb(
      family, "revise", "Changes a record of your own",
      {{"record revise records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grant kind:brand=full --exclude member:belmont",
        "A new audience in place of the old one."},
       {"record revise records/aaaaaaaaaaaaaaaaaaaaaaaaaa --reinstated-at 2026-11-30 --appeal upheld",
        "An outcome that was undone."},
       {"record revise records/aaaaaaaaaaaaaaaaaaaaaaaaaa --file new.json --field offender_report.listings",
        "One field, taken from a record as JSON."}},
      [flags](Session& session) { return Revise(session, *flags); });
  verb.AddOption("RECORD", flags->record, "Record to change").Required();
  verb.AddOption("--file", flags->file, "Record as JSON that holds the new values, - is standard input");
  verb.AddOption("--field", flags->fields,
                 "Fields to take from --file, e.g. offender_report.listings. Repeatable")
      .OnePerFlag();
  AddAudienceFlags(verb, &flags->audience);
  verb.AddFlag("--nobody", flags->nobody,
               "From now on nobody but you sees it; not with --grant, --exclude or --audience");
  verb.AddOption("--expire", flags->expire, "When the record ends: YYYY-MM-DD or RFC 3339");
  verb.AddFlag("--reinstated", flags->reinstated, "Outcome: the action was undone");
  verb.AddOption("--reinstated-at", flags->reinstated_at, "Outcome: when it was undone");
  verb.AddOption("--appeal", flags->appeal, "Outcome: pending, upheld or rejected");
  verb.AddOption("--etag", flags->etag, "Only if the record has not changed since");
  verb.AddOption("--request-id", flags->request_id, "UUID that makes this one command repeatable");
  verb.AddFlag("--dry-run", flags->dry_run, "Check, but change nothing");
}

void AddList(App& app, Verb family) {
  auto flags = std::make_shared<ListFlags>();
  Verb verb = app.AddVerb(
      family, "list", "The records that you may see, newest first",
      {{"record list --class report --from 2026-11-01", "Reports since a day."},
       {"record list --seller bazaar.example/shop-4711 --limit 0 -o jsonl",
        "All about a seller, for a program."},
       {"record list --state contested",
        "Contested reports; your own wait for `record confirm` or `record clear`."},
       {"record list --refers-to records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "What answers or judges a record."}},
      [flags](Session& session) { return List(session, *flags); });
  AddRecordFilterFlags(verb, &flags->filter);
  verb.AddOption("--limit", flags->limit, "At most so many, 0: all (100)").Between(0, 1'000'000'000);
}

TakingBack Withdrawing() {
  return {
      .ask = "Withdraw",
      .doing = "Withdrawing",
      .done = "Withdrawn",
      .means_of_one = " takes it back from everybody, for good:",
      .means_of_many = " takes them back from everybody, for good:",
      .one = [](client::Client& client, const std::string& name, const std::string& etag,
                const client::WriteOptions& options) { return client.WithdrawRecord(name, etag, options); },
      .many = [](client::Client& client, const std::vector<std::string>& names,
                 const client::TakeBackOptions& options) { return client.WithdrawRecords(names, options); }};
}

void AddWithdraw(App& app, Verb family) {
  auto flags = std::make_shared<TakeBackFlags>();
  const Verb verb = app.AddVerb(
      family, "withdraw",
      "Takes records of your own back, for good. Records stand alone: of many, those that can't be taken "
      "back are\nprinted, and hinder no other. A second run changes nothing. Exit code 1: some of many were "
      "rejected",
      {{"record withdraw records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "Asks first, naming what is lost."},
       {"record withdraw records/aaaaaaaaaaaaaaaaaaaaaaaaaa --yes", "Does not ask."},
       {"record withdraw --from - --yes",
        "Many, e.g. of an import gone wrong: `coalition record list --class report --contributor aurore "
        "--from 2026-11-28 --limit 0 -o jsonl | jq -r .name`, piped into it."},
       {"record withdraw --from names.txt --dry-run -o csv", "Checks only: those that would be rejected."}},
      [flags](Session& session) { return TakeBack(session, *flags, Withdrawing()); });
  AddTakeBackFlags(verb, "withdraw", flags.get());
}

}  // namespace

void AddRecordVerbs(App& app) {
  Verb family = app.AddFamily("record", "Records as they are stored");
  auto name = std::make_shared<std::string>();
  app.AddVerb(family, "get", "One record, as you may see it",
              {{"record get records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "As a table."},
               {"record get aaaaaaaaaaaaaaaaaaaaaaaaaa -o json", "As JSON."}},
              [name](Session& session) { return Get(session, *name); })
      .AddOption("RECORD", *name, "Record")
      .Required();
  AddList(app, family);
  AddRevise(app, family);
  AddWithdraw(app, family);
  AddClearanceVerbs(app, family);
  AddRecallStatusVerb(app, family);
  AddWhoSawVerb(app, family);
}

}  // namespace coalition::cli
