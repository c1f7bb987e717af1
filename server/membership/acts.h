// Acts by which it is decided who sees what, as the ledger keeps them: written in the same commit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/storage.pb.h"
#include "server/ledger/entry_keys.h"
#include "server/membership/actor.h"
#include "server/store/store.h"

namespace coalition::membership {

struct Act {
  std::string target;  // "members/belmont"
  std::string change;  // in words
  // Whose affair alone it is, by number; 0: everybody's.
  uint32_t member = 0;
  // What it was about, as it is kept. Empty: nothing that has a form of its own.
  std::string document = {};
};

// `epoch`: the coalition's, once they are done. The actor's state has entry_keys.
void AddActs(const std::vector<Act>& acts, const Actor& actor, store::Revision revision, uint64_t epoch,
             std::vector<store::Write>* writes);
// The server's own, or its operator's.
void AddServersAct(const ledger::EntryKeys& entry_keys, const Act& act, int64_t now_ns,
                   store::Revision revision, uint64_t epoch, std::vector<store::Write>* writes);
// Commits an act that changes nothing of the coalition; the revision that has it. Blocks. The store's errors.
absl::StatusOr<store::Revision> CommitAct(store::Store& store, const Act& act, const Actor& actor);
// Of a version of a member's own policy, which is nobody else's affair.
Act OwnPolicyAct(const std::string& member, const storage::v1::StoredMemberPolicy& policy);
// Whether an act is among them.
bool HasAct(const std::vector<store::Write>& writes);

}  // namespace coalition::membership
