// What a mirror keeps in memory: held against a plain map, and looked at while it changes.
#include "client/internal/mirror_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/seeded_random.h"
#include "tests/unit/client/mirror_fixture.h"

namespace coalition::client::internal {
namespace {

RecordIdBytes IdOf(uint64_t number) {
  std::mt19937_64 random(number);
  RecordIdBytes id;
  for (size_t half = 0; half < 2; ++half) {
    const uint64_t bits = random();
    std::memcpy(id.data() + 8 * half, &bits, sizeof(bits));
  }
  return id;
}

MirrorAnswer Look(const MirrorIndex& index, const std::string& seller_id) {
  return index.Look({.platform = "bazaar.example", .seller_id = seller_id});
}

// Some sellers of which there are many records, some of which there is one, and records of nobody.
class MirrorIndexModelTest : public ::testing::Test {
 protected:
  explicit MirrorIndexModelTest(uint64_t seed = 1) : keys_(seed) {}

  v1::Record RandomRecord() {
    const uint64_t one = random_() % 4'000;
    v1::Record record =
        MakeReport(static_cast<int>(random_() % 50), one % 4 == 0   ? "hot"
                                                     : one % 4 == 1 ? "warm-" + std::to_string(one % 9)
                                                                    : std::to_string(one));
    if (one % 7 == 0) record.mutable_seller()->clear_seller_id();
    record.set_disputed(one % 3 == 0);
    return record;
  }
  void Put(uint64_t number) {
    v1::Record record = RandomRecord();
    index_.Put(IdOf(number), record);
    model_[IdOf(number)] = std::move(record);
  }
  void ExpectSame() {
    std::map<std::string, std::vector<std::pair<int64_t, RecordIdBytes>>> sellers;
    for (const auto& [id, record] : model_) {
      if (record.seller().seller_id().empty()) continue;
      sellers[record.seller().seller_id()].emplace_back(-record.create_time().seconds(), id);
    }
    EXPECT_EQ(index_.records(), model_.size());
    EXPECT_EQ(index_.sellers(), sellers.size());
    for (auto& [seller_id, matches] : sellers) {
      std::sort(matches.begin(), matches.end());
      const MirrorAnswer answer = Look(index_, seller_id);
      ASSERT_EQ(answer.matches.size(), matches.size()) << seller_id;
      for (size_t i = 0; i < matches.size(); ++i) {
        EXPECT_EQ(answer.matches[i].id, matches[i].second);
        EXPECT_EQ(answer.matches[i].create_time_s, -matches[i].first);
        EXPECT_EQ(answer.matches[i].disputed, model_[matches[i].second].disputed());
      }
    }
    EXPECT_TRUE(Look(index_, "nobody").matches.empty());
  }

  std::mt19937_64 random_{11};
  testing::SeededRandom keys_;
  MirrorIndex index_{keys_};
  std::map<RecordIdBytes, v1::Record> model_;
};

// By the keys of its hashes, which decide what gets into whose way.
class MirrorIndexByKeysTest : public MirrorIndexModelTest, public ::testing::WithParamInterface<uint64_t> {
 protected:
  MirrorIndexByKeysTest() : MirrorIndexModelTest(GetParam()) {}
};

TEST_P(MirrorIndexByKeysTest, HasWhatAMapHas) {
  ExpectSame();
  for (uint64_t i = 1; i <= 40'000; ++i) {
    const bool grows = i / 10'000 % 2 == 0;
    const uint64_t number = random_() % 12'000;
    if (random_() % 10 < (grows ? 8 : 2)) {
      Put(number);  // a new one, or in place of what it was
    } else {
      index_.Remove(IdOf(number));
      model_.erase(IdOf(number));
    }
    if (i % 4'000 == 0) ExpectSame();
  }
  while (!model_.empty()) {
    index_.Remove(model_.begin()->first);
    model_.erase(model_.begin());
  }
  ExpectSame();
  Put(1);
  index_.Clear();
  model_.clear();
  ExpectSame();
  Put(2);
  ExpectSame();
}

// By 4 and by 17 a record was taken for one that belongs in the block before it, and stayed.
INSTANTIATE_TEST_SUITE_P(Seeds, MirrorIndexByKeysTest, ::testing::Values(1, 4, 17));

TEST(MirrorIndexTest, KnowsSellersByAllOfTheirNames) {
  MirrorIndex index;
  v1::Record record = MakeReport(1, "");
  const auto put = [&](uint64_t number, const std::string& platform, const std::string& seller_id) {
    record.mutable_seller()->set_platform(platform);
    record.mutable_seller()->set_seller_id(seller_id);
    index.Put(IdOf(number), record);
  };
  const auto count = [&](const std::string& platform, const std::string& seller_id) {
    return index.Look({.platform = platform, .seller_id = seller_id}).matches.size();
  };
  std::string longest_platform(kPlatformBytesMax, 'a');
  for (size_t i = 50; i < longest_platform.size(); i += 50) longest_platform[i] = '.';
  const std::string longest_id(kSellerIdBytesMax, 's');
  std::string other_id = longest_id;
  other_id.back() = 't';
  put(1, longest_platform, longest_id);
  put(2, "ab", "c");
  put(3, " BAZAAR.example", "shop ");  // as it is normalised
  put(4, "bazaar.example", longest_id + "s");
  put(5, "bazaar.example", "");
  put(6, "", "shop");
  put(7, "bazaar.example", "~" + std::string(26, 'a'));  // hidden
  EXPECT_EQ(index.records(), 7u);
  EXPECT_EQ(index.sellers(), 3u);
  EXPECT_EQ(count(longest_platform, longest_id), 1u);
  EXPECT_EQ(count(longest_platform, other_id), 0u);
  EXPECT_EQ(count("ab", "c"), 1u);
  EXPECT_EQ(count("a", "bc"), 0u);
  EXPECT_EQ(count("bazaar.example", "shop"), 1u);
  EXPECT_EQ(count("bazaar.example", ""), 0u);
  EXPECT_EQ(count("bazaar.example", "~" + std::string(26, 'a')), 0u);
}

TEST(MirrorIndexTest, WhatALaterServerSaysIsUnspecified) {
  MirrorIndex index;
  v1::Record record = MakeReport(1, "shop");
  record.set_label(static_cast<v1::Label>(15));
  record.set_permitted_action(static_cast<v1::PermittedAction>(1'000));
  record.set_state(static_cast<v1::RecordState>(14));
  record.mutable_create_time()->set_seconds(int64_t{1} << 40);
  index.Put(IdOf(1), record);
  const MirrorAnswer answer = Look(index, "shop");
  ASSERT_EQ(answer.matches.size(), 1u);
  EXPECT_EQ(answer.verdict, v1::VERDICT_DISPUTED);
  EXPECT_EQ(answer.matches[0].label, v1::LABEL_UNSPECIFIED);
  EXPECT_EQ(answer.matches[0].permitted_action, v1::PERMITTED_ACTION_UNSPECIFIED);
  EXPECT_EQ(answer.matches[0].state, v1::RECORD_STATE_CONTESTED);
  EXPECT_EQ(answer.matches[0].create_time_s, ~uint32_t{0});
}

// Whoever draws the ids could else make each change look through all of them: minutes, not a second.
TEST(MirrorIndexTest, RecordsMayHaveAlikeIds) {
  MirrorIndex index;
  constexpr uint32_t kMany = 40'000;
  RecordIdBytes id{};
  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < kMany; ++i) {
    std::memcpy(id.data(), &i, sizeof(i));
    index.Put(id, MakeReport(1, std::to_string(i)));
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  }
  EXPECT_EQ(index.sellers(), kMany);
}

// It would take minutes if each were looked for among all of them.
TEST_F(MirrorIndexModelTest, OneSellerMayHaveVeryMany) {
  constexpr uint64_t kMany = 30'000;
  for (uint64_t i = 0; i < kMany; ++i) index_.Put(IdOf(i), MakeReport(static_cast<int>(i), "hot"));
  index_.Put(IdOf(kMany), MakeReport(1, "other"));
  EXPECT_EQ(Look(index_, "hot").matches.size(), kMany);
  EXPECT_EQ(index_.sellers(), 2u);
  for (uint64_t i = 0; i < kMany; ++i) {
    const uint64_t number = i * 7'919 % kMany;  // each once, in no order
    if (number != 77) index_.Remove(IdOf(number));
  }
  const MirrorAnswer answer = Look(index_, "hot");
  ASSERT_EQ(answer.matches.size(), 1u);
  EXPECT_EQ(answer.matches[0].id, IdOf(77));
  EXPECT_EQ(Look(index_, "other").matches.size(), 1u);
}

TEST(MirrorIndexTest, ReadersMissNothingWhileItGrowsAndChanges) {
  MirrorIndex index;
  constexpr uint64_t kSellers = 2;
  const auto fixed = [](uint64_t i) { return "fixed-" + std::to_string(i); };
  for (uint64_t i = 0; i < 3 * kSellers; ++i)
    index.Put(IdOf(i), MakeReport(static_cast<int>(i), fixed(i % kSellers)));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      for (uint64_t i = 0; !stop; ++i) {
        const MirrorAnswer answer = Look(index, fixed(i % kSellers));
        EXPECT_EQ(answer.verdict, v1::VERDICT_LISTED);
        // Two stay, and the third comes and goes.
        EXPECT_TRUE(answer.matches.size() == 2 || answer.matches.size() == 3) << answer.matches.size();
        EXPECT_TRUE(Look(index, "nobody").matches.empty());
      }
    });
  }
  v1::Record disputed = MakeReport(1, "");
  disputed.set_disputed(true);
  for (uint64_t i = 0; i < 30'000; ++i) {
    index.Put(IdOf(1'000 + i), MakeReport(1, "shop-" + std::to_string(i)));
    const uint64_t changed = i % kSellers;
    disputed.mutable_seller()->set_seller_id(fixed(changed));
    index.Remove(IdOf(2 * kSellers + changed));
    for (int again = 0; again < 5; ++again) index.Put(IdOf(changed), disputed);
    index.Put(IdOf(2 * kSellers + changed), MakeReport(2, fixed(changed)));
    if (i % 3 == 0) index.Remove(IdOf(1'000 + i / 2));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(MirrorIndexTest, ASellerIsNeverWithoutWhatIsReplaced) {
  MirrorIndex index;
  index.Put(IdOf(1), MakeReport(1, "shop"));
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      ASSERT_EQ(Look(index, "shop").matches.size(), 1u);
      for (int again = 0; again < 1'000; ++again) ASSERT_EQ(index.sellers(), 1u);
    }
  });
  for (int i = 0; i < 200'000; ++i) index.Put(IdOf(1), MakeReport(i, "shop"));
  stop = true;
  reader.join();
}

TEST(MirrorIndexTest, MayBeEmptiedWhileItIsAsked) {
  MirrorIndex index;
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) ASSERT_LE(Look(index, "1").matches.size(), 1u);
  });
  for (int i = 0; i < 300; ++i) {
    for (uint64_t j = 0; j < 50; ++j) index.Put(IdOf(j), MakeReport(1, std::to_string(j)));
    EXPECT_EQ(Look(index, "1").matches.size(), 1u);
    index.Clear();
    EXPECT_TRUE(Look(index, "1").matches.empty());
  }
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace coalition::client::internal
