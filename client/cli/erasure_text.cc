#include "client/cli/erasure_text.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/cli/output.h"
#include "client/cli/text.h"
#include "common/hash.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

constexpr int kNamedMax = 20;

std::string Bool(bool value) { return value ? "true" : "false"; }

struct Counts {
  int records = 0, live = 0, before = 0;
};

// Of each member, by name; those not erased before in `records`.
std::map<std::string, Counts> CountsOf(const v1::EraseRecordsResponse& erased) {
  std::map<std::string, Counts> counts;
  for (const v1::ErasedRecord& record : erased.records()) {
    Counts& of = counts[record.contributor()];
    ++(record.erased_before() ? of.before : of.records);
    if (record.was_live()) ++of.live;
  }
  return counts;
}

Counts Sum(const std::map<std::string, Counts>& counts) {
  Counts sum;
  for (const auto& [member, of] : counts) {
    sum.records += of.records;
    sum.live += of.live;
    sum.before += of.before;
  }
  return sum;
}

std::string Counted(int count, const char* one, const char* more) {
  return absl::StrCat(WithThousands(static_cast<uint64_t>(count)), count == 1 ? one : more);
}

// The first few of `names`, a line each, and how many more there are.
void AddNamed(const std::vector<std::string>& names, std::vector<std::string>& lines) {
  const int count = static_cast<int>(names.size());
  const int named = std::min(count, kNamedMax);
  for (int i = 0; i < named; ++i) lines.push_back("  " + names[static_cast<size_t>(i)]);
  if (named < count)
    lines.push_back(absl::StrCat("  and ", WithThousands(static_cast<uint64_t>(count - named)), " more"));
}

std::string JsonWithHex(const google::protobuf::Message& rest, const char* name, const std::string& sha256) {
  auto json = nlohmann::ordered_json::parse(ToJson(rest), nullptr, false);
  if (!sha256.empty()) json[name] = HexEncode(sha256);
  return ToJson(json);
}

// Those that were not erased before.
std::vector<std::string> EntriesLeft(const v1::EraseLedgerEntriesResponse& erased) {
  std::vector<std::string> names;
  for (const v1::ErasedLedgerEntry& entry : erased.entries()) {
    if (!entry.erased_before()) names.push_back(entry.name());
  }
  return names;
}

}  // namespace

const std::vector<std::string>& ErasedColumns() {
  static const auto* const kColumns =
      new std::vector<std::string>{"record", "contributor", "was_live", "erased_before"};
  return *kColumns;
}

std::vector<std::string> ErasedCells(const v1::ErasedRecord& erased) {
  return {erased.name(), erased.contributor(), Bool(erased.was_live()), Bool(erased.erased_before())};
}

std::string ErasureJson(const v1::EraseRecordsResponse& erased) {
  v1::EraseRecordsResponse rest = erased;
  rest.clear_erasure_keys_sha256();
  return JsonWithHex(rest, "erasureKeysSha256", erased.erasure_keys_sha256());
}

std::string RecordsText(int count) { return Counted(count, " record", " records"); }
std::string EntriesText(int count) { return Counted(count, " entry", " entries"); }

std::vector<std::string> LostByErasure(const v1::EraseRecordsResponse& checked) {
  const std::map<std::string, Counts> counts = CountsOf(checked);
  const Counts all = Sum(counts);
  std::vector<std::string> lines = {absl::StrCat(
      "Erasing ", RecordsText(all.records),
      ", for good: nobody can read what they say any more, in the exchange, its copies or its backups:")};
  for (const auto& [member, of] : counts) {
    if (of.records > 0)
      lines.push_back(absl::StrCat("  ", RecordsText(of.records), " of ",
                                   member.empty() ? "a member not known any more" : member, ", ", of.live,
                                   " of them to be seen until now"));
  }
  if (all.before > 0) lines.push_back(absl::StrCat("  ", RecordsText(all.before), " erased before"));
  lines.emplace_back("  whoever was shown one is told that it is gone; external ids stay taken");
  for (std::string& line : ReferringLines(checked)) lines.push_back("  " + line);
  return lines;
}

std::string ErasureSummary(const v1::EraseRecordsResponse& erased, bool checked) {
  const Counts all = Sum(CountsOf(erased));
  return absl::StrCat(checked ? "Valid " : "Erased ", RecordsText(all.records), ", before ",
                      WithThousands(static_cast<uint64_t>(all.before)), ".");
}

std::vector<std::string> ReferringLines(const v1::EraseRecordsResponse& erased) {
  const int count = erased.referring_size();
  if (count == 0) return {};
  std::vector<std::string> lines = {absl::StrCat(RecordsText(count), count == 1 ? " refers" : " refer",
                                                 " to them, may quote them, and ",
                                                 count == 1 ? "stays:" : "stay:")};
  AddNamed({erased.referring().begin(), erased.referring().end()}, lines);
  return lines;
}

const std::vector<std::string>& ErasedEntryColumns() {
  static const auto* const kColumns = new std::vector<std::string>{"entry", "erased_before"};
  return *kColumns;
}

std::vector<std::string> ErasedEntryCells(const v1::ErasedLedgerEntry& erased) {
  return {erased.name(), Bool(erased.erased_before())};
}

std::string ErasureJson(const v1::EraseLedgerEntriesResponse& erased) {
  v1::EraseLedgerEntriesResponse rest = erased;
  rest.clear_ledger_contents_sha256();
  return JsonWithHex(rest, "ledgerContentsSha256", erased.ledger_contents_sha256());
}

std::vector<std::string> LostByErasure(const v1::EraseLedgerEntriesResponse& checked) {
  const std::vector<std::string> left = EntriesLeft(checked);
  if (left.empty()) return {};
  const int count = static_cast<int>(left.size());
  std::vector<std::string> lines = {
      absl::StrCat("Erasing what ", EntriesText(count), " of the ledger ", count == 1 ? "says" : "say",
                   ", for good: nobody can read it any more, in the exchange, its copies or its backups:")};
  AddNamed(left, lines);
  const int before = checked.entries_size() - count;
  if (before > 0) lines.push_back(absl::StrCat("  ", EntriesText(before), " erased before"));
  lines.emplace_back("  whoever may open them finds hashes in their place; exports that members keep stay");
  lines.emplace_back("  proofs go on verifying, and who was shown which record stays known");
  return lines;
}

std::string ErasureSummary(const v1::EraseLedgerEntriesResponse& erased, bool checked) {
  const int left = static_cast<int>(EntriesLeft(erased).size());
  return absl::StrCat(checked ? "Valid " : "Erased ", EntriesText(left), ", before ",
                      WithThousands(static_cast<uint64_t>(erased.entries_size() - left)), ".");
}

}  // namespace coalition::cli
