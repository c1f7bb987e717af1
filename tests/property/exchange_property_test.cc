// Promises 1, 2, 3 and 5 over generated histories, on complete answers of the handlers behind the call guard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "coalition/v1/exchange_service.pb.h"
#include "common/errors.h"
#include "tests/property/exchange_generators.h"
#include "tests/property/exchange_history.h"
#include "tests/property/exchange_model.h"
#include "tests/property/exchange_questions.h"
#include "tests/property/exchange_room.h"

namespace coalition::testing {
namespace {

// All that the observer is told by a history, while it runs and afterwards.
std::vector<std::string> Told(const WorldOptions& options, const std::vector<Step>& steps, Variant variant) {
  RoomStage stage(options);
  Player player(stage);
  const std::vector<Answer> answers = player.Play(steps, variant);
  std::vector<std::string> told = Answers(stage, QuestionsOf(player, steps), player.seed());
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].actor == kObserver) told.push_back(answers[i].Whole());
  }
  return told;
}

RC_GTEST_PROP(ExchangePropertyTest, HiddenIsAbsent, ()) {
  const std::vector<Step> steps = AnySteps();
  RC_PRE(AnythingToHide(steps));
  RC_ASSERT(FirstDifference(Told(InMemory(), steps, Variant::kWhole),
                            Told(InMemory(), steps, Variant::kPlain)) == "");
}

RC_GTEST_PROP(ExchangePolicyPropertyTest, HiddenIsAbsent, ()) {
  const std::vector<Step> steps = AnyStepsWithPolicies();
  RC_PRE(AnythingToHide(steps));
  RC_ASSERT(FirstDifference(Told(PolicyWorld(), steps, Variant::kWhole),
                            Told(PolicyWorld(), steps, Variant::kPlain)) == "");
}

constexpr const char* kReaders[] = {"aurore",  "belmont", "corsa",   "bazaar", "souk",
                                    "paylink", "customs", "watcher", "office"};

RC_GTEST_PROP(ExchangePropertyTest, ReadListedAndModelledAgree, ()) {
  const std::vector<Step> steps = AnySteps();
  RoomStage stage(InMemory());
  Player player(stage);
  const Model model(player, steps, player.Play(steps, Variant::kWhole));
  for (const char* member : kReaders) {
    const std::vector<std::string> visible = model.Visible(member);
    for (const int page_size : {1, 2, 3, 7, 50}) {
      RC_ASSERT(ListedNames(stage, member, page_size, player.seed()) == visible);
    }
    for (size_t i = 0; i <= steps.size(); ++i) {
      v1::GetRecordRequest request;
      request.set_name(player.NameOf(i));
      const bool expected = std::find(visible.begin(), visible.end(), request.name()) != visible.end();
      RC_ASSERT(stage.Ask(member, request, player.seed()).status.ok() == expected);
    }
  }
}

// Whoever may ask who sees a record is told exactly of those who get it, and they get it in every listing.
RC_GTEST_PROP(ExchangePolicyPropertyTest, ReadListedAndExplainedAgree, ()) {
  const std::vector<Step> steps = AnyStepsWithPolicies();
  RoomStage stage(PolicyWorld());
  Player player(stage);
  player.Play(steps, Variant::kWhole);
  for (const char* member : kReaders) {
    if (std::string(member) == "office") continue;
    std::vector<std::string> visible;
    for (size_t i = steps.size(); i-- > 0;) {
      v1::GetRecordRequest get;
      get.set_name(player.NameOf(i));
      const bool got = stage.Ask(member, get, player.seed()).status.ok();
      if (got) visible.push_back(get.name());
      v1::ExplainAccessRequest explain;
      explain.set_name(get.name());
      explain.set_member(std::string("members/") + member);
      const auto told = AskFor<v1::ExplainAccessResponse>(stage, "office", explain, player.seed());
      RC_ASSERT((told.ok() && told->members(0).visible()) == got);
    }
    for (const int page_size : {1, 3, 50}) {
      RC_ASSERT(ListedNames(stage, member, page_size, player.seed()) == visible);
    }
  }
}

bool Includes(const google::protobuf::RepeatedField<int>& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Whether what the member is shown of a record meets the filter: a field that it is not shown is one that is
// not there.
bool Meets(const v1::RecordFilter& filter, const v1::Record& shown) {
  const v1::Seller& seller = filter.seller();
  if (!filter.record_classes().empty() && !Includes(filter.record_classes(), shown.record_class()))
    return false;
  if (!seller.platform().empty() && seller.platform() != shown.seller().platform()) return false;
  if (!seller.seller_id().empty() && seller.seller_id() != shown.seller().seller_id()) return false;
  if (!filter.contributor().empty() && filter.contributor() != shown.contributor()) return false;
  if (!filter.external_id().empty() && filter.external_id() != shown.external_id()) return false;
  const bool timed = filter.has_created_from() || filter.has_created_before();
  const int64_t seconds = shown.create_time().seconds();
  if (timed && !shown.has_create_time()) return false;
  if (filter.has_created_from() && seconds < filter.created_from().seconds()) return false;
  if (filter.has_created_before() && seconds >= filter.created_before().seconds()) return false;
  const std::string& target = filter.refers_to();
  return target.empty() || target == shown.takedown_notice().report() ||
         target == shown.takedown_outcome().notice() || target == shown.takedown_outcome().report() ||
         target == shown.opinion().subject();
}

RC_GTEST_PROP(ExchangePolicyPropertyTest, FiltersWorkOnWhatIsShown, ()) {
  const std::vector<Step> steps = AnyStepsWithPolicies();
  RoomStage stage(PolicyWorld());
  Player player(stage);
  player.Play(steps, Variant::kWhole);
  for (const char* member : {kObserver, "belmont", "souk"}) {
    std::vector<v1::Record> shown;
    for (size_t i = steps.size(); i-- > 0;) {
      v1::GetRecordRequest get;
      get.set_name(player.NameOf(i));
      const auto got = AskFor<v1::GetRecordResponse>(stage, member, get, player.seed());
      if (got.ok()) shown.push_back(got->record());
    }
    for (const v1::RecordFilter& filter : FiltersOf(player, steps)) {
      std::vector<std::string> expected;
      for (const v1::Record& record : shown) {
        if (Meets(filter, record)) expected.push_back(record.name());
      }
      RC_ASSERT(ListedNames(stage, member, 2, player.seed(), filter) == expected);
    }
  }
}

// Of each member what it sees.
std::vector<std::string> Claims(const google::protobuf::RepeatedPtrField<v1::MemberAccess>& members) {
  std::vector<std::string> claims;
  for (const v1::MemberAccess& member : members) {
    claims.push_back(member.member() + (member.visible() ? " sees " : " does not see ") +
                     member.fields().ShortDebugString());
  }
  std::sort(claims.begin(), claims.end());
  return claims;
}

// Who is told before is told what is so afterwards, and nothing is refused that the preview found no fault
// with.
RC_GTEST_PROP(ExchangePolicyPropertyTest, ThePreviewToldWhatTheExplanationTells, ()) {
  std::vector<Step> steps = AnyStepsWithPolicies();
  while (!steps.empty() && !steps.back().makes_record()) steps.pop_back();
  RC_PRE(!steps.empty());
  const Step draft = steps.back();
  RoomStage stage(PolicyWorld());
  Player player(stage);
  player.Play({steps.begin(), steps.end() - 1}, Variant::kWhole);
  v1::PreviewAudienceRequest preview;
  *preview.mutable_record() = player.RecordOf(steps, steps.size() - 1, Variant::kPlain);
  const auto before = AskFor<v1::PreviewAudienceResponse>(stage, draft.actor, preview, player.seed());
  const auto created = AskFor<v1::CreateRecordResponse>(stage, draft.actor, CreateRequest(preview.record()),
                                                        player.seed() + 1);
  const bool existed = created.ok() && created->existed();
  RC_PRE(!existed);
  RC_CLASSIFY(created.ok());
  if (!created.ok()) {
    // What is refused for its audience, its label or its subject was said before.
    const std::string fields = FieldsAtFault(created.status());
    const bool audience = GetErrorReason(created.status()) == v1::ERROR_REASON_LABEL_FORBIDS_AUDIENCE ||
                          fields.find("audience") != std::string::npos ||
                          fields.find("label") != std::string::npos;
    const bool subject = draft.record.has_opinion() &&
                         GetErrorReason(created.status()) == v1::ERROR_REASON_REFERENCE_NOT_FOUND;
    const bool told = !before.ok() || before->problems_size() > 0;
    RC_ASSERT((told || !(audience || subject)));
    return;
  }
  RC_ASSERT(before.ok());
  RC_ASSERT(before->problems_size() == 0);
  v1::ExplainAccessRequest explain;
  explain.set_name(created->record().name());
  const auto after = AskFor<v1::ExplainAccessResponse>(stage, draft.actor, explain, player.seed());
  RC_ASSERT(after.ok());
  RC_ASSERT(Claims(before->members()) == Claims(after->members()));
}

// Positive control: what is compared above does notice a record that is not hidden,
TEST(ExchangePropertyControl, AVisibleRecordIsNoticed) {
  Step step;
  step.actor = "aurore";
  step.record = Report("bazaar.example", "shop-1");
  GrantEveryone(step.record);
  step.hidden = true;  // it is not
  EXPECT_NE(Told(InMemory(), {step}, Variant::kWhole), Told(InMemory(), {step}, Variant::kPlain));
}

// a field that is shown,
TEST(ExchangePropertyControl, AShownFieldIsNoticed) {
  Step step;
  step.actor = "aurore";
  step.record = Report("bazaar.example", "shop-1");
  GrantMember(step.record, kObserver, "full");
  step.veiled = true;  // it is not
  EXPECT_NE(Told(InMemory(), {step}, Variant::kWhole), Told(InMemory(), {step}, Variant::kPlain));
  step.record.mutable_audience()->mutable_grants(0)->set_view("notice");
  EXPECT_EQ(Told(InMemory(), {step}, Variant::kWhole), Told(InMemory(), {step}, Variant::kPlain));
}

// and a reference to a record that is shown.
TEST(ExchangePropertyControl, AShownReferenceIsNoticed) {
  Step report, notice;
  report.actor = notice.actor = "aurore";
  report.record = Report("bazaar.example", "shop-1");
  notice.record = Notice("bazaar.example", "shop-1");
  GrantMember(notice.record, kObserver, "full");
  notice.hidden_reference = 0;
  const std::vector<Step> hidden = {report, notice};
  EXPECT_EQ(Told(InMemory(), hidden, Variant::kWhole), Told(InMemory(), hidden, Variant::kPlain));
  GrantMember(report.record, kObserver, "full");
  const std::vector<Step> shown = {report, notice};
  EXPECT_NE(Told(InMemory(), shown, Variant::kWhole), Told(InMemory(), shown, Variant::kPlain));
}

// Positive control: judged by a state of the coalition in which the observer is in the group, the same stores
// differ.
TEST(ExchangePropertyControl, ABrokenPolicyIsNoticed) {
  Step step;
  step.actor = "aurore";
  step.record = Report("bazaar.example", "shop-1");
  GrantGroup(step.record, "ring");
  step.hidden = true;
  WorldOptions broken = InMemory();
  for (auto& member : *broken.bootstrap.mutable_members()) {
    if (member.id() == kObserver) member.add_groups("ring");
  }
  World other(broken);
  std::vector<std::string> told[2];
  for (const Variant variant : {Variant::kWhole, Variant::kPlain}) {
    RoomStage stage(InMemory());
    Player player(stage);
    player.Play({step}, variant);
    stage.spoil_context = [&](exchange::CallContext* context) {
      context->snapshot = other.directory().Current();
    };
    told[variant == Variant::kWhole] = Answers(stage, QuestionsOf(player, {step}), player.seed());
  }
  EXPECT_NE(told[0], told[1]);
}

// The generator reaches what the properties are about.
TEST(ExchangePropertyControl, HistoriesHoldWhatThePropertiesAreAbout) {
  std::vector<uint32_t> numbers(400);
  for (uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = i * 7919;
  const std::vector<Step> steps = MakeSteps(numbers);
  RoomStage stage(InMemory());
  Player player(stage);
  const std::vector<Answer> answers = player.Play(steps, Variant::kWhole);
  const Model model(player, steps, answers);
  int opinions = 0, references = 0, imported = 0;
  for (const std::string& name : model.Visible(kObserver)) {
    v1::GetRecordRequest request;
    request.set_name(name);
    const auto got = AskFor<v1::GetRecordResponse>(stage, kObserver, request, player.seed());
    ASSERT_TRUE(got.ok()) << got.status();
    opinions += got->record().has_opinion() ? 1 : 0;
    references +=
        got->record().takedown_notice().report().empty() && got->record().takedown_outcome().notice().empty()
            ? 0
            : 1;
  }
  for (size_t i = 0; i < steps.size(); ++i)
    imported += steps[i].act == Step::Act::kImport && answers[i].status.ok();
  EXPECT_GT(model.Visible(kObserver).size(), 40U);
  EXPECT_GT(model.Visible("belmont").size(), 40U);
  EXPECT_GT(opinions, 3);
  EXPECT_GT(references, 0);
  EXPECT_GT(imported, 10);
}

TEST(ExchangePropertyControl, HistoriesHideRecordsFieldsAndReferences) {
  int hidden = 0, veiled = 0, references = 0;
  for (uint32_t history = 0; history < 300; ++history) {
    std::vector<uint32_t> numbers(12);
    for (uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = (history * 100 + i) * 7919;
    const std::vector<Step> steps = MakeSteps(numbers);
    RoomStage stage(InMemory());
    Player player(stage);
    const std::vector<Answer> answers = player.Play(steps, Variant::kWhole);
    for (size_t i = 0; i < steps.size(); ++i) {
      if (!answers[i].status.ok()) continue;
      hidden += steps[i].hidden ? 1 : 0;
      veiled += steps[i].veiled ? 1 : 0;
      references += steps[i].hidden_reference ? 1 : 0;
    }
  }
  EXPECT_GT(hidden, 500);
  EXPECT_GT(veiled, 100);
  EXPECT_GT(references, 20);
}

}  // namespace
}  // namespace coalition::testing
