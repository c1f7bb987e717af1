#include "server/verifying.h"

#include <cinttypes>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/random.h"
#include "server/denials/journal.h"
#include "server/denials/journaled_store.h"
#include "server/denials/opening.h"
#include "server/keys.h"
#include "server/ledger_rooms.h"
#include "server/restoring_mark.h"
#include "server/room_options.h"
#include "server/verify/verify_store.h"

namespace coalition::server {
namespace {

std::string Text(std::string_view view) { return std::string(view); }

absl::StatusOr<ledger::LogSigner> SignerOf(const config::v1::ServerConfig& config,
                                           const std::string& trust_domain) {
  SystemRandom random;  // not used: nothing is made
  absl::StatusOr<Ed25519Key> key = LoadLedgerKey(config.key_dir(), /*ledger_is_empty=*/false, random);
  if (!key.ok()) return key.status();
  auto former = LoadFormerLedgerKey(config.key_dir());
  if (!former.ok()) return former.status();
  return ledger::LogSigner{LogOriginOf(config.ledger(), trust_domain), *std::move(key), *std::move(former)};
}

// That the store is not behind its journal of denials, and has not lost it.
absl::Status CheckDenials(const config::v1::ServerConfig& config, const store::Store& store) {
  const auto journal = denials::Journal::Read(config.ledger().head_dir());
  if (!journal.ok()) return journal.status();
  absl::Status behind = denials::CheckStore(**journal, store);
  // A row of the store that can't be read is a finding already.
  if (absl::IsDataLoss(behind)) return absl::OkStatus();
  if (!absl::IsFailedPrecondition(behind)) return behind;
  return absl::FailedPreconditionError(absl::StrCat("the store is behind its journal of denials, ",
                                                    (*journal)->file(), ": ", behind.message()));
}

void Tell(const verify::VerifyReport& report, const config::v1::ServerConfig& config, std::FILE* out) {
  for (const verify::Finding& finding : report.findings) {
    const std::string key = finding.key.empty() ? "" : " \"" + finding.key + "\"";
    std::fprintf(out, "%s:%s %s\n  to do: %s\n", Text(verify::NameOf(finding.subject)).c_str(), key.c_str(),
                 finding.what.c_str(), Text(verify::RemedyOf(finding.subject)).c_str());
  }
  if (report.findings.empty()) {
    std::fprintf(out,
                 "%s is sound: %" PRIu64 " rows, among them %" PRIu64 " records and %" PRIu64
                 " entries of the ledger in %" PRIu64 " ticks\n",
                 config.store_dir().c_str(), report.rows, report.records, report.entries, report.ticks);
    return;
  }
  std::fprintf(out, "%s is NOT sound: %zu findings%s\n", config.store_dir().c_str(), report.findings.size(),
               report.cut_off ? ", and not everything was read" : "");
}

}  // namespace

absl::StatusOr<bool> VerifyAndTell(const config::v1::ServerConfig& config, std::FILE* out) {
  SystemRandom random;  // not used: nothing is made
  absl::StatusOr<exchange::ExchangeKeys> keys = LoadKeys(config.key_dir(), /*store_is_empty=*/false, random);
  if (!keys.ok()) return keys.status();
  verify::VerifyOptions options;
  options.store = StoreOptions(config);
  options.seller_hash_key = keys->seller_hash;
  options.contents = keys->contents;
  auto entry_keys = ledger::EntryKeys::Load(config.key_dir(), /*may_create=*/false, random);
  if (!entry_keys.ok()) return entry_keys.status();
  options.entry_keys = *std::move(entry_keys);
  options.log_signer = [&config](const std::string& trust_domain) { return SignerOf(config, trust_domain); };
  options.head_dir = config.ledger().head_dir();
  options.beside = {[&config](const store::Store&) {
                      return RestoringMark(config.ledger().head_dir()).CheckNone(config.store_dir());
                    },
                    [&config](const store::Store& store) { return CheckDenials(config, store); }};
  options.facts_beside = {std::string(denials::kJournalKey)};
  options.progress = [out](std::string_view what, uint64_t rows) {
    if (rows == 0) {
      std::fprintf(out, "reading the %s\n", Text(what).c_str());
    } else {
      std::fprintf(out, "read %" PRIu64 " rows\n", rows);
    }
    std::fflush(out);
  };
  const absl::StatusOr<verify::VerifyReport> report = verify::VerifyStore(options);
  if (!report.ok()) return report.status();
  Tell(*report, config, out);
  return report->findings.empty();
}

}  // namespace coalition::server
