// When a member leaves and its records go to another one, nobody but that one sees more of them than before:
// neither at once nor later, whatever becomes of the coalition. The positive control: the same property,
// asked of a transfer that forgets something, is refuted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include "common/policy/transfer.h"
#include "tests/property/policy_properties.h"
#include "tests/property/policy_property_tools.h"

namespace coalition::testing {
namespace {

using policy::Header;
using policy::MemberState;
using policy::State;

struct Transfer {
  // As policy::WrongWithTransfer.
  std::function<std::string(const World&, uint32_t from, uint32_t to)> wrong;
  std::function<Header(const State&, const Header&, uint32_t to)> given;
};

std::string Wrong(const World& world, uint32_t from, uint32_t to) {
  return policy::WrongWithTransfer(world.MakeState(), from, to);
}

Transfer Engine() { return {Wrong, policy::GivenTo}; }

// Everybody is ACTIVE, has held all that it holds for long, and the coalition's policy is another one.
World Later(World world, const Case& c) {
  for (MemberState& member : world.members) {
    if (member.standing != v1::STANDING_EXITED) member.standing = v1::STANDING_ACTIVE;
  }
  const int64_t version = world.policies.back().version + 1;
  world.policies.push_back({version, static_cast<uint64_t>(version), kWorldHead, Compile(c.policy)});
  return world;
}

Violation NobodyElseSeesMore(const Transfer& transfer, const Case& c) {
  World before = c.world;
  const uint32_t from = before.header.contributor;
  MemberState& leaver = before.members[from - 1];
  MemberState& successor = Chosen(before, c.choice);
  if (successor.number == from) return std::nullopt;
  // For most cases to be allowed.
  if (c.choice % 3 != 0) successor.kind = leaver.kind;
  for (policy::MemberPolicyInForce& own : before.member_policies) {
    const bool bounds = c.choice % 7 == 0;
    if (own.member != from || bounds) continue;
    own.policy.set_unbounded(true);
    own.policy.clear_ceilings();
  }
  if (c.choice % 4 == 1) {
    v1::MemberPolicy accepts;
    accepts.set_unbounded(true);
    accepts.set_accepts_policy_version(before.policies.back().version);
    before.member_policies.push_back({successor.number, kWorldHead, accepts});
  }
  if (!transfer.wrong(before, from, successor.number).empty()) return std::nullopt;
  leaver.standing = v1::STANDING_EXITED;
  World after = before;
  after.header = transfer.given(before.MakeState(), before.header, successor.number);
  const Decider decide = ReferenceDecides();
  if (!DecideAll(decide, after)[successor.number - 1].owner) return "the successor does not have the record";
  const auto others_see_more = [&](const World& was_world, const World& is_world, const char* when) {
    const auto was = DecideAll(decide, was_world), is = DecideAll(decide, is_world);
    for (const MemberState& member : was_world.members) {
      const size_t i = member.number - 1;
      if (member.number != successor.number && SeesMore(was[i], is[i]))
        return Violation(testing::Wrong(when, member.number));
    }
    return Violation();
  };
  if (auto more = others_see_more(before, after, "sees more at once")) return more;
  return others_see_more(Later(before, c), Later(after, c), "sees more later");
}

RC_GTEST_PROP(PolicyTransfer, NobodyElseSeesMore, ()) {
  const Case c = *LiveCase();
  std::ostringstream text;
  text << c;
  if (const Violation violation = NobodyElseSeesMore(Engine(), c)) RC_FAIL(*violation + "\n" + text.str());
}

int Refuted(const Transfer& transfer) {
  const rc::Gen<Case> cases = LiveCase();
  rc::Random random(20260101);
  int refuted = 0;
  for (int i = 0; i < 20'000 && refuted < 3; ++i) {
    if (NobodyElseSeesMore(transfer, cases(random.split(), rc::kNominalSize).value())) ++refuted;
  }
  return refuted;
}

TEST(PolicyTransfer, OneThatLosesTheLeaversExclusionsIsRefuted) {
  Transfer transfer = Engine();
  transfer.given = [](const State&, Header header, uint32_t to) {
    header.contributor = to;
    return header;
  };
  EXPECT_EQ(Refuted(transfer), 3);
}

TEST(PolicyTransfer, OneThatCarriesTheNewestExclusionsAloneIsRefuted) {
  Transfer transfer = Engine();
  transfer.given = [](const State& state, Header header, uint32_t to) {
    const auto carried = policy::ExclusionsToCarry(state, header.contributor, kWorldHead);
    header.exclusions.insert(header.exclusions.end(), carried.named.begin(), carried.named.end());
    header.contributor = to;
    return header;
  };
  EXPECT_EQ(Refuted(transfer), 3);
}

TEST(PolicyTransfer, OneThatAttachesGrantsAnewIsRefuted) {
  Transfer transfer = Engine();
  transfer.given = [](const State& state, const Header& header, uint32_t to) {
    Header given = policy::GivenTo(state, header, to);
    given.made = kWorldHead;
    for (auto& grant : given.grants) grant.attached = kWorldHead;
    return given;
  };
  EXPECT_EQ(Refuted(transfer), 3);
}

TEST(PolicyTransfer, OneThatLosesTheLeaversCeilingsIsRefuted) {
  Transfer transfer = Engine();
  transfer.wrong = [](World world, uint32_t from, uint32_t to) {
    for (auto& own : world.member_policies) own.policy.set_unbounded(true);
    return Wrong(world, from, to);
  };
  EXPECT_EQ(Refuted(transfer), 3);
}

TEST(PolicyTransfer, OneToWhomAcceptsLaterVersionsIsRefuted) {
  Transfer transfer = Engine();
  transfer.wrong = [](World world, uint32_t from, uint32_t to) {
    for (auto& own : world.member_policies) own.policy.clear_accepts_policy_version();
    return Wrong(world, from, to);
  };
  EXPECT_EQ(Refuted(transfer), 3);
}

TEST(PolicyTransfer, OneToAnotherKindOfMemberIsRefuted) {
  Transfer transfer = Engine();
  transfer.wrong = [](World world, uint32_t from, uint32_t to) {
    world.members[to - 1].kind = world.members[from - 1].kind;
    return Wrong(world, from, to);
  };
  EXPECT_EQ(Refuted(transfer), 3);
}

}  // namespace
}  // namespace coalition::testing
