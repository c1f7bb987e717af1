#include "client/cli/ledger_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/enum_values.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/hash.h"
#include "common/strings.h"
#include "google/protobuf/util/time_util.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

using ledger::OpenedEntry;
using v1::LedgerContent;
using ShownList = google::protobuf::RepeatedPtrField<v1::LedgerShown>;

std::string DayText(const google::protobuf::Timestamp& time) {
  constexpr size_t kDay = sizeof("2026-03-01") - 1;
  return TimeText(time).substr(0, kDay);
}

std::string Number(int64_t number) { return WithThousands(static_cast<uint64_t>(number < 0 ? 0 : number)); }

std::string RecordsText(const ShownList& shown) {
  int count = 0;
  for (const v1::LedgerShown& part : shown) count += part.records_size();
  return count == 1 ? "1 record" : Number(count) + " records";
}

std::string CallsText(const v1::LedgerRefusals& refusals) {
  return refusals.count() == 1 ? "1 call" : Number(refusals.count()) + " calls";
}

// "records/a, records/b (full); records/c (notice, by 3 answers)"
std::string ShownText(const ShownList& shown) {
  return absl::StrJoin(shown, "; ", [](std::string* out, const v1::LedgerShown& part) {
    std::vector<std::string> how(part.views().begin(), part.views().end());
    if (part.answers() > 1) how.push_back(absl::StrCat("by ", Number(part.answers()), " answers"));
    absl::StrAppend(out, absl::StrJoin(part.records(), ", "), " (", absl::StrJoin(how, ", "), ")");
  });
}

std::string KindOf(const OpenedEntry& opened) {
  if (!opened.content) return "";
  switch (opened.content->content_case()) {
    case LedgerContent::kDisclosure:
      return "disclosure";
    case LedgerContent::kFirstShowings:
      return "first-showings";
    case LedgerContent::kAct:
      return "act";
    case LedgerContent::kRefusals:
      return "refusals";
    default:
      return "";
  }
}

std::string TimeOf(const OpenedEntry& opened) {
  if (!opened.content) return "";
  switch (opened.content->content_case()) {
    case LedgerContent::kDisclosure:
      return TimeText(opened.content->disclosure().time());
    case LedgerContent::kFirstShowings:
      return DayText(opened.content->first_showings().day());
    case LedgerContent::kAct:
      return TimeText(opened.content->act().time());
    case LedgerContent::kRefusals:
      return TimeText(opened.content->refusals().time());
    default:
      return "";
  }
}

// The member that was shown them, or its kind.
std::string RecipientOf(const OpenedEntry& opened) {
  if (opened.reserved && !opened.reserved->member().empty()) return opened.reserved->member();
  return "a member of the kind " + KindText(opened.content->first_showings().member_kind());
}

std::string WhoOf(const OpenedEntry& opened) {
  if (!opened.content) return "";
  switch (opened.content->content_case()) {
    case LedgerContent::kDisclosure:
      return opened.content->disclosure().member();
    case LedgerContent::kFirstShowings:
      return RecipientOf(opened);
    case LedgerContent::kAct:
      return opened.content->act().actor().empty() ? "the operator" : opened.content->act().actor();
    case LedgerContent::kRefusals:
      return opened.content->refusals().member().empty() ? "nobody known"
                                                         : opened.content->refusals().member();
    default:
      return "";
  }
}

std::string WhatOf(const OpenedEntry& opened) {
  if (!opened.content) return "has ended, or is not yours to open";
  const LedgerContent& content = *opened.content;
  switch (content.content_case()) {
    case LedgerContent::kDisclosure:
      return absl::StrCat("was shown ", RecordsText(content.disclosure().shown()), " by ",
                          content.disclosure().method());
    case LedgerContent::kFirstShowings:
      return absl::StrCat("was shown ", RecordsText(content.first_showings().shown()), " of ",
                          content.first_showings().contributor(), " for the first time");
    case LedgerContent::kAct:
      return absl::StrCat(content.act().target(), ": ", content.act().change());
    case LedgerContent::kRefusals:
      return absl::StrCat(CallsText(content.refusals()), " of ", content.refusals().method(),
                          " refused: ", content.refusals().reason());
    default:
      return "holds what this program does not know";
  }
}

void AddContent(const LedgerContent& content, Facts& facts) {
  switch (content.content_case()) {
    case LedgerContent::kDisclosure:
      facts.insert(facts.end(), {{"credential", content.disclosure().credential()},
                                 {"method", content.disclosure().method()},
                                 {"epoch", std::to_string(content.disclosure().epoch())},
                                 {"shown", ShownText(content.disclosure().shown())}});
      break;
    case LedgerContent::kFirstShowings:
      facts.insert(facts.end(), {{"contributor", content.first_showings().contributor()},
                                 {"member_kind", KindText(content.first_showings().member_kind())},
                                 {"shown", ShownText(content.first_showings().shown())}});
      break;
    case LedgerContent::kAct:
      facts.insert(facts.end(),
                   {{"target", content.act().target()},
                    {"change", content.act().change()},
                    {"epoch", content.act().epoch() == 0 ? "" : std::to_string(content.act().epoch())},
                    {"document_sha256", HexEncode(content.act().document_sha256())}});
      break;
    case LedgerContent::kRefusals:
      facts.insert(facts.end(), {{"method", content.refusals().method()},
                                 {"reason", content.refusals().reason()},
                                 {"count", std::to_string(content.refusals().count())}});
      break;
    default:
      break;
  }
}

}  // namespace

absl::StatusOr<std::string> ParseLedgerEntry(std::string_view text) {
  const std::string name =
      text.rfind("ledgerEntries/", 0) == 0 ? std::string(text) : absl::StrCat("ledgerEntries/", Absl(text));
  const absl::StatusOr<ledger::EntryPlace> place = ledger::ParseEntryName(name);
  if (!place.ok()) return NotAValue(text, "an entry of the ledger", std::string(place.status().message()));
  return name;
}

const std::vector<std::string>& LedgerColumns() {
  static const auto* const columns = new std::vector<std::string>{"entry", "time", "kind", "who", "what"};
  return *columns;
}

std::vector<std::string> LedgerCells(const std::string& name, const OpenedEntry& opened) {
  return {name, TimeOf(opened), KindOf(opened), WhoOf(opened), WhatOf(opened)};
}

Facts LedgerFacts(const std::string& name, const OpenedEntry& opened, const v1::LedgerProof* proof) {
  Facts facts;
  const std::vector<std::string> cells = LedgerCells(name, opened);
  for (size_t i = 0; i < cells.size(); ++i) facts.emplace_back(LedgerColumns()[i], cells[i]);
  if (proof != nullptr) facts.emplace_back("sealed", TimeText(proof->tick_time()));
  if (opened.content) AddContent(*opened.content, facts);
  if (opened.reserved) {
    facts.emplace_back("reserved_member", opened.reserved->member());
    facts.emplace_back("reserved_credential", opened.reserved->credential());
  }
  return facts;
}

std::string LedgerJson(const std::string& name, const OpenedEntry& opened, const v1::LedgerProof* proof) {
  nlohmann::ordered_json json = {{"name", name}};
  if (proof != nullptr) json["tickTime"] = TimeText(proof->tick_time());
  const auto parsed = [](const google::protobuf::Message& message) {
    return nlohmann::ordered_json::parse(ToJson(message), nullptr, /*allow_exceptions=*/false);
  };
  if (opened.content) json["content"] = parsed(*opened.content);
  if (opened.reserved) json["reserved"] = parsed(*opened.reserved);
  return ToJson(json);
}

std::string SecondsText(int64_t unix_s) {
  return TimeText(google::protobuf::util::TimeUtil::SecondsToTimestamp(unix_s));
}

std::string TicksText(const Checkpoint& checkpoint) { return WithThousands(checkpoint.size) + " ticks"; }

std::string LedgerSentence(const OpenedEntry& opened) {
  if (!opened.content) return "Its contents have ended, or are not yours to open.";
  std::string who = WhoOf(opened);
  if (who.empty()) return "It holds what this program does not know.";
  const char* const between =
      opened.content->has_disclosure() || opened.content->has_first_showings() ? " " : ": ";
  return absl::StrCat(who, between, WhatOf(opened), ".");
}

const std::vector<std::string>& DisclosureColumns() {
  static const auto* const columns = new std::vector<std::string>{"member", "kind", "first_day", "views"};
  return *columns;
}

std::vector<std::string> DisclosureCells(const v1::RecordDisclosure& disclosure) {
  return {disclosure.member(), KindText(disclosure.kind()), DayText(disclosure.first_day()),
          absl::StrJoin(disclosure.views(), "; ")};
}

}  // namespace coalition::cli
