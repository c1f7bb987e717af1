// Entries of the ledger as cells, facts, sentences and JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/output.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/ledger_verify.h"

namespace coalition::cli {

// "ledgerEntries/4711-815" or "4711-815". INVALID_ARGUMENT names what would be right.
absl::StatusOr<std::string> ParseLedgerEntry(std::string_view text);

// entry, time, kind, who, what. `time` is a day for first showings; of an entry that is not opened, or whose
// kind is a later server's, the last four are empty but for what is said of that.
const std::vector<std::string>& LedgerColumns();
std::vector<std::string> LedgerCells(const std::string& name, const ledger::OpenedEntry& opened);

// All that is opened. `proof`: may be null.
Facts LedgerFacts(const std::string& name, const ledger::OpenedEntry& opened, const v1::LedgerProof* proof);

// One line: name, tickTime (with a proof), content (a LedgerContent) and reserved (a LedgerReserved), where
// they are opened.
std::string LedgerJson(const std::string& name, const ledger::OpenedEntry& opened,
                       const v1::LedgerProof* proof);

// Of Unix time.
std::string SecondsText(int64_t unix_s);
// "1,200 ticks"
std::string TicksText(const Checkpoint& checkpoint);

// "members/paylink was shown 3 records by ScreenSellers."
std::string LedgerSentence(const ledger::OpenedEntry& opened);

// member, kind, first_day, views. `member` is empty where it is named by its kind alone.
const std::vector<std::string>& DisclosureColumns();
std::vector<std::string> DisclosureCells(const v1::RecordDisclosure& disclosure);

}  // namespace coalition::cli
