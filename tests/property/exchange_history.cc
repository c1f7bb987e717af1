#include "tests/property/exchange_history.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include "common/ids.h"
#include "tests/property/exchange_policies.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {
namespace {

// Reads small choices from one number.
class Choices {
 public:
  explicit Choices(uint32_t number) : left_(number * 2654435761U + 1) {}
  uint32_t Of(uint32_t count) {
    left_ = left_ * 1664525U + 1013904223U;
    return (left_ >> 16) % count;
  }

 private:
  uint32_t left_;
};

// An audience that leaves the observer out.
void GrantOthers(Choices& choices, v1::Record& record) {
  switch (choices.Of(6)) {
    case 0:
      return;
    case 1:
      return GrantMember(record, kOthers[choices.Of(5)], choices.Of(2) == 0 ? "full" : "notice");
    case 2:
      return GrantGroup(record, "ring");
    case 3:
      return GrantKind(record, choices.Of(2) == 0 ? v1::MEMBER_KIND_BRAND : v1::MEMBER_KIND_MARKETPLACE);
    case 4:
      GrantGroup(record, "club");
      break;
    default:
      GrantEveryone(record, choices.Of(2) == 0 ? "full" : "notice");
  }
  ExcludeMember(record, kObserver);
}

void GrantAny(Choices& choices, v1::Record& record) {
  switch (choices.Of(6)) {
    case 0:
      return GrantOthers(choices, record);
    case 1:
      return GrantMember(record, kObserver, choices.Of(2) == 0 ? "full" : "notice");
    case 2:
      return GrantGroup(record, "club", choices.Of(2) == 0 ? "full" : "notice");
    case 3:
      return GrantKind(record, v1::MEMBER_KIND_PAYMENT);
    case 4:
      GrantEveryone(record);
      return ExcludeMember(record, kOthers[choices.Of(5)]);
    default:
      return GrantEveryone(record, choices.Of(2) == 0 ? "full" : "notice");
  }
}

// The number of an earlier step that makes a record of the kind that is asked for.
std::optional<size_t> Earlier(Choices& choices, const std::vector<Step>& steps,
                              const std::function<bool(const Step&)>& fits) {
  std::vector<size_t> found;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].makes_record() && fits(steps[i])) found.push_back(i);
  }
  if (found.empty()) return std::nullopt;
  return found[choices.Of(static_cast<uint32_t>(found.size()))];
}

// Stands for the name of the step's record until a Player knows it.
std::string Placeholder(size_t step) { return std::to_string(step); }

v1::Record AnyPayload(Choices& choices, const Step& step, const std::vector<Step>& steps,
                      std::optional<size_t>* about) {
  const std::string seller = kSellers[choices.Of(3)];
  const bool host = step.actor == "bazaar" || step.actor == "souk";
  const uint32_t choice = choices.Of(4);
  const auto target = Earlier(choices, steps, [&](const Step& other) {
    // The observer tries everything; others build on what everybody has, or hide.
    if (step.actor == kObserver) return true;
    if (step.hidden ? other.actor == kObserver : other.hidden) return false;
    if (choice == 1) return other.record.has_offender_report();
    return choice != 2 || other.record.has_takedown_notice();
  });
  if (choice == 0 && target) {
    *about = target;
    return Opinion(Placeholder(*target), static_cast<v1::OpinionVerdict>(1 + choices.Of(5)));
  }
  if (choice == 1) {
    v1::Record notice = Notice("bazaar.example", seller);
    if (target && choices.Of(2) != 0) notice.mutable_takedown_notice()->set_report(Placeholder(*target));
    return notice;
  }
  if (choice == 2 && host) {
    v1::Record outcome = Outcome(step.actor + ".example", choices.Of(3) == 0 ? "" : seller);
    if (target && choices.Of(2) != 0) outcome.mutable_takedown_outcome()->set_notice(Placeholder(*target));
    return outcome;
  }
  return Report(choices.Of(4) == 0 ? "souk.example" : "bazaar.example", seller);
}

// Of one's own hidden records of that class, one that is there still.
std::optional<size_t> OwnHidden(Choices& choices, const std::vector<Step>& steps, const std::string& actor,
                                v1::Record::PayloadCase payload) {
  return Earlier(choices, steps, [&](const Step& other) {
    const auto index = static_cast<size_t>(&other - steps.data());
    const bool gone = std::any_of(steps.begin(), steps.end(), [&](const Step& later) {
      return later.act == Step::Act::kWithdraw && later.about == index;
    });
    return other.hidden && !gone && other.actor == actor && other.record.payload_case() == payload &&
           // With an external id it may be one that was there already, or be refused.
           other.record.external_id().empty() && !other.about && !other.hidden_reference;
  });
}

Step HiddenReport(Choices& choices, const std::string& actor) {
  Step step;
  step.actor = actor;
  step.hidden = true;
  step.record = Report("bazaar.example", kSellers[choices.Of(3)]);
  GrantOthers(choices, step.record);
  return step;
}

// What a record that others may notice keeps from the observer.
void Veil(Choices& choices, std::vector<Step>& steps, Step* step) {
  const bool refers = step->record.has_takedown_notice() || step->record.has_takedown_outcome();
  if (refers && choices.Of(3) == 0) steps.push_back(HiddenReport(choices, step->actor));
  const auto target =
      refers ? OwnHidden(choices, steps, step->actor, v1::Record::kOffenderReport) : std::optional<size_t>();
  if (target && choices.Of(2) == 0) {
    step->hidden_reference = target;
    step->record.mutable_audience()->Clear();
    GrantMember(step->record, kObserver, "notice");
    if (step->record.has_takedown_notice()) step->record.mutable_takedown_notice()->clear_report();
    if (step->record.has_takedown_outcome()) step->record.mutable_takedown_outcome()->clear_notice();
  }
  const auto& grants = step->record.audience().grants();
  step->veiled = !grants.empty() && std::all_of(grants.begin(), grants.end(), [](const v1::Grant& grant) {
    return grant.view() == "notice";
  });
}

bool ChangeOwn(Choices& choices, uint32_t act, std::vector<Step>& steps, Step* step) {
  std::vector<size_t> own;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& s = steps[i];
    if (s.makes_record() && s.actor == step->actor && s.hidden == step->hidden) own.push_back(i);
  }
  if (own.empty()) return false;
  step->about = own[choices.Of(static_cast<uint32_t>(own.size()))];
  step->act = act == 6 ? Step::Act::kRevise : Step::Act::kWithdraw;
  step->hidden ? GrantOthers(choices, step->record) : GrantAny(choices, step->record);
  // It may be granted a view that shows more.
  steps[*step->about].veiled = false;
  steps[*step->about].hidden_reference.reset();
  return true;
}

void AddStep(uint32_t number, std::vector<Step>& steps) {
  Choices choices(number);
  Step step;
  step.actor = choices.Of(4) == 0 ? kObserver : kOthers[choices.Of(5)];
  step.hidden = step.actor != kObserver && choices.Of(2) == 0;
  const uint32_t act = choices.Of(8);
  if (act >= 6 && ChangeOwn(choices, act, steps, &step)) {
    steps.push_back(std::move(step));
    return;
  }
  step.act = act == 5 ? Step::Act::kImport : Step::Act::kCreate;
  step.record = AnyPayload(choices, step, steps, &step.about);
  step.hidden ? GrantOthers(choices, step.record) : GrantAny(choices, step.record);
  if (choices.Of(3) == 0) {
    // The observer's ids and the hidden ones are the same words; each member's are its own.
    const bool shared_words = step.hidden || step.actor == kObserver;
    step.record.set_external_id((shared_words ? "x" : "c") + std::to_string(choices.Of(3)));
  } else if (!step.hidden && step.actor != kObserver) {
    Veil(choices, steps, &step);
  }
  steps.push_back(std::move(step));
}

// Other values in fields that the view "notice" hides, and an audience that leaves the observer's part alone.
void Alter(uint64_t place, v1::Record* record) {
  const std::string text = "veiled-" + std::to_string(place);
  record->set_external_id(text);
  GrantMember(*record, "customs");
  if (record->has_offender_report()) {
    v1::OffenderReport& report = *record->mutable_offender_report();
    report.set_comment(text);
    report.set_legal_basis(text);
    report.set_case_type(text);
    report.add_rights()->set_registration_number(text);
    report.add_evidence()->set_reference(text);
    report.add_listings()->set_listing_id(text);
    report.set_human_reviewed(true);
    report.mutable_first_observed_time()->set_seconds(1'700'000'000);
  } else if (record->has_takedown_notice()) {
    record->mutable_takedown_notice()->set_comment(text);
  } else if (record->has_takedown_outcome()) {
    v1::TakedownOutcome& outcome = *record->mutable_takedown_outcome();
    outcome.set_decision_facts(text);
    outcome.set_platform_uid(text);
    outcome.set_illegal_content_explanation(text);
  } else {
    record->mutable_opinion()->set_comment(text);
  }
}

void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

}  // namespace

std::vector<Step> MakeSteps(const std::vector<uint32_t>& numbers) {
  std::vector<Step> steps;
  for (const uint32_t number : numbers) AddStep(number, steps);
  return steps;
}

std::vector<Step> MakeStepsWithPolicies(const std::vector<uint32_t>& numbers) {
  std::vector<Step> steps;
  for (const uint32_t number : numbers) {
    Choices choices(number ^ 0x5bd1e995U);
    const uint32_t choice = choices.Of(10);
    if (choice > 1) {
      AddStep(number, steps);
      continue;
    }
    Step& step = steps.emplace_back();
    step.act = choice == 0 ? Step::Act::kPolicy : Step::Act::kOwnPolicy;
    step.actor = kOthers[choices.Of(5)];
    step.policy_bits = choices.Of(1U << 15);
    step.hidden = step.act == Step::Act::kOwnPolicy && step.actor == "corsa";
  }
  return steps;
}

bool AnythingToHide(const std::vector<Step>& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.hidden || step.veiled; });
}

std::string Player::NameOf(size_t step) const {
  SeededRandom random;
  random.Reseed(begin_ + step);
  return FormatRecordName(NewRecordId(random));
}

std::vector<Answer> Player::Play(const std::vector<Step>& steps, Variant variant) {
  begin_ += 2 * kStepsMax;
  std::vector<Answer> answers(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    stage_.Tick();
    if (steps[i].hidden && variant == Variant::kPlain) continue;
    answers[i] = PlayStep(steps, i, variant);
  }
  return answers;
}

v1::Record Player::RecordOf(const std::vector<Step>& steps, size_t i, Variant variant) const {
  const Step& step = steps[i];
  v1::Record record = step.record;
  const auto name = [this](std::string* placeholder) {
    if (!placeholder->empty()) *placeholder = NameOf(std::stoul(*placeholder));
  };
  if (record.has_takedown_notice()) name(record.mutable_takedown_notice()->mutable_report());
  if (record.has_takedown_outcome()) name(record.mutable_takedown_outcome()->mutable_notice());
  if (record.has_opinion()) name(record.mutable_opinion()->mutable_subject());
  if (variant == Variant::kPlain) return record;
  if (step.veiled) Alter(begin_ + i, &record);
  if (step.hidden_reference) {
    const std::string target = NameOf(*step.hidden_reference);
    if (record.has_takedown_notice()) record.mutable_takedown_notice()->set_report(target);
    if (record.has_takedown_outcome()) record.mutable_takedown_outcome()->set_report(target);
  }
  return record;
}

Answer Player::PlayStep(const std::vector<Step>& steps, size_t i, Variant variant) {
  const Step& step = steps[i];
  const uint64_t seed = begin_ + i;
  switch (step.act) {
    case Step::Act::kCreate:
      return stage_.Ask(step.actor, CreateRequest(RecordOf(steps, i, variant)), seed);
    case Step::Act::kImport: {
      v1::ImportRecordsRequest request;
      request.add_items()->set_item_id(1);
      *request.mutable_items(0)->mutable_record() = RecordOf(steps, i, variant);
      return stage_.Ask(step.actor, request, seed);
    }
    case Step::Act::kRevise:
      return Revise(step, seed);
    case Step::Act::kWithdraw:
      return Withdraw(steps, i);
    case Step::Act::kPolicy:
      return ApplyPolicy(step, seed);
    case Step::Act::kOwnPolicy:
      return SetOwnPolicy(step, seed);
  }
  return {};
}

Answer Player::Revise(const Step& step, uint64_t seed) {
  v1::ReviseRecordRequest request;
  request.mutable_record()->set_name(NameOf(*step.about));
  *request.mutable_record()->mutable_audience() = step.record.audience();
  request.mutable_record()->set_label(step.record.label());
  request.mutable_update_mask()->add_paths("audience");
  request.mutable_update_mask()->add_paths("label");
  return stage_.Ask(step.actor, request, seed);
}

// By itself; or, at every other place, in a batch with all records of others, which stay.
Answer Player::Withdraw(const std::vector<Step>& steps, size_t i) {
  const Step& step = steps[i];
  if (i % 2 == 0) {
    v1::WithdrawRecordRequest request;
    request.set_name(NameOf(*step.about));
    return stage_.Ask(step.actor, request, begin_ + i);
  }
  v1::BatchWithdrawRecordsRequest request;
  request.add_names(NameOf(*step.about));
  for (size_t other = 0; other < i; ++other) {
    if (steps[other].makes_record() && steps[other].actor != step.actor) request.add_names(NameOf(other));
  }
  return stage_.Ask(step.actor, request, begin_ + i);
}

Answer Player::ApplyPolicy(const Step& step, uint64_t seed) {
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = PolicyOf(step.policy_bits);
  v1::DiffPolicyRequest asked;
  *asked.mutable_policy() = apply.policy();
  const auto compared = AskFor<v1::DiffPolicyResponse>(stage_, "office", asked, seed);
  Require(compared.status(), "diff");
  apply.set_expected_epoch(compared->diff().epoch());
  apply.set_diff_digest(compared->diff().digest());
  Answer answer = stage_.Ask("office", apply, seed);
  Require(answer.status, "apply");
  return answer;
}

Answer Player::SetOwnPolicy(const Step& step, uint64_t seed) {
  v1::SetMemberPolicyRequest request;
  *request.mutable_policy() = step.hidden ? AsidePolicyOf(step.policy_bits) : OwnPolicyOf(step.policy_bits);
  // What was accepted stays accepted; a third of the time all there is.
  const auto before =
      AskFor<v1::GetMemberPolicyResponse>(stage_, step.actor, v1::GetMemberPolicyRequest(), seed);
  Require(before.status(), "own policy");
  const auto newest = AskFor<v1::GetPolicyResponse>(stage_, step.actor, v1::GetPolicyRequest(), seed);
  Require(newest.status(), "policy");
  const bool accepts = !step.hidden && request.policy().exclusions_size() == 1;
  request.mutable_policy()->set_accepts_policy_version(accepts ? newest->policy().version()
                                                               : before->policy().accepts_policy_version());
  Answer answer = stage_.Ask(step.actor, request, seed);
  Require(answer.status, "set own policy");
  return answer;
}

}  // namespace coalition::testing
