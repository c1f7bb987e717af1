// The cast of the scenes: brands aurore, belmont and corsa, marketplaces bazaar and souk, payment firm
// paylink, observer watch, secretariat office.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/policy/decide.h"
#include "common/policy/header.h"
#include "common/policy/state.h"

namespace coalition::policy {

inline constexpr uint32_t kAurore = 1, kBelmont = 2, kCorsa = 3, kBazaar = 4, kSouk = 5, kPaylink = 6,
                          kWatch = 7, kOffice = 8;
inline constexpr uint32_t kInner = 1, kWide = 2;                    // groups: the first is closed
inline constexpr uint32_t kBazaarExample = 1, kNobodysExample = 2;  // platforms
inline constexpr int64_t kNow = 1'767'225'600;
inline constexpr uint64_t kMade = 100;

inline MemberState Member(uint32_t number, const std::string& id, v1::MemberKind kind) {
  MemberState member;
  member.number = number;
  member.id = id;
  member.kind = kind;
  member.standing = v1::STANDING_ACTIVE;
  member.kind_held = {{1, kStill}};
  return member;
}

inline std::vector<MemberState> Members() {
  std::vector<MemberState> members = {
      Member(kAurore, "aurore", v1::MEMBER_KIND_BRAND),
      Member(kBelmont, "belmont", v1::MEMBER_KIND_BRAND),
      Member(kCorsa, "corsa", v1::MEMBER_KIND_BRAND),
      Member(kBazaar, "bazaar", v1::MEMBER_KIND_MARKETPLACE),
      Member(kSouk, "souk", v1::MEMBER_KIND_MARKETPLACE),
      Member(kPaylink, "paylink", v1::MEMBER_KIND_PAYMENT),
      Member(kWatch, "watch", v1::MEMBER_KIND_OBSERVER),
      Member(kOffice, "office", v1::MEMBER_KIND_SECRETARIAT),
  };
  members[kAurore - 1].groups = {{kInner, {{1, kStill}}}, {kWide, {{1, kStill}}}};
  members[kBelmont - 1].groups = {{kInner, {{1, kStill}}}, {kWide, {{1, kStill}}}};
  return members;
}

inline State MakeState(std::vector<MemberState> members = Members(),
                       std::vector<PlatformHolder> holders_of_bazaar = {{kBazaar, {1, kStill}}},
                       Rules rules = DefaultRules()) {
  return {7,
          std::move(members),
          {{kInner, "inner", true}, {kWide, "wide", false}},
          {{kBazaarExample, "bazaar.example", std::move(holders_of_bazaar)},
           {kNobodysExample, "nobodys.example", {}}},
          std::move(rules)};
}

// A live report of aurore's about a seller of bazaar's, granted to nobody.
inline Header Report() {
  Header header;
  header.record_class = v1::RECORD_CLASS_OFFENDER_REPORT;
  header.label = v1::LABEL_AMBER;
  header.permitted_action = v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION;
  header.contributor = kAurore;
  header.platform = kBazaarExample;
  header.made = kMade;
  header.expire_time_s = kNow + 1;
  return header;
}

inline HeaderGrant ToMember(uint32_t member, ViewId view = kViewFull) {
  return {SubjectKind::kMember, view, member, kMade};
}
inline HeaderGrant ToGroup(uint32_t group, ViewId view = kViewFull) {
  return {SubjectKind::kGroup, view, group, kMade};
}
inline HeaderGrant ToKind(v1::MemberKind kind, ViewId view = kViewFull) {
  return {SubjectKind::kKind, view, static_cast<uint32_t>(kind), kMade};
}
inline HeaderGrant ToEveryone(ViewId view = kViewFull) { return {SubjectKind::kEveryone, view, 0, kMade}; }

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// `policy` alone, from the beginning on.
inline Rules RulesOf(const v1::CoalitionPolicy& policy) {
  Rules rules;
  rules.policies.push_back({1, 1, 0, std::make_shared<const CompiledPolicy>(policy, &rules.view_names)});
  return rules;
}

// What a view of the default policy shows.
inline View DefaultView(v1::RecordClass record_class, ViewId id) {
  return DefaultRules().policies.back().policy->views().At(record_class, id);
}

inline Decision DecideOn(const State& state, uint32_t member, const Header& header, int64_t now_s = kNow) {
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  return view ? Decide(state, member, *view, now_s) : Decision{};
}

}  // namespace coalition::policy
