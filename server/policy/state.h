// What decisions depend on beside the record: members, groups, platforms and ceilings at one epoch. Immutable
// once built.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coalition/v1/member.pb.h"
#include "coalition/v1/record.pb.h"
#include "server/policy/view.h"

namespace coalition::policy {

inline constexpr uint64_t kStill = std::numeric_limits<uint64_t>::max();

// [from, to) in store revisions; to == kStill: to this day.
struct Interval {
  uint64_t from = 0;
  uint64_t to = kStill;
};

struct GroupHeld {
  uint32_t group = 0;
  std::vector<Interval> held;  // ascending, disjoint
};

struct MemberState {
  uint32_t number = 0;  // dense from 1
  std::string id;       // "aurore"
  v1::MemberKind kind = v1::MEMBER_KIND_UNSPECIFIED;
  v1::Standing standing = v1::STANDING_UNSPECIFIED;
  std::vector<Interval> kind_held;  // as an admitted member
  std::vector<GroupHeld> groups;
  std::string control_group;  // empty: alone
};

struct GroupState {
  uint32_t number = 0;
  std::string id;
  bool closed = false;
};

struct PlatformHolder {
  uint32_t member = 0;
  Interval held;
};

struct PlatformState {
  uint32_t number = 0;
  std::string id;                       // "bazaar.example"
  std::vector<PlatformHolder> holders;  // ascending
};

// The coalition's upper bound on what others see: by kind, relation, class and label.
enum class Relation : uint8_t { kOther = 0, kHost = 1, kFormerOrUnassigned = 2 };

// Thread-safe: const after construction.
class State {
 public:
  // Numbers must be dense from 1 and ids unique; a violation is a defect of the caller (CHECK).
  State(uint64_t epoch, std::vector<MemberState> members, std::vector<GroupState> groups,
        std::vector<PlatformState> platforms);

  uint64_t epoch() const { return epoch_; }
  // nullptr: no such member, group, platform.
  const MemberState* member(uint32_t number) const;
  const MemberState* FindMember(std::string_view id) const;
  const GroupState* group(uint32_t number) const;
  const GroupState* FindGroup(std::string_view id) const;
  const PlatformState* platform(uint32_t number) const;
  const PlatformState* FindPlatform(std::string_view id) const;
  // Who holds the platform now; 0: nobody.
  uint32_t HolderOf(uint32_t platform) const;
  // The member numbers under common control with `member`, itself included.
  const std::vector<uint32_t>& ControlGroup(uint32_t member) const;
  const std::vector<MemberState>& members() const { return members_; }
  const std::vector<PlatformState>& platforms() const { return platforms_; }

  // The zero view for anything unknown. kFormerOrUnassigned is the meet of kHost and kOther.
  View Ceiling(v1::MemberKind kind, Relation relation, v1::RecordClass record_class, v1::Label label) const;

 private:
  uint64_t epoch_;
  std::vector<MemberState> members_;
  std::vector<GroupState> groups_;
  std::vector<PlatformState> platforms_;
  absl::flat_hash_map<std::string, uint32_t> member_by_id_, group_by_id_, platform_by_id_;
  std::vector<std::vector<uint32_t>> control_groups_;  // by member number
  std::vector<View> ceilings_;                         // by kind, relation, class, label
};

}  // namespace coalition::policy
