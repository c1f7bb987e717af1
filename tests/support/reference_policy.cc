#include "tests/support/reference_policy.h"

#include <google/protobuf/descriptor.h>

#include <vector>

#include "coalition/v1/annotations.pb.h"
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

// --- which fields there are, and what the views show

void AddLeaves(const Descriptor* message, const std::string& prefix, Fields* all) {
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    if (field->options().GetExtension(v1::chain) == v1::CHAIN_COMPUTED) continue;
    const Descriptor* child = field->message_type();
    if (message == v1::Record::descriptor() && field->number() >= 20) continue;  // payloads
    if (child == nullptr || child->name() == "Timestamp" || child->name() == "Audience") {
      (*all)[prefix + field->name()] = "FULL";
    } else {
      AddLeaves(child, prefix + field->name() + ".", all);
    }
  }
}

Fields Everything(v1::RecordClass record_class) {
  Fields all;
  AddLeaves(v1::Record::descriptor(), "", &all);
  switch (record_class) {
    case v1::RECORD_CLASS_OFFENDER_REPORT:
      AddLeaves(v1::OffenderReport::descriptor(), "", &all);
      return all;
    case v1::RECORD_CLASS_TAKEDOWN_NOTICE:
      AddLeaves(v1::TakedownNotice::descriptor(), "", &all);
      return all;
    case v1::RECORD_CLASS_TAKEDOWN_OUTCOME:
      AddLeaves(v1::TakedownOutcome::descriptor(), "", &all);
      return all;
    case v1::RECORD_CLASS_OPINION:
      AddLeaves(v1::Opinion::descriptor(), "", &all);
      return all;
    default:
      return {};
  }
}

Fields Shown(v1::RecordClass record_class, const std::string& view) {
  Fields shown;
  if (view == "full") {
    shown = Everything(record_class);
    shown.erase("external_id");
    shown.erase("audience");
    return shown;
  }
  if (view != "notice") return shown;
  shown["seller.platform"] = shown["seller.seller_id"] = "FULL";
  shown["create_time"] = "COARSE";
  shown["contributor"] = record_class == v1::RECORD_CLASS_TAKEDOWN_OUTCOME ? "FULL" : "TOKEN";
  std::vector<std::string> full;
  switch (record_class) {
    case v1::RECORD_CLASS_OFFENDER_REPORT:
      full = {"infringement_types", "product_category"};
      break;
    case v1::RECORD_CLASS_TAKEDOWN_NOTICE:
      full = {"listings.url", "listings.listing_id",       "whole_account", "requested_action", "right.type",
              "right.office", "right.registration_number", "deadline_time"};
      break;
    case v1::RECORD_CLASS_TAKEDOWN_OUTCOME:
      shown["application_date"] = "COARSE";
      full = {"action_taken",      "reinstated",       "appeal_result",          "decision_visibility",
              "decision_monetary", "decision_account", "decision_provision",     "account_type",
              "decision_ground",   "category",         "category_specification", "territorial_scope",
              "platform_name"};
      break;
    case v1::RECORD_CLASS_OPINION:
      full = {"verdict"};
      break;
    default:
      return {};
  }
  for (const std::string& path : full) shown[path] = "FULL";
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

bool HeldAtAnyTimeFrom(const std::vector<Interval>& held, uint64_t revision) {
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

bool IsExcluded(const State& state, const MemberState& member, const HeaderExclusion& exclusion,
                uint64_t made, const Guards& guards) {
  const auto held = [&](const std::vector<Interval>& intervals) {
    return guards.since_made ? HeldAtAnyTimeFrom(intervals, made) : HoldsNow(intervals);
  };
  switch (exclusion.kind) {
    case SubjectKind::kMember:
      return member.number == exclusion.id || state.member(exclusion.id) == nullptr;
    case SubjectKind::kGroup:
      return state.group(exclusion.id) == nullptr || held(GroupIntervals(member, exclusion.id));
    case SubjectKind::kKind:
      return static_cast<uint32_t>(member.kind) == exclusion.id && held(member.kind_held);
    case SubjectKind::kEveryone:
      return true;
  }
  return true;
}

// --- the ceiling

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

Fields Ceiling(v1::MemberKind kind, const std::string& relation, v1::RecordClass record_class) {
  switch (kind) {
    case v1::MEMBER_KIND_BRAND:
    case v1::MEMBER_KIND_PAYMENT:
    case v1::MEMBER_KIND_LOGISTICS:
    case v1::MEMBER_KIND_AUTHORITY:
    case v1::MEMBER_KIND_AGENCY:
      return Shown(record_class, "full");
    case v1::MEMBER_KIND_OBSERVER:
      return Shown(record_class, "notice");
    case v1::MEMBER_KIND_MARKETPLACE: {
      const bool of_its_sellers =
          record_class == v1::RECORD_CLASS_OFFENDER_REPORT || record_class == v1::RECORD_CLASS_OPINION;
      Fields as_host = Shown(record_class, of_its_sellers ? "notice" : "full");
      Fields as_other = Shown(record_class, "full");
      if (relation == "HOST") return as_host;
      if (relation == "OTHER") return as_other;
      return Intersection(as_host, as_other);
    }
    default:
      return {};
  }
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
  for (const MemberState& other : state.members()) {
    const bool same = other.number == member.number;
    const bool one_control = !member.control_group.empty() && other.control_group == member.control_group;
    if (!same && !(one_control && guards.control_groups)) continue;
    for (const HeaderExclusion& exclusion : header.exclusions) {
      if (IsExcluded(state, other, exclusion, header.made, guards)) return true;
    }
  }
  return false;
}

Answer Judge(const State& state, uint32_t member_number, const Header& header, int64_t now_s,
             const Guards& guards) {
  const MemberState* member = nullptr;
  bool contributor_known = false;
  for (const MemberState& one : state.members()) {
    if (one.number == member_number) member = &one;
    if (one.number == header.contributor) contributor_known = true;
  }
  if (member == nullptr || !contributor_known) return {};
  const bool withdrawn_or_erased =
      header.state == policy::Lifecycle::kWithdrawn || header.state == policy::Lifecycle::kErased;
  if (guards.live && (withdrawn_or_erased || header.expire_time_s <= now_s)) return {};
  const bool owner = header.contributor == member_number;
  const bool active = member->standing == v1::STANDING_ACTIVE;
  const bool limited = member->standing == v1::STANDING_LIMITED;
  if (guards.standing && !active && !(owner && limited)) return {};

  Answer answer;
  if (owner) {
    answer.owner = true;
    answer.fields = Everything(header.record_class);
    return answer;
  }
  if (Excluded(state, *member, header, guards)) return {};
  for (const HeaderGrant& grant : header.grants) {
    if (!GrantMatches(*member, grant, guards)) continue;
    const std::string view = grant.view == policy::ViewId::kFull ? "full" : "notice";
    answer.views.insert(view);
    answer.fields = Union(answer.fields, Shown(header.record_class, view));
  }
  if (guards.ceiling) {
    const std::string relation = guards.relation ? RelationOf(state, *member, header) : "OTHER";
    answer.fields = Intersection(answer.fields, Ceiling(member->kind, relation, header.record_class));
  }
  if (answer.fields.empty()) return {};
  return answer;
}

}  // namespace coalition::reference
