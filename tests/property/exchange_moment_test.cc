// Every answer is of one moment: what changes while it is made changes it wholly or not at all.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/policy_service.pb.h"
#include "tests/property/exchange_generators.h"
#include "tests/property/exchange_history.h"
#include "tests/property/exchange_questions.h"
#include "tests/property/exchange_room.h"

namespace coalition::testing {
namespace {

// Something happens right before one of the operations that a call makes on the store.
class Meddler {
 public:
  // `before`: the how-manieth operation from now on, from 1.
  void Arm(int before, std::function<void()> meddle) {
    operations_ = 0;
    before_ = before;
    meddle_ = std::move(meddle);
  }
  void Disarm() { meddle_ = nullptr; }
  int operations() const { return operations_; }

  void Operation() {
    if (++operations_ != before_ || !meddle_) return;
    const std::function<void()> meddle = std::move(meddle_);
    meddle_ = nullptr;  // what it does itself is not meddled with
    meddle();
  }

 private:
  int operations_ = 0;
  int before_ = 0;
  std::function<void()> meddle_;
};

class MeddledStore final : public ForwardingStore {
 public:
  MeddledStore(store::Store& base, Meddler& meddler) : ForwardingStore(base), meddler_(meddler) {}
  store::Revision Head() const override {
    meddler_.Operation();
    return ForwardingStore::Head();
  }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    meddler_.Operation();
    return ForwardingStore::Read(keys, at);
  }
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override {
    meddler_.Operation();
    return ForwardingStore::Scan(from, to, at, limit);
  }
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    meddler_.Operation();
    return ForwardingStore::ScanEach(from, to, at, visit);
  }

 private:
  Meddler& meddler_;
};

WorldOptions Meddled(Meddler& meddler) {
  WorldOptions options = PolicyWorld();
  options.wrap_store = [&meddler](store::Store& base) {
    return std::make_unique<MeddledStore>(base, meddler);
  };
  return options;
}

RC_GTEST_PROP(ExchangeMomentTest, EveryAnswerIsOfOneMoment, ()) {
  const std::vector<Step> steps = AnyStepsWithPolicies();
  const std::vector<Step> change = AnyStepsWithPolicies();
  Meddler meddler;
  RoomStage stage(Meddled(meddler));
  Player player(stage);
  player.Play(steps, Variant::kWhole);
  const Questions questions = QuestionsOf(player, steps);
  const auto& question = *questions[*rc::gen::inRange<size_t>(0, questions.size())];
  const uint64_t seed = player.seed();

  meddler.Arm(0, nullptr);
  const std::string before = stage.Ask(kObserver, question, seed).Whole();
  const int place = *rc::gen::inRange(1, meddler.operations() + 1);
  const int64_t now_ns = stage.world().clock.now_ns;
  meddler.Arm(place, [&] {
    player.Play(change, Variant::kWhole);
    // The call goes on with its own time and random numbers.
    stage.world().clock.now_ns = now_ns;
    stage.world().random.Reseed(seed);
  });
  const std::string meddled = stage.Ask(kObserver, question, seed).Whole();
  meddler.Disarm();
  const std::string after = stage.Ask(kObserver, question, seed).Whole();
  RC_CLASSIFY(before != after);
  RC_ASSERT(meddled == before || meddled == after);
}

// aurore narrows its own policy, is told that this is done, and then writes: no call that finds the new
// record judges it by the state from before. Called at each moment of a call.
class NarrowThenWriteTest : public ::testing::Test {
 protected:
  void NarrowThenWrite() {
    v1::SetMemberPolicyRequest own;
    own.mutable_policy()->set_unbounded(true);
    own.mutable_policy()->add_exclusions()->set_member(std::string("members/") + kObserver);
    ASSERT_TRUE(stage_.Ask("aurore", own, 1).status.ok());
    v1::CreateRecordRequest create;
    *create.mutable_record() = Report("bazaar.example", "shop-1");
    GrantGroup(*create.mutable_record(), "club");
    ASSERT_TRUE(stage_.Ask("aurore", create, 2).status.ok());
  }
  int Listed() {
    const auto listed = AskFor<v1::ListRecordsResponse>(stage_, kObserver, v1::ListRecordsRequest(), 3);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return listed.ok() ? listed->records_size() : -1;
  }

  Meddler meddler_;
  RoomStage stage_{Meddled(meddler_)};
};

TEST_F(NarrowThenWriteTest, NeverSeen) {
  meddler_.Arm(0, nullptr);
  EXPECT_EQ(Listed(), 0);
  const int operations = meddler_.operations();
  EXPECT_GT(operations, 2);
  for (int place = 1; place <= operations; ++place) {
    meddler_.Arm(place, [this] { NarrowThenWrite(); });
    EXPECT_EQ(Listed(), 0) << "before operation " << place;
  }
  EXPECT_EQ(Listed(), 0);
}

// Positive control: with the revision taken after the state it would be.
TEST_F(NarrowThenWriteTest, AStateOlderThanTheRecordsIsNoticed) {
  const auto before = stage_.world().directory().Now();
  NarrowThenWrite();
  EXPECT_EQ(Listed(), 0);
  stage_.spoil_context = [&](exchange::CallContext* context) { context->snapshot = before.snapshot; };
  EXPECT_EQ(Listed(), 1);
}

}  // namespace
}  // namespace coalition::testing
