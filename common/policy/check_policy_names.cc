// What of a policy can be judged only with the coalition.
#include <algorithm>
#include <set>

#include "common/policy/check_policy.h"
#include "common/policy/policy_checker.h"
#include "common/policy/subject.h"

namespace coalition::policy {
namespace {

void CheckSubject(const State& state, const std::string& path, const v1::Subject& subject, Checker* check) {
  const ResolvedSubject resolved = ResolveSubject(state, subject);
  if (!resolved.subject) check->Add(path + resolved.path, resolved.problem);
}

// A quorum that is raised above what there is could never be lowered again.
void CheckQuorum(const v1::Quorum& quorum, const State& state, Checker* check) {
  if (quorum.approvals() <= state.policy().limits().widening().approvals()) return;
  std::set<uint32_t> groups;  // by their first member
  for (const MemberState& member : state.members()) {
    const bool may = std::find(quorum.electorate().begin(), quorum.electorate().end(), member.kind) !=
                     quorum.electorate().end();
    if (!may || member.standing != v1::STANDING_ACTIVE) continue;
    const auto& group = state.ControlGroup(member.number);
    groups.insert(*std::min_element(group.begin(), group.end()));
  }
  if (static_cast<size_t>(quorum.approvals()) <= groups.size()) return;
  check->Add("limits.widening.approvals", "is more than could ever approve: of these kinds there are " +
                                              std::to_string(groups.size()) +
                                              " members, each of another control group");
}

}  // namespace

std::vector<PolicyProblem> CheckPolicyNames(const v1::CoalitionPolicy& policy, const State& state) {
  Checker check;
  for (int i = 0; i < policy.denies_size(); ++i) {
    CheckSubject(state, At("denies", i) + ".subject", policy.denies(i).subject(), &check);
  }
  for (int i = 0; i < policy.audiences_size(); ++i) {
    const v1::Audience& audience = policy.audiences(i).audience();
    const std::string path = At("audiences", i) + ".audience";
    for (int k = 0; k < audience.grants_size(); ++k) {
      CheckSubject(state, At(path + ".grants", k) + ".subject", audience.grants(k).subject(), &check);
    }
    for (int k = 0; k < audience.exclusions_size(); ++k) {
      CheckSubject(state, At(path + ".exclusions", k), audience.exclusions(k), &check);
    }
  }
  CheckQuorum(policy.limits().widening(), state, &check);
  ViewNames names = state.view_names();
  for (int i = 0; i < policy.views_size(); ++i) {
    if (names.Add(policy.views(i).name()) != kNoView) continue;
    check.Add(At("views", i) + ".name",
              "the coalition has used " + std::to_string(kViewNamesMax) +
                  " names of views, which is all there are; take one of those again");
  }
  return check.Take();
}

std::vector<PolicyProblem> CheckMemberPolicy(const v1::MemberPolicy& policy, const State& state) {
  Checker check;
  check.Unknown("", policy);
  Views views;
  for (const v1::ViewDefinition& view : state.policy().views()) {
    views[view.record_class()].insert(view.name());
  }
  if (policy.unbounded() && !policy.ceilings().empty()) {
    check.Add("ceilings", "can't be given together with unbounded");
  }
  if (!policy.unbounded() && policy.ceilings().empty()) {
    check.Add(
        "ceilings",
        "is missing: say unbounded for no bound of your own, or a ceiling with view \"none\" to hide all");
  }
  if (policy.ceilings_size() > kPolicyEntriesMax || policy.exclusions_size() > kPolicyEntriesMax) {
    check.Add("", "has more than " + std::to_string(kPolicyEntriesMax) + " ceilings or exclusions");
  } else {
    check.Ceilings(policy.ceilings(), views);
  }
  for (int i = 0; i < policy.exclusions_size(); ++i) {
    const std::string path = At("exclusions", i);
    if (policy.exclusions(i).subject_case() == v1::Subject::kEveryone) {
      check.Add(path, "an exclusion can't name everyone; a ceiling with view \"none\" hides all");
      continue;
    }
    CheckSubject(state, path, policy.exclusions(i), &check);
  }
  if (policy.accepts_records_of_size() > kPolicyEntriesMax) {
    check.Add("accepts_records_of", "has more than " + std::to_string(kPolicyEntriesMax) + " members");
  }
  for (int i = 0; i < std::min(policy.accepts_records_of_size(), kPolicyEntriesMax); ++i) {
    const auto id = ParseMemberName(policy.accepts_records_of(i));
    if (!id.ok() || state.FindMember(*id) == nullptr) {
      check.Add(At("accepts_records_of", i), "is no member: " + Quoted(policy.accepts_records_of(i)));
    }
  }
  if (policy.accepts_policy_version() < 0 || policy.accepts_policy_version() > state.policy_version()) {
    check.Add("accepts_policy_version",
              "there is no such version; the newest is " + std::to_string(state.policy_version()));
  }
  return check.Take();
}

}  // namespace coalition::policy
