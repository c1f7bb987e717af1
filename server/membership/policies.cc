#include "server/membership/policies.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/check_policy.h"
#include "common/policy/diff.h"
#include "common/policy/run_tests.h"
#include "common/strings.h"
#include "common/timestamp.h"
#include "server/membership/acts.h"
#include "server/membership/approvals.h"
#include "server/membership/stored_state.h"

namespace coalition::membership {
namespace {

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

// nullptr: no such version. 0: the newest.
const storage::v1::StoredPolicy* FindPolicy(const StoredState& stored, int64_t version) {
  if (version == 0) return &stored.policies.back();
  for (const auto& policy : stored.policies) {
    if (policy.version() == version) return &policy;
  }
  return nullptr;
}

// Of one member, oldest first.
std::vector<const storage::v1::StoredMemberPolicy*> OwnPolicies(const StoredState& stored, uint32_t member) {
  std::vector<const storage::v1::StoredMemberPolicy*> own;
  for (const auto& policy : stored.own_policies) {
    if (policy.member() == member) own.push_back(&policy);
  }
  return own;
}

std::vector<policy::PolicyProblem> ProblemsOf(const policy::State& state, const v1::CoalitionPolicy& policy) {
  std::vector<policy::PolicyProblem> problems = policy::CheckPolicy(policy);
  return problems.empty() ? policy::CheckPolicyNames(policy, state) : problems;
}

absl::Status ToStatus(const std::vector<policy::PolicyProblem>& problems) {
  FieldViolations violations;
  for (const policy::PolicyProblem& problem : problems) {
    violations.Add(problem.path.empty() ? "policy" : "policy." + problem.path, problem.message);
  }
  return violations.ToStatus();
}

absl::Status CheckTests(const v1::CoalitionPolicy& policy) {
  int failed = 0;
  std::string first;
  for (const policy::PolicyTestResult& test : policy::RunPolicyTests(policy)) {
    if (test.passed || failed++ > 0) continue;
    first = Quoted(test.name) + ": " + test.message;
  }
  if (failed == 0) return absl::OkStatus();
  return Error(v1::ERROR_REASON_POLICY_TEST_FAILED,
               absl::StrCat(failed, " of the policy's tests fail; the first is ", first),
               {{"tests_failed", std::to_string(failed)}});
}

absl::Status CheckEpoch(const Snapshot& snapshot, int64_t expected) {
  const auto now = static_cast<int64_t>(snapshot.policy_state().epoch());
  if (expected == now) return absl::OkStatus();
  return Error(
      v1::ERROR_REASON_EPOCH_STALE,
      "the coalition's policy or its members have changed since the epoch that was expected: look at the "
      "difference again",
      {{"epoch", std::to_string(now)}});
}

absl::Status NotReviewed(const policy::PolicyDiff& diff) {
  return Error(v1::ERROR_REASON_DIFF_NOT_REVIEWED,
               "the difference is not the one of this digest: look at it again", {{"digest", diff.digest}});
}

policy::PolicyDiff DiffToNewest(const policy::State& state, const v1::CoalitionPolicy& after) {
  return policy::DiffPolicies(state, state.policy(), state.policy_version(), after);
}

std::vector<std::string> NamesOf(const policy::State& state, const std::vector<uint32_t>& members) {
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const uint32_t member : members) names.push_back(FormatMemberName(state.member(member)->id));
  return names;
}

absl::Status CheckApprovals(const policy::State& state, const Approvals& approvals) {
  if (approvals.enough()) return absl::OkStatus();
  std::string from;
  for (const std::string& name : NamesOf(state, approvals.approved)) absl::StrAppend(&from, " ", name);
  return Error(
      v1::ERROR_REASON_APPROVALS_MISSING,
      absl::StrCat(
          "the change widens, which takes ", approvals.needed,
          " approvals of members that would not see more by it, or, where those are too few, of any that may "
          "approve; there are ",
          approvals.approved.size(), from.empty() ? "" : ":", from),
      {{"approvals", std::to_string(approvals.approved.size())},
       {"needed", std::to_string(approvals.needed)}});
}

std::string PolicyName(uint64_t version) { return absl::StrCat("policies/", version); }

// What is only asked for does not stand in the way of changes.
absl::Status MakeOrJudge(Directory& directory, const Directory::Judge& judge, bool validate_only) {
  return validate_only ? judge(directory.Current()).status() : directory.Make(judge).status();
}

// As it is compared and kept.
v1::MemberPolicy WithoutSetFields(v1::MemberPolicy policy) {
  policy.clear_name();
  policy.clear_version();
  policy.clear_epoch();
  return policy;
}

v1::MemberPolicy ToPublic(std::string_view member, const v1::MemberPolicy* policy) {
  v1::MemberPolicy shown;
  if (policy != nullptr) {
    shown = *policy;
  } else {
    shown.set_unbounded(true);
  }
  shown.set_name(FormatMemberName(member) + "/policy");
  return shown;
}

}  // namespace

v1::PolicyVersion Policies::Summary(const storage::v1::StoredPolicy& stored) {
  v1::PolicyVersion version;
  version.set_name(absl::StrCat("policies/", stored.version()));
  version.set_version(stored.version());
  version.set_epoch(static_cast<int64_t>(stored.epoch()));
  *version.mutable_apply_time() = ToTimestamp(stored.apply_time_ns());
  version.set_applied_by(stored.applied_by());
  version.set_diff_digest(stored.diff_digest());
  *version.mutable_approved_by() = stored.approved_by();
  version.set_title(stored.policy().title());
  return version;
}

absl::StatusOr<v1::PolicyVersion> Policies::Get(const Actor& actor, int64_t version) const {
  const storage::v1::StoredPolicy* stored = FindPolicy(actor.snapshot.stored(), version);
  if (stored == nullptr) return NotFound();
  v1::PolicyVersion shown = Summary(*stored);
  *shown.mutable_policy() = stored->policy();
  return shown;
}

v1::ValidatePolicyResponse Policies::Validate(const Actor& actor, const v1::CoalitionPolicy& policy) const {
  v1::ValidatePolicyResponse response;
  for (const policy::PolicyProblem& problem : ProblemsOf(actor.snapshot.policy_state(), policy)) {
    v1::PolicyProblem& shown = *response.add_problems();
    shown.set_path(problem.path);
    shown.set_message(problem.message);
  }
  if (!response.problems().empty()) return response;
  for (const policy::PolicyTestResult& test : policy::RunPolicyTests(policy)) {
    v1::PolicyTestResult& shown = *response.add_tests();
    shown.set_name(test.name);
    shown.set_passed(test.passed);
    shown.set_message(test.message);
  }
  return response;
}

absl::StatusOr<ComparedPolicies> Policies::Diff(const Actor& actor,
                                                const v1::DiffPolicyRequest& request) const {
  const policy::State& state = actor.snapshot.policy_state();
  if (auto status = ToStatus(ProblemsOf(state, request.policy())); !status.ok()) return status;
  const storage::v1::StoredPolicy* base = FindPolicy(actor.snapshot.stored(), request.base_version());
  if (base == nullptr) return NotFound();
  policy::PolicyDiff diff = policy::DiffPolicies(state, base->policy(), base->version(), request.policy());
  ComparedPolicies compared;
  compared.diff.set_base_version(base->version());
  compared.diff.set_epoch(static_cast<int64_t>(state.epoch()));
  compared.diff.set_digest(diff.digest);
  compared.diff.set_widens(diff.widens);
  compared.diff.set_narrows(diff.narrows);
  if (base->version() == state.policy_version()) {
    const auto approvals = CountApprovals(directory_.store(), actor.snapshot, diff, 0);
    if (!approvals.ok()) return approvals.status();
    compared.diff.set_approvals_needed(approvals->needed);
    for (std::string& name : NamesOf(state, approvals->approved))
      compared.diff.add_approved_by(std::move(name));
    compared.after = std::make_shared<policy::State>(
        policy::WithPolicy(state, request.policy(), directory_.store().Head() + 1));
  }
  for (auto& change : diff.access_changes) *compared.diff.add_access_changes() = std::move(change);
  for (auto& change : diff.other_changes) *compared.diff.add_other_changes() = std::move(change);
  return compared;
}

absl::StatusOr<v1::ApprovePolicyResponse> Policies::Approve(const Actor& actor,
                                                            const v1::ApprovePolicyRequest& request) {
  // Made outside the lock: it may take long, and suspensions would wait for it.
  const std::shared_ptr<const Snapshot> base = directory_.Current();
  const uint32_t member = actor.caller.member_number;
  if (auto may = CheckMayChange(*base, actor, v1::ROLE_MEMBER_ADMIN); !may.ok()) return may;
  if (auto status = ToStatus(ProblemsOf(base->policy_state(), request.policy())); !status.ok()) return status;
  if (auto status = CheckEpoch(*base, request.expected_epoch()); !status.ok()) return status;
  const policy::PolicyDiff diff = DiffToNewest(base->policy_state(), request.policy());
  if (diff.digest != request.diff_digest()) return NotReviewed(diff);
  const auto judge =
      [&](const std::shared_ptr<const Snapshot>& newest) -> absl::StatusOr<std::optional<Change>> {
    const Snapshot& current = *newest;
    const policy::State& state = current.policy_state();
    if (auto may = CheckMayChange(current, actor, v1::ROLE_MEMBER_ADMIN); !may.ok()) return may;
    if (auto status = CheckEpoch(current, request.expected_epoch()); !status.ok()) return status;
    if (!ApprovalCounts(state, diff, member)) {
      return Error(
          v1::ERROR_REASON_APPROVAL_NOT_COUNTED,
          "your member's approval would not count: it is of no kind that may approve, or would see more by "
          "the change itself");
    }
    const std::string key = ApprovalPrefix(state.policy_version(), diff.digest) + BigEndian(member);
    const auto kept = directory_.store().Read(std::span(&key, 1), directory_.store().Head());
    if (!kept.ok()) return kept.status();
    storage::v1::StoredApproval approval;
    if ((*kept)[0].has_value()) {
      if (!approval.ParseFromString((*kept)[0]->value)) return Unparseable();
      if (StillStands(current, member, approval.approved_by(), approval.revision())) {
        return std::optional<Change>();
      }
    }
    approval.set_member(member);
    approval.set_base_version(state.policy_version());
    approval.set_diff_digest(diff.digest);
    approval.set_approved_by(NameOf(actor.caller));
    approval.set_approve_time_ns(actor.now_ns);
    Change change;
    change.begins_epoch = false;
    change.writes = [&actor, &request, key, approval](store::Revision revision, uint64_t epoch,
                                                      storage::v1::StoredCoalition*) mutable {
      approval.set_revision(revision);
      std::vector<store::Write> writes = {Stored(key, approval)};
      AddActs(
          {{PolicyName(approval.base_version() + 1), "approved", 0, request.policy().SerializeAsString()}},
          actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return made.status();
  const auto approvals = CountApprovals(directory_.store(), **made, diff, 0);
  if (!approvals.ok()) return approvals.status();
  v1::ApprovePolicyResponse response;
  response.set_approvals_needed(approvals->needed);
  for (std::string& name : NamesOf((*made)->policy_state(), approvals->approved)) {
    response.add_approved_by(std::move(name));
  }
  return response;
}

absl::StatusOr<v1::ApplyPolicyResponse> Policies::Apply(const Actor& actor,
                                                        const v1::ApplyPolicyRequest& request) {
  const std::string text = request.policy().SerializeAsString();
  storage::v1::StoredPolicy next;
  // Not within the lock, which suspensions wait for: it may take long. It holds for as long as the epoch goes
  // on.
  const policy::State& asked = actor.snapshot.policy_state();
  absl::Status sound;
  policy::PolicyDiff diff;
  if (asked.policy().SerializeAsString() != text) {
    if (auto status = CheckMayChange(actor.snapshot, actor, v1::ROLE_COALITION_ADMIN); !status.ok())
      return status;
    sound = ToStatus(ProblemsOf(asked, request.policy()));
    if (sound.ok()) sound = CheckTests(request.policy());
    if (sound.ok()) sound = CheckEpoch(actor.snapshot, request.expected_epoch());
    if (sound.ok()) diff = DiffToNewest(asked, request.policy());
  }
  const auto judge =
      [&](const std::shared_ptr<const Snapshot>& newest) -> absl::StatusOr<std::optional<Change>> {
    const Snapshot& current = *newest;
    const policy::State& state = current.policy_state();
    if (auto status = CheckMayChange(current, actor, v1::ROLE_COALITION_ADMIN); !status.ok()) {
      return status;
    }
    next = current.stored().policies.back();
    // Also a repetition of what was done.
    if (state.policy().SerializeAsString() == text) return std::optional<Change>();
    if (!sound.ok()) return sound;
    if (auto status = CheckEpoch(current, static_cast<int64_t>(asked.epoch())); !status.ok()) return status;
    const bool covered = request.diff_digest().empty() ? !diff.widens : request.diff_digest() == diff.digest;
    if (!covered) return NotReviewed(diff);
    const auto approvals = CountApprovals(directory_.store(), current, diff, actor.caller.member_number);
    if (!approvals.ok()) return approvals.status();
    if (auto status = CheckApprovals(state, *approvals); !status.ok()) return status;
    next.Clear();
    next.set_version(state.policy_version() + 1);
    next.set_epoch(state.epoch() + 1);
    next.set_apply_time_ns(actor.now_ns);
    next.set_applied_by(NameOf(actor.caller));
    next.set_diff_digest(diff.digest);
    for (std::string& name : NamesOf(state, approvals->approved)) next.add_approved_by(std::move(name));
    *next.mutable_policy() = request.policy();
    if (request.validate_only()) return std::optional<Change>();
    Change change;
    change.writes = [&next, &actor, &text](store::Revision revision, uint64_t epoch,
                                           storage::v1::StoredCoalition* coalition) {
      next.set_revision(revision);
      next.set_epoch(epoch);
      policy::ViewNames names({coalition->view_names().begin(), coalition->view_names().end()});
      const policy::CompiledPolicy compiled(next.policy(), &names);
      coalition->clear_view_names();
      for (const std::string& name : names.names()) coalition->add_view_names(name);
      std::vector<store::Write> writes = {Stored(PolicyKey(next.version()), next)};
      AddActs({{PolicyName(next.version()), "is in force", 0, text}}, actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const absl::Status made = MakeOrJudge(directory_, judge, request.validate_only());
  if (!made.ok()) return made;
  v1::ApplyPolicyResponse response;
  *response.mutable_policy() = Summary(next);
  return response;
}

absl::StatusOr<v1::MemberPolicy> Policies::GetOwn(const Actor& actor, int64_t version) const {
  const auto own = OwnPolicies(actor.snapshot.stored(), actor.caller.member_number);
  if (version == 0) return ToPublic(actor.caller.member, own.empty() ? nullptr : &own.back()->policy());
  for (const auto* policy : own) {
    if (policy->policy().version() == version) return ToPublic(actor.caller.member, &policy->policy());
  }
  return NotFound();
}

absl::StatusOr<ComparedOwnPolicies> Policies::SetOwn(const Actor& actor,
                                                     const v1::SetMemberPolicyRequest& request) {
  const uint32_t member = actor.caller.member_number;
  const v1::MemberPolicy wanted = WithoutSetFields(request.policy());
  ComparedOwnPolicies compared;
  storage::v1::StoredMemberPolicy next;
  const auto judge =
      [&](const std::shared_ptr<const Snapshot>& newest) -> absl::StatusOr<std::optional<Change>> {
    const Snapshot& current = *newest;
    const policy::State& state = current.policy_state();
    // What a change would do everybody of the member may ask.
    if (!request.validate_only()) {
      const auto status = CheckMayChange(current, actor, v1::ROLE_MEMBER_ADMIN);
      if (!status.ok()) return status;
    }
    const auto own = OwnPolicies(current.stored(), member);
    const v1::MemberPolicy* before = own.empty() ? nullptr : &own.back()->policy();
    const int64_t version = before == nullptr ? 0 : before->version();
    if (request.has_expected_version() && request.expected_version() != version) {
      return Error(v1::ERROR_REASON_EPOCH_STALE,
                   "another version of your policy is in force than you expected",
                   {{"version", std::to_string(version)}});
    }
    std::vector<policy::PolicyProblem> problems = policy::CheckMemberPolicy(wanted, state);
    if (before != nullptr && wanted.accepts_policy_version() < before->accepts_policy_version()) {
      problems.push_back(
          {"accepts_policy_version",
           absl::StrCat("what was accepted stays accepted: at least ", before->accepts_policy_version())});
    }
    if (auto status = ToStatus(problems); !status.ok()) return status;
    const bool same =
        before != nullptr && WithoutSetFields(*before).SerializeAsString() == wanted.SerializeAsString();
    const auto today = std::count_if(own.begin(), own.end(), [&](const auto* policy) {
      return policy->set_time_ns() > actor.now_ns - kDayNs;
    });
    if (!same && !request.validate_only() && today >= options_.own_policy_changes_per_day_max) {
      return Error(v1::ERROR_REASON_RATE_LIMITED, "your member has changed its policy too often today",
                   {{"limit", "own_policy_changes_per_day"}});
    }
    compared.before = newest;
    *compared.response.mutable_policy() = ToPublic(actor.caller.member, before);
    // So that it costs those who wait for the lock nothing.
    if (same) return std::optional<Change>();
    for (auto& change : policy::DiffMemberPolicies(state, member, before, wanted)) {
      *compared.response.add_access_changes() = std::move(change);
    }
    compared.after = std::make_shared<policy::State>(
        policy::WithMemberPolicy(state, member, wanted, directory_.store().Head() + 1));
    if (request.validate_only()) return std::optional<Change>();
    next.set_member(member);
    next.set_set_time_ns(actor.now_ns);
    next.set_set_by(NameOf(actor.caller));
    *next.mutable_policy() = wanted;
    next.mutable_policy()->set_version(version + 1);
    Change change;
    change.begins_epoch = false;
    change.writes = [&next, &actor, member](store::Revision revision, uint64_t epoch,
                                            storage::v1::StoredCoalition*) {
      next.set_revision(revision);
      next.mutable_policy()->set_epoch(static_cast<int64_t>(epoch));
      std::vector<store::Write> writes = {Stored(OwnPolicyKey(revision, member), next)};
      AddActs({OwnPolicyAct(FormatMemberName(actor.caller.member), next)}, actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const absl::Status made = MakeOrJudge(directory_, judge, request.validate_only());
  if (!made.ok()) return made;
  if (next.has_policy()) *compared.response.mutable_policy() = ToPublic(actor.caller.member, &next.policy());
  return compared;
}

}  // namespace coalition::membership
