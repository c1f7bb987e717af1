#include "server/membership/snapshot.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/timestamp.h"

namespace coalition::membership {
namespace {

using identity::RegisteredCredential;

// What is made of one stored member.
struct MemberPart {
  v1::Member shown;
  std::vector<RegisteredCredential> credentials;  // ordered by credential
};
using MemberParts = std::vector<std::shared_ptr<const MemberPart>>;

class StoredSnapshot final : public Snapshot {
 public:
  StoredSnapshot(StoredState stored, policy::State state, MemberParts members,
                 std::vector<v1::Platform> platforms, const StoredSnapshot* before,
                 std::shared_ptr<const ledger::EntryKeys> entry_keys)
      : stored_(std::move(stored)),
        state_(std::move(state)),
        members_(std::move(members)),
        platforms_(std::move(platforms)),
        entry_keys_(before != nullptr ? before->entry_keys_ : std::move(entry_keys)) {
    const auto name_order = [](const auto& a, const auto& b) { return a.name() < b.name(); };
    if (before != nullptr && before->members_.size() == members_.size()) {
      order_ = before->order_;  // for names never change
    } else {
      auto order = std::make_shared<std::vector<uint32_t>>(members_.size());
      std::iota(order->begin(), order->end(), 0);
      std::sort(order->begin(), order->end(),
                [&](uint32_t a, uint32_t b) { return name_order(members_[a]->shown, members_[b]->shown); });
      order_ = std::move(order);
    }
    by_name_.reserve(members_.size());
    for (const uint32_t index : *order_) {
      by_name_.push_back(&members_[index]->shown);
      if (by_name_.back()->kind() == v1::MEMBER_KIND_SECRETARIAT) contact_ = by_name_.back()->name();
    }
    std::sort(platforms_.begin(), platforms_.end(), name_order);
    for (const auto& kept : stored_.groups) {
      v1::Group& group = groups_.emplace_back();
      group.set_name(FormatGroupName(kept.id()));
      group.set_display_name(kept.display_name());
      group.set_closed(kept.closed());
    }
    std::sort(groups_.begin(), groups_.end(), name_order);
  }

  const policy::State& policy_state() const override { return state_; }
  const StoredState& stored() const override { return stored_; }
  const v1::Member* PublicMember(uint32_t number) const override {
    return number == 0 || number > members_.size() ? nullptr : &members_[number - 1]->shown;
  }
  const std::vector<const v1::Member*>& PublicMembers() const override { return by_name_; }
  const std::vector<v1::Platform>& PublicPlatforms() const override { return platforms_; }
  const std::vector<v1::Group>& PublicGroups() const override { return groups_; }
  const std::string& contact() const override { return contact_; }
  const ledger::EntryKeys* entry_keys() const override { return entry_keys_.get(); }

  const identity::RegisteredCredential* Find(std::string_view member,
                                             std::string_view credential) const override {
    const policy::MemberState* const found = state_.FindMember(member);
    if (found == nullptr) return nullptr;
    const auto& all = members_[found->number - 1]->credentials;
    const auto at = std::lower_bound(
        all.begin(), all.end(), credential,
        [](const RegisteredCredential& one, std::string_view id) { return one.credential < id; });
    return at == all.end() || at->credential != credential ? nullptr : &*at;
  }

  const MemberParts& members() const { return members_; }

 private:
  const StoredState stored_;
  policy::State state_;
  const MemberParts members_;
  std::shared_ptr<const std::vector<uint32_t>> order_;  // of indexes, by name
  std::vector<const v1::Member*> by_name_;
  std::vector<v1::Platform> platforms_;
  std::vector<v1::Group> groups_;
  const std::shared_ptr<const ledger::EntryKeys> entry_keys_;
  std::string contact_;
};

absl::Status Broken(std::string_view what) {
  return absl::DataLossError("the stored coalition is not whole: " + std::string(what));
}

policy::Interval ToInterval(const storage::v1::Interval& stored) {
  return {stored.from_revision(), stored.to_revision() == 0 ? policy::kStill : stored.to_revision()};
}

policy::MemberState ToState(const storage::v1::StoredMember& stored) {
  policy::MemberState member;
  member.number = stored.number();
  member.id = stored.id();
  member.kind = stored.kind();
  member.standing = stored.standing();
  member.control_group = stored.control_group();
  member.withdraws_records =
      stored.has_departure() && stored.departure().disposition() == v1::RECORD_DISPOSITION_WITHDRAW;
  for (const auto& interval : stored.kind_held()) member.kind_held.push_back(ToInterval(interval));
  for (const auto& group : stored.groups()) {
    policy::GroupHeld& held = member.groups.emplace_back();
    held.group = group.group();
    held.names_still = group.lost_with_standing();
    for (const auto& interval : group.held()) held.held.push_back(ToInterval(interval));
  }
  return member;
}

v1::Member ToPublic(const storage::v1::StoredMember& stored, const StoredState& all) {
  v1::Member member;
  member.set_name(FormatMemberName(stored.id()));
  member.set_display_name(stored.display_name());
  member.set_kind(stored.kind());
  member.set_standing(stored.standing());
  member.set_control_group(stored.control_group());
  for (const auto& group : stored.groups()) {
    const auto holds = [](const storage::v1::Interval& interval) { return interval.to_revision() == 0; };
    if (std::any_of(group.held().begin(), group.held().end(), holds)) {
      member.add_groups(FormatGroupName(all.groups[group.group() - 1].id()));
    }
  }
  std::sort(member.mutable_groups()->begin(), member.mutable_groups()->end());
  if (stored.standing_time_ns() != 0)
    *member.mutable_standing_time() = ToTimestamp(stored.standing_time_ns());
  member.set_standing_reason(stored.standing_reason());
  if (stored.certificates_not_before_s() != 0) {
    member.mutable_certificates_not_before()->set_seconds(stored.certificates_not_before_s());
  }
  return member;
}

// False: it is no hash.
bool ReadKey(const std::string& hex, Sha256Digest* key) {
  const auto bytes = HexDecode(hex);
  if (!bytes || bytes->size() != key->size()) return false;
  std::copy(bytes->begin(), bytes->end(), key->begin());
  return true;
}

// Without keys where there are none.
bool ReadKeys(const storage::v1::StoredCredential& stored, identity::RegisteredCredential* credential) {
  credential->previous_key_until_s = stored.previous_key_until_s();
  for (const std::string& revoked : stored.revoked_keys()) {
    if (!ReadKey(revoked, &credential->revoked_keys.emplace_back())) return false;
  }
  const auto read = [](const std::string& hex, Sha256Digest* key) {
    return hex.empty() || ReadKey(hex, key);
  };
  return read(stored.public_key_sha256(), &credential->key_sha256) &&
         read(stored.unconfirmed_public_key_sha256(), &credential->unconfirmed_key_sha256) &&
         read(stored.previous_public_key_sha256(), &credential->previous_key_sha256);
}

// The gate that the credential has already, or a new one.
std::shared_ptr<identity::Gate> GateOf(const Snapshot* before, const std::string& member,
                                       const std::string& credential) {
  const identity::RegisteredCredential* known =
      before == nullptr ? nullptr : before->Find(member, credential);
  return known == nullptr ? std::make_shared<identity::Gate>() : known->gate;
}

absl::Status AddCredentials(const storage::v1::StoredMember& member, const Snapshot* before,
                            std::vector<RegisteredCredential>* credentials) {
  credentials->reserve(static_cast<size_t>(member.credentials_size()));
  for (const auto& stored : member.credentials()) {
    RegisteredCredential& credential = credentials->emplace_back();
    if (!ReadKeys(stored, &credential)) return Broken("a credential's key hash");
    credential.certificates_not_before_s = member.certificates_not_before_s();
    credential.gate = GateOf(before, member.id(), stored.id());
    credential.member_number = member.number();
    credential.member = member.id();
    credential.credential = stored.id();
    for (const int role : stored.roles()) credential.roles.Add(static_cast<v1::Role>(role));
    credential.purpose = stored.purpose();
  }
  std::sort(credentials->begin(), credentials->end(),
            [](const auto& a, const auto& b) { return a.credential < b.credential; });
  return absl::OkStatus();
}

// Those of `before`, for members that are as they were then.
absl::StatusOr<MemberParts> BuildMembers(const StoredState& stored, const StoredSnapshot* before) {
  MemberParts parts;
  parts.reserve(stored.members.size());
  for (const storage::v1::StoredMember& member : stored.members) {
    const size_t index = parts.size();
    if (before != nullptr && index < before->members().size() &&
        &before->stored().members[index] == &member) {
      parts.push_back(before->members()[index]);
      continue;
    }
    auto part = std::make_shared<MemberPart>();
    part->shown = ToPublic(member, stored);
    if (absl::Status added = AddCredentials(member, before, &part->credentials); !added.ok()) return added;
    parts.push_back(std::move(part));
  }
  return parts;
}

template <class T>
bool Dense(const SharedList<T>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].number() != i + 1) return false;
  }
  return true;
}

absl::Status CheckWhole(const StoredState& stored) {
  if (!Dense(stored.groups) || !Dense(stored.members) || !Dense(stored.platforms))
    return Broken("numbers are missing");
  for (const auto& member : stored.members) {
    for (const auto& group : member.groups()) {
      if (group.group() == 0 || group.group() > stored.groups.size())
        return Broken("a group that is not there");
    }
  }
  for (const auto& platform : stored.platforms) {
    for (const auto& holder : platform.holders()) {
      if (holder.member() == 0 || holder.member() > stored.members.size()) {
        return Broken("a holder that is not there");
      }
    }
  }
  return absl::OkStatus();
}

// The policy as it was compiled for `before`, or anew.
std::shared_ptr<const policy::CompiledPolicy> Compiled(const storage::v1::StoredPolicy& stored,
                                                       const Snapshot* before, policy::ViewNames* names) {
  if (before != nullptr) {
    for (const policy::PolicyInForce& known : before->policy_state().rules().policies) {
      if (known.version == stored.version()) return known.policy;
    }
  }
  return std::make_shared<const policy::CompiledPolicy>(stored.policy(), names);
}

absl::StatusOr<policy::Rules> BuildRules(const StoredState& stored, const Snapshot* before) {
  policy::Rules rules;
  rules.view_names =
      policy::ViewNames({stored.coalition.view_names().begin(), stored.coalition.view_names().end()});
  if (stored.policies.empty()) return Broken("there is no policy");
  uint64_t from = 0;
  for (const auto& policy : stored.policies) {
    if (!rules.policies.empty() && policy.revision() <= from) return Broken("policies out of order");
    from = rules.policies.empty() ? 0 : policy.revision();
    const size_t names = rules.view_names.names().size();
    rules.policies.push_back(
        {policy.version(), policy.epoch(), from, Compiled(policy, before, &rules.view_names)});
    if (rules.view_names.names().size() != names) return Broken("a view without a number");
  }
  uint64_t own_from = 0;
  for (const auto& own : stored.own_policies) {
    if (own.member() == 0 || own.member() > stored.members.size() || own.revision() <= own_from) {
      return Broken("a member's own policy");
    }
    own_from = own.revision();
    rules.member_policies.push_back({own.member(), own.revision(), own.policy()});
  }
  return rules;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Snapshot>> BuildSnapshot(
    StoredState stored, const Snapshot* before, std::shared_ptr<const ledger::EntryKeys> entry_keys) {
  if (absl::Status whole = CheckWhole(stored); !whole.ok()) return whole;
  auto rules = BuildRules(stored, before);
  if (!rules.ok()) return rules.status();
  std::vector<policy::GroupState> groups;
  for (const auto& group : stored.groups) groups.push_back({group.number(), group.id(), group.closed()});
  const auto* known = static_cast<const StoredSnapshot*>(before);  // all of them are made here
  auto parts = BuildMembers(stored, known);
  if (!parts.ok()) return parts.status();
  std::vector<policy::MemberState> members;
  members.reserve(stored.members.size());
  for (const auto& member : stored.members) members.push_back(ToState(member));
  std::vector<policy::PlatformState> platforms;
  std::vector<v1::Platform> public_platforms;
  for (const auto& platform : stored.platforms) {
    policy::PlatformState& state = platforms.emplace_back();
    state.number = platform.number();
    state.id = platform.id();
    v1::Platform& shown = public_platforms.emplace_back();
    shown.set_name(FormatPlatformName(platform.id()));
    for (const auto& holder : platform.holders()) {
      const policy::Interval held = ToInterval(holder.held());
      state.holders.push_back({holder.member(), held});
      if (held.to == policy::kStill) {
        shown.set_holder(FormatMemberName(stored.members[holder.member() - 1].id()));
      }
    }
  }
  policy::State state(stored.coalition.epoch(), std::move(members), std::move(groups), std::move(platforms),
                      *std::move(rules));
  return std::make_shared<StoredSnapshot>(std::move(stored), std::move(state), *std::move(parts),
                                          std::move(public_platforms), known, std::move(entry_keys));
}

}  // namespace coalition::membership
