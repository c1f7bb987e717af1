#include "tests/property/exchange_policies.h"

#include <algorithm>

#include "common/policy/default_policy.h"

namespace coalition::testing {
namespace {

bool Chosen(uint32_t bits, int bit) { return (bits >> bit & 1U) != 0; }

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

v1::MemberPolicy AsidePolicyOf(uint32_t bits) {
  // Ceilings would bound everybody by what views show when they are set.
  v1::MemberPolicy own;
  own.set_unbounded(true);
  if (Chosen(bits, 0)) *own.add_exclusions() = Member("customs");
  if (Chosen(bits, 1)) own.add_exclusions()->set_kind(v1::MEMBER_KIND_OBSERVER);
  return own;
}

}  // namespace coalition::testing
