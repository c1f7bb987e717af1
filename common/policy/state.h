// What decisions depend on beside the record: members, groups, platforms and policies at one epoch. Immutable
// once built.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coalition/v1/member.pb.h"
#include "coalition/v1/policy.pb.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/compiled_policy.h"
#include "common/policy/periods.h"
#include "common/policy/view.h"
#include "common/policy/view_names.h"

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
  // It ended with the member's standing: exclusions and denials that name the group name the member still.
  bool names_still = false;
};

struct MemberState {
  uint32_t number = 0;  // dense from 1
  std::string id;       // "aurore"
  v1::MemberKind kind = v1::MEMBER_KIND_UNSPECIFIED;
  v1::Standing standing = v1::STANDING_UNSPECIFIED;
  // As an admitted member. Exclusions and denials that name the kind name whoever was admitted as one, for
  // good.
  std::vector<Interval> kind_held;
  std::vector<GroupHeld> groups;
  std::string control_group;  // empty: alone
  // It has left, and its records are withdrawn, one after the other.
  bool withdraws_records = false;
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

// A version of the coalition's policy and since when it is in force.
struct PolicyInForce {
  int64_t version = 0;
  uint64_t epoch = 0;
  uint64_t from = 0;  // store revision; of the first version 0
  std::shared_ptr<const CompiledPolicy> policy;
};

// The same of a member's own.
struct MemberPolicyInForce {
  uint32_t member = 0;
  uint64_t from = 0;
  v1::MemberPolicy policy;
};

// All that was ever decided about access, oldest first.
struct Rules {
  ViewNames view_names;
  std::vector<PolicyInForce> policies;               // at least one; the first from revision 0
  std::vector<MemberPolicyInForce> member_policies;  // ascending `from`
};

// The built-in policy alone (default_policy.h), as version 1.
const Rules& DefaultRules();

// What the coalition's policy shows of records that were made while a version was the newest: the meet of
// that version and all that came later. So what is taken away is gone from all records, and what is added
// reaches later ones only.
struct PolicyPeriod {
  CeilingTable ceilings;
  ViewTable views;
  friend bool operator==(const PolicyPeriod&, const PolicyPeriod&) = default;
};

// What a contributor's own policy does to its records. Of those that never set one there is none.
struct ContributorRules {
  // What the coalition's policy says of older records is judged as if they had been made at this revision.
  uint64_t accepted = 0;
  // The same meet of its own ceilings, by when a record was made. Empty: never bounded.
  Periods<CeilingTable> ceilings;
  // By member number: sees no record that was made before this revision. Empty: nobody is excluded.
  std::vector<uint64_t> excluded_before;
};

// A denial that names a member: covers records that count as made before `lifted` and were made before
// `left`.
struct DenyOfMember {
  DenyScope scope;
  uint64_t lifted = 0;
  uint64_t left = 0;
};

// Thread-safe: const after construction.
class State {
 public:
  // Numbers must be dense from 1 and ids unique; a violation is a defect of the caller (CHECK).
  State(uint64_t epoch, std::vector<MemberState> members, std::vector<GroupState> groups,
        std::vector<PlatformState> platforms, Rules rules = DefaultRules());

  uint64_t epoch() const { return epoch_; }
  // nullptr: no such member, group, platform.
  const MemberState* member(uint32_t number) const { return ByNumber(members_, number); }
  const MemberState* FindMember(std::string_view id) const;
  const GroupState* group(uint32_t number) const { return ByNumber(groups_, number); }
  const GroupState* FindGroup(std::string_view id) const;
  const PlatformState* platform(uint32_t number) const { return ByNumber(platforms_, number); }
  const PlatformState* FindPlatform(std::string_view id) const;
  // Who holds the platform now; 0: nobody.
  uint32_t HolderOf(uint32_t platform) const;
  // The member numbers under common control with `member`, itself included.
  const std::vector<uint32_t>& ControlGroup(uint32_t member) const;
  const std::vector<MemberState>& members() const { return members_; }
  const std::vector<GroupState>& groups() const { return groups_; }
  const std::vector<PlatformState>& platforms() const { return platforms_; }

  // The coalition's policy in force, its version, and the names that its views have.
  const v1::CoalitionPolicy& policy() const { return newest_policy().policy->source(); }
  int64_t policy_version() const { return newest_policy().version; }
  const PolicyInForce& newest_policy() const { return rules_.policies.back(); }
  const ViewNames& view_names() const { return rules_.view_names; }
  // Whether others see nothing of this contributor's today, whatever they are granted: it is suspended, or
  // has left and its records are being withdrawn, and the policy in force says so
  // (PolicyLimits.hides_records_of_suspended).
  bool HidesRecordsOf(const MemberState& contributor) const {
    return hides_records_of_suspended_ &&
           (contributor.standing == v1::STANDING_SUSPENDED || contributor.withdraws_records);
  }
  const Rules& rules() const { return rules_; }

  // For decisions; see the types. The period that a record made (a grant attached) at `revision` falls into.
  const PolicyPeriod& PeriodAt(uint64_t revision) const { return periods_.At(revision); }
  // nullptr: the member never set a policy.
  const ContributorRules* RulesOf(uint32_t contributor) const {
    return contributor < contributors_.size() ? contributors_[contributor].get() : nullptr;
  }
  const std::vector<DenyOfMember>& DeniesOf(uint32_t member) const { return denies_[member]; }
  // Of a version of a member's own policy, by the views of the coalition's that was in force when it was set.
  CeilingTable MemberCeilings(const MemberPolicyInForce& version) const;

 private:
  template <class T>
  static const T* ByNumber(const std::vector<T>& items, uint32_t number) {
    // Number 0 wraps to the largest index.
    const size_t index = static_cast<size_t>(number) - 1;
    return index < items.size() ? &items[index] : nullptr;
  }
  void BuildPeriods();
  void BuildContributors();
  void BuildContributor(uint32_t number, const std::vector<const MemberPolicyInForce*>& versions);
  void BuildDenies();

  uint64_t epoch_;
  std::vector<MemberState> members_;
  std::vector<GroupState> groups_;
  std::vector<PlatformState> platforms_;
  Rules rules_;
  absl::flat_hash_map<std::string, uint32_t> member_by_id_, group_by_id_, platform_by_id_;
  std::vector<std::vector<uint32_t>> control_groups_;  // by member number
  Periods<PolicyPeriod> periods_;
  std::vector<std::shared_ptr<const ContributorRules>> contributors_;  // by member number
  std::vector<std::vector<DenyOfMember>> denies_;                      // by member number
  bool hides_records_of_suspended_ = false;
};

}  // namespace coalition::policy
