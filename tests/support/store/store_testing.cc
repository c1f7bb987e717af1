#include "tests/support/store/store_testing.h"

#include <span>

namespace coalition::testing {

using store::Commit;
using store::Revision;
using store::Store;
using store::Version;
using store::Write;

Commit Writing(std::vector<Write> writes) {
  return {.reads = {},
          .build = [writes = std::move(writes)](Revision, std::span<const std::optional<Version>>)
              -> absl::StatusOr<std::vector<Write>> { return writes; }};
}

Commit Aborting(absl::Status status) {
  return {.reads = {},
          .build = [status = std::move(status)](Revision, std::span<const std::optional<Version>>)
              -> absl::StatusOr<std::vector<Write>> { return status; }};
}

Revision MustCommit(Store& store, const Commit& commit) {
  const std::vector<absl::StatusOr<Revision>> results = store.CommitAll({&commit, 1});
  EXPECT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0].ok()) << results[0].status();
  return results[0].value_or(0);
}

absl::Status CommitStatus(Store& store, const Commit& commit) {
  return store.CommitAll({&commit, 1}).at(0).status();
}

std::string MustRead(const Store& store, const std::string& key, Revision at) {
  const absl::StatusOr<std::vector<std::optional<Version>>> values = store.Read({&key, 1}, at);
  EXPECT_TRUE(values.ok()) << values.status();
  if (!values.ok() || values->size() != 1) return "(failed)";
  return (*values)[0].has_value() ? (*values)[0]->value : "(absent)";
}

Contents MustScan(const Store& store, const std::string& from, const std::string& to, Revision at,
                  store::Limit limit) {
  Contents contents;
  std::optional<std::string> next = from;
  while (next.has_value()) {
    const absl::StatusOr<store::Page<store::Entry>> page = store.Scan(*next, to, at, limit);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    EXPECT_LE(page->items.size(), std::max<size_t>(limit.items, 1));
    EXPECT_TRUE(!page->next.has_value() || !page->items.empty());
    for (const store::Entry& entry : page->items) contents.emplace_back(entry.key, entry.version.value);
    next = page->next;
  }
  return contents;
}

Contents MustScanEach(const Store& store, const std::string& from, const std::string& to, Revision at) {
  Contents contents;
  const absl::Status status =
      store.ScanEach(from, to, at, [&contents](std::string_view key, std::string_view value, Revision) {
        contents.emplace_back(key, value);
        return true;
      });
  EXPECT_TRUE(status.ok()) << status;
  return contents;
}

size_t MustRaiseFloor(Store& store, Revision revision, store::Limit limit) {
  size_t removed = 0;
  while (true) {
    const absl::StatusOr<size_t> some = store.RaiseFloor(revision, limit);
    EXPECT_TRUE(some.ok()) << some.status();
    if (!some.ok()) return removed;
    removed += *some;
    EXPECT_LE(*some, limit.items);
    if (*some == 0) return removed;
  }
}

}  // namespace coalition::testing
