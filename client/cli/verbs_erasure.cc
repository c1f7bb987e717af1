// coalition admin erase, erase-entry: what records, or entries of the ledger, say is ended for good, for a
// court or a data subject.
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/enum_values.h"
#include "client/cli/erasure_text.h"
#include "client/cli/ledger_text.h"
#include "client/cli/prompt.h"
#include "client/cli/values.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/seller.h"

namespace coalition::cli {
namespace {

struct OrderFlags {
  std::string grounds, reference;
  bool yes = false, dry_run = false;
};

struct EraseFlags : OrderFlags {
  std::vector<std::string> records;
  std::string platform, seller;
};

struct EraseEntryFlags : OrderFlags {
  std::vector<std::string> entries;
};

template <class Request>
absl::Status SetOrder(const OrderFlags& flags, Request& request) {
  const auto grounds =
      ParseEnum<v1::ErasureGrounds>(flags.grounds, "ERASURE_GROUNDS_", "grounds of an erasure");
  if (!grounds.ok())
    return absl::InvalidArgumentError(absl::StrCat("--grounds: ", grounds.status().message()));
  request.set_grounds(*grounds);
  request.set_reference(flags.reference);
  return absl::OkStatus();
}

absl::StatusOr<v1::EraseRecordsRequest> RequestOf(const EraseFlags& flags) {
  const bool seller = !flags.platform.empty() || !flags.seller.empty();
  if (seller == !flags.records.empty()) {
    return absl::InvalidArgumentError("name the records, or one seller with --platform and --seller");
  }
  v1::EraseRecordsRequest request;
  for (const std::string& text : flags.records) {
    absl::StatusOr<std::string> name = ParseRecord(text);
    if (!name.ok()) return name.status();
    request.add_names(*std::move(name));
  }
  if (seller) {
    absl::StatusOr<SellerKey> key = NormalizeSeller(flags.platform, flags.seller);
    if (!key.ok()) return key.status();
    request.mutable_seller()->set_platform(std::move(key->platform));
    request.mutable_seller()->set_seller_id(std::move(key->seller_id));
  }
  if (absl::Status set = SetOrder(flags, request); !set.ok()) return set;
  return request;
}

absl::StatusOr<v1::EraseLedgerEntriesRequest> RequestOf(const EraseEntryFlags& flags) {
  v1::EraseLedgerEntriesRequest request;
  for (const std::string& text : flags.entries) {
    absl::StatusOr<std::string> name = ParseLedgerEntry(text);
    if (!name.ok()) return name.status();
    request.add_names(*std::move(name));
  }
  if (absl::Status set = SetOrder(flags, request); !set.ok()) return set;
  return request;
}

// What would be erased, by the server's word; asks. nullopt: go on. Else the exit code.
std::optional<int> Confirm(Session& session, client::Client& client, v1::EraseRecordsRequest request) {
  std::vector<std::string> lost;
  std::string them = "the records";
  // Nothing is read where nobody can be asked.
  if (CanAsk(session)) {
    request.set_validate_only(true);
    const absl::StatusOr<v1::EraseRecordsResponse> checked = client.EraseRecords(request);
    if (!checked.ok()) return session.Fail(checked.status());
    if (checked->records().empty()) {
      session.Note("There is no record about that seller.");
      return kExitOk;
    }
    lost = LostByErasure(*checked);
    them = RecordsText(checked->records_size());
  }
  const int code = ConfirmLoss(session, /*yes=*/false, lost, absl::StrCat("Erase ", them, "?"));
  return code == kExitOk ? std::nullopt : std::optional(code);
}

// The same. What was erased before is not asked about: nothing more is lost.
std::optional<int> Confirm(Session& session, client::Client& client, v1::EraseLedgerEntriesRequest request) {
  std::vector<std::string> lost;
  if (CanAsk(session)) {
    request.set_validate_only(true);
    const absl::StatusOr<v1::EraseLedgerEntriesResponse> checked = client.EraseLedgerEntries(request);
    if (!checked.ok()) return session.Fail(checked.status());
    lost = LostByErasure(*checked);
    if (lost.empty()) return std::nullopt;
  }
  const int code = ConfirmLoss(session, /*yes=*/false, lost, "Erase what they say?");
  return code == kExitOk ? std::nullopt : std::optional(code);
}

int FailErasing(Session& session, const absl::Status& status) {
  const v1::ErrorReason reason = GetErrorReason(status);
  int code = ExitCode(status);
  // What these advise is for calls of one commit.
  if (reason == v1::ERROR_REASON_STORE_UNAVAILABLE || reason == v1::ERROR_REASON_WRITE_UNDETERMINED) {
    session.Note(absl::StrCat("error: ", status.message()));
  } else {
    code = session.Fail(status);
  }
  if (absl::IsUnavailable(status) || absl::IsUnknown(status) || absl::IsDeadlineExceeded(status)) {
    session.Note("Some of it may be erased. Run it again: what is erased stays so.");
  }
  return code;
}

void NoteCopies(Session& session, const char* file, const std::string& sha256) {
  session.Note(absl::StrCat(
      "Copies of the server's key_dir from before still open what was erased: make new ones, and "
      "destroy the old ones. The SHA-256 of its file ",
      file, " is now ", HexEncode(sha256), "."));
}

void Print(Session& session, const v1::EraseRecordsResponse& erased, bool checked) {
  if (session.format() == Format::kTable || session.format() == Format::kCsv) {
    ListPrinter printer = session.List(ErasedColumns());
    for (const v1::ErasedRecord& record : erased.records()) printer.Row(ErasedCells(record), record);
    printer.Finish();
  } else {
    session.One({}, ErasureJson(erased));
  }
  session.Note(ErasureSummary(erased, checked));
  for (const std::string& line : ReferringLines(erased)) session.Note(line);
  if (checked) return session.Note("Checked; nothing was erased.");
  if (erased.records().empty()) return;
  NoteCopies(session, "erasure_keys", erased.erasure_keys_sha256());
}

void Print(Session& session, const v1::EraseLedgerEntriesResponse& erased, bool checked) {
  if (session.format() == Format::kTable || session.format() == Format::kCsv) {
    ListPrinter printer = session.List(ErasedEntryColumns());
    for (const v1::ErasedLedgerEntry& entry : erased.entries()) printer.Row(ErasedEntryCells(entry), entry);
    printer.Finish();
  } else {
    session.One({}, ErasureJson(erased));
  }
  session.Note(ErasureSummary(erased, checked));
  if (checked) return session.Note("Checked; nothing was erased.");
  NoteCopies(session, "ledger_contents", erased.ledger_contents_sha256());
}

absl::StatusOr<v1::EraseRecordsResponse> Send(client::Client& client,
                                              const v1::EraseRecordsRequest& request) {
  return client.EraseRecords(request);
}
absl::StatusOr<v1::EraseLedgerEntriesResponse> Send(client::Client& client,
                                                    const v1::EraseLedgerEntriesRequest& request) {
  return client.EraseLedgerEntries(request);
}

template <class Flags>
int Erase(Session& session, const Flags& flags) {
  auto request = RequestOf(flags);
  if (!request.ok()) return session.Misused(std::string(request.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  if (!flags.yes && !flags.dry_run) {
    if (const std::optional<int> code = Confirm(session, **client, *request)) return *code;
  }
  request->set_validate_only(flags.dry_run);
  const auto erased = Send(**client, *request);
  if (!erased.ok()) {
    return flags.dry_run ? session.Fail(erased.status()) : FailErasing(session, erased.status());
  }
  Print(session, *erased, flags.dry_run);
  return kExitOk;
}

void AddOrder(Verb verb, OrderFlags& flags) {
  verb.AddOption("--grounds", flags.grounds,
                 "court-order, data-subject or contributor; every member sees them")
      .Required();
  verb.AddOption(
      "--reference", flags.reference,
      "What the order is known by elsewhere, without personal data: every member sees it, for good");
  verb.AddFlag("-y,--yes", flags.yes, "Do not ask");
  verb.AddFlag("--dry-run", flags.dry_run, "Check, but erase nothing");
}

void AddEraseEntry(App& app, Verb admin) {
  auto flags = std::make_shared<EraseEntryFlags>();
  Verb verb = app.AddVerb(
      admin, "erase-entry",
      "Ends for good what entries of the ledger say, for a court or a data subject: nobody can read it\n"
      "any more, in the exchange, in copies of its store or in backups from before. The entries stay, as\n"
      "hashes, and proofs go on verifying; who was shown which record stays known. At most 250. Every\n"
      "member sees in the ledger that it was done, and not of which. A second run changes nothing",
      {{"admin erase-entry ledgerEntries/4711-815 --grounds court-order --reference '12 O 345/26'",
        "Asks first, naming what is lost."},
       {"admin erase-entry 4711-815 4711-816 --grounds data-subject --dry-run -o json",
        "What would be erased, for a program."},
       {"admin erase-entry 4711-815 --grounds data-subject --reference DS-17 --yes",
        "Does not ask. Then make new copies of the server's key_dir, and destroy the old ones."}},
      [flags](Session& session) { return Erase(session, *flags); });
  verb.AddOption("ENTRY", flags->entries, "Entries whose contents are erased").Required();
  AddOrder(verb, *flags);
}

}  // namespace

void AddErasureVerbs(App& app, Verb admin) {
  auto flags = std::make_shared<EraseFlags>();
  Verb verb = app.AddVerb(
      admin, "erase",
      "Ends for good what records say, for a court or a data subject: nobody can read it any more, in the\n"
      "exchange, in copies of its store or in backups from before. Records named, at most 250, or all about "
      "one\nseller; also what was taken back or has expired. Whoever was shown one is told that it is gone. "
      "Every member\nsees in the ledger that it was done. A second run changes nothing",
      {{"admin erase records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grounds court-order --reference '12 O 345/26'",
        "Asks first, naming what is lost, of whom, and what refers to it."},
       {"admin erase --platform bazaar.example --seller shop-4711 --grounds data-subject --dry-run -o json",
        "What would be erased, for a program."},
       {"admin erase --platform bazaar.example --seller shop-4711 --grounds data-subject --reference DS-17 "
        "--yes",
        "Does not ask. Then make new copies of the server's key_dir, and destroy the old ones."}},
      [flags](Session& session) { return Erase(session, *flags); });
  verb.AddOption("RECORD", flags->records, "Records to erase");
  verb.AddOption("--platform", flags->platform, "With --seller, instead of records: the seller's platform");
  verb.AddOption("--seller", flags->seller,
                 "With --platform: the seller's id, all records about whom are erased");
  AddOrder(verb, *flags);
  AddEraseEntry(app, admin);
}

}  // namespace coalition::cli
