#include "server/verify/verify_store.h"

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "common/keyed_hash.h"
#include "server/exchange/keys.h"
#include "server/exchange/presence.h"
#include "server/ledger/head.h"
#include "server/ledger/log_opening.h"
#include "server/store/read_only_store.h"
#include "server/verify/checks.h"
#include "server/verify/rows.h"

namespace coalition::verify {
namespace {

Subject SubjectOf(store::Fault::Kind kind) {
  return kind == store::Fault::Kind::kHistory ? Subject::kHistory : Subject::kDisk;
}

class Verification {
 public:
  Verification(const VerifyOptions& options, const store::ReadOnlyStore& store)
      : options_(options), disk_(store), rows_(store.store(), findings_) {}

  absl::StatusOr<VerifyReport> Run() {
    absl::Status done = CheckDisk();
    if (done.ok() && !rows_.stopped()) done = CheckState();
    if (done.ok()) done = rows_.status();
    if (!done.ok()) return done;
    report_.records = counts_.records;
    report_.entries = counts_.entries;
    report_.ticks = counts_.ticks;
    report_.cut_off = findings_.full();
    report_.findings = findings_.Take();
    return std::move(report_);
  }

 private:
  void Tell(std::string_view what, uint64_t rows = 0) {
    if (options_.progress) options_.progress(what, rows);
  }

  absl::Status CheckDisk() {
    Tell("rows");
    const absl::StatusOr<uint64_t> rows = disk_.CheckRows(
        [&](const store::Fault& fault) {
          findings_.Add(SubjectOf(fault.kind), fault.what, fault.key);
          if (fault.kind == store::Fault::Kind::kRow && !fault.key.empty()) rows_.NoteDamaged(fault.key);
          return !findings_.full();
        },
        [&](uint64_t read) { Tell("rows", read); });
    if (rows.ok()) report_.rows = *rows;
    return rows.status();
  }

  absl::Status CheckState() {
    Tell("coalition");
    const Known known = CheckCoalition(rows_);
    Tell("records");
    const std::optional<KeyedHash> hash = SellerHash();
    CheckRecords(rows_, known, *options_.contents, hash ? &*hash : nullptr, &counts_);
    Tell("indexes");
    CheckIndexes(rows_, known, *options_.contents);
    CheckMemory(rows_, known, *options_.contents);
    CheckFacts(rows_, options_.facts_beside);
    CheckShown(rows_, known);
    Tell("ledger");
    CheckTicks(rows_, known, *options_.entry_keys, &counts_);
    CheckParties(rows_);
    CheckLedgerNotes(rows_, *options_.entry_keys);
    CheckKinds(rows_);
    for (const auto& check : options_.beside) {
      if (rows_.stopped()) break;
      if (absl::Status status = Unless(check(rows_.store()), Subject::kHead); !status.ok()) return status;
    }
    return rows_.stopped() ? rows_.status() : CheckLog(known);
  }

  // nullopt: the sellers are hashed with another key.
  std::optional<KeyedHash> SellerHash() {
    const std::string& key = options_.seller_hash_key;
    const Rows::Row noted = rows_.Read(std::string(exchange::kSellerHashCheckKey));
    const bool same = noted.version && noted.version->value == exchange::SellerHashMac(key);
    if (!same || key.size() < KeyedHash::kKeyBytes) return std::nullopt;
    const auto* bytes = reinterpret_cast<const uint8_t*>(key.data());
    return KeyedHash(std::span<const uint8_t, KeyedHash::kKeyBytes>(bytes, KeyedHash::kKeyBytes));
  }

  // What the server holds the log against when it starts: its key and name, and the head.
  absl::Status CheckLog(const Known& known) {
    const absl::StatusOr<bool> empty = ledger::LogIsEmpty(rows_.store());
    if (!empty.ok()) return Unless(empty.status(), Subject::kLedger);
    const auto signer =
        options_.log_signer(known.state() ? known.state()->coalition.trust_domain() : std::string());
    if (!signer.ok()) return *empty ? absl::OkStatus() : signer.status();
    const auto log = ledger::LoadLog(rows_.store(), *signer);
    if (!log.ok()) return Unless(log.status(), Subject::kLedger);
    const ledger::HeadDir dir(options_.head_dir);
    return Unless(ledger::CheckHead(dir, rows_.store(), *signer, *log), Subject::kHead);
  }

  // What is wrong with the store is a finding, and what is wrong with reading it an error.
  absl::Status Unless(const absl::Status& status, Subject subject) {
    if (!absl::IsDataLoss(status) && !absl::IsFailedPrecondition(status)) return status;
    findings_.Add(subject, std::string(status.message()));
    return absl::OkStatus();
  }

  const VerifyOptions& options_;
  const store::ReadOnlyStore& disk_;
  Findings findings_{options_.findings_max};
  Rows rows_;
  Counts counts_;
  VerifyReport report_;
};

}  // namespace

absl::StatusOr<VerifyReport> VerifyStore(const VerifyOptions& options) {
  const auto store = store::ReadOnlyStore::Open(options.store);
  if (absl::IsDataLoss(store.status())) {
    VerifyReport report;
    report.findings.push_back({Subject::kDisk, std::string(store.status().message()), {}});
    report.cut_off = true;
    return report;
  }
  if (!store.ok()) return store.status();
  return Verification(options, **store).Run();
}

}  // namespace coalition::verify
