// Nobody but the successor sees more of any record after a transfer than before: over generated audiences and
// the leaving member's own exclusions, by complete answers of every member.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/policy/transfer.h"
#include "tests/unit/exchange/departure_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures

constexpr const char* kMembers[] = {"aurore",  "belmont", "corsa", "bazaar", "souk", "paylink", "customs",
                                    "watcher", "office",  "limbo", "banned", "left", "newcomer"};
// The fields that are shown, each a line; without those that a change of contributor changes by itself.
std::set<std::string> Shown(v1::Record record) {
  record.clear_contributor();
  record.clear_update_time();
  record.clear_etag();
  std::set<std::string> lines;
  std::istringstream text(record.DebugString());
  for (std::string line; std::getline(text, line);) lines.insert(line);
  return lines;
}

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  uint32_t Pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  bool Chance(uint32_t percent) { return Pick(100) < percent; }
  std::string Member() { return kMembers[Pick(std::size(kMembers))]; }

  v1::Record Any(const std::vector<std::string>& reports) {
    v1::Record record = Report("bazaar.example", "shop-" + std::to_string(Pick(5)));
    if (Chance(30)) record = Notice("souk.example", "shop-" + std::to_string(Pick(5)));
    if (!reports.empty() && Chance(30))
      record = Opinion(reports[Pick(reports.size())], v1::OPINION_VERDICT_SEEN_HERE);
    if (record.has_takedown_notice() && !reports.empty()) {
      record.mutable_takedown_notice()->set_report(reports[Pick(reports.size())]);
    }
    for (uint32_t i = Pick(4); i > 0; --i) {
      const std::string view = Chance(60) ? "full" : "notice";
      switch (Pick(4)) {
        case 0:
          GrantMember(record, Member(), view);
          break;
        case 1:
          GrantGroup(record, Chance(50) ? "ring" : "club", view);
          break;
        case 2:
          GrantKind(record, static_cast<v1::MemberKind>(1 + Pick(8)), view);
          break;
        default:
          GrantEveryone(record, view);
      }
    }
    if (Chance(30)) ExcludeMember(record, Member());
    return record;
  }

 private:
  std::mt19937 random_;
};

struct Seen {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> by_member_and_record;
};

Seen All(World& world, const std::vector<std::string>& names) {
  Seen seen;
  for (const char* member : kMembers) {
    for (const std::string& name : names) {
      const auto got = world.Get(world.As(member), name);
      if (got.ok()) seen.by_member_and_record[{member, name}] = Shown(*got);
    }
  }
  return seen;
}

// How many members see more of a record than before; `successor` aside.
int SeeMore(const Seen& before, const Seen& after, const std::string& successor) {
  int more = 0;
  for (const auto& [of, shown] : after.by_member_and_record) {
    if (of.first == successor) continue;
    const auto was = before.by_member_and_record.find(of);
    const bool within = was != before.by_member_and_record.end() &&
                        std::includes(was->second.begin(), was->second.end(), shown.begin(), shown.end());
    if (!within) ++more;
  }
  return more;
}

// It would learn the names of records that it may not see.
TEST(DepartureTransferTest, WhatTheSuccessorMayNotSeeIsReferredToNoMore) {
  WorldOptions options;
  options.in_memory = true;
  Departing departing;
  World world(options);
  v1::Record hidden = Report("bazaar.example", "shop-1");
  GrantMember(hidden, "aurore");
  const std::string theirs = world.Created("corsa", hidden).name();
  const std::string own = world.Created("aurore", Report("bazaar.example", "shop-2")).name();
  const auto noticed = [&](const std::string& report) {
    v1::Record notice = Notice("bazaar.example", "shop-1");
    notice.mutable_takedown_notice()->set_report(report);
    return world.Created("aurore", notice).name();
  };
  const std::string of_theirs = noticed(theirs), of_own = noticed(own);
  const std::string opinion = world.Created("aurore", Opinion(theirs, v1::OPINION_VERDICT_SEEN_HERE)).name();
  const std::string own_opinion = world.Created("aurore", Opinion(own, v1::OPINION_VERDICT_SEEN_HERE)).name();
  Leave(world, "aurore", "belmont");
  departing.Resume(world);
  ASSERT_TRUE(departing.WaitEnded(NumberOf(world, "aurore")));
  const auto as_belmont = [&](const std::string& name) { return world.Get(world.As("belmont"), name); };
  EXPECT_EQ(as_belmont(of_theirs)->takedown_notice().report(), "");
  EXPECT_EQ(as_belmont(of_own)->takedown_notice().report(), own);
  EXPECT_FALSE(as_belmont(opinion).ok()) << "an opinion about nothing is none";
  EXPECT_EQ(as_belmont(own_opinion)->opinion().subject(), own);
}

TEST(DepartureTransferTest, NobodyElseSeesMore) {
  int seen_by_others = 0, exclusions = 0, withdrawn = 0;
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Generator generate(seed);
    WorldOptions options;
    options.in_memory = true;
    options.exchange.departure_records_per_commit = 4;
    Departing departing;
    World world(options);
    std::vector<std::string> names, reports;
    std::set<std::string> given, others;
    std::map<std::string, std::string> opinions;  // their subjects; empty: it is none
    for (int i = 0; i < 12; ++i) {
      const std::string by = generate.Chance(65) ? "aurore" : generate.Chance(60) ? "belmont" : "corsa";
      if (generate.Chance(15)) SetOwnPolicy(world, "aurore", Excluding({generate.Member()}));
      if (generate.Chance(10)) SetOwnPolicy(world, "belmont", Excluding({generate.Member()}));
      v1::Record record = generate.Any(reports);
      if (by == "corsa" && generate.Chance(50)) {
        record.clear_audience();
        GrantMember(record, "aurore");
      }
      const auto created = world.Create(world.As(by), CreateRequest(record));
      if (!created.ok()) continue;  // a reference that it does not see
      names.push_back(created->record().name());
      if (by == "aurore") given.insert(names.back());
      if (by == "corsa") others.insert(names.back());
      opinions[names.back()] = created->record().opinion().subject();
      if (created->record().has_offender_report()) reports.push_back(names.back());
    }
    const Seen before = All(world, names);
    SetOwnPolicy(world, "aurore", Excluding({}));
    const uint32_t aurore = NumberOf(world, "aurore"), belmont = NumberOf(world, "belmont");
    ASSERT_EQ(policy::WrongWithTransfer(world.directory().Current()->policy_state(), aurore, belmont), "");
    Leave(world, "aurore", "belmont");
    departing.Resume(world);
    ASSERT_TRUE(departing.WaitEnded(aurore));
    const Seen after = All(world, names);
    EXPECT_EQ(SeeMore(before, after, "belmont"), 0);
    for (const auto& [of, shown] : after.by_member_and_record)
      seen_by_others += of.first == "belmont" ? 0 : 1;
    for (const std::string& name : names) {
      if (others.contains(name)) continue;
      const auto own = world.Get(world.As("belmont"), name);
      if (own.ok()) exclusions += own->audience().exclusions_size();
      if (!own.ok() && given.contains(name) && !opinions[name].empty()) {
        ++withdrawn;
        EXPECT_FALSE(world.Get(world.As("belmont"), opinions[name]).ok());
        continue;
      }
      ASSERT_TRUE(own.ok() && own->view() == "owner") << "the successor has all that either had";
      if (!given.contains(name)) continue;
      for (const std::string& reference : {own->takedown_notice().report(), own->opinion().subject()}) {
        EXPECT_TRUE(reference.empty() || world.Get(world.As("belmont"), reference).ok());
      }
    }
  }
  // It means something.
  EXPECT_GT(seen_by_others, 200);
  EXPECT_GT(exclusions, 100);
  EXPECT_GT(withdrawn, 5) << "opinions about what the successor may not see";
}

}  // namespace
}  // namespace coalition::exchange
