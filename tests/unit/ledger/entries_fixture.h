// A sealed ledger and what members and auditors read of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "server/ledger/entries.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/ledger/sealed_ledger.h"

namespace coalition::testing {

// Counts the entries that are read.
class EntryReads final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    for (const std::string& key : keys) count_ += ledger::IdOfEntryKey(key).has_value() ? 1 : 0;
    return ForwardingStore::Read(keys, at);
  }
  int Take() const { return count_.exchange(0); }

 private:
  mutable std::atomic<int> count_{0};
};

inline WorldOptions InMemory(const std::string& limits) {
  WorldOptions options = WithLimits(limits);
  options.in_memory = true;
  return options;
}

// What tells the entries of a test apart.
inline std::string MarkOf(const v1::LedgerEntry& entry) {
  v1::LedgerContent content;
  EXPECT_TRUE(content.ParseFromString(entry.open().content()));
  switch (content.content_case()) {
    case v1::LedgerContent::kDisclosure:
      return content.disclosure().method();
    case v1::LedgerContent::kFirstShowings:
      return "shown on " + std::to_string(content.first_showings().day().seconds() / kTestDayS);
    case v1::LedgerContent::kAct:
      return content.act().target();
    default:
      return content.refusals().method();
  }
}

inline ledger::EntryPlace PlaceOf(const v1::LedgerEntry& entry) {
  return Given(ledger::ParseEntryName(entry.name()));
}

// The askers are of a world whose policy has these limits.
class EntriesTest : public ::testing::Test {
 protected:
  explicit EntriesTest(const std::string& limits = "")
      : world_(InMemory(limits)),
        log_(world_),
        reads_(world_.store()),
        entries_(
            reads_, [this] { return log_.Newest(); }, TestEntryKeys()) {}

  ledger::EntryAsker As(const std::string& member, bool audits = false) {
    context_ = world_.As(member);
    return {context_.snapshot->policy_state(), context_.caller.member_number, audits, context_.now_s()};
  }
  uint32_t NumberOf(const std::string& member) const { return maker_.NumberOf(member); }
  // Its own and everybody's.
  ledger::EntryQuery QueryOf(const std::string& member, size_t count = 1000) const {
    ledger::EntryQuery query;
    query.parties = {NumberOf(member), ledger::kEverybody};
    query.count = count;
    return query;
  }
  ledger::EntryPage Page(const ledger::EntryAsker& asker, const ledger::EntryQuery& query) {
    return Given(entries_.List(asker, query, [] { return absl::OkStatus(); }));
  }
  // Page after page, each of so many at most; `pages` gets their sizes.
  std::vector<v1::LedgerEntry> All(const ledger::EntryAsker& asker, ledger::EntryQuery query,
                                   std::vector<size_t>* pages = nullptr) {
    std::vector<v1::LedgerEntry> all;
    do {
      const ledger::EntryPage page = Page(asker, query);
      EXPECT_LE(page.entries.size(), query.count);
      if (pages != nullptr) pages->push_back(page.entries.size());
      all.insert(all.end(), page.entries.begin(), page.entries.end());
      query.after = page.last;
    } while (query.after);
    return all;
  }
  static std::vector<std::string> Marks(const std::vector<v1::LedgerEntry>& entries) {
    std::vector<std::string> marks;
    for (const v1::LedgerEntry& entry : entries) marks.push_back(MarkOf(entry));
    std::sort(marks.begin(), marks.end());
    return marks;
  }
  std::vector<std::string> Marks(const ledger::EntryAsker& asker, const ledger::EntryQuery& query) {
    return Marks(All(asker, query));
  }
  std::string NameOf(const ledger::EntryAsker& asker, const ledger::EntryQuery& query,
                     const std::string& mark) {
    for (const v1::LedgerEntry& entry : All(asker, query)) {
      if (MarkOf(entry) == mark) return entry.name();
    }
    ADD_FAILURE() << mark;
    return "";
  }
  // So many ticks, each with entries of two members and of everybody.
  void SealTicks(int ticks) {
    for (int tick = 0; tick < ticks; ++tick) {
      const std::string mark = std::to_string(tick);
      log_.Seal({maker_.Disclosure("belmont", mark), maker_.Act("office", mark),
                 maker_.Disclosure("corsa", mark + "-of-corsa"),
                 maker_.Disclosure("belmont", mark + "-again"), maker_.Refusals(NumberOf("belmont"), mark)});
    }
  }
  // The time of a tick behind which nothing of the bootstrap is met, which is the first entry of every store.
  int64_t SkipTheFirst() {
    log_.Tick();
    return world_.clock.now_ns / 1'000'000;
  }

  World world_;
  SealedLedger log_;
  const EntryMaker maker_{world_};
  const EntryReads reads_;
  const ledger::Entries entries_;
  exchange::CallContext context_;
};

}  // namespace coalition::testing
