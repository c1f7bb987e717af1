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
#include "tests/property/exchange_policies.h"
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
    const store::Revision head = ForwardingStore::Head();
    meddler_.Operation();  // what is told may be old when it is read
    return head;
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

// aurore takes paylink's grant away, and then accepts a version of the coalition's policy by which "notice"
// shows comments too: at no time did paylink see one.
class NarrowThenAccept {
 public:
  NarrowThenAccept() {
    v1::CreateRecordRequest create;
    *create.mutable_record() = Report("bazaar.example", "shop-1");
    create.mutable_record()->mutable_offender_report()->set_comment("comment");
    GrantMember(*create.mutable_record(), kObserver, "notice");
    const auto created = AskFor<v1::CreateRecordResponse>(stage, "aurore", create, 1);
    EXPECT_TRUE(created.ok()) << created.status();
    if (created.ok()) name_ = created->record().name();
    v1::DiffPolicyRequest diff;
    *diff.mutable_policy() = PolicyOf(0);
    for (auto& view : *diff.mutable_policy()->mutable_views()) {
      const bool reports = view.record_class() == v1::RECORD_CLASS_OFFENDER_REPORT;
      if (reports && view.name() == "notice") view.add_full("comment");
    }
    const auto compared = AskFor<v1::DiffPolicyResponse>(stage, "office", diff, 2);
    EXPECT_TRUE(compared.ok()) << compared.status();
    v1::ApplyPolicyRequest apply;
    *apply.mutable_policy() = diff.policy();
    apply.set_expected_epoch(compared->diff().epoch());
    apply.set_diff_digest(compared->diff().digest());
    EXPECT_TRUE(stage.Ask("office", apply, 2).status.ok());
  }

  void Change() {
    v1::ReviseRecordRequest revise;
    revise.mutable_record()->set_name(name_);
    revise.mutable_update_mask()->add_paths("audience");
    EXPECT_TRUE(stage.Ask("aurore", revise, 3).status.ok());
    v1::SetMemberPolicyRequest own;
    own.mutable_policy()->set_unbounded(true);
    own.mutable_policy()->set_accepts_policy_version(2);
    EXPECT_TRUE(stage.Ask("aurore", own, 4).status.ok());
  }

  // As paylink gets it; "" if it does not.
  std::string Comment() {
    v1::GetRecordRequest get;
    get.set_name(name_);
    const auto got = AskFor<v1::GetRecordResponse>(stage, kObserver, get, 5);
    return got.ok() ? got->record().offender_report().comment() : "";
  }

  Meddler meddler;
  RoomStage stage{Meddled(meddler)};

 private:
  std::string name_;
};

TEST(NarrowThenAcceptTest, NeverSeen) {
  NarrowThenAccept first;
  first.meddler.Arm(0, nullptr);
  EXPECT_EQ(first.Comment(), "");
  const int operations = first.meddler.operations();
  EXPECT_GT(operations, 3);
  for (int place = 1; place <= operations; ++place) {
    NarrowThenAccept world;
    world.meddler.Arm(place, [&world] { world.Change(); });
    EXPECT_EQ(world.Comment(), "") << "before operation " << place;
  }
}

// Positive control: with the state taken after the revision, and not looked at again, it would be.
TEST(NarrowThenAcceptTest, AStateNewerThanTheRecordsIsNoticed) {
  NarrowThenAccept world;
  const store::Revision before = world.stage.world().directory().Now().revision;
  world.Change();
  EXPECT_EQ(world.Comment(), "");
  world.stage.spoil_context = [before](exchange::CallContext* context) { context->at = before; };
  EXPECT_EQ(world.Comment(), "comment");
}

// A replay reads again: what changed since the call was let in is in its answer.
TEST(ReplayTest, IsJudgedAtANewerMoment) {
  Meddler meddler;
  RoomStage stage(Meddled(meddler));
  v1::CreateRecordRequest create;
  *create.mutable_record() = Report("bazaar.example", "shop-1");
  GrantMember(*create.mutable_record(), kObserver);
  const auto report = AskFor<v1::CreateRecordResponse>(stage, "aurore", create, 1);
  ASSERT_TRUE(report.ok()) << report.status();
  v1::CreateRecordRequest opinion =
      CreateRequest(Opinion(report->record().name(), v1::OPINION_VERDICT_CONFIRMED),
                    "11111111-1111-4111-8111-111111111111");
  const auto made = AskFor<v1::CreateRecordResponse>(stage, kObserver, opinion, 2);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->record().seller().seller_id(), "shop-1");
  meddler.Arm(0, nullptr);
  ASSERT_TRUE(stage.Ask(kObserver, opinion, 3).status.ok());
  // From the moment that the call was let in at on, which takes two operations, to the one that the answer is
  // read at.
  int told = 0;
  for (int place = 3; place <= 4; ++place) {
    v1::SetMemberPolicyRequest own;
    own.mutable_policy()->set_unbounded(true);
    own.mutable_policy()->add_exclusions()->set_member(std::string("members/") + kObserver);
    meddler.Arm(place, [&] { EXPECT_TRUE(stage.Ask("aurore", own, 4).status.ok()); });
    const auto again = AskFor<v1::CreateRecordResponse>(stage, kObserver, opinion, 5);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->existed());
    EXPECT_FALSE(again->record().has_seller()) << "the subject's, which it does not see any more";
    ++told;
  }
  EXPECT_EQ(told, 2);
}

// Changes are within reach of the property above.
TEST(ExchangeMomentControl, ChangesChangeAnswers) {
  int changed = 0;
  for (uint32_t history = 0; history < 100; ++history) {
    Meddler meddler;
    RoomStage stage(Meddled(meddler));
    Player player(stage);
    std::vector<uint32_t> numbers(8);
    for (uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = (history * 50 + i) * 7919;
    const std::vector<Step> steps = MakeStepsWithPolicies(numbers);
    player.Play(steps, Variant::kWhole);
    const Questions questions = QuestionsOf(player, steps);
    const std::vector<std::string> before = Answers(stage, questions, 1);
    player.Play(steps, Variant::kWhole);
    changed += Answers(stage, questions, 1) == before ? 0 : 1;
  }
  EXPECT_GT(changed, 30);
}

}  // namespace
}  // namespace coalition::testing
