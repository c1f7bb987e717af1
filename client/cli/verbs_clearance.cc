// coalition record clear, confirm: a record of one's own was wrong, or stands though it is contested.
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/enum_values.h"
#include "client/cli/flatten.h"
#include "client/cli/prompt.h"
#include "client/cli/record_loss.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

struct ClearFlags {
  std::string record, grounds, comment, etag, request_id;
  bool yes = false, dry_run = false;
};

// 0: go on. Else the exit code.
int ConfirmClearing(Session& session, client::Client& client, const std::string& name) {
  if (!CanAsk(session)) {
    return session.Misused("clearing can't be undone: confirm with --yes where nobody can be asked");
  }
  const absl::StatusOr<v1::Record> record = client.GetRecord(name);
  if (!record.ok()) return session.Fail(record.status());
  std::vector<std::string> lost = {absl::StrCat(
      "Clearing ", name, ": everyone who was shown it is told that it was wrong; it can't be undone:")};
  for (std::string& line : LostWith(*record)) lost.push_back(std::move(line));
  return ConfirmLoss(session, /*yes=*/false, lost, "Clear it?");
}

int Clear(Session& session, const ClearFlags& flags) {
  const absl::StatusOr<std::string> name = ParseRecord(flags.record);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  const auto grounds =
      ParseEnum<v1::ClearanceGrounds>(flags.grounds, "CLEARANCE_GROUNDS_", "grounds of a clearance");
  if (!grounds.ok()) return session.Misused("--grounds: " + std::string(grounds.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  if (!flags.yes && !flags.dry_run) {
    if (const int code = ConfirmClearing(session, **client, *name); code != kExitOk) return code;
  }
  const absl::Status status =
      (*client)->ClearRecord(*name, {.grounds = *grounds, .comment = flags.comment}, flags.etag,
                             {.request_id = flags.request_id, .validate_only = flags.dry_run});
  if (!status.ok()) return session.Fail(status);
  session.Note(flags.dry_run ? "Checked; nothing was cleared." : "Cleared: " + *name);
  return kExitOk;
}

struct ConfirmFlags {
  std::string record, grounds, etag, request_id;
  bool dry_run = false;
};

int Confirm(Session& session, const ConfirmFlags& flags) {
  const absl::StatusOr<std::string> name = ParseRecord(flags.record);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::Record> record = (*client)->ConfirmRecord(
      *name, flags.grounds, flags.etag, {.request_id = flags.request_id, .validate_only = flags.dry_run});
  if (!record.ok()) return session.Fail(record.status());
  session.One(RecordFacts(*record), ToJson(*record));
  if (flags.dry_run) session.Note("Checked; nothing was changed.");
  return kExitOk;
}

void AddClear(App& app, Verb family) {
  auto flags = std::make_shared<ClearFlags>();
  Verb verb =
      app.AddVerb(family, "clear",
                  "Takes a record of your own back because it was wrong: everyone who was shown it is told "
                  "so,\nand whoever could see it and reports the seller again is warned. It can't be undone",
                  {{"record clear records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grounds mistaken-identity",
                    "Asks first, naming what will happen."},
                   {"record clear records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grounds appeal-upheld "
                    "--comment 'decision 17' --yes",
                    "Does not ask. Grounds and comment are kept, and shown to nobody."}},
                  [flags](Session& session) { return Clear(session, *flags); });
  verb.AddOption("RECORD", flags->record, "Record to clear").Required();
  verb.AddOption(
          "--grounds", flags->grounds,
          "mistaken-identity, genuine-goods, authorised-seller, no-valid-right, appeal-upheld or other")
      .Required();
  verb.AddOption("--comment", flags->comment, "Free text");
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
  verb.AddOption("--etag", flags->etag, "Only if the record has not changed since");
  verb.AddOption("--request-id", flags->request_id, "UUID that makes this one command repeatable");
  verb.AddFlag("--dry-run", flags->dry_run, "Check, but clear nothing");
}

void AddConfirm(App& app, Verb family) {
  auto flags = std::make_shared<ConfirmFlags>();
  Verb verb = app.AddVerb(
      family, "confirm",
      "Stands by a report of your own that is contested, before it lapses: it is active again",
      {{"record confirm records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grounds 'second test purchase, box 9'",
        "`record list --state contested` shows those that wait, `record get` until when."}},
      [flags](Session& session) { return Confirm(session, *flags); });
  verb.AddOption("RECORD", flags->record, "Report to confirm").Required();
  verb.AddOption("--grounds", flags->grounds, "Why it stands, free text").Required();
  verb.AddOption("--etag", flags->etag, "Only if the record has not changed since");
  verb.AddOption("--request-id", flags->request_id, "UUID that makes this one command repeatable");
  verb.AddFlag("--dry-run", flags->dry_run, "Check, but change nothing");
}

}  // namespace

void AddClearanceVerbs(App& app, Verb record) {
  AddClear(app, record);
  AddConfirm(app, record);
}

}  // namespace coalition::cli
