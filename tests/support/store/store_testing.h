// Short ways to say what the store's tests say often.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/store/store.h"

namespace coalition::testing {

// Writes unconditionally.
store::Commit Writing(std::vector<store::Write> writes);
inline store::Commit Putting(std::string key, std::string value) {
  return Writing({{std::move(key), std::move(value)}});
}
inline store::Commit Removing(std::string key) { return Writing({{std::move(key), std::nullopt}}); }
// Judges the values read, says no and writes nothing.
store::Commit Aborting(absl::Status status);

// Fail the test if the commit is not made, or the read fails.
store::Revision MustCommit(store::Store& store, const store::Commit& commit);
absl::Status CommitStatus(store::Store& store, const store::Commit& commit);
// "(absent)" if it is.
std::string MustRead(const store::Store& store, const std::string& key, store::Revision at);

using Contents = std::vector<std::pair<std::string, std::string>>;
// By pages of `limit`, following `next`.
Contents MustScan(const store::Store& store, const std::string& from, const std::string& to,
                  store::Revision at, store::Limit limit = {});
// The same by ScanEach.
Contents MustScanEach(const store::Store& store, const std::string& from, const std::string& to,
                      store::Revision at);

// Raises the floor and removes until nothing is left to; returns how many were removed.
size_t MustRaiseFloor(store::Store& store, store::Revision revision, store::Limit limit = {});

}  // namespace coalition::testing
