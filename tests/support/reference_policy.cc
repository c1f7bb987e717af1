#include "tests/support/reference_policy.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <vector>

#include "coalition/v1/annotations.pb.h"
#include "coalition/v1/policy.pb.h"
#include "coalition/v1/record.pb.h"

namespace coalition::reference {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using policy::Header;
using policy::HeaderExclusion;
using policy::HeaderGrant;
using policy::Interval;
using policy::kStill;
using policy::MemberState;
using policy::State;
using policy::SubjectKind;
using Fields = std::map<std::string, std::string>;
using Ceilings = google::protobuf::RepeatedPtrField<v1::Ceiling>;

// --- which fields there are, and what a view shows

using Chains = std::map<std::string, v1::Chain>;

void AddLeaves(const Descriptor* message, const std::string& prefix, Chains* all) {
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    const v1::Chain chain = field->options().GetExtension(v1::chain);
    if (chain == v1::CHAIN_COMPUTED) continue;
    const Descriptor* child = field->message_type();
    if (message == v1::Record::descriptor() && field->number() >= 20) continue;  // payloads
    if (child == nullptr || child->name() == "Timestamp" || child->name() == "Audience") {
      (*all)[prefix + field->name()] = chain;
    } else {
      AddLeaves(child, prefix + field->name() + ".", all);
    }
  }
}

Chains Leaves(const Descriptor* payload) {
  Chains all;
  AddLeaves(v1::Record::descriptor(), "", &all);
  AddLeaves(payload, "", &all);
  return all;
}

const Chains& ChainsOf(v1::RecordClass record_class) {
  static const auto& classes = *new std::map<v1::RecordClass, Chains>{
      {v1::RECORD_CLASS_OFFENDER_REPORT, Leaves(v1::OffenderReport::descriptor())},
      {v1::RECORD_CLASS_TAKEDOWN_NOTICE, Leaves(v1::TakedownNotice::descriptor())},
      {v1::RECORD_CLASS_TAKEDOWN_OUTCOME, Leaves(v1::TakedownOutcome::descriptor())},
      {v1::RECORD_CLASS_OPINION, Leaves(v1::Opinion::descriptor())}};
  static const Chains& none = *new Chains;
  const auto found = classes.find(record_class);
  return found == classes.end() ? none : found->second;
}

Fields Everything(v1::RecordClass record_class) {
  Fields all;
  for (const auto& [path, chain] : ChainsOf(record_class)) all[path] = "FULL";
  return all;
}

// What a policy says that the view of that name shows; what a class or a chain does not have is not shown.
Fields Shown(const v1::CoalitionPolicy& policy, v1::RecordClass record_class, const std::string& name) {
  const Chains& chains = ChainsOf(record_class);
  Fields shown;
  for (const v1::ViewDefinition& view : policy.views()) {
    if (view.name() != name || view.record_class() != record_class) continue;
    for (const std::string& path : view.token()) {
      if (chains.count(path) != 0 && chains.at(path) == v1::CHAIN_TOKEN) shown[path] = "TOKEN";
    }
    for (const std::string& path : view.coarse()) {
      if (chains.count(path) != 0 && chains.at(path) == v1::CHAIN_DAY) shown[path] = "COARSE";
    }
    for (const std::string& path : view.full()) {
      if (chains.count(path) != 0) shown[path] = "FULL";
    }
  }
  return shown;
}

// Level by level: the higher of two.
Fields Union(Fields a, const Fields& b) {
  for (const auto& [path, level] : b) {
    if (a.count(path) == 0 || level == "FULL") a[path] = level;
  }
  return a;
}

// Level by level: the lower of two.
Fields Intersection(const Fields& a, const Fields& b) {
  Fields both;
  for (const auto& [path, level] : a) {
    const auto other = b.find(path);
    if (other != b.end()) both[path] = level == "FULL" ? other->second : level;
  }
  return both;
}

// --- who held what when

bool HoldsSince(const std::vector<Interval>& held, uint64_t revision) {
  for (const Interval& interval : held) {
    if (interval.from <= revision && interval.to == kStill) return true;
  }
  return false;
}

bool HoldsNow(const std::vector<Interval>& held) { return HoldsSince(held, kStill - 1); }

bool HeldAtAnyTimeFrom(const std::vector<Interval>& held, uint64_t revision, const Guards& guards) {
  if (!guards.since_made) return HoldsNow(held);
  for (const Interval& interval : held) {
    if (interval.to > revision) return true;
  }
  return false;
}

std::vector<Interval> GroupIntervals(const MemberState& member, uint32_t group) {
  for (const auto& held : member.groups) {
    if (held.group == group) return held.held;
  }
  return {};
}

bool InAtAnyTimeFrom(const MemberState& member, uint32_t group, uint64_t revision, const Guards& guards) {
  for (const auto& held : member.groups) {
    if (held.group == group && held.names_still && guards.lost_groups) return true;
  }
  return HeldAtAnyTimeFrom(GroupIntervals(member, group), revision, guards);
}

bool WasEverAdmitted(const MemberState& member) { return !member.kind_held.empty(); }

bool Names(const State& state, const MemberState& member, const HeaderExclusion& exclusion, uint64_t made,
           const Guards& guards) {
  switch (exclusion.kind) {
    case SubjectKind::kMember:
      return member.number == exclusion.id || state.member(exclusion.id) == nullptr;
    case SubjectKind::kGroup:
      return state.group(exclusion.id) == nullptr || InAtAnyTimeFrom(member, exclusion.id, made, guards);
    case SubjectKind::kKind:
      return static_cast<uint32_t>(member.kind) == exclusion.id && WasEverAdmitted(member);
    case SubjectKind::kEveryone:
      return true;
  }
  return true;
}

// The same of a policy's exclusion or denial. Whom nobody can resolve might be anybody.
bool Names(const State& state, const MemberState& member, const v1::Subject& subject, uint64_t made,
           const Guards& guards) {
  switch (subject.subject_case()) {
    case v1::Subject::kMember:
      for (const MemberState& one : state.members()) {
        if (subject.member() == "members/" + one.id) return one.number == member.number;
      }
      return true;
    case v1::Subject::kGroup:
      for (const auto& group : state.groups()) {
        if (subject.group() != "groups/" + group.id) continue;
        return InAtAnyTimeFrom(member, group.number, made, guards);
      }
      return true;
    case v1::Subject::kKind:
      if (subject.kind() < v1::MEMBER_KIND_BRAND || subject.kind() > v1::MEMBER_KIND_SECRETARIAT) return true;
      return member.kind == subject.kind() && WasEverAdmitted(member);
    default:
      return true;
  }
}

// The member and those under common control with it.
std::vector<const MemberState*> Controlled(const State& state, const MemberState& member,
                                           const Guards& guards) {
  std::vector<const MemberState*> controlled;
  for (const MemberState& other : state.members()) {
    const bool same = other.number == member.number;
    const bool one_control = !member.control_group.empty() && other.control_group == member.control_group;
    if (same || (one_control && guards.control_groups)) controlled.push_back(&other);
  }
  return controlled;
}

// --- which versions count

// Of the coalition's policy: those in force at `base` or at any time after it.
std::vector<const v1::CoalitionPolicy*> VersionsSince(const State& state, uint64_t base,
                                                      bool only_the_newest) {
  const auto& all = state.rules().policies;
  std::vector<const v1::CoalitionPolicy*> versions;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool newest = i + 1 == all.size();
    if (only_the_newest && !newest) continue;
    if (newest || all[i + 1].from > base) versions.push_back(&all[i].policy->source());
  }
  return versions;
}

struct OwnVersion {
  uint64_t from = 0;
  uint64_t to = kStill;
  const v1::MemberPolicy* policy = nullptr;
};

std::vector<OwnVersion> OwnVersions(const State& state, uint32_t contributor) {
  std::vector<OwnVersion> versions;
  for (const auto& version : state.rules().member_policies) {
    if (version.member != contributor) continue;
    if (!versions.empty()) versions.back().to = version.from;
    versions.push_back({version.from, kStill, &version.policy});
  }
  return versions;
}

// Of a contributor's own policy: those in force when the record was made or at any time after it.
std::vector<OwnVersion> OwnVersionsSince(const State& state, const Header& header, const Guards& guards) {
  std::vector<OwnVersion> versions;
  for (const OwnVersion& version : OwnVersions(state, header.contributor)) {
    if (version.to == kStill || (guards.member_versions && version.to > header.made))
      versions.push_back(version);
  }
  return versions;
}

// The revision up to which the contributor has accepted later versions of the coalition's policy.
uint64_t Accepted(const State& state, uint32_t contributor, const Guards& guards) {
  uint64_t accepted = 0;
  if (!guards.accepts) return accepted;
  for (const OwnVersion& own : OwnVersions(state, contributor)) {
    for (const auto& coalition : state.rules().policies) {
      if (coalition.version > own.policy->accepts_policy_version()) continue;
      accepted = std::max(accepted, coalition.from);
    }
  }
  return accepted;
}

const v1::CoalitionPolicy& InForceAt(const State& state, uint64_t revision) {
  const v1::CoalitionPolicy* policy = nullptr;
  for (const auto& version : state.rules().policies) {
    if (version.from <= revision) policy = &version.policy->source();
  }
  return *policy;
}

// --- the ceilings

std::string RelationOf(const State& state, const MemberState& member, const Header& header) {
  bool somebody_holds = false, host = false, ever = false;
  for (const auto& platform : state.platforms()) {
    if (platform.number != header.platform) continue;
    for (const auto& holder : platform.holders) {
      if (holder.held.to == kStill) somebody_holds = true;
      if (holder.member != member.number) continue;
      ever = true;
      if (holder.held.to == kStill && holder.held.from <= header.made) host = true;
    }
  }
  if (host) return "HOST";
  if (ever) return "FORMER";
  if (!somebody_holds && member.kind == v1::MEMBER_KIND_MARKETPLACE) return "FORMER";
  return "OTHER";
}

template <class Values>
bool Lists(const Values& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// What the ceilings, by the views of `policy`, show of the record at most.
Fields Most(const Ceilings& ceilings, const v1::CoalitionPolicy& policy, v1::MemberKind kind,
            const std::string& relation, const Header& header) {
  if (relation == "FORMER") {
    return Intersection(Most(ceilings, policy, kind, "HOST", header),
                        Most(ceilings, policy, kind, "OTHER", header));
  }
  const v1::Relation named = relation == "HOST" ? v1::RELATION_HOST : v1::RELATION_OTHER;
  Fields most;
  for (const v1::Ceiling& ceiling : ceilings) {
    if (Lists(ceiling.kinds(), kind) && Lists(ceiling.relations(), named) &&
        Lists(ceiling.record_classes(), header.record_class) && Lists(ceiling.labels(), header.label)) {
      most = Union(most, Shown(policy, header.record_class, ceiling.view()));
    }
  }
  return most;
}

// --- denials

template <class Values>
bool Covers(const Values& values, int value) {
  return values.empty() || Lists(values, value);
}

bool Denied(const State& state, const MemberState& member, const MemberState& contributor,
            const Header& header, const Guards& guards) {
  if (!guards.denies) return false;
  const uint64_t base = std::max(header.made, Accepted(state, contributor.number, guards));
  for (const v1::CoalitionPolicy* policy : VersionsSince(state, base, !guards.versions)) {
    for (const v1::Deny& deny : policy->denies()) {
      const bool covered = Covers(deny.contributor_kinds(), contributor.kind) &&
                           Covers(deny.record_classes(), header.record_class) &&
                           Covers(deny.labels(), header.label);
      if (!covered && guards.deny_scope) continue;
      for (const MemberState* one : Controlled(state, member, guards)) {
        if (Names(state, *one, deny.subject(), header.made, guards)) return true;
      }
    }
  }
  return false;
}

bool ExcludedByContributor(const State& state, const MemberState& member, const Header& header,
                           const Guards& guards) {
  if (!guards.member_exclusions) return false;
  for (const OwnVersion& own : OwnVersionsSince(state, header, guards)) {
    for (const v1::Subject& subject : own.policy->exclusions()) {
      for (const MemberState* one : Controlled(state, member, guards)) {
        if (Names(state, *one, subject, header.made, guards)) return true;
      }
    }
  }
  return false;
}

// --- what is shown

// What a grant shows: what every version since it was attached (or accepted) says of its view.
Fields Through(const State& state, const HeaderGrant& grant, const Header& header, const Guards& guards,
               std::string* view) {
  const auto& names = state.rules().view_names.names();
  if (grant.view == 0 || grant.view > names.size()) return {};
  *view = names[static_cast<size_t>(grant.view) - 1];
  const uint64_t since = std::max(grant.attached, Accepted(state, header.contributor, guards));
  Fields shown = Everything(header.record_class);
  for (const v1::CoalitionPolicy* policy : VersionsSince(state, since, !guards.view_meet)) {
    shown = Intersection(shown, Shown(*policy, header.record_class, *view));
  }
  return shown;
}

Fields Bounded(const State& state, const MemberState& member, const Header& header, const Guards& guards,
               Fields fields) {
  const std::string relation = guards.relation ? RelationOf(state, member, header) : "OTHER";
  if (guards.ceiling) {
    const uint64_t base = std::max(header.made, Accepted(state, header.contributor, guards));
    for (const v1::CoalitionPolicy* policy : VersionsSince(state, base, !guards.versions)) {
      fields = Intersection(fields, Most(policy->ceilings(), *policy, member.kind, relation, header));
    }
  }
  if (guards.member_ceiling) {
    for (const OwnVersion& own : OwnVersionsSince(state, header, guards)) {
      if (own.policy->unbounded()) continue;
      fields = Intersection(
          fields, Most(own.policy->ceilings(), InForceAt(state, own.from), member.kind, relation, header));
    }
  }
  return fields;
}

Answer JudgeOther(const State& state, const MemberState& member, const MemberState& contributor,
                  const Header& header, const Guards& guards) {
  const v1::PolicyLimits& newest = state.rules().policies.back().policy->source().limits();
  if (guards.suspended && newest.hides_records_of_suspended() &&
      (contributor.standing == v1::STANDING_SUSPENDED || contributor.withdraws_records)) {
    return {};
  }
  if (Excluded(state, member, header, guards) || Denied(state, member, contributor, header, guards) ||
      ExcludedByContributor(state, member, header, guards)) {
    return {};
  }
  Answer answer;
  for (const HeaderGrant& grant : header.grants) {
    if (!GrantMatches(member, grant, guards)) continue;
    std::string view;
    const Fields through = Through(state, grant, header, guards, &view);
    if (through.empty()) continue;
    answer.views.insert(view);
    answer.fields = Union(answer.fields, through);
  }
  answer.fields = Bounded(state, member, header, guards, answer.fields);
  return answer.fields.empty() ? Answer{} : answer;
}

}  // namespace

bool GrantMatches(const MemberState& member, const HeaderGrant& grant, const Guards& guards) {
  if (!guards.grant_subject) return true;
  const auto held = [&](const std::vector<Interval>& intervals) {
    return guards.since_attached ? HoldsSince(intervals, grant.attached) : HoldsNow(intervals);
  };
  switch (grant.kind) {
    case SubjectKind::kMember:
      return member.number == grant.id;
    case SubjectKind::kGroup:
      return held(GroupIntervals(member, grant.id));
    case SubjectKind::kKind:
      return static_cast<uint32_t>(member.kind) == grant.id && held(member.kind_held);
    case SubjectKind::kEveryone:
      return held(member.kind_held);
  }
  return false;
}

bool Excluded(const State& state, const MemberState& member, const Header& header, const Guards& guards) {
  if (!guards.exclusions) return false;
  for (const MemberState* one : Controlled(state, member, guards)) {
    for (const HeaderExclusion& exclusion : header.exclusions) {
      if (Names(state, *one, exclusion, header.made, guards)) return true;
    }
  }
  return false;
}

Answer Judge(const State& state, uint32_t member_number, const Header& header, int64_t now_s,
             const Guards& guards) {
  const MemberState* member = nullptr;
  const MemberState* contributor = nullptr;
  for (const MemberState& one : state.members()) {
    if (one.number == member_number) member = &one;
    if (one.number == header.contributor) contributor = &one;
  }
  if (member == nullptr || contributor == nullptr) return {};
  const bool withdrawn_or_erased =
      header.state == policy::Lifecycle::kWithdrawn || header.state == policy::Lifecycle::kErased;
  if (guards.live && (withdrawn_or_erased || header.expire_time_s <= now_s)) return {};
  const bool owner = header.contributor == member_number;
  const bool active = member->standing == v1::STANDING_ACTIVE;
  const bool limited = member->standing == v1::STANDING_LIMITED;
  if (guards.standing && !active && !(owner && limited)) return {};
  if (!owner) return JudgeOther(state, *member, *contributor, header, guards);
  Answer answer;
  answer.owner = true;
  answer.fields = Everything(header.record_class);
  return answer;
}

}  // namespace coalition::reference
