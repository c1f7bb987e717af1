#include "tests/property/exchange_script.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/diff.h"
#include "tests/property/exchange_policies.h"

namespace coalition::testing {
namespace {

constexpr const char* kOthers[] = {"aurore", "belmont", "corsa", "bazaar", "souk"};
constexpr const char* kSellers[] = {"shop-1", "shop-2", "shop-3"};

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
    if (steps[i].act == Step::Act::kCreate && fits(steps[i])) found.push_back(i);
  }
  if (found.empty()) return std::nullopt;
  return found[choices.Of(static_cast<uint32_t>(found.size()))];
}

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
    return Opinion(NameOfStep(*target), static_cast<v1::OpinionVerdict>(1 + choices.Of(5)));
  }
  if (choice == 1) {
    v1::Record notice = Notice("bazaar.example", seller);
    if (target) notice.mutable_takedown_notice()->set_report(NameOfStep(*target));
    return notice;
  }
  if (choice == 2 && host) {
    v1::Record outcome = Outcome(step.actor + ".example", choices.Of(3) == 0 ? "" : seller);
    if (target) outcome.mutable_takedown_outcome()->set_notice(NameOfStep(*target));
    return outcome;
  }
  return Report(choices.Of(4) == 0 ? "souk.example" : "bazaar.example", seller);
}

Step MakeStep(uint32_t number, const std::vector<Step>& steps) {
  Choices choices(number);
  Step step;
  step.actor = choices.Of(4) == 0 ? kObserver : kOthers[choices.Of(5)];
  step.hidden = step.actor != kObserver && choices.Of(2) == 0;
  const uint32_t act = choices.Of(8);
  if (act >= 6) {  // change one's own
    std::vector<size_t> own;
    for (size_t i = 0; i < steps.size(); ++i) {
      const Step& s = steps[i];
      if (s.act == Step::Act::kCreate && s.actor == step.actor && s.hidden == step.hidden) own.push_back(i);
    }
    if (!own.empty()) {
      step.about = own[choices.Of(static_cast<uint32_t>(own.size()))];
      step.act = act == 6 ? Step::Act::kRevise : Step::Act::kWithdraw;
      step.hidden ? GrantOthers(choices, step.record) : GrantAny(choices, step.record);
      return step;
    }
  }
  step.act = Step::Act::kCreate;
  step.record = AnyPayload(choices, step, steps, &step.about);
  step.hidden ? GrantOthers(choices, step.record) : GrantAny(choices, step.record);
  if (choices.Of(3) == 0) {
    // The observer's ids and the hidden ones are the same words; each member's are its own.
    const bool shared_words = step.hidden || step.actor == kObserver;
    step.record.set_external_id((shared_words ? "x" : "c") + std::to_string(choices.Of(3)));
  }
  return step;
}

void Append(const absl::Status& status, std::vector<std::string>* answers) {
  answers->push_back("error " + ToRpcStatus(status).SerializeAsString());
}

template <class Response>
void Append(const absl::StatusOr<Response>& response, std::vector<std::string>* answers) {
  if (!response.ok()) return Append(response.status(), answers);
  answers->push_back(response->ShortDebugString());
}

void RunStep(World& world, const std::vector<Step>& steps, size_t i, std::vector<std::string>* answers) {
  const Step& step = steps[i];
  std::vector<std::string> ignored;
  if (step.actor != kObserver) answers = &ignored;
  const exchange::CallContext context = world.As(step.actor);
  switch (step.act) {
    case Step::Act::kCreate:
      return Append(world.Create(context, CreateRequest(step.record)), answers);
    case Step::Act::kRevise: {
      v1::ReviseRecordRequest request;
      request.mutable_record()->set_name(NameOfStep(*step.about));
      *request.mutable_record()->mutable_audience() = step.record.audience();
      request.mutable_record()->set_label(step.record.label());
      request.mutable_update_mask()->add_paths("audience");
      request.mutable_update_mask()->add_paths("label");
      return Append(world.Revise(context, request), answers);
    }
    case Step::Act::kWithdraw: {
      v1::WithdrawRecordRequest request;
      request.set_name(NameOfStep(*step.about));
      return Append(world.Withdraw(context, request), answers);
    }
    case Step::Act::kPolicy:
      return ApplyPolicy(world, PolicyOf(step.policy_bits));
    case Step::Act::kOwnPolicy:
      return SetOwnPolicy(world, step.actor, OwnPolicyOf(step.policy_bits));
  }
}

// Before each step the generator begins at the step's own place.
constexpr uint64_t kSeedBase = 1'000;

std::vector<v1::RecordFilter> Filters(size_t steps) {
  std::vector<v1::RecordFilter> filters(1);
  for (int of = 1; of <= 4; ++of) filters.emplace_back().add_record_classes(static_cast<v1::RecordClass>(of));
  for (const char* seller : kSellers) {
    v1::Seller* wanted = filters.emplace_back().mutable_seller();
    wanted->set_platform("bazaar.example");
    wanted->set_seller_id(seller);
  }
  filters.emplace_back().mutable_seller()->set_platform("souk.example");
  for (const char* member : kOthers) filters.emplace_back().set_contributor(FormatMemberName(member));
  for (int i = 0; i < 3; ++i) filters.emplace_back().set_external_id("x" + std::to_string(i));
  for (size_t i = 0; i <= steps; ++i) filters.emplace_back().set_refers_to(NameOfStep(i));
  filters.emplace_back().mutable_created_from()->set_seconds(1'790'000'005);
  filters.emplace_back().mutable_created_before()->set_seconds(1'790'000'005);
  return filters;
}

void ObserveList(World& world, const exchange::CallContext& context, const v1::RecordFilter& filter,
                 int page_size, std::vector<std::string>* answers) {
  v1::ListRecordsRequest request;
  *request.mutable_filter() = filter;
  request.set_page_size(page_size);
  do {
    auto page = world.List(context, request);
    if (!page.ok()) return Append(page.status(), answers);
    request.set_page_token(page->next_page_token());
    page->set_next_page_token(std::to_string(request.page_token().size()));
    Append(page, answers);
    answers->push_back("disclosed " + std::to_string(world.disclosure.records.size()));
  } while (!request.page_token().empty());
}

absl::StatusOr<v1::ExplainAccessResponse> Explain(World& world, const exchange::CallContext& context,
                                                  const std::string& name) {
  v1::ExplainAccessRequest request;
  request.set_name(name);
  v1::ExplainAccessResponse response;
  ledger::Disclosure disclosure;
  const absl::Status status = world.exchange().Explain(context, request, &response, &disclosure);
  if (!status.ok()) return status;
  return response;
}

}  // namespace

std::string NameOfStep(size_t step) {
  SeededRandom random;
  random.Reseed(kSeedBase + step);
  return FormatRecordName(NewRecordId(random));
}

std::vector<Step> MakeSteps(const std::vector<uint32_t>& numbers) {
  std::vector<Step> steps;
  for (const uint32_t number : numbers) steps.push_back(MakeStep(number, steps));
  return steps;
}

std::vector<Step> MakeStepsWithPolicies(const std::vector<uint32_t>& numbers) {
  std::vector<Step> steps;
  for (const uint32_t number : numbers) {
    Choices choices(number ^ 0x5bd1e995U);
    const uint32_t choice = choices.Of(10);
    if (choice > 1) {
      steps.push_back(MakeStep(number, steps));
      continue;
    }
    Step& step = steps.emplace_back();
    step.act = choice == 0 ? Step::Act::kPolicy : Step::Act::kOwnPolicy;
    step.actor = kOthers[choices.Of(5)];
    step.policy_bits = choices.Of(1U << 15);
  }
  return steps;
}

void RunSteps(World& world, const std::vector<Step>& steps, bool hidden_too,
              std::vector<std::string>* answers) {
  for (size_t i = 0; i < steps.size(); ++i) {
    world.clock.now_ns += 1'000'000'000;
    world.random.Reseed(kSeedBase + i);
    if (!steps[i].hidden || hidden_too) RunStep(world, steps, i, answers);
  }
}

std::vector<std::string> Observe(World& world, const exchange::CallContext& context, size_t steps) {
  std::vector<std::string> answers;
  for (size_t i = 0; i <= steps; ++i) {  // the last was never made
    Append(world.Get(context, NameOfStep(i)), &answers);
    answers.push_back("disclosed " + std::to_string(world.disclosure.records.size()));
    Append(Explain(world, context, NameOfStep(i)), &answers);
  }
  for (const v1::RecordFilter& filter : Filters(steps)) ObserveList(world, context, filter, 2, &answers);
  for (const int page_size : {1, 3, 50}) ObserveList(world, context, {}, page_size, &answers);
  v1::ScreenSellersRequest screen;
  for (const char* platform : {"bazaar.example", "souk.example"}) {
    for (const char* seller : kSellers) {
      screen.add_sellers()->set_platform(platform);
      screen.mutable_sellers(screen.sellers_size() - 1)->set_seller_id(seller);
      Append(world.Profile(context, platform, seller), &answers);
    }
  }
  v1::OwnRecordCounts counts;
  const policy::State after =
      policy::WithPolicy(context.snapshot->policy_state(), PolicyOf(0x7fff), policy::kStill - 2);
  const absl::Status counted = world.exchange().CountAffected(context, after, &counts);
  answers.push_back(counted.ToString() + counts.ShortDebugString());
  Append(world.Screen(context, screen), &answers);
  answers.push_back("disclosed " + std::to_string(world.disclosure.records.size()));
  return answers;
}

Model::Model(World& world, const std::vector<Step>& steps) : world_(world) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    world.clock.now_ns += 1'000'000'000;
    world.random.Reseed(kSeedBase + i);
    std::vector<std::string> unused;
    const exchange::CallContext context = world.As(step.actor);
    if (step.act == Step::Act::kCreate) {
      const auto created = world.Create(context, CreateRequest(step.record));
      if (created.ok() && !created->existed()) kept_[i] = {step.actor, step.record, true};
      continue;
    }
    RunStep(world, steps, i, &unused);
    const auto changed = kept_.find(*step.about);
    if (changed == kept_.end() || !changed->second.live) continue;
    if (step.act == Step::Act::kWithdraw) changed->second.live = false;
    if (step.act == Step::Act::kRevise) *changed->second.record.mutable_audience() = step.record.audience();
  }
}

bool Model::Sees(const std::string& member, size_t step) const {
  const auto found = kept_.find(step);
  if (found == kept_.end() || !found->second.live) return false;
  const Kept& kept = found->second;
  if (kept.owner == member) return true;
  const policy::MemberState& state = *world_.As(member).snapshot->policy_state().FindMember(member);
  if (state.kind == v1::MEMBER_KIND_SECRETARIAT) return false;
  for (const v1::Subject& excluded : kept.record.audience().exclusions()) {
    if (excluded.member() == "members/" + member) return false;
  }
  const v1::Member& facts = *world_.As(member).snapshot->PublicMember(state.number);
  const auto granted = [&](const v1::Grant& grant) {
    const v1::Subject& subject = grant.subject();
    const auto& groups = facts.groups();
    return subject.everyone() || subject.member() == facts.name() ||
           (subject.kind() != v1::MEMBER_KIND_UNSPECIFIED && subject.kind() == facts.kind()) ||
           std::find(groups.begin(), groups.end(), subject.group()) != groups.end();
  };
  const auto& grants = kept.record.audience().grants();
  if (std::none_of(grants.begin(), grants.end(), granted)) return false;
  if (!kept.record.has_opinion()) return true;
  for (const auto& [other, unused] : kept_) {
    if (NameOfStep(other) == kept.record.opinion().subject()) return Sees(member, other);
  }
  return false;
}

std::vector<std::string> Model::Visible(const std::string& member) const {
  std::vector<std::string> names;
  for (auto kept = kept_.rbegin(); kept != kept_.rend(); ++kept) {
    if (Sees(member, kept->first)) names.push_back(NameOfStep(kept->first));
  }
  return names;
}

}  // namespace coalition::testing
