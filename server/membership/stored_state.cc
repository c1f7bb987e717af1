#include "server/membership/stored_state.h"

#include <span>
#include <utility>

#include "absl/status/status.h"

namespace coalition::membership {
namespace {

template <class T>
std::string BigEndianOf(T number) {
  std::string bytes;
  for (int shift = static_cast<int>(sizeof number) * 8 - 8; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(number >> shift));
  }
  return bytes;
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

}  // namespace coalition::membership
