// From the reviewed bootstrap file to what the store keeps.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/storage/v1/storage.pb.h"
#include "server/ledger/entry_keys.h"
#include "server/store/store.h"

namespace coalition::membership {

// OK, or INVALID_ARGUMENT with all that is wrong, each with its place: 'members[2] "aurore": no such group:
// "brands"'.
absl::Status CheckBootstrap(const config::v1::Bootstrap& bootstrap);

// INVALID_ARGUMENT where two credentials share a key: one person's key would then speak for two. Apart from
// CheckBootstrap, which also judges the made-up members of tests.
absl::Status CheckDistinctKeys(const config::v1::Bootstrap& bootstrap);

// SHA-256 of the message's deterministic serialisation: comments and layout of the file do not count.
std::string BootstrapDigest(const config::v1::Bootstrap& bootstrap);

// The writes that apply a checked bootstrap at `revision`: numbers are dense from 1 in the file's order,
// everybody holds what the file says from `revision` on, and its policy, or the built-in one, is version 1.
std::vector<store::Write> BootstrapWrites(const ledger::EntryKeys& entry_keys,
                                          const config::v1::Bootstrap& bootstrap, store::Revision revision,
                                          int64_t now_ns);

// The first version of the policy. `coalition` gets the names of its views.
storage::v1::StoredPolicy FirstPolicy(const v1::CoalitionPolicy& policy, int64_t now_ns,
                                      storage::v1::StoredCoalition* coalition);

}  // namespace coalition::membership
