#include "server/membership/stored_state.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "common/big_endian.h"

namespace coalition::membership {
namespace {

template <class T>
std::string BigEndianOf(T number) {
  std::string bytes;
  AppendBigEndian(number, &bytes);
  return bytes;
}

// By which a list is in the order of its keys.
template <class T>
uint64_t NumberOf(const T& item) {
  return item.number();
}
uint64_t NumberOf(const storage::v1::StoredPolicy& policy) { return static_cast<uint64_t>(policy.version()); }
uint64_t NumberOf(const storage::v1::StoredMemberPolicy& policy) { return policy.revision(); }

// A new one is the last.
template <class T>
bool Put(const std::string& value, SharedList<T>* list) {
  T item;
  if (!item.ParseFromString(value)) return false;
  if (list->empty() || NumberOf(list->back()) < NumberOf(item)) {
    list->push_back(std::move(item));
    return true;
  }
  const auto place = std::lower_bound(list->begin(), list->end(), NumberOf(item),
                                      [](const T& a, uint64_t number) { return NumberOf(a) < number; });
  if (NumberOf(*place) != NumberOf(item)) return false;
  list->Replace(static_cast<size_t>(std::distance(list->begin(), place)), std::move(item));
  return true;
}

bool Put(const store::Write& write, StoredState* state) {
  const std::string& key = write.key;
  if (key == kCoalitionKey) return write.value && state->coalition.ParseFromString(*write.value);
  const auto below = [&key](std::string_view prefix) { return key.compare(0, prefix.size(), prefix) == 0; };
  const auto put = [&write](auto* list) { return write.value && Put(*write.value, list); };
  if (below(kGroupPrefix)) return put(&state->groups);
  if (below(kMemberPrefix)) return put(&state->members);
  if (below(kPlatformPrefix)) return put(&state->platforms);
  if (below(kPolicyPrefix)) return put(&state->policies);
  if (below(kOwnPolicyPrefix)) return put(&state->own_policies);
  if (below(kProposalPrefix)) return put(&state->proposals);
  return true;  // an audience, an approval, an event, a beginning of an epoch
}

// What decisions ask for.
std::string DecidingPart(const google::protobuf::MessageLite& whole) { return whole.SerializeAsString(); }
std::string DecidingPart(storage::v1::StoredMember member) {
  member.clear_credentials();
  member.clear_display_name();
  member.clear_standing_time_ns();
  member.clear_standing_reason();
  member.clear_certificates_not_before_s();
  member.clear_credential_changes_day();
  member.clear_credential_changes();
  return member.SerializeAsString();
}

template <class T>
bool DecideAlike(const SharedList<T>& a, const SharedList<T>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    // What did not change is shared.
    if (&a[i] != &b[i] && DecidingPart(a[i]) != DecidingPart(b[i])) return false;
  }
  return true;
}

std::string Under(std::string_view prefix, std::string rest) { return std::string(prefix) + std::move(rest); }

}  // namespace

std::string BigEndian(uint32_t number) { return BigEndianOf(number); }
std::string BigEndian(uint64_t number) { return BigEndianOf(number); }

std::string EndOf(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();
  return end;
}

std::string EpochKey(uint64_t epoch) { return Under(kEpochPrefix, BigEndian(epoch)); }
std::string PolicyKey(int64_t version) {
  return Under(kPolicyPrefix, BigEndian(static_cast<uint64_t>(version)));
}
std::string OwnPolicyKey(uint64_t revision, uint32_t member) {
  return Under(kOwnPolicyPrefix, BigEndian(revision) + BigEndian(member));
}
std::string AudiencePrefix(uint32_t member) { return Under(kAudiencePrefix, BigEndian(member) + "/"); }
std::string AudienceKey(uint32_t member, std::string_view id, int64_t version) {
  return AudiencePrefix(member) + std::string(id) + "/" + BigEndian(static_cast<uint64_t>(version));
}
std::string ApprovalPrefix(int64_t base_version, std::string_view digest) {
  return Under(kApprovalPrefix, BigEndian(static_cast<uint64_t>(base_version)) + std::string(digest) + "/");
}

store::Write Stored(std::string key, const google::protobuf::MessageLite& message) {
  return {std::move(key), message.SerializeAsString()};
}

bool MayDecide(std::string_view key) {
  for (const std::string_view prefix :
       {kGroupPrefix, kMemberPrefix, kPlatformPrefix, kPolicyPrefix, kOwnPolicyPrefix}) {
    if (key.starts_with(prefix)) return true;
  }
  return false;
}

bool DecidesAlike(const store::Write& write, std::string_view before) {
  storage::v1::StoredMember then, now;
  return write.value && write.key.starts_with(kMemberPrefix) &&
         then.ParseFromArray(before.data(), static_cast<int>(before.size())) &&
         now.ParseFromString(*write.value) && DecidingPart(std::move(then)) == DecidingPart(std::move(now));
}

bool DecideAlike(const StoredState& a, const StoredState& b) {
  return DecideAlike(a.groups, b.groups) && DecideAlike(a.members, b.members) &&
         DecideAlike(a.platforms, b.platforms) && DecideAlike(a.policies, b.policies) &&
         DecideAlike(a.own_policies, b.own_policies);
}

absl::Status Unparseable() { return absl::DataLossError("the stored coalition does not parse"); }

absl::StatusOr<StoredState> LoadState(const store::Store& store, store::Revision at) {
  const std::string key(kCoalitionKey);
  auto read = store.Read(std::span(&key, 1), at);
  if (!read.ok()) return read.status();
  StoredState stored;
  stored.revision = at;
  if (!(*read)[0].has_value() || !stored.coalition.ParseFromString((*read)[0]->value)) return Unparseable();
  if (auto s = LoadAll(store, kGroupPrefix, at, &stored.groups); !s.ok()) return s;
  if (auto s = LoadAll(store, kMemberPrefix, at, &stored.members); !s.ok()) return s;
  if (auto s = LoadAll(store, kPlatformPrefix, at, &stored.platforms); !s.ok()) return s;
  if (auto s = LoadAll(store, kPolicyPrefix, at, &stored.policies); !s.ok()) return s;
  if (auto s = LoadAll(store, kOwnPolicyPrefix, at, &stored.own_policies); !s.ok()) return s;
  if (auto s = LoadAll(store, kProposalPrefix, at, &stored.proposals); !s.ok()) return s;
  return stored;
}

absl::StatusOr<StoredState> NextState(StoredState state, store::Revision revision,
                                      std::span<const store::Write> writes) {
  state.revision = revision;
  for (const store::Write& write : writes) {
    if (!Put(write, &state)) return Unparseable();
  }
  return state;
}

}  // namespace coalition::membership
