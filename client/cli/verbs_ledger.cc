// coalition ledger list, show, export; record who-saw: what the ledger has, as the server says.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/enum_values.h"
#include "client/cli/ledger_text.h"
#include "client/cli/progress_line.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/ledger_verify.h"

namespace coalition::cli {
namespace {

struct EntryFlags {
  std::vector<std::string> kinds;
  std::string member, from, before;
  uint64_t limit = 100;
};

absl::StatusOr<v1::ListLedgerEntriesRequest> ToRequest(const EntryFlags& flags) {
  v1::ListLedgerEntriesRequest request;
  for (const std::string& text : flags.kinds) {
    const auto kind = ParseEnum<v1::LedgerEntryKind>(text, "LEDGER_ENTRY_KIND_", "a kind of entry");
    if (!kind.ok()) return kind.status();
    request.add_kinds(*kind);
  }
  if (!flags.member.empty()) {
    absl::StatusOr<std::string> member = ParseMember(flags.member);
    if (!member.ok()) return member.status();
    request.set_member(*std::move(member));
  }
  for (const auto& [text, time] : {std::pair{&flags.from, &v1::ListLedgerEntriesRequest::mutable_from},
                                   {&flags.before, &v1::ListLedgerEntriesRequest::mutable_before}}) {
    if (text->empty()) continue;
    const absl::StatusOr<google::protobuf::Timestamp> parsed = ParseTime(*text);
    if (!parsed.ok()) return parsed.status();
    *(request.*time)() = *parsed;
  }
  return request;
}

int List(Session& session, const EntryFlags& flags) {
  absl::StatusOr<v1::ListLedgerEntriesRequest> request = ToRequest(flags);
  if (!request.ok()) return session.Misused(std::string(request.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  constexpr uint64_t kPage = 500;
  request->set_page_size(static_cast<int>(flags.limit == 0 ? kPage : std::min(flags.limit, kPage)));
  ListPrinter printer = session.List(LedgerColumns());
  uint64_t count = 0;
  bool more = false;
  for (const absl::StatusOr<v1::LedgerEntry>& entry : (*client)->ListLedgerEntries(*request)) {
    if (!entry.ok()) return session.Fail(entry.status());
    if (flags.limit != 0 && count == flags.limit) {
      more = true;
      break;
    }
    const absl::StatusOr<ledger::OpenedEntry> opened = ledger::OpenEntry(*entry);
    if (!opened.ok()) return session.Fail(opened.status());
    printer.Row(LedgerCells(entry->name(), *opened), LedgerJson(entry->name(), *opened, nullptr));
    ++count;
  }
  printer.Finish();
  if (more) session.Note(absl::StrCat("The oldest ", flags.limit, "; --limit 0 lists all."));
  return kExitOk;
}

int Show(Session& session, const std::string& text) {
  const absl::StatusOr<std::string> name = ParseLedgerEntry(text);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::LedgerEntry> entry = (*client)->GetLedgerEntry(*name);
  if (!entry.ok()) return session.Fail(entry.status());
  const absl::StatusOr<ledger::OpenedEntry> opened = ledger::OpenEntry(*entry);
  if (!opened.ok()) return session.Fail(opened.status());
  const v1::LedgerProof* proof = entry->has_proof() ? &entry->proof() : nullptr;
  if (session.format() == Format::kTable) session.Note(LedgerSentence(*opened));
  session.One(LedgerFacts(entry->name(), *opened, proof), LedgerJson(entry->name(), *opened, proof));
  return kExitOk;
}

int Export(Session& session, const EntryFlags& flags) {
  if (session.format() != Format::kTable && session.format() != Format::kJsonl)
    return session.Misused("an export is JSON, one entry a line: leave -o out, or say -o jsonl");
  absl::StatusOr<v1::ListLedgerEntriesRequest> request = ToRequest(flags);
  if (!request.ok()) return session.Misused(std::string(request.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  constexpr int kPage = 200;  // an entry with its proof takes some kilobytes
  request->set_page_size(kPage);
  request->set_with_proofs(true);
  const ProgressLine progress(&session.io().err, session.io().err_shows_progress);
  uint64_t count = 0;
  for (const absl::StatusOr<v1::LedgerEntry>& entry : (*client)->ListLedgerEntries(*request)) {
    if (!entry.ok()) {
      progress.Clear();
      return session.Fail(entry.status());
    }
    session.io().out << ToJson(*entry) << '\n';
    if (++count % kPage == 0) progress.Show(absl::StrCat(WithThousands(count), " entries"));
  }
  session.io().out.flush();
  progress.Clear();
  session.Note(absl::StrCat("Exported: ", WithThousands(count), count == 1 ? " entry" : " entries"));
  return kExitOk;
}

int WhoSaw(Session& session, const std::string& text) {
  const absl::StatusOr<std::string> name = ParseRecord(text);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::ListDisclosuresResponse> shown = (*client)->ListDisclosures(*name);
  if (!shown.ok()) return session.Fail(shown.status());
  ListPrinter printer = session.List(DisclosureColumns());
  for (const v1::RecordDisclosure& disclosure : shown->disclosures()) {
    printer.Row(DisclosureCells(disclosure), disclosure);
  }
  printer.Finish();
  if (shown->disclosures().empty()) session.Note("Nobody else was shown it, as far as you may know.");
  return kExitOk;
}

void AddTimes(Verb verb, EntryFlags* flags) {
  verb.AddOption("--from", flags->from, "Sealed at or after: YYYY-MM-DD or RFC 3339");
  verb.AddOption("--before", flags->before, "Sealed before");
  verb.AddOption("--member", flags->member, "For auditors: whose entries (your own and everybody's)");
}

void AddList(App& app, Verb family) {
  auto flags = std::make_shared<EntryFlags>();
  Verb verb = app.AddVerb(
      family, "list",
      "The entries that you may open, oldest first, as the server says: `ledger verify` proves them",
      {{"ledger list --kind act --from 2026-11-01", "Who was admitted or suspended, and by which change."},
       {"ledger list --kind first-showings --limit 0 -o csv",
        "On which days which records of yours were first shown to whom."},
       {"ledger list --kind disclosure --kind refusals -o jsonl",
        "What your member was shown and was refused, for a program."}},
      [flags](Session& session) { return List(session, *flags); });
  verb.AddOption("--kind", flags->kinds, "act, disclosure, first-showings or refusals. Repeatable")
      .OnePerFlag();
  AddTimes(verb, flags.get());
  verb.AddOption("--limit", flags->limit, "At most so many, 0: all (100)").Between(0, 1'000'000'000);
}

void AddExport(App& app, Verb family) {
  auto flags = std::make_shared<EntryFlags>();
  Verb verb = app.AddVerb(
      family, "export",
      "All entries that you may open, with their proofs, as JSON, one a line: to be kept, and verified "
      "without\nthe exchange",
      {{"ledger export", "All. Into a file: `coalition ledger export > ledger.jsonl`."},
       {"ledger export --from 2026-11-01 --before 2026-12-01", "Of a month."}},
      [flags](Session& session) { return Export(session, *flags); });
  AddTimes(verb, flags.get());
}

}  // namespace

void AddWhoSawVerb(App& app, Verb record) {
  auto name = std::make_shared<std::string>();
  app.AddVerb(
         record, "who-saw",
         "Who was shown a record of your own, since which day and through which views; also after it was "
         "taken back.\nMembers that the policy names by their kind alone have no name",
         {{"record who-saw records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "The first one first."},
          {"record who-saw records/aaaaaaaaaaaaaaaaaaaaaaaaaa -o csv", "For a program."}},
         [name](Session& session) { return WhoSaw(session, *name); })
      .AddOption("RECORD", *name, "Record")
      .Required();
}

void AddLedgerVerbs(App& app) {
  Verb family = app.AddFamily(
      "ledger",
      "The disclosure ledger: who was shown what, and by whom that was decided, in a log that can be "
      "proved");
  AddList(app, family);
  auto name = std::make_shared<std::string>();
  app.AddVerb(family, "show", "One entry, opened as far as you may, as the server says",
              {{"ledger show ledgerEntries/4711-815", "In words, and all that it holds."},
               {"ledger show 4711-815 -o json", "For a program."}},
              [name](Session& session) { return Show(session, *name); })
      .AddOption("ENTRY", *name, "Entry")
      .Required();
  AddExport(app, family);
  AddLedgerCheckpointVerbs(app, family);
  AddLedgerVerifyVerbs(app, family);
  AddLedgerWitnessVerbs(app, family);
}

}  // namespace coalition::cli
