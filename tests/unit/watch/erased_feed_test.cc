// What is erased is taken back from those who had it, though nobody can say any more what they had; and is
// not told of to anybody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "common/ids.h"
#include "server/exchange/removal.h"
#include "server/store/commit_writes.h"
#include "tests/property/feed_room.h"
#include "tests/property/feed_watcher.h"

namespace coalition::testing {
namespace {

class ErasedFeedTest : public ::testing::Test {
 protected:
  ErasedFeedTest() : world_(InMemory()), feeds_(world_, 100) {}
  static WorldOptions InMemory() {
    WorldOptions options;
    options.in_memory = true;
    return options;
  }

  std::string Write(const std::string& seller) {
    v1::Record record = Report("bazaar.example", seller);
    GrantMember(record, "belmont");
    return world_.Created("aurore", record).name();
  }
  void Revise(const std::string& name) {
    v1::ReviseRecordRequest request;
    request.mutable_record()->set_name(name);
    request.mutable_record()->mutable_offender_report()->set_comment("more");
    request.mutable_update_mask()->add_paths("offender_report.comment");
    const auto revised = world_.Revise(world_.As("aurore"), request);
    ASSERT_TRUE(revised.ok()) << revised.status();
  }
  static exchange::RecordId IdOf(const std::string& name) { return *RecordIdToBytes(*ParseRecordName(name)); }
  // The row, as erasing does it first.
  void Remove(const std::string& name) {
    const auto read = [this](const std::string& key) {
      return (*world_.store().Read(std::span(&key, 1), world_.store().Head()))[0]->value;
    };
    const std::string key = read(exchange::IdKey(IdOf(name))), value = read(key);
    const auto removal =
        exchange::RemovalOf(*world_.keys().contents, key, *exchange::ParseStoredRecord(value),
                            exchange::GoneAt(world_.clock.NowS()), "name");
    ASSERT_TRUE(removal.ok()) << removal.status();
    ASSERT_TRUE(store::CommitWrites(world_.store(), removal->writes).ok());
  }
  void DestroyKey(const std::string& name) {
    const exchange::RecordId id = IdOf(name);
    ASSERT_TRUE(world_.keys().contents->Erase(std::span(&id, 1)).ok());
  }
  void Erase(const std::string& name) {
    Remove(name);
    DestroyKey(name);
  }

  World world_;
  FeedsOf feeds_;
};

TEST_F(ErasedFeedTest, WhoHadItIsToldThatItIsGone) {
  const std::string name = Write("shop-1"), revised = Write("shop-2"), kept = Write("shop-3");
  FeedWatcher watcher(world_, feeds_.room, "belmont", {});
  watcher.CatchUp();
  ASSERT_EQ(watcher.mirror().size(), 3U);
  Revise(revised);
  Erase(name);
  Erase(revised);
  watcher.CatchUp();
  EXPECT_EQ(watcher.wrong(), "");
  EXPECT_EQ(watcher.retractions(), 2);
  EXPECT_EQ(watcher.mirror(), watcher.Listed());
  EXPECT_TRUE(watcher.mirror().contains(kept));
}

TEST_F(ErasedFeedTest, WhoGoesOnFromACursorIsToldToo) {
  const std::string name = Write("shop-1");
  FeedWatcher watcher(world_, feeds_.room, "belmont", {});
  watcher.CatchUp();
  Erase(name);
  watcher.Crash();
  watcher.CatchUp();
  EXPECT_EQ(watcher.wrong(), "");
  EXPECT_TRUE(watcher.mirror().empty());
}

// It named the erased one, and does not any more.
TEST_F(ErasedFeedTest, WhatReferredToItIsToldAnew) {
  const std::string name = Write("shop-1");
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(name);
  GrantMember(notice, "belmont");
  const std::string referring = world_.Created("aurore", notice).name();
  FeedWatcher watcher(world_, feeds_.room, "belmont", {});
  watcher.CatchUp();
  ASSERT_EQ(watcher.mirror().size(), 2U);
  Erase(name);
  watcher.CatchUp();
  EXPECT_EQ(watcher.wrong(), "");
  EXPECT_TRUE(watcher.mirror().contains(referring));
  EXPECT_EQ(watcher.mirror(), watcher.Listed());
}

TEST_F(ErasedFeedTest, WhoNeverHadItIsToldNothing) {
  FeedWatcher watcher(world_, feeds_.room, "belmont", {}), blind(world_, feeds_.room, "corsa", {});
  watcher.CatchUp();
  blind.CatchUp();
  const std::string name = Write("shop-1");
  Revise(name);
  Erase(name);
  for (FeedWatcher* one : {&watcher, &blind}) {
    one->CatchUp();
    EXPECT_EQ(one->wrong(), "");
    EXPECT_EQ(one->retractions(), 0);
  }
}

TEST_F(ErasedFeedTest, WhoAskedForSomethingElseIsToldNothing) {
  v1::RecordFilter other_seller, other_class, other_state, external_id, same_seller;
  other_seller.mutable_seller()->set_platform("bazaar.example");
  other_seller.mutable_seller()->set_seller_id("shop-2");
  other_class.add_record_classes(v1::RECORD_CLASS_OPINION);
  other_state.add_states(v1::RECORD_STATE_CONTESTED);
  external_id.set_external_id("case-1");
  same_seller = other_seller;
  same_seller.mutable_seller()->set_seller_id("shop-1");
  const std::string name = Write("shop-1");
  FeedWatcher a(world_, feeds_.room, "belmont", other_seller), b(world_, feeds_.room, "belmont", other_class),
      c(world_, feeds_.room, "belmont", other_state), d(world_, feeds_.room, "belmont", external_id),
      asked(world_, feeds_.room, "belmont", same_seller);
  for (FeedWatcher* one : {&a, &b, &c, &d, &asked}) one->CatchUp();
  Erase(name);
  for (FeedWatcher* one : {&a, &b, &c, &d, &asked}) {
    one->CatchUp();
    EXPECT_EQ(one->wrong(), "") << "it never had it";
    EXPECT_EQ(one->retractions(), one == &asked ? 1 : 0);
  }
}

// The feed may be at a moment before the removal.
TEST_F(ErasedFeedTest, WithoutItsKeyItIsNotSentThoughItIsThere) {
  const std::string name = Write("shop-1");
  FeedWatcher had(world_, feeds_.room, "belmont", {});
  had.CatchUp();
  Revise(name);
  DestroyKey(name);
  FeedWatcher comes(world_, feeds_.room, "belmont", {});
  comes.CatchUp();
  had.CatchUp();
  EXPECT_EQ(comes.mirror().size(), 0U);
  Remove(name);
  for (FeedWatcher* one : {&had, &comes}) {
    one->CatchUp();
    EXPECT_EQ(one->wrong(), "");
    EXPECT_TRUE(one->mirror().empty());
  }
  EXPECT_EQ(had.retractions(), 1);
  EXPECT_EQ(comes.retractions(), 0);
}

}  // namespace
}  // namespace coalition::testing
