#include "server/policy/state.h"

#include <utility>

#include "server/policy/check.h"
#include "server/policy/fields.h"

namespace coalition::policy {
namespace {

constexpr size_t kKinds = v1::MemberKind_ARRAYSIZE;
constexpr size_t kRelations = 2;  // kFormerOrUnassigned is computed
constexpr size_t kClasses = v1::RecordClass_ARRAYSIZE;
constexpr size_t kLabels = v1::Label_ARRAYSIZE;

// The built-in ceilings. A kind that is not listed sees nothing of others' records. All labels are alike for
// now.
struct CeilingOfKind {
  v1::MemberKind kind;
  // What it may see as OTHER, and as HOST of the record's platform: by class in the order of RecordClass.
  ViewId other[4];
  ViewId host[4];
};

constexpr ViewId F = ViewId::kFull;
constexpr ViewId N = ViewId::kNotice;
constexpr CeilingOfKind kCeilings[] = {
    // The host must not sit close to investigations: of reports and opinions on its own sellers it gets what
    // it needs to
    // act. Notices are addressed to it, and outcomes are its own kind's.
    //                             OTHER: report, notice, outcome, opinion   HOST: report, notice, outcome,
    //                             opinion
    {v1::MEMBER_KIND_MARKETPLACE, {F, F, F, F}, {N, F, F, N}},
    {v1::MEMBER_KIND_BRAND, {F, F, F, F}, {F, F, F, F}},
    {v1::MEMBER_KIND_PAYMENT, {F, F, F, F}, {F, F, F, F}},
    {v1::MEMBER_KIND_LOGISTICS, {F, F, F, F}, {F, F, F, F}},
    {v1::MEMBER_KIND_AUTHORITY, {F, F, F, F}, {F, F, F, F}},
    {v1::MEMBER_KIND_AGENCY, {F, F, F, F}, {F, F, F, F}},
    {v1::MEMBER_KIND_OBSERVER, {N, N, N, N}, {N, N, N, N}},
};

size_t CeilingIndex(size_t kind, size_t relation, size_t record_class, size_t label) {
  return ((kind * kRelations + relation) * kClasses + record_class) * kLabels + label;
}

std::vector<View> BuildCeilings() {
  std::vector<View> ceilings(kKinds * kRelations * kClasses * kLabels);
  for (const CeilingOfKind& row : kCeilings) {
    for (size_t of = 1; of < kClasses; ++of) {
      const auto record_class = static_cast<v1::RecordClass>(of);
      for (size_t label = 1; label < kLabels; ++label) {
        ceilings[CeilingIndex(row.kind, static_cast<size_t>(Relation::kOther), of, label)] =
            FixedView(record_class, row.other[of - 1]);
        ceilings[CeilingIndex(row.kind, static_cast<size_t>(Relation::kHost), of, label)] =
            FixedView(record_class, row.host[of - 1]);
      }
    }
  }
  return ceilings;
}

// Numbers must be 1, 2, 3, … and ids unique.
template <class T>
absl::flat_hash_map<std::string, uint32_t> IndexById(const std::vector<T>& items) {
  absl::flat_hash_map<std::string, uint32_t> by_id;
  by_id.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    Check(items[i].number == i + 1, "members, groups and platforms are numbered densely from 1");
    Check(by_id.emplace(items[i].id, items[i].number).second,
          "ids of members, groups and platforms are unique");
  }
  return by_id;
}

template <class T>
const T* ByNumber(const std::vector<T>& items, uint32_t number) {
  // Number 0 wraps to the largest index.
  const size_t index = static_cast<size_t>(number) - 1;
  return index < items.size() ? &items[index] : nullptr;
}

uint32_t NumberOf(const absl::flat_hash_map<std::string, uint32_t>& by_id, std::string_view id) {
  const auto found = by_id.find(absl::string_view(id.data(), id.size()));
  return found == by_id.end() ? 0 : found->second;
}

std::vector<std::vector<uint32_t>> BuildControlGroups(const std::vector<MemberState>& members) {
  absl::flat_hash_map<std::string, std::vector<uint32_t>> by_group;
  for (const MemberState& member : members) {
    if (!member.control_group.empty()) by_group[member.control_group].push_back(member.number);
  }
  std::vector<std::vector<uint32_t>> groups(members.size() + 1);
  for (const MemberState& member : members) {
    groups[member.number] =
        member.control_group.empty() ? std::vector<uint32_t>{member.number} : by_group[member.control_group];
  }
  return groups;
}

}  // namespace

State::State(uint64_t epoch, std::vector<MemberState> members, std::vector<GroupState> groups,
             std::vector<PlatformState> platforms)
    : epoch_(epoch),
      members_(std::move(members)),
      groups_(std::move(groups)),
      platforms_(std::move(platforms)),
      member_by_id_(IndexById(members_)),
      group_by_id_(IndexById(groups_)),
      platform_by_id_(IndexById(platforms_)),
      control_groups_(BuildControlGroups(members_)),
      ceilings_(BuildCeilings()) {}

const MemberState* State::member(uint32_t number) const { return ByNumber(members_, number); }
const MemberState* State::FindMember(std::string_view id) const {
  return member(NumberOf(member_by_id_, id));
}
const GroupState* State::group(uint32_t number) const { return ByNumber(groups_, number); }
const GroupState* State::FindGroup(std::string_view id) const { return group(NumberOf(group_by_id_, id)); }
const PlatformState* State::platform(uint32_t number) const { return ByNumber(platforms_, number); }
const PlatformState* State::FindPlatform(std::string_view id) const {
  return platform(NumberOf(platform_by_id_, id));
}

uint32_t State::HolderOf(uint32_t platform_number) const {
  const PlatformState* of = platform(platform_number);
  if (of == nullptr) return 0;
  for (const PlatformHolder& holder : of->holders) {
    if (holder.held.to == kStill) return holder.member;
  }
  return 0;
}

const std::vector<uint32_t>& State::ControlGroup(uint32_t member_number) const {
  // Index 0 is the empty group of unknown members.
  return control_groups_[member_number < control_groups_.size() ? member_number : 0];
}

View State::Ceiling(v1::MemberKind kind, Relation relation, v1::RecordClass record_class,
                    v1::Label label) const {
  const auto of_kind = static_cast<size_t>(kind), of_class = static_cast<size_t>(record_class);
  const auto of_label = static_cast<size_t>(label);
  if (of_kind >= kKinds || of_class >= kClasses || of_label >= kLabels) return View{};
  const auto at = [&](Relation as) {
    return ceilings_[CeilingIndex(of_kind, static_cast<size_t>(as), of_class, of_label)];
  };
  switch (relation) {
    case Relation::kOther:
    case Relation::kHost:
      return at(relation);
    case Relation::kFormerOrUnassigned:
      return Meet(at(Relation::kHost), at(Relation::kOther));
  }
  return View{};
}

}  // namespace coalition::policy
