// The ordered, versioned key-value store that everything durable lives in.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace coalition::store {

// Identifies a committed state. Increases with every commit; not dense. 0 is the empty store.
using Revision = uint64_t;

struct Version {
  std::string value;
  Revision revision = 0;  // the commit that wrote the value
};

// A change to one key. nullopt is a tombstone: the key reads as absent from that revision on.
struct Write {
  std::string key;
  std::optional<std::string> value;
};

struct Entry {
  std::string key;
  Version version;
};

// All writes of one commit, in the order they were made.
struct Change {
  Revision revision = 0;
  std::vector<Write> writes;
};

// A page ends at whichever is reached first; a page always holds at least one item if there is one.
struct Limit {
  size_t items = 1000;
  size_t bytes = size_t{1} << 20;
};

template <class T>
struct Page {
  std::vector<T> items;
  // Where to go on: the `from` of the next Scan. nullopt: there is no more.
  std::optional<std::string> next;
};

// One atomic request to write.
struct Commit {
  // Keys whose newest values `build` needs. All are read in one round trip.
  std::vector<std::string> reads;

  // Judges the values read (nullopt: absent) and answers the writes to make, at the revision they will have.
  // Must not block or call the store, since it runs while the sequencer is held; it may run again, so what it
  // keeps for the caller it sets anew. It sees the writes of commits that were judged before it. An error
  // aborts this commit alone and is returned for it. No writes and OK is a commit that changes nothing; it
  // takes no revision and returns the newest one.
  std::function<absl::StatusOr<std::vector<Write>>(Revision, std::span<const std::optional<Version>>)> build;
};

// Thread-safe. Every call may block on the disk.
//
// Promises: a commit is atomic and durable (fsync) when CommitAll returns OK for it; commits are totally
// ordered by revision; a reader that names a revision `at` in [Floor(), Head()] sees exactly the commits up
// to it, however long it takes. Does not promise dense revisions, freshness across processes, or anything
// about sizes.
//
// Errors: OUT_OF_RANGE `at` is below Floor(); DATA_LOSS a stored value fails its checksum (it is never
// returned); UNAVAILABLE the disk refused and nothing was written; UNKNOWN it is undetermined whether the
// commit happened (after which the store refuses further writes until reopened).
class Store {
 public:
  virtual ~Store() = default;

  // Judges the commits in order and writes those that pass, with one wait for durability for all, grouped
  // with those of other callers. The result has one entry for each commit: its revision, or why it was not
  // made.
  virtual std::vector<absl::StatusOr<Revision>> CommitAll(std::span<const Commit> commits) = 0;

  // The newest durable revision.
  virtual Revision Head() const = 0;
  // The oldest revision that can be read.
  virtual Revision Floor() const = 0;

  // The values of `keys` at revision `at`, in order; nullopt: absent or tombstone.
  virtual absl::StatusOr<std::vector<std::optional<Version>>> Read(std::span<const std::string> keys,
                                                                   Revision at) const = 0;

  // Live entries with from <= key < to at revision `at`, in key order. An empty `to` means no upper bound.
  virtual absl::StatusOr<Page<Entry>> Scan(std::string_view from, std::string_view to, Revision at,
                                           Limit limit) const = 0;

  // As Scan, without copying and without pages: calls `visit` for each entry until it returns false. The
  // views live until visit returns; visit must not call the store. The path of everything hot.
  using Visitor = std::function<bool(std::string_view key, std::string_view value, Revision revision)>;
  virtual absl::Status ScanEach(std::string_view from, std::string_view to, Revision at,
                                const Visitor& visit) const = 0;

  // Changes with revision > after, oldest first. OUT_OF_RANGE when some of them are below Floor().
  virtual absl::StatusOr<std::vector<Change>> ReadLog(Revision after, Limit limit) const = 0;

  // Waits until Head() > revision or the time is over; returns Head().
  virtual Revision WaitPast(Revision revision, std::chrono::milliseconds timeout) const = 0;

  // Gives up history: afterwards Floor() == revision (never lowered). Removes at most `limit` superseded
  // versions and change log entries; returns how many were removed; 0 means done.
  // Readers stay right if a removed key comes back.
  virtual absl::StatusOr<size_t> RaiseFloor(Revision revision, Limit limit) = 0;
};

}  // namespace coalition::store
