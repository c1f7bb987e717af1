#include "common/policy/subject.h"

#include <algorithm>

#include "common/ids.h"
#include "common/policy/state.h"
#include "common/strings.h"

namespace coalition::policy {
namespace {

ResolvedSubject Nobody(std::string path, std::string problem) {
  return {std::nullopt, std::move(path), std::move(problem)};
}

ResolvedSubject Is(SubjectKind kind, uint32_t id) { return {HeaderExclusion{kind, id}, "", ""}; }

uint64_t LastHeld(const std::vector<Interval>& held) {
  uint64_t last = 0;
  for (const Interval& interval : held) last = std::max(last, interval.to);
  return last;
}

}  // namespace

ResolvedSubject ResolveSubject(const State& state, const v1::Subject& subject) {
  switch (subject.subject_case()) {
    case v1::Subject::kMember: {
      const auto id = ParseMemberName(subject.member());
      const MemberState* member = id.ok() ? state.FindMember(*id) : nullptr;
      if (member != nullptr) return Is(SubjectKind::kMember, member->number);
      return Nobody(".member", "no member " + Quoted(subject.member()) + "; say members/{member}");
    }
    case v1::Subject::kGroup: {
      const auto id = ParseGroupName(subject.group());
      const GroupState* group = id.ok() ? state.FindGroup(*id) : nullptr;
      if (group != nullptr) return Is(SubjectKind::kGroup, group->number);
      return Nobody(".group", "no group " + Quoted(subject.group()) + "; say groups/{group}");
    }
    case v1::Subject::kKind:
      if (subject.kind() != v1::MEMBER_KIND_UNSPECIFIED && v1::MemberKind_IsValid(subject.kind())) {
        return Is(SubjectKind::kKind, static_cast<uint32_t>(subject.kind()));
      }
      return Nobody(".kind", "no such kind of member");
    case v1::Subject::kEveryone:
      if (subject.everyone()) return Is(SubjectKind::kEveryone, 0);
      return Nobody(".everyone", "everyone can only be true");
    case v1::Subject::SUBJECT_NOT_SET:
      break;
  }
  return Nobody("", "names nobody: set member, group, kind or everyone");
}

std::string WrongWithSubject(const v1::Subject& subject) {
  switch (subject.subject_case()) {
    case v1::Subject::kMember: {
      const auto id = ParseMemberName(subject.member());
      return id.ok() ? std::string() : std::string(Std(id.status().message()));
    }
    case v1::Subject::kGroup: {
      const auto id = ParseGroupName(subject.group());
      return id.ok() ? std::string() : std::string(Std(id.status().message()));
    }
    case v1::Subject::kKind: {
      const bool known =
          subject.kind() != v1::MEMBER_KIND_UNSPECIFIED && v1::MemberKind_IsValid(subject.kind());
      return known ? "" : "no such kind of member";
    }
    case v1::Subject::kEveryone:
      return subject.everyone() ? "" : "everyone can only be true";
    case v1::Subject::SUBJECT_NOT_SET:
      break;
  }
  return "names nobody: set member, group, kind or everyone";
}

uint64_t NamedUntil(const State& state, const MemberState& member, const HeaderExclusion& named) {
  switch (named.kind) {
    case SubjectKind::kMember:
      return named.id == member.number || state.member(named.id) == nullptr ? kStill : 0;
    case SubjectKind::kGroup: {
      if (state.group(named.id) == nullptr) return kStill;
      for (const GroupHeld& in : member.groups) {
        if (in.group == named.id) return in.names_still ? kStill : LastHeld(in.held);
      }
      return 0;
    }
    case SubjectKind::kKind:
      return named.id == static_cast<uint32_t>(member.kind) && !member.kind_held.empty() ? kStill : 0;
    case SubjectKind::kEveryone:
      return kStill;
  }
  return kStill;
}

uint64_t ControlledNamedUntil(const State& state, uint32_t member, const HeaderExclusion& named) {
  uint64_t until = 0;
  for (const uint32_t controlled : state.ControlGroup(member)) {
    if (const MemberState* one = state.member(controlled)) {
      until = std::max(until, NamedUntil(state, *one, named));
    }
  }
  return until;
}

}  // namespace coalition::policy
