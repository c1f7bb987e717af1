// coalition record clear, confirm: a record of one's own was wrong, or stands though it is contested.
#include <memory>

#include "client/cli/app.h"
#include "client/cli/enum_values.h"
#include "client/cli/flatten.h"
#include "client/cli/take_back.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

struct ClearFlags {
  TakeBackFlags take_back;
  std::string grounds, comment;
};

TakingBack Clearing(const client::Clearance& clearance) {
  return {.ask = "Clear",
          .doing = "Clearing",
          .done = "Cleared",
          .means_of_one = ": everyone who was shown it is told that it was wrong; it can't be undone:",
          .means_of_many = ": everyone who was shown one is told that it was wrong; it can't be undone:",
          .one =
              [clearance](client::Client& client, const std::string& name, const std::string& etag,
                          const client::WriteOptions& options) {
                return client.ClearRecord(name, clearance, etag, options);
              },
          .many =
              [clearance](client::Client& client, const std::vector<std::string>& names,
                          const client::TakeBackOptions& options) {
                return client.ClearRecords(names, clearance, options);
              }};
}

int Clear(Session& session, const ClearFlags& flags) {
  const auto grounds =
      ParseEnum<v1::ClearanceGrounds>(flags.grounds, "CLEARANCE_GROUNDS_", "grounds of a clearance");
  if (!grounds.ok()) return session.Misused("--grounds: " + std::string(grounds.status().message()));
  return TakeBack(session, flags.take_back, Clearing({.grounds = *grounds, .comment = flags.comment}));
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
  const Verb verb = app.AddVerb(
      family, "clear",
      "Takes records of your own back because they were wrong: everyone who was shown one is told so,\nand "
      "whoever could see it and reports the seller again is warned. It can't be undone. Records stand "
      "alone:\nof many, those that can't be cleared are printed, and hinder no other. A second run changes "
      "nothing.\nExit code 1: some of many were rejected",
      {{"record clear records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grounds mistaken-identity",
        "Asks first, naming what will happen."},
       {"record clear records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grounds appeal-upheld "
        "--comment 'decision 17' --yes",
        "Does not ask. Grounds and comment are kept, and shown to nobody."},
       {"record clear --from names.txt --grounds no-valid-right --yes",
        "Many, for one reason: a record a line; - is standard input."}},
      [flags](Session& session) { return Clear(session, *flags); });
  AddTakeBackFlags(verb, "clear", &flags->take_back);
  verb.AddOption(
          "--grounds", flags->grounds,
          "mistaken-identity, genuine-goods, authorised-seller, no-valid-right, appeal-upheld or other")
      .Required();
  verb.AddOption("--comment", flags->comment, "Free text");
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
