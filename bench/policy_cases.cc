#include "bench/policy_cases.h"

#include <array>
#include <memory>
#include <random>
#include <utility>

#include "common/policy/default_policy.h"

namespace coalition::policy {
namespace {

std::array<Header, 3> GrantedReports() {
  Header kind = Report(), everyone = Report(), groups = Report();
  kind.grants = {{SubjectKind::kKind, kViewFull, 2, 100}};
  everyone.grants = {{SubjectKind::kEveryone, kViewNotice, 0, 100}};
  everyone.exclusions = {{SubjectKind::kMember, 3}};
  groups.grants = {{SubjectKind::kGroup, kViewFull, 4, 100},
                   {SubjectKind::kGroup, kViewNotice, 11, 100},
                   {SubjectKind::kMember, kViewFull, 9, 100}};
  groups.exclusions = {{SubjectKind::kKind, 7}};
  return {kind, everyone, groups};
}

}  // namespace

State MakeState(uint32_t members, Rules rules) {
  std::vector<MemberState> all;
  for (uint32_t number = 1; number <= members; ++number) {
    MemberState member;
    member.number = number;
    member.id = "member-" + std::to_string(number);
    member.kind = static_cast<v1::MemberKind>(1 + number % 7);
    member.standing = v1::STANDING_ACTIVE;
    member.kind_held = {{1, 5}, {7, kStill}};
    for (uint32_t group = 0; group < 3; ++group)
      member.groups.push_back({1 + (number + 7 * group) % 20, {{8, kStill}}});
    if (number % 10 < 2) member.control_group = "holding-" + std::to_string(number / 10);
    all.push_back(std::move(member));
  }
  std::vector<GroupState> groups;
  for (uint32_t number = 1; number <= 20; ++number)
    groups.push_back({number, "group-" + std::to_string(number), true});
  return {1,
          std::move(all),
          std::move(groups),
          {{1, "bazaar.example", {{1, {1, 90}}, {8, {90, kStill}}}}},
          std::move(rules)};
}

Header Report() {
  Header header;
  header.record_class = v1::RECORD_CLASS_OFFENDER_REPORT;
  header.label = v1::LABEL_GREEN;
  header.permitted_action = v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION;
  header.contributor = kContributorBound;
  header.platform = 1;
  header.made = 100;
  header.expire_time_s = kCaseNow + 1;
  return header;
}

std::vector<std::string> TypicalHeaders() {
  std::vector<std::string> headers;
  for (const Header& header : GrantedReports()) headers.push_back(EncodeHeader(header));
  return headers;
}

std::vector<std::string> ManyHeaders(uint32_t count, const std::vector<uint32_t>& contributors) {
  const auto granted = GrantedReports();
  std::mt19937 random(1);
  std::vector<std::string> headers;
  headers.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    Header header = granted[random() % granted.size()];
    header.contributor = contributors[random() % contributors.size()];
    header.platform = random() % 2;
    header.made = 100 + random() % 200;
    for (HeaderGrant& grant : header.grants) grant.attached = header.made;
    headers.push_back(EncodeHeader(header));
  }
  return headers;
}

v1::CoalitionPolicy Denying(uint32_t first, uint32_t count) {
  v1::CoalitionPolicy policy = DefaultPolicy();
  for (uint32_t i = 0; i < count; ++i) {
    v1::Deny& deny = *policy.add_denies();
    deny.set_id("deny-" + std::to_string(i));
    deny.mutable_subject()->set_member("members/member-" + std::to_string(first + i));
    deny.add_labels(static_cast<v1::Label>(1 + i % 3));
  }
  return policy;
}

Rules ManyChanges() {
  const std::string denied = "members/member-" + std::to_string(kReaderDenied);
  Rules rules = DefaultRules();
  for (uint32_t i = 2; i <= 20; ++i) {
    v1::CoalitionPolicy policy = Denying(kReaderDenied, i > 17 ? 3 : 0);
    for (v1::Deny& deny : *policy.mutable_denies()) deny.mutable_subject()->set_member(denied);
    policy.mutable_ceilings()->DeleteSubrange(static_cast<int>(i % 4), 1);
    auto compiled = std::make_shared<const CompiledPolicy>(policy, &rules.view_names);
    rules.policies.push_back({i, i, 10 * i, std::move(compiled)});
  }
  for (uint32_t i = 1; i <= 3; ++i) {
    v1::MemberPolicy own;
    *own.mutable_ceilings() = DefaultPolicy().ceilings();
    own.add_exclusions()->set_member("members/member-" + std::to_string(30 + i));
    own.set_version(i);
    rules.member_policies.push_back({kContributorBound, 50 * i, own});
  }
  return rules;
}

}  // namespace coalition::policy
