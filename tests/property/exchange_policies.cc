#include "tests/property/exchange_policies.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/policy/default_policy.h"
#include "server/membership/policies.h"

namespace coalition::testing {
namespace {

bool Chosen(uint32_t bits, int bit) { return (bits >> bit & 1U) != 0; }

void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

// From every view of that name; back as a token if it can be one.
void Take(v1::CoalitionPolicy& policy, const std::string& view_name, const std::string& path, bool as_token) {
  for (auto& view : *policy.mutable_views()) {
    auto* full = view.mutable_full();
    const auto found = std::find(full->begin(), full->end(), path);
    if (view.name() != view_name || found == full->end()) continue;
    full->erase(found);
    if (as_token) view.add_token(path);
  }
}

void Deny(v1::CoalitionPolicy& policy, const std::string& id, const v1::Subject& subject) {
  v1::Deny* deny = policy.add_denies();
  deny->set_id(id);
  *deny->mutable_subject() = subject;
}

v1::Subject Group(const std::string& id) {
  v1::Subject subject;
  subject.set_group("groups/" + id);
  return subject;
}
v1::Subject Member(const std::string& id) {
  v1::Subject subject;
  subject.set_member("members/" + id);
  return subject;
}

membership::Actor ActorOf(const exchange::CallContext& context) {
  return {context.caller, *context.snapshot, context.now_ns};
}

}  // namespace

v1::CoalitionPolicy PolicyOf(uint32_t bits) {
  v1::CoalitionPolicy policy = policy::DefaultPolicy();
  policy.clear_policy_test();
  policy.clear_limits();
  if (Chosen(bits, 0)) Take(policy, "full", "seller.seller_id", true);
  if (Chosen(bits, 1)) Take(policy, "full", "contributor", Chosen(bits, 2));
  if (Chosen(bits, 3)) Take(policy, "notice", "seller.seller_id", Chosen(bits, 2));
  if (Chosen(bits, 4)) Take(policy, "full", "report", false);
  if (Chosen(bits, 5)) Take(policy, "full", "verdict", false);
  if (Chosen(bits, 6)) Take(policy, "full", "create_time", false);
  if (Chosen(bits, 7)) policy.mutable_ceilings(0)->set_view("notice");
  if (Chosen(bits, 8) && Chosen(bits, 9)) policy.mutable_ceilings(0)->mutable_labels()->RemoveLast();
  if (Chosen(bits, 10) && Chosen(bits, 11)) Deny(policy, "club", Group("club"));
  if (Chosen(bits, 12) && Chosen(bits, 13)) {
    Deny(policy, "aurore", Member("aurore"));
    policy.mutable_denies()->rbegin()->add_record_classes(v1::RECORD_CLASS_OPINION);
  }
  if (Chosen(bits, 14)) policy.mutable_ceilings(0)->mutable_record_classes()->RemoveLast();
  return policy;
}

v1::MemberPolicy OwnPolicyOf(uint32_t bits) {
  v1::MemberPolicy own;
  own.set_unbounded(!Chosen(bits, 0));
  if (Chosen(bits, 0)) {
    *own.add_ceilings() = policy::DefaultPolicy().ceilings(0);
    own.mutable_ceilings(0)->set_view(Chosen(bits, 1) ? "full" : "notice");
    if (Chosen(bits, 2)) own.mutable_ceilings(0)->add_kinds(v1::MEMBER_KIND_MARKETPLACE);
  }
  if (Chosen(bits, 3) && Chosen(bits, 4)) *own.add_exclusions() = Group("club");
  if (Chosen(bits, 5)) *own.add_exclusions() = Member("souk");
  if (Chosen(bits, 6) && Chosen(bits, 7)) *own.add_exclusions() = Member("paylink");
  return own;
}

WorldOptions PolicyWorld() {
  WorldOptions options;
  options.in_memory = true;
  *options.bootstrap.mutable_policy() = PolicyOf(0);
  for (auto& member : *options.bootstrap.mutable_members()) {
    member.mutable_credentials(0)->add_roles(v1::ROLE_MEMBER_ADMIN);
    if (member.kind() == v1::MEMBER_KIND_SECRETARIAT) {
      member.mutable_credentials(0)->add_roles(v1::ROLE_COALITION_ADMIN);
    }
  }
  return options;
}

void ApplyPolicy(World& world, const v1::CoalitionPolicy& policy) {
  membership::Policies policies(world.directory(), {});
  const exchange::CallContext office = world.As("office", {v1::ROLE_COALITION_ADMIN});
  v1::DiffPolicyRequest asked;
  *asked.mutable_policy() = policy;
  const auto compared = policies.Diff(ActorOf(office), asked);
  Require(compared.status(), "diff");
  v1::ApplyPolicyRequest apply;
  *apply.mutable_policy() = policy;
  apply.set_expected_epoch(compared->diff.epoch());
  apply.set_diff_digest(compared->diff.digest());
  Require(policies.Apply(ActorOf(office), apply).status(), "apply");
}

void SetOwnPolicy(World& world, const std::string& member, const v1::MemberPolicy& policy) {
  membership::PolicyOptions options;
  options.own_policy_changes_per_day_max = 1'000;
  membership::Policies policies(world.directory(), options);
  const exchange::CallContext context = world.As(member, {v1::ROLE_MEMBER_ADMIN});
  v1::SetMemberPolicyRequest request;
  *request.mutable_policy() = policy;
  // What was accepted stays accepted; a third of the time all there is.
  const auto before = policies.GetOwn(ActorOf(context), 0);
  Require(before.status(), "own policy");
  const int64_t newest = context.snapshot->policy_state().policy_version();
  request.mutable_policy()->set_accepts_policy_version(
      policy.exclusions_size() == 1 ? newest : before->accepts_policy_version());
  Require(policies.SetOwn(ActorOf(context), request).status(), "set own policy");
}

}  // namespace coalition::testing
