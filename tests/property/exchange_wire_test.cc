// The same over mutual TLS: complete answers as they come over the wire, with status, details, metadata and
// trailers.
#include "tests/property/exchange_wire.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/membership_service.pb.h"
#include "tests/property/exchange_generators.h"
#include "tests/property/exchange_history.h"
#include "tests/property/exchange_questions.h"

namespace coalition::testing {
namespace {

// A server serves so many histories, one after the other, before the next server is begun.
constexpr size_t kHistoriesEach = 20;

std::vector<std::vector<Step>> AnyHistories() {
  std::vector<std::vector<Step>> histories;
  for (size_t i = 0; i < kHistoriesEach; ++i) histories.push_back(AnyStepsWithPolicies());
  return histories;
}

// The observer's questions, and what the membership service alone answers.
Questions AllQuestionsOf(const Player& player, const std::vector<Step>& steps) {
  Questions questions = QuestionsOf(player, steps);
  questions.push_back(std::make_shared<const v1::WhoAmIRequest>());
  questions.push_back(std::make_shared<const v1::ListMembersRequest>());
  questions.push_back(std::make_shared<const v1::ListPlatformsRequest>());
  questions.push_back(std::make_shared<const v1::ListPolicyVersionsRequest>());
  return questions;
}

RC_GTEST_PROP(ExchangeWireTest, HiddenIsAbsent, ()) {
  const std::vector<std::vector<Step>> histories = AnyHistories();
  const int64_t now_ns = SystemClock().NowNs();
  WireStage whole(now_ns), plain(now_ns);
  Player whole_player(whole), plain_player(plain);
  for (const std::vector<Step>& steps : histories) {
    const std::vector<Answer> in_whole = whole_player.Play(steps, Variant::kWhole);
    const std::vector<Answer> in_plain = plain_player.Play(steps, Variant::kPlain);
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].actor == kObserver) RC_ASSERT(in_whole[i].Whole() == in_plain[i].Whole());
    }
    const Questions questions = AllQuestionsOf(plain_player, steps);
    RC_ASSERT(FirstDifference(Answers(whole, questions, whole_player.seed()),
                              Answers(plain, questions, plain_player.seed())) == "");
  }
}

// Positive control: two servers that are told the same answer the same, and one that is told of one visible
// record more does not.
TEST(ExchangeWireControl, AVisibleRecordIsNoticed) {
  Step step;
  step.actor = "aurore";
  step.record = Report("bazaar.example", "shop-1");
  GrantEveryone(step.record);
  const int64_t now_ns = SystemClock().NowNs();
  WireStage whole(now_ns), plain(now_ns);
  Player whole_player(whole), plain_player(plain);
  const auto ask = [&] {
    const Questions questions = AllQuestionsOf(plain_player, {step});
    return std::pair(Answers(whole, questions, whole_player.seed()),
                     Answers(plain, questions, plain_player.seed()));
  };
  whole_player.Play({step}, Variant::kWhole);
  plain_player.Play({step}, Variant::kWhole);
  const auto same = ask();
  EXPECT_EQ(same.first, same.second);
  step.hidden = true;  // it is not
  whole_player.Play({step}, Variant::kWhole);
  plain_player.Play({step}, Variant::kPlain);
  const auto others = ask();
  EXPECT_NE(others.first, others.second);
}

}  // namespace
}  // namespace coalition::testing
