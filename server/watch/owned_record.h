// A record as its contributor asks about it: there or not any more, and whom it was shown to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/state.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/exchange/reader.h"
#include "server/exchange/taken_back.h"
#include "server/ledger/shown_log.h"

namespace coalition::watch {

struct OwnedRecord {
  exchange::RecordId id{};
  std::optional<exchange::FoundRecord> found;  // it is there
  std::optional<storage::v1::StoredTakenBack> taken_back;
};

// NOT_FOUND: it is not, and was not at last, the asker's. The store's errors, as callers see them.
absl::StatusOr<OwnedRecord> FindOwned(const exchange::Reader& reader, const exchange::RecordId& id);

// Whom it was shown to, by number, as far as its contributor is told: not of authorities while the policy
// seals that, and of an opinion about another member's record only that member. The store's errors, as
// callers see them.
absl::StatusOr<std::vector<ledger::ShownTo>> ToldOf(const exchange::Reader& reader,
                                                    const ledger::ShownLog& shown, const OwnedRecord& owned);

// Whether its contributor, the asker, may ever learn that the member was shown the record: as ToldOf,
// whatever is sealed. False also of what it owns no more, or what can't be read.
absl::StatusOr<bool> MayBeTold(const exchange::Reader& reader, const exchange::RecordId& id, uint32_t member);

// members/{member}, or empty where the policy has members of its kind told by the kind alone.
std::string NameToContributors(const policy::State& state, const policy::MemberState& member);

// The beginning of the day, UTC.
google::protobuf::Timestamp DayOf(int64_t time_s);

}  // namespace coalition::watch
