// Promises 1 and 2 over generated histories.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "tests/property/exchange_policies.h"
#include "tests/property/exchange_script.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAreArray;

constexpr size_t kStepsMax = 28;

std::vector<Step> AnySteps() {
  const auto count = *rc::gen::inRange<size_t>(1, kStepsMax);
  return MakeSteps(*rc::gen::container<std::vector<uint32_t>>(count, rc::gen::arbitrary<uint32_t>()));
}

WorldOptions InMemory() {
  WorldOptions options;
  options.in_memory = true;
  return options;
}

// All that the observer is told by a history, while it runs and afterwards.
std::vector<std::string> Told(const std::vector<Step>& steps, bool hidden_too) {
  World world(InMemory());
  std::vector<std::string> told;
  RunSteps(world, steps, hidden_too, &told);
  const std::vector<std::string> observed = Observe(world, world.As(kObserver), steps.size());
  told.insert(told.end(), observed.begin(), observed.end());
  return told;
}

RC_GTEST_PROP(ExchangePropertyTest, HiddenIsAbsent, ()) {
  const std::vector<Step> steps = AnySteps();
  const size_t hidden = static_cast<size_t>(
      std::count_if(steps.begin(), steps.end(), [](const Step& step) { return step.hidden; }));
  RC_CLASSIFY(hidden > 0);
  RC_ASSERT(Told(steps, true) == Told(steps, false));
}

RC_GTEST_PROP(ExchangePropertyTest, ReadListedAndModelledAgree, ()) {
  const std::vector<Step> steps = AnySteps();
  World world(InMemory());
  const Model model(world, steps);
  for (const char* member :
       {"aurore", "belmont", "corsa", "bazaar", "souk", "paylink", "customs", "watcher", "office"}) {
    const exchange::CallContext context = world.As(member);
    const std::vector<std::string> visible = model.Visible(member);
    for (const int page_size : {1, 2, 3, 7, 50}) {
      v1::ListRecordsRequest request;
      request.set_page_size(page_size);
      RC_ASSERT(world.ListAll(context, request) == visible);
    }
    for (size_t i = 0; i <= steps.size(); ++i) {
      const std::string name = NameOfStep(i);
      const bool expected = std::find(visible.begin(), visible.end(), name) != visible.end();
      RC_ASSERT(world.Get(context, name).ok() == expected);
    }
  }
}

std::vector<Step> AnyStepsWithPolicies() {
  const auto count = *rc::gen::inRange<size_t>(1, kStepsMax);
  return MakeStepsWithPolicies(
      *rc::gen::container<std::vector<uint32_t>>(count, rc::gen::arbitrary<uint32_t>()));
}

RC_GTEST_PROP(ExchangePolicyPropertyTest, HiddenIsAbsent, ()) {
  const std::vector<Step> steps = AnyStepsWithPolicies();
  std::vector<std::string> with, without;
  for (const bool hidden_too : {true, false}) {
    World world(PolicyWorld());
    std::vector<std::string>& told = hidden_too ? with : without;
    RunSteps(world, steps, hidden_too, &told);
    const std::vector<std::string> observed = Observe(world, world.As(kObserver), steps.size());
    told.insert(told.end(), observed.begin(), observed.end());
  }
  RC_ASSERT(with == without);
}

// Whoever may ask who sees a record is told exactly of those who get it, and they get it in every listing.
RC_GTEST_PROP(ExchangePolicyPropertyTest, ReadListedAndExplainedAgree, ()) {
  const std::vector<Step> steps = AnyStepsWithPolicies();
  World world(PolicyWorld());
  std::vector<std::string> unused;
  RunSteps(world, steps, true, &unused);
  const exchange::CallContext auditor = world.As("office", {v1::ROLE_AUDITOR});
  for (const char* member :
       {"aurore", "belmont", "corsa", "bazaar", "souk", "paylink", "customs", "watcher"}) {
    const exchange::CallContext context = world.As(member);
    std::vector<std::string> visible;
    for (size_t i = steps.size(); i-- > 0;) {
      const std::string name = NameOfStep(i);
      const bool got = world.Get(context, name).ok();
      if (got) visible.push_back(name);
      v1::ExplainAccessRequest request;
      request.set_name(name);
      request.set_member(std::string("members/") + member);
      v1::ExplainAccessResponse told;
      ledger::Disclosure disclosure;
      if (world.exchange().Explain(auditor, request, &told, &disclosure).ok()) {
        RC_ASSERT(told.members(0).visible() == got);
      } else {
        RC_ASSERT(!got);
      }
    }
    for (const int page_size : {1, 3, 50}) {
      v1::ListRecordsRequest request;
      request.set_page_size(page_size);
      RC_ASSERT(world.ListAll(context, request) == visible);
    }
  }
}

// Positive control: what is compared above does notice a record that is not hidden.
TEST(ExchangePropertyControl, AVisibleRecordIsNoticed) {
  Step step;
  step.actor = "aurore";
  step.record = Report("bazaar.example", "shop-1");
  GrantEveryone(step.record);
  step.hidden = true;  // it is not
  EXPECT_NE(Told({step}, true), Told({step}, false));
}

// Positive control: judged by a state of the coalition in which the observer is in the group, the same stores
// differ.
TEST(ExchangePropertyControl, ABrokenPolicyIsNoticed) {
  Step step;
  step.actor = "aurore";
  step.record = Report("bazaar.example", "shop-1");
  GrantGroup(step.record, "ring");
  step.hidden = true;
  WorldOptions broken;
  for (auto& member : *broken.bootstrap.mutable_members()) {
    if (member.id() == kObserver) member.add_groups("ring");
  }
  World other(broken);
  std::vector<std::string> with, without;
  for (const bool hidden_too : {true, false}) {
    World world;
    std::vector<std::string> unused;
    RunSteps(world, {step}, hidden_too, &unused);
    exchange::CallContext context = world.As(kObserver);
    EXPECT_THAT(world.ListAll(context, {}), ElementsAreArray(std::vector<std::string>()));
    context.snapshot = other.directory().Current();
    (hidden_too ? with : without) = Observe(world, context, 1);
  }
  EXPECT_NE(with, without);
}

// The generator reaches what the properties are about.
TEST(ExchangePropertyControl, HistoriesHoldHiddenAndVisibleRecordsOfEveryClass) {
  std::vector<uint32_t> numbers(400);
  for (uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = i * 7919;
  const std::vector<Step> steps = MakeSteps(numbers);
  World world;
  const Model model(world, steps);
  const std::vector<std::string> visible = model.Visible(kObserver);
  int opinions = 0, references = 0;
  for (const std::string& name : visible) {
    const auto record = world.Get(world.As(kObserver), name);
    ASSERT_TRUE(record.ok());
    opinions += record->has_opinion() ? 1 : 0;
    references +=
        record->takedown_notice().report().empty() && record->takedown_outcome().notice().empty() ? 0 : 1;
  }
  EXPECT_GT(visible.size(), 40);
  EXPECT_GT(opinions, 3);
  EXPECT_GT(references, 3);
  EXPECT_GT(model.Visible("belmont").size(), 40);
}

}  // namespace
}  // namespace coalition::testing
