// What every store promises. Runs against LevelDbStore, against one whose tables are tiny, so that everything
// soon lies in tables of several levels, against one whose deleted keys all come back, and against the one in
// memory that generated cases run on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <memory>
#include <set>
#include <thread>

#include "server/store/leveldb_store.h"
#include "tests/support/store/memory_store.h"
#include "tests/support/store/resurrecting_db.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

using testing::Aborting;
using testing::CommitStatus;
using testing::Contents;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MustCommit;
using testing::MustRaiseFloor;
using testing::MustRead;
using testing::MustScan;
using testing::MustScanEach;
using testing::Putting;
using testing::Removing;
using testing::Writing;

enum class Kind { kPlain, kTinyTables, kResurrecting, kMemory };

class StoreConformance : public ::testing::TestWithParam<Kind> {
 protected:
  StoreConformance() { Reopen(); }

  void Reopen() {
    store_.reset();
    if (GetParam() == Kind::kMemory) {
      store_ = std::make_unique<testing::MemoryStore>(memory_);
      return;
    }
    LevelDbOptions options;
    options.dir = dir_.Sub("store");
    options.free_bytes_min = 0;
    if (GetParam() != Kind::kPlain) {
      options.write_buffer_bytes = size_t{64} << 10;
      options.table_bytes = size_t{1} << 20;
      options.group_bytes_max = size_t{16} << 10;
    }
    if (GetParam() == Kind::kResurrecting) {
      options.wrap_db = [this](std::unique_ptr<leveldb::DB> db) {
        return std::make_unique<testing::ResurrectingDb>(std::move(db), resurrected_);
      };
    }
    absl::StatusOr<std::unique_ptr<LevelDbStore>> opened = LevelDbStore::Open(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  // Makes LevelDB write tables.
  void Bury() {
    if (GetParam() == Kind::kPlain || GetParam() == Kind::kMemory) return;
    for (int i = 0; i < 40; ++i) MustCommit(*store_, Putting("~filler", std::string(8192, 'f')));
  }

  Store& store() { return *store_; }

 private:
  testing::ScratchDir dir_;
  std::atomic<size_t> resurrected_{0};
  std::shared_ptr<testing::MemoryDisk> memory_ = std::make_shared<testing::MemoryDisk>();
  std::unique_ptr<Store> store_;
};

std::vector<Write> Rows(int count, const std::string& value) {
  std::vector<Write> writes;
  for (int i = 0; i < count; ++i) {
    std::string number = std::to_string(i);
    writes.push_back({"row/" + std::string(6 - number.size(), '0') + number, value});
  }
  return writes;
}

// Adds one to the number at `key`.
Commit Incrementing(const std::string& key) {
  return {
      .reads = {key},
      .build = [key](Revision,
                     std::span<const std::optional<Version>> values) -> absl::StatusOr<std::vector<Write>> {
        int number = 0;
        if (values[0].has_value()) {
          const std::string& text = values[0]->value;
          std::from_chars(text.data(), text.data() + text.size(), number);
        }
        return std::vector<Write>{{key, std::to_string(number + 1)}};
      }};
}

TEST_P(StoreConformance, AnEmptyStoreHasNothing) {
  EXPECT_EQ(store().Head(), 0U);
  EXPECT_EQ(store().Floor(), 0U);
  EXPECT_EQ(MustRead(store(), "a", 0), "(absent)");
  EXPECT_THAT(MustScan(store(), "", "", 0), IsEmpty());
  EXPECT_THAT(*store().ReadLog(0, {}), IsEmpty());
  EXPECT_THAT(store().CommitAll({}), IsEmpty());
}

TEST_P(StoreConformance, KeepsEveryVersionOfAKey) {
  const Revision first = MustCommit(store(), Putting("k", "one"));
  const Revision second = MustCommit(store(), Putting("k", "two"));
  const Revision removed = MustCommit(store(), Removing("k"));
  const Revision again = MustCommit(store(), Putting("k", ""));
  ASSERT_LT(first, second);
  ASSERT_LT(second, removed);
  EXPECT_EQ(store().Head(), again);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(MustRead(store(), "k", 0), "(absent)");
    EXPECT_EQ(MustRead(store(), "k", first), "one");
    EXPECT_EQ(MustRead(store(), "k", second), "two");
    EXPECT_EQ(MustRead(store(), "k", removed), "(absent)");
    EXPECT_EQ(MustRead(store(), "k", again), "");
    EXPECT_THAT(MustScan(store(), "", "l", removed), IsEmpty());
    EXPECT_THAT(MustScan(store(), "", "l", second), ElementsAre(std::pair("k", "two")));
    Bury();
    Reopen();
  }
}

TEST_P(StoreConformance, SaysWhichCommitWroteAValue) {
  const Revision first = MustCommit(store(), Putting("a", "1"));
  MustCommit(store(), Putting("b", "2"));
  const std::string key = "a";
  const auto values = store().Read({&key, 1}, store().Head());
  ASSERT_TRUE(values.ok());
  EXPECT_EQ((*values)[0]->revision, first);
  const auto page = store().Scan("a", "b", store().Head(), {});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->items.at(0).version.revision, first);
}

TEST_P(StoreConformance, OrdersKeysAsBytes) {
  using namespace std::string_literals;
  const std::vector<std::string> sorted = {""s,        "\0"s,      "\0\0"s, "\0\1"s,  "\0\xFF"s, "\1"s,
                                           "\1\0"s,    "a"s,       "a\0"s,  "a\0\0"s, "a\0\1"s,  "a\0\1\1"s,
                                           "a\0\xFE"s, "a\0\xFF"s, "a\1"s,  "a\1\1"s, "aa"s,     "a\xFF"s,
                                           "a\xFF\0"s, "b"s,       "\xFE"s, "\xFF"s,  "\xFF\0"s, "\xFF\xFF"s};
  std::vector<Write> writes;
  for (const std::string& key : sorted) writes.push_back({key, "of " + key});
  std::swap(writes.front(), writes.back());
  const Revision at = MustCommit(store(), Writing(writes));
  MustCommit(store(), Writing({{"a", "later"}, {std::string("\0", 1), std::nullopt}}));
  Bury();

  for (size_t from = 0; from < sorted.size(); ++from) {
    for (size_t to = from; to <= sorted.size(); ++to) {
      Contents expected;
      for (size_t i = from; i < to; ++i) expected.emplace_back(sorted[i], "of " + sorted[i]);
      const std::string end = to == sorted.size() ? "" : sorted[to];
      if (end.empty() && to != sorted.size()) continue;  // an empty `to` is no bound
      ASSERT_EQ(MustScanEach(store(), sorted[from], end, at), expected) << from << " to " << to;
    }
    ASSERT_EQ(MustRead(store(), sorted[from], at), "of " + sorted[from]);
  }
  EXPECT_EQ(MustScan(store(), "", "", at, {.items = 3}).size(), sorted.size());
  EXPECT_THAT(MustScan(store(), "b", "a", at), IsEmpty());
}

TEST_P(StoreConformance, PagesAtAnOldRevisionWhileWritersGoOn) {
  const Revision at = MustCommit(store(), Writing(Rows(100, "old")));
  const Contents expected = MustScanEach(store(), "row/", "row0", at);
  ASSERT_EQ(expected.size(), 100U);
  Contents found;
  std::optional<std::string> next = "row/";
  int round = 0;
  while (next.has_value()) {
    const auto page = store().Scan(*next, "row0", at, {.items = 7});
    ASSERT_TRUE(page.ok()) << page.status();
    for (const Entry& entry : page->items) found.emplace_back(entry.key, entry.version.value);
    next = page->next;
    MustCommit(store(), Writing(Rows(100, "new " + std::to_string(++round))));
    MustCommit(store(), Removing("row/000050"));
    MustCommit(store(), Putting("row/000050x", "between"));
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(MustScan(store(), "row/", "row0", at, {.items = 1}), expected);
}

TEST_P(StoreConformance, PagesEndByItemsOrBytesAndSayWhetherThereIsMore) {
  const Revision at = MustCommit(store(), Writing(Rows(10, std::string(100, 'v'))));
  const auto by_bytes = store().Scan("", "", at, {.items = 100, .bytes = 250});
  ASSERT_TRUE(by_bytes.ok());
  EXPECT_EQ(by_bytes->items.size(), 3U);
  EXPECT_EQ(by_bytes->next, "row/000003");
  const auto none = store().Scan("", "", at, {.items = 0, .bytes = 0});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->items.size(), 1U);
  const auto exact = store().Scan("", "", at, {.items = 10});
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(exact->items.size(), 10U);
  EXPECT_EQ(exact->next, std::nullopt);
}

TEST_P(StoreConformance, AVisitorMayStop) {
  const Revision at = MustCommit(store(), Writing(Rows(10, "v")));
  int visited = 0;
  ASSERT_TRUE(
      store()
          .ScanEach("", "", at, [&](std::string_view, std::string_view, Revision) { return ++visited < 4; })
          .ok());
  EXPECT_EQ(visited, 4);
}

TEST_P(StoreConformance, AGroupIsJudgedInOrderAndSeesItself) {
  MustCommit(store(), Putting("n", "5"));
  std::vector<Revision> offered;
  std::vector<Commit> commits = {Incrementing("n"), Aborting(absl::AlreadyExistsError("taken")),
                                 Incrementing("n"), Removing("n"), Incrementing("n")};
  commits.push_back({.reads = {"n", "absent"},
                     .build = [&offered](Revision revision, std::span<const std::optional<Version>> values)
                         -> absl::StatusOr<std::vector<Write>> {
                       EXPECT_EQ(values[0]->value, "1");
                       EXPECT_LT(values[0]->revision, revision);
                       EXPECT_EQ(values[1], std::nullopt);
                       offered.push_back(revision);
                       return std::vector<Write>{};
                     }});
  const auto results = store().CommitAll(commits);
  ASSERT_EQ(results.size(), commits.size());
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kAlreadyExists);
  for (const size_t i : {0, 2, 3, 4, 5}) ASSERT_TRUE(results[i].ok()) << results[i].status();
  EXPECT_LT(*results[0], *results[2]);
  EXPECT_LT(*results[2], *results[3]);
  EXPECT_LT(*results[3], *results[4]);
  EXPECT_EQ(*results[5], *results[4]) << "what changes nothing takes no revision";
  EXPECT_EQ(store().Head(), *results[4]);
  EXPECT_EQ(MustRead(store(), "n", *results[0]), "6");
  EXPECT_EQ(MustRead(store(), "n", *results[2]), "7");
  EXPECT_EQ(MustRead(store(), "n", *results[3]), "(absent)");
  EXPECT_EQ(MustRead(store(), "n", *results[4]), "1");
}

TEST_P(StoreConformance, AnAbortedCommitLeavesNothing) {
  const Revision before = store().Head();
  EXPECT_EQ(CommitStatus(store(), Aborting(absl::PermissionDeniedError("no"))).code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(store().Head(), before);
  EXPECT_EQ(CommitStatus(store(), Writing({{"twice", "a"}, {"other", "x"}, {"twice", "b"}})).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MustRead(store(), "other", store().Head()), "(absent)");
  const Revision at = MustCommit(store(), Putting("a", "1"));
  EXPECT_EQ(store().ReadLog(before, {})->size(), 1U);
  EXPECT_EQ(store().ReadLog(before, {})->at(0).revision, at);
}

TEST_P(StoreConformance, RefusesWhatIsTooLarge) {
  EXPECT_EQ(CommitStatus(store(), Putting(std::string(20000, 'k'), "v")).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CommitStatus(store(), Putting("k", std::string(40 << 20, 'v'))).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store().Head(), 0U);
}

TEST_P(StoreConformance, ReadsSeeTheNamedRevisionOnly) {
  const Revision first = MustCommit(store(), Writing({{"a", "1"}, {"b", "1"}}));
  MustCommit(store(), Writing({{"a", "2"}, {"c", "2"}}));
  const std::vector<std::string> keys = {"c", "a", "b", "a"};
  const auto values = store().Read(keys, first);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ((*values)[0], std::nullopt);
  EXPECT_EQ((*values)[1]->value, "1");
  EXPECT_EQ((*values)[2]->value, "1");
  EXPECT_EQ((*values)[3]->value, "1");
  EXPECT_EQ(store().Read(keys, store().Head() + 1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store().Scan("", "", store().Head() + 1, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreConformance, TheLogHasEveryCommitWhole) {
  MustCommit(store(), Writing({{"b", "1"}, {"a", std::nullopt}, {std::string("\0x", 2), "z"}}));
  MustCommit(store(), Putting("b", "2"));
  Bury();
  const auto all = store().ReadLog(0, {});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_GE(all->size(), 2U);
  const Change& first = (*all)[0];
  ASSERT_EQ(first.writes.size(), 3U);
  EXPECT_EQ(first.writes[0].key, "b");
  EXPECT_EQ(first.writes[0].value, "1") << "the value of then, not of now";
  EXPECT_EQ(first.writes[1].key, "a");
  EXPECT_EQ(first.writes[1].value, std::nullopt);
  EXPECT_EQ(first.writes[2].key, std::string("\0x", 2));
  EXPECT_EQ((*all)[1].writes[0].value, "2");
}

TEST_P(StoreConformance, TheLogIsReadInPieces) {
  for (int i = 0; i < 10; ++i) MustCommit(store(), Putting("k" + std::to_string(i), std::string(100, 'v')));
  std::vector<Revision> seen;
  Revision after = 0;
  while (true) {
    const auto some = store().ReadLog(after, {.items = 3});
    ASSERT_TRUE(some.ok());
    if (some->empty()) break;
    EXPECT_LE(some->size(), 3U);
    for (const Change& change : *some) seen.push_back(change.revision);
    after = some->back().revision;
  }
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(store().ReadLog(0, {.items = 100, .bytes = 1})->size(), 1U);
  EXPECT_EQ(store().ReadLog(0, {.items = 100, .bytes = 250})->size(), 3U);
  EXPECT_THAT(*store().ReadLog(store().Head() + 5, {}), IsEmpty());
}

TEST_P(StoreConformance, TheFloorRisesAndNothingAboveItChanges) {
  for (int i = 0; i < 5; ++i) {
    MustCommit(store(), Writing({{"a", "a" + std::to_string(i)}, {"b", "b" + std::to_string(i)}}));
  }
  MustCommit(store(), Removing("b"));
  Bury();
  const Revision floor = MustCommit(store(), Putting("c", "c"));
  const Contents at_floor = MustScan(store(), "", "~", floor);
  const Revision later = MustCommit(store(), Putting("a", "later"));
  EXPECT_THAT(at_floor, ElementsAre(std::pair("a", "a4"), std::pair("c", "c")));

  EXPECT_GE(MustRaiseFloor(store(), floor, {.items = 2}), 8U);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(store().Floor(), floor);
    EXPECT_GE(store().Head(), later);
    EXPECT_EQ(MustScan(store(), "", "~", floor), at_floor);
    EXPECT_EQ(MustRead(store(), "b", floor), "(absent)")
        << "older versions may be back; the tombstone hides them";
    EXPECT_EQ(MustRead(store(), "a", floor), "a4");
    EXPECT_EQ(MustRead(store(), "a", store().Head()), "later");
    EXPECT_EQ(store().Read({}, floor - 1).status().code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(store().Scan("", "", floor - 1, {}).status().code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(store().ScanEach("", "", 0, nullptr).code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(store().ReadLog(0, {}).status().code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(store().ReadLog(floor - 2, {}).status().code(), absl::StatusCode::kOutOfRange);
    ASSERT_TRUE(store().ReadLog(floor - 1, {}).ok());
    EXPECT_EQ(store().ReadLog(floor - 1, {})->at(0).revision, floor);
    EXPECT_EQ(store().ReadLog(floor, {})->at(0).revision, later);
    if (round == 0) Bury();
    if (round == 1) Reopen();
  }
  // Never lowered, and what was given up stays given up.
  ASSERT_TRUE(store().RaiseFloor(floor - 1, {}).ok());
  EXPECT_EQ(store().Floor(), floor);
  EXPECT_EQ(store().RaiseFloor(store().Head() + 1, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreConformance, TheHeadSurvivesAFloorAtTheHead) {
  MustCommit(store(), Putting("a", "1"));
  const Revision head = MustCommit(store(), Putting("a", "2"));
  MustRaiseFloor(store(), head);
  Reopen();
  EXPECT_EQ(store().Head(), head);
  EXPECT_EQ(MustRead(store(), "a", head), "2");
  EXPECT_GT(MustCommit(store(), Putting("a", "3")), head);
}

TEST_P(StoreConformance, WaitPastReturnsWhenTheHeadMovesOrTheTimeIsOver) {
  EXPECT_EQ(store().WaitPast(0, std::chrono::milliseconds(1)), 0U);
  std::thread writer([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    MustCommit(store(), Putting("a", "1"));
  });
  EXPECT_EQ(store().WaitPast(0, std::chrono::milliseconds::max()), 1U);
  writer.join();
  EXPECT_EQ(store().WaitPast(0, std::chrono::hours(1)), 1U) << "it has moved already";
}

TEST_P(StoreConformance, EverythingIsThereAfterReopening) {
  MustCommit(store(), Writing(Rows(200, std::string(500, 'v'))));
  MustCommit(store(), Removing("row/000007"));
  const Revision head = store().Head();
  const Contents before = MustScanEach(store(), "", "", head);
  ASSERT_EQ(before.size(), 199U);
  for (int round = 0; round < 3; ++round) {
    Reopen();
    EXPECT_EQ(store().Head(), head);
    EXPECT_EQ(MustScanEach(store(), "", "", head), before);
    EXPECT_EQ(MustScan(store(), "", "", head, {.items = 13}), before);
  }
}

TEST_P(StoreConformance, CommitsFromManyThreadsAreTotallyOrdered) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 40;
  std::vector<std::vector<Revision>> revisions(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &mine = revisions[static_cast<size_t>(t)]] {
      for (int i = 0; i < kRounds; ++i) {
        std::vector<Commit> commits;
        for (int n = 0; n <= t % 3; ++n) commits.push_back(Incrementing("counter"));
        for (const auto& result : store().CommitAll(commits)) {
          ASSERT_TRUE(result.ok()) << result.status();
          mine.push_back(*result);
          ASSERT_GE(store().Head(), *result) << "published before it is acknowledged";
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<Revision> all;
  size_t total = 0;
  for (const auto& mine : revisions) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
    total += mine.size();
  }
  EXPECT_EQ(all.size(), total) << "no two commits share a revision";
  EXPECT_EQ(MustRead(store(), "counter", store().Head()), std::to_string(total));
  int expected = 0;
  for (const Revision revision : all)
    ASSERT_EQ(MustRead(store(), "counter", revision), std::to_string(++expected));
}

TEST_P(StoreConformance, ReadersBesideWritersSeeWholeCommits) {
  MustCommit(store(), Writing({{"x/1", "0"}, {"x/2", "0"}}));
  std::atomic<bool> stop{false}, failed{false};
  std::atomic<int> reads{0};
  const auto read_on = [&](int t) {
    const std::vector<std::string> keys = {"x/1", "x/2"};
    while (!stop) {
      const Revision at = store().Head() - (t == 2 ? 1 : 0);
      Contents pair;
      if (t == 0) {
        const auto values = store().Read(keys, at);
        if (!values.ok() && values.status().code() == absl::StatusCode::kOutOfRange) continue;
        ASSERT_TRUE(values.ok()) << values.status();
        ASSERT_TRUE((*values)[0].has_value() && (*values)[1].has_value()) << "at " << at;
        pair = {{"x/1", (*values)[0]->value}, {"x/2", (*values)[1]->value}};
      } else {
        const absl::Status status =
            store().ScanEach("x/", "x0", at, [&](std::string_view key, std::string_view value, Revision) {
              pair.emplace_back(key, value);
              return true;
            });
        if (status.code() == absl::StatusCode::kOutOfRange || at == 0) continue;
        ASSERT_TRUE(status.ok()) << status;
      }
      ASSERT_EQ(pair.size(), 2U);
      ASSERT_EQ(pair[0].second, pair[1].second) << "at " << at;
      ++reads;
    }
  };
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      read_on(t);
      if (!stop) failed = true;
    });
  }
  for (int i = 1; (i <= 300 || reads < 300) && !failed; ++i) {
    const std::string number = std::to_string(i);
    MustCommit(store(), Writing({{"x/1", number}, {"x/2", number}, {"y", std::string(2000, 'y')}}));
    if (i % 50 == 0) MustRaiseFloor(store(), store().Head(), {.items = 20});
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreConformance,
                         ::testing::Values(Kind::kPlain, Kind::kTinyTables, Kind::kResurrecting,
                                           Kind::kMemory),
                         [](const auto& param) {
                           switch (param.param) {
                             case Kind::kPlain:
                               return "LevelDb";
                             case Kind::kTinyTables:
                               return "LevelDbTinyTables";
                             case Kind::kResurrecting:
                               return "LevelDbResurrecting";
                             case Kind::kMemory:
                               return "Memory";
                           }
                           return "";
                         });

}  // namespace
}  // namespace coalition::store
