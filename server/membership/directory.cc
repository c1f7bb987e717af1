#include "server/membership/directory.h"

#include <span>
#include <utility>

#include "absl/status/status.h"
#include "common/errors.h"
#include "server/membership/bootstrap.h"
#include "server/membership/snapshot.h"

namespace coalition::membership {
namespace {

absl::Status Unparseable() { return absl::DataLossError("the stored coalition does not parse"); }

// Judges whether the bootstrap is to be applied; runs inside the commit, so that of two servers one wins.
store::Commit BootstrapCommit(const config::v1::Bootstrap& bootstrap, bool store_is_empty) {
  store::Commit commit;
  commit.reads = {std::string(kCoalitionKey)};
  commit.build =
      [&bootstrap, store_is_empty](
          store::Revision revision,
          std::span<const std::optional<store::Version>> read) -> absl::StatusOr<std::vector<store::Write>> {
    if (!read[0].has_value()) {
      if (!store_is_empty) {
        return absl::FailedPreconditionError(
            "the store holds data but no coalition: the bootstrap file applies to an empty store only");
      }
      return BootstrapWrites(bootstrap, revision);
    }
    storage::v1::StoredCoalition stored;
    if (!stored.ParseFromString(read[0]->value)) return Unparseable();
    if (stored.bootstrap_sha256() != BootstrapDigest(bootstrap)) {
      return absl::FailedPreconditionError(
          "the bootstrap file differs from the one that this store was made with; it applies once, to an "
          "empty store, and this version cannot change members, credentials or keys later: restore the file "
          "as it was");
    }
    return std::vector<store::Write>();
  };
  return commit;
}

template <class T>
absl::Status LoadAll(const store::Store& store, std::string_view from, std::string_view to,
                     store::Revision at, std::vector<T>* out) {
  bool parsed = true;
  absl::Status scanned =
      store.ScanEach(from, to, at, [&](std::string_view, std::string_view value, uint64_t) {
        parsed = out->emplace_back().ParseFromArray(value.data(), static_cast<int>(value.size()));
        return parsed;
      });
  if (!scanned.ok()) return scanned;
  return parsed ? absl::OkStatus() : Unparseable();
}

absl::StatusOr<StoredState> Load(const store::Store& store) {
  const store::Revision at = store.Head();
  const std::string key(kCoalitionKey);
  auto read = store.Read(std::span(&key, 1), at);
  if (!read.ok()) return read.status();
  StoredState stored;
  if (!(*read)[0].has_value() || !stored.coalition.ParseFromString((*read)[0]->value)) return Unparseable();
  if (auto s = LoadAll(store, kGroupPrefix, kGroupEnd, at, &stored.groups); !s.ok()) return s;
  if (auto s = LoadAll(store, kMemberPrefix, kMemberEnd, at, &stored.members); !s.ok()) return s;
  if (auto s = LoadAll(store, kPlatformPrefix, kPlatformEnd, at, &stored.platforms); !s.ok()) return s;
  return stored;
}

}  // namespace

absl::Status NotActive(const Snapshot& snapshot) {
  std::string contact;
  for (const v1::Member& member : snapshot.PublicMembers()) {
    if (member.kind() == v1::MEMBER_KIND_SECRETARIAT) contact = member.name();
  }
  return Error(v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "your member's standing does not allow this call",
               {{"contact", contact}});
}

absl::StatusOr<std::unique_ptr<Directory>> Directory::Open(store::Store& store,
                                                           const config::v1::Bootstrap& bootstrap) {
  if (absl::Status checked = CheckBootstrap(bootstrap); !checked.ok()) return checked;
  const store::Commit commit = BootstrapCommit(bootstrap, store.Head() == 0);
  const auto applied = store.CommitAll(std::span(&commit, 1));
  if (!applied[0].ok()) return applied[0].status();
  auto stored = Load(store);
  if (!stored.ok()) return stored.status();
  auto snapshot = BuildSnapshot(*stored);
  if (!snapshot.ok()) return snapshot.status();
  std::unique_ptr<Directory> directory(new Directory());
  directory->current_.store(*std::move(snapshot), std::memory_order_release);
  return directory;
}

}  // namespace coalition::membership
