// Promise 2, of the ledger: of two exchanges in which a member does and is shown the same, and others do
// anything else, the ledger tells it the same: the same size of the log, the same pages, entries and proofs
// of the same lengths, and each answer takes the same calls to the store. Chance alone differs: salts,
// hashes, places in a tick, names of records. Not gone through is what ADR 0016 leaves open: very many
// contributors that come before it put off the entries of its days.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/property/ledger_room.h"

namespace coalition::testing {
namespace {

// What others do in a tick, by numbers of their entries: up to a few levels of rows of the tick's tree.
constexpr size_t kCrowds[] = {0, 1, 7, 30, 400};
constexpr int kTicksMax = 30;

struct Tick {
  Own own = Own::kNothing;
  size_t crowd = 0;
};
using History = std::vector<Tick>;

History HistoryOf(const std::vector<uint32_t>& numbers) {
  History history;
  for (const uint32_t number : numbers) {
    history.push_back({static_cast<Own>(number % kOwns), kCrowds[number / kOwns % std::size(kCrowds)]});
  }
  return history;
}

void Play(const History& history, bool with_others, LedgerRoom* room) {
  for (const Tick& tick : history) {
    if (with_others) room->OthersDo(tick.crowd);
    room->Do(tick.own);
  }
}

// Empty: both tell the same, for about the same work.
std::string DifferenceOf(const std::vector<Told>& quiet, const std::vector<Told>& busy) {
  for (size_t i = 0; i < std::min(quiet.size(), busy.size()); ++i) {
    const Told &one = quiet[i], &other = busy[i];
    if (one.answer != other.answer)
      return absl::StrCat(one.question, "\n  is told: ", one.answer, "\n  and: ", other.answer);
    if (one.cost != other.cost)
      return absl::StrCat(one.question, "\n  takes: ", one.cost, "\n  and: ", other.cost);
    // Of a tick with many entries a proof takes up to four small rows more, in the same call.
    const int most = one.nodes + 4 * one.proofs;
    if (other.nodes < one.nodes || other.nodes > most)
      return absl::StrCat(one.question, "\n  takes ", other.nodes, " rows of ticks, and not ", one.nodes,
                          " to ", most);
  }
  return quiet.size() == busy.size() ? "" : "one has more to ask for";
}

RC_GTEST_PROP(LedgerPropertyTest, TellsNothingOfWhatOthersDo, ()) {
  const History history = HistoryOf(
      *rc::gen::resize(kTicksMax, rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>())));
  LedgerRoom quiet(/*in_memory=*/true), busy(/*in_memory=*/true);
  Play(history, false, &quiet);
  Play(history, true, &busy);
  const std::vector<std::string> others = busy.SomeEntriesOfOthers();
  const std::string difference = DifferenceOf(quiet.Ask(others), busy.Ask(others));
  if (!difference.empty()) RC_FAIL(difference);
  RC_CLASSIFY(busy.EntriesInAll() > quiet.EntriesInAll(), "others had entries");
}

// The same of one long history, on disk, which has everything, and that it does.
TEST(LedgerPropertyTest, TellsNothingOfALotThatOthersDo) {
  History history;
  for (size_t crowd : kCrowds) {
    for (size_t own = 0; own < kOwns; ++own) history.push_back({static_cast<Own>(own), crowd});
  }
  LedgerRoom quiet, busy;
  Play(history, false, &quiet);
  Play(history, true, &busy);
  const std::vector<std::string> others = busy.SomeEntriesOfOthers();
  EXPECT_GT(others.size(), 10);
  const std::vector<Told> told = quiet.Ask(others);
  EXPECT_EQ(DifferenceOf(told, busy.Ask(others)), "");
  EXPECT_GT(busy.EntriesInAll(), quiet.EntriesInAll() + 1000);
  for (const v1::LedgerEntryKind kind :
       {v1::LEDGER_ENTRY_KIND_DISCLOSURE, v1::LEDGER_ENTRY_KIND_FIRST_SHOWINGS, v1::LEDGER_ENTRY_KIND_ACT,
        v1::LEDGER_ENTRY_KIND_REFUSALS}) {
    EXPECT_GT(busy.OwnEntries(kind), 0) << "nothing was asked of that kind: " << kind;
  }
}

// The positive controls. One entry more that it may open, and a checkpoint more, are seen.
TEST(LedgerPropertyControl, OneEntryOrTickMoreIsFound) {
  const History history = {{Own::kScreens, 0}, {Own::kNothing, 0}, {Own::kNothing, 0}};
  LedgerRoom one, shown, ticked;
  Play(history, false, &one);
  Play({history[0], {Own::kScreens, 0}, history[2]}, false, &shown);
  Play(history, false, &ticked);
  ticked.Do(Own::kNothing);
  const std::vector<Told> told = one.Ask({});
  EXPECT_NE(DifferenceOf(told, shown.Ask({})), "");
  EXPECT_NE(DifferenceOf(told, ticked.Ask({})), "");
}

// Whoever may open what others do is told it, and the store is read for it: the crowd is one, and it counts.
TEST(LedgerPropertyControl, AnAuditorIsToldAndCausesWork) {
  const History history = {{Own::kScreens, 30}, {Own::kNothing, 30}};
  LedgerRoom quiet, busy;
  Play(history, false, &quiet);
  Play(history, true, &busy);
  const std::vector<Told> few = quiet.AskAsAuditor(), many = busy.AskAsAuditor();
  ASSERT_FALSE(few.empty());
  EXPECT_NE(few[0].answer, many[0].answer);
  EXPECT_NE(few[0].cost, many[0].cost);
}

}  // namespace
}  // namespace coalition::testing
