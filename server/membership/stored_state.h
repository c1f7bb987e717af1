// What the store has of the coalition, and under which keys.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/storage.pb.h"
#include "google/protobuf/message_lite.h"
#include "server/membership/shared_list.h"
#include "server/store/store.h"

namespace coalition::membership {

// One prefix for the room; numbers in big-endian, so that a scan gives them in order. Single letters are the
// exchange room's (exchange/keys.h), and `h` the store's own (store/history.h).
inline constexpr std::string_view kCoalitionKey = "m/coalition";
inline constexpr std::string_view kEpochPrefix = "m/e/";        // epoch
inline constexpr std::string_view kGroupPrefix = "m/g/";        // group number
inline constexpr std::string_view kMemberPrefix = "m/m/";       // member number
inline constexpr std::string_view kPlatformPrefix = "m/p/";     // platform number
inline constexpr std::string_view kPolicyPrefix = "m/policy/";  // version
inline constexpr std::string_view kOwnPolicyPrefix = "m/own/";  // revision, member number
inline constexpr std::string_view kAudiencePrefix = "m/aud/";   // member number, id, '/', version
inline constexpr std::string_view kProposalPrefix = "m/prop/";  // number
inline constexpr std::string_view kEventPrefix = "m/event/";    // a list (events.cc), revision, number in it
inline constexpr std::string_view kApprovalPrefix = "m/appr/";  // base version, digest, member number

std::string BigEndian(uint32_t number);
std::string BigEndian(uint64_t number);
// The end of all keys that begin with one of these prefixes: '0' follows '/'.
std::string EndOf(std::string_view prefix);

std::string EpochKey(uint64_t epoch);
std::string PolicyKey(int64_t version);
std::string OwnPolicyKey(uint64_t revision, uint32_t member);
std::string AudiencePrefix(uint32_t member);
std::string AudienceKey(uint32_t member, std::string_view id, int64_t version);
std::string ApprovalPrefix(int64_t base_version, std::string_view digest);

store::Write Stored(std::string key, const google::protobuf::MessageLite& message);

// All of it at one revision, but audiences, approvals and events; each list in the order of its keys.
struct StoredState {
  store::Revision revision = 0;  // whose it is
  storage::v1::StoredCoalition coalition;
  SharedList<storage::v1::StoredGroup> groups;
  SharedList<storage::v1::StoredMember> members;
  SharedList<storage::v1::StoredPlatform> platforms;
  SharedList<storage::v1::StoredPolicy> policies;
  SharedList<storage::v1::StoredMemberPolicy> own_policies;
  SharedList<storage::v1::StoredProposal> proposals;
};

// DATA_LOSS: something does not parse, or there is no coalition. OUT_OF_RANGE: the store has no such revision
// any more.
absl::StatusOr<StoredState> LoadState(const store::Store& store, store::Revision at);

// The same as LoadState() at `revision`, made of the state before it and of what was written at it.
// DATA_LOSS: something does not parse, or is where nothing can be.
absl::StatusOr<StoredState> NextState(StoredState state, store::Revision revision,
                                      std::span<const store::Write> writes);

// Whether a write of that key may change a decision about records.
bool MayDecide(std::string_view key);
// Whether such a write leaves every decision as it was with the value from before: one of a member may be of
// its credentials alone.
bool DecidesAlike(const store::Write& write, std::string_view before);

// Whether every decision about records is the same by both: they differ at most in what no decision asks for,
// such as credentials and proposals.
bool DecideAlike(const StoredState& a, const StoredState& b);

// Every value below the prefix, in the order of the keys. DATA_LOSS: one does not parse.
template <class List>
absl::Status LoadAll(const store::Store& store, std::string_view prefix, store::Revision at, List* out);

// DATA_LOSS.
absl::Status Unparseable();

template <class List>
absl::Status LoadAll(const store::Store& store, std::string_view prefix, store::Revision at, List* out) {
  bool parsed = true;
  absl::Status scanned =
      store.ScanEach(prefix, EndOf(prefix), at, [&](std::string_view, std::string_view value, uint64_t) {
        typename List::value_type item;
        parsed = item.ParseFromArray(value.data(), static_cast<int>(value.size()));
        if (parsed) out->push_back(std::move(item));
        return parsed;
      });
  if (!scanned.ok()) return scanned;
  return parsed ? absl::OkStatus() : Unparseable();
}

}  // namespace coalition::membership
