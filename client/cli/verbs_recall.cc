// coalition recall …, record recall-status: what was taken back, and who has dealt with it.
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/recall_text.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

// The server's maximum: a page is of records looked at, and may have no recalls.
constexpr int kPageSize = 1'000;

int Status(Session& session, const std::string& text) {
  const absl::StatusOr<std::string> name = ParseRecord(text);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::GetRecallStatusResponse> status = (*client)->GetRecallStatus(*name);
  if (!status.ok()) return session.Fail(status.status());
  const bool table = session.format() == Format::kTable;
  if (table) session.io().out << Printable(RecallSentence(*name, *status)) << '\n' << std::flush;
  if (session.format() == Format::kCsv || (table && !status->recipients().empty())) {
    ListPrinter printer = session.List(RecipientColumns());
    for (const v1::RecallRecipient& recipient : status->recipients()) {
      printer.Row(RecipientCells(recipient), recipient);
    }
    printer.Finish();
  } else if (!table) {
    session.One({}, ToJson(*status));
  }
  return CountOutstanding(*status) == 0 ? kExitOk : kExitNo;
}

int List(Session& session) {
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List(RecallColumns());
  for (const absl::StatusOr<v1::Retraction>& recall : (*client)->ListRecalls(kPageSize)) {
    if (!recall.ok()) return session.Fail(recall.status());
    printer.Row(RecallCells(*recall), *recall);
  }
  printer.Finish();
  return kExitOk;
}

struct AcknowledgeFlags {
  std::vector<std::string> records;
  bool all = false;
};

// Those outstanding that are wanted, which are taken from `wanted`. Null: all.
absl::StatusOr<std::vector<v1::Retraction>> Outstanding(client::Client& client,
                                                        std::set<std::string>* wanted) {
  std::vector<v1::Retraction> found;
  for (absl::StatusOr<v1::Retraction>& recall : client.ListRecalls(kPageSize)) {
    if (!recall.ok()) return recall.status();
    if (wanted != nullptr && wanted->erase(recall->name()) == 0) continue;
    found.push_back(*std::move(recall));
    if (wanted != nullptr && wanted->empty()) break;
  }
  return found;
}

int Acknowledge(Session& session, const AcknowledgeFlags& flags) {
  if (flags.all != flags.records.empty()) return session.Misused("name the records, or say --all");
  std::set<std::string> wanted;
  for (const std::string& text : flags.records) {
    absl::StatusOr<std::string> name = ParseRecord(text);
    if (!name.ok()) return session.Misused(std::string(name.status().message()));
    wanted.insert(*std::move(name));
  }
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const auto recalls = Outstanding(**client, flags.all ? nullptr : &wanted);
  if (!recalls.ok()) return session.Fail(recalls.status());
  if (const absl::Status status = (*client)->AcknowledgeRecalls(*recalls); !status.ok())
    return session.Fail(status);
  ListPrinter printer = session.List(RecallColumns());
  for (const v1::Retraction& recall : *recalls) printer.Row(RecallCells(recall), recall);
  printer.Finish();
  for (const std::string& name : wanted) session.Note(name + ": there is nothing to acknowledge");
  session.Note(absl::StrCat("Acknowledged: ", recalls->size()));
  return wanted.empty() ? kExitOk : kExitNo;
}

}  // namespace

void AddRecallStatusVerb(App& app, Verb record) {
  auto name = std::make_shared<std::string>();
  app.AddVerb(
         record, "recall-status",
         "Who was shown a record of your own, and whether those who see it no more have been told and have\n"
         "acknowledged; also after it was taken back. Exit code 0: nobody has to be waited for, 1: somebody "
         "has,\nwho was not told yet, or was and has not acknowledged",
         {{"record recall-status records/aaaaaaaaaaaaaaaaaaaaaaaaaa",
           "Those who have to be waited for first."},
          {"record recall-status records/aaaaaaaaaaaaaaaaaaaaaaaaaa -o json", "For a program."}},
         [name](Session& session) { return Status(session, *name); })
      .AddOption("RECORD", *name, "Record")
      .Required();
}

void AddRecallVerbs(App& app) {
  Verb family = app.AddFamily("recall", "Records that you were shown and that are taken back");
  app.AddVerb(
      family, "list",
      "The records that you were shown, do not see any more, and have not acknowledged. GONE: do not use "
      "it any\nmore; CLEARED: it was wrong. Also while your member is suspended. Exit code 0, also where "
      "there are some",
      {{"recall list", "A watch and a mirror tell the same, and acknowledge by themselves."},
       {"recall list -o jsonl", "For a program."}},
      [](Session& session) { return List(session); });
  auto flags = std::make_shared<AcknowledgeFlags>();
  Verb verb = app.AddVerb(
      family, "acknowledge",
      "Says that you do not use these records any more, which whoever contributed them sees. Prints those\n"
      "acknowledged. Exit code 1: for a record named there is nothing to acknowledge",
      {{"recall acknowledge records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "One of `recall list`."},
       {"recall acknowledge --all", "All of it, as it is now."}},
      [flags](Session& session) { return Acknowledge(session, *flags); });
  verb.AddOption("RECORD", flags->records, "Records");
  verb.AddFlag("--all", flags->all, "All that are outstanding");
}

}  // namespace coalition::cli
