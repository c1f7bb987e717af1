#include "client/cli/take_back.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/prompt.h"
#include "client/cli/record_loss.h"
#include "client/cli/take_back_many.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

// So many are each read and named before somebody is asked; of more, the first few are.
constexpr size_t kNamedMax = 20;
constexpr size_t kNamedOfMore = 3;

absl::StatusOr<std::vector<std::string>> LostWithOne(client::Client& client, const TakingBack& what,
                                                     const std::string& name) {
  const absl::StatusOr<v1::Record> record = client.GetRecord(name);
  if (!record.ok()) return record.status();
  std::vector<std::string> lost = {absl::StrCat(what.doing, " ", name, what.means_of_one)};
  for (std::string& line : LostWith(*record)) lost.push_back(std::move(line));
  return lost;
}

absl::StatusOr<std::vector<std::string>> LostWithMany(client::Client& client, const TakingBack& what,
                                                      const std::vector<std::string>& names) {
  std::vector<std::string> lost = {
      absl::StrCat(what.doing, " ", WithThousands(names.size()), " records", what.means_of_many)};
  const size_t named = names.size() > kNamedMax ? kNamedOfMore : names.size();
  for (size_t i = 0; i < named; ++i) {
    const absl::StatusOr<v1::Record> record = client.GetRecord(names[i]);
    if (!record.ok() && !absl::IsNotFound(record.status())) return record.status();
    lost.push_back(record.ok() ? LossLine(*record)
                               : absl::StrCat("  ", names[i], ": is not there, or not yours to see"));
  }
  if (named < names.size()) {
    lost.push_back(absl::StrCat("  and ", WithThousands(names.size() - named), " more"));
  }
  for (std::string& line : LostWithAny()) lost.push_back(std::move(line));
  return lost;
}

// kExitOk: go on. Else the exit code.
int Confirm(Session& session, client::Client& client, const TakingBack& what,
            const std::vector<std::string>& names) {
  const bool one = names.size() == 1;
  absl::StatusOr<std::vector<std::string>> lost = std::vector<std::string>();
  // Nothing is read where nobody can be asked.
  if (CanAsk(session)) {
    lost = one ? LostWithOne(client, what, names[0]) : LostWithMany(client, what, names);
    if (!lost.ok()) return session.Fail(lost.status());
  }
  const std::string them = one ? "it" : absl::StrCat(WithThousands(names.size()), " records");
  return ConfirmLoss(session, /*yes=*/false, *lost, absl::StrCat(what.ask, " ", them, "?"));
}

int TakeBackOne(Session& session, client::Client& client, const TakingBack& what, const TakeBackFlags& flags,
                const std::string& name) {
  const absl::Status status =
      what.one(client, name, flags.etag, {.request_id = flags.request_id, .validate_only = flags.dry_run});
  if (!status.ok()) return session.Fail(status);
  session.Note(flags.dry_run ? absl::StrCat("Checked; nothing was ", absl::AsciiStrToLower(what.done), ".")
                             : absl::StrCat(what.done, ": ", name));
  return kExitOk;
}

// All of flags and file, each once. The error is Local.
absl::StatusOr<std::vector<std::string>> Names(Session& session, const TakeBackFlags& flags) {
  RecordNames names;
  for (const std::string& text : flags.records) {
    absl::StatusOr<std::string> name = ParseRecord(text);
    if (!name.ok()) return Local(name.status());
    names.Add(*std::move(name));
  }
  if (!flags.from.empty()) {
    if (absl::Status status = ReadRecordNames(session, flags.from, &names); !status.ok()) return status;
  }
  if (const size_t again = names.repeated(); again > 0) {
    session.Note(absl::StrCat("Named more than once, and counted once: ", WithThousands(again)));
  }
  return names.Take();
}

}  // namespace

int TakeBack(Session& session, const TakeBackFlags& flags, const TakingBack& what) {
  if (flags.records.empty() && flags.from.empty()) {
    return session.Misused("name the records, or a file of their names with --from");
  }
  const bool many = !flags.from.empty() || flags.records.size() > 1;
  if (many && (!flags.etag.empty() || !flags.request_id.empty())) {
    return session.Misused("--etag and --request-id go with one RECORD and nothing else");
  }
  const absl::StatusOr<std::vector<std::string>> names = Names(session, flags);
  if (!names.ok()) return session.Fail(names.status());
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  if (!flags.yes && !flags.dry_run && !names->empty()) {
    if (const int code = Confirm(session, **client, what, *names); code != kExitOk) return code;
  }
  if (!many) return TakeBackOne(session, **client, what, flags, names->front());
  return TakeBackMany(session, **client, what, *names, flags.dry_run);
}

void AddTakeBackFlags(Verb to, const std::string& verb, TakeBackFlags* flags) {
  to.AddOption("RECORD", flags->records, absl::StrCat("Records to ", verb));
  to.AddOption("--from", flags->from,
               absl::StrCat("File of records to ", verb, ", one a line, - is standard input"));
  to.AddFlag("-y,--yes", flags->yes, "Do not ask");
  to.AddOption("--etag", flags->etag, "Of one record: only if it has not changed since");
  to.AddOption("--request-id", flags->request_id,
               "Of one record: UUID that makes this one command repeatable");
  to.AddFlag("--dry-run", flags->dry_run, absl::StrCat("Check, but ", verb, " nothing"));
}

}  // namespace coalition::cli
