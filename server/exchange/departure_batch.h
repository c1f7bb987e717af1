// A part of what a leaving member's records become, as one commit makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/exchange/room.h"
#include "server/membership/directory.h"
#include "server/store/store.h"

namespace coalition::exchange {

// What becomes of a leaving member's records.
struct Destination {
  // From the leaving member on: a successor that has left as well gives them on to its own.
  std::vector<uint32_t> givers;
  // 0: nobody has them, they are withdrawn. So they are too where a successor has left that chose so, or
  // nothing.
  uint32_t to = 0;
  friend bool operator==(const Destination&, const Destination&) = default;
};

// nullopt: the member has not left by itself, or that is done.
std::optional<Destination> DestinationOf(const membership::Snapshot& snapshot, uint32_t member);

// A record of the batch and the writes that it takes, if it is still the one that was read.
struct DepartingRecord {
  std::string key;
  store::Revision revision = 0;
  std::vector<store::Write> writes;
  // Of a record with an external_id that goes to a successor: the key that the id has there, which is the
  // next one that the commit reads, and the writes if that is free; `writes` are those without the id.
  std::string external_id_key;
  std::vector<store::Write> writes_with_external_id;
  // It was live, so it counts.
  bool counts = true;
};

// Some of the records that the member still has. Not thread-safe.
class DepartureBatch {
 public:
  // Reads the records of `member` in listing order from the key `from` (empty: the newest), at the newest
  // revision. Those that have expired are removed, wherever the others go. Errors: the store's.
  static absl::StatusOr<DepartureBatch> Read(const Room& room, const policy::State& state,
                                             const Destination& destination, uint32_t member,
                                             const std::string& from, int64_t now_ns);

  bool empty() const { return records_.empty(); }
  // Where the next one begins; nullopt: this is the last.
  const std::optional<std::string>& next() const { return next_; }
  // Records that can't be read, and stay; nobody is shown these.
  int damaged() const { return damaged_; }
  // About how much it writes.
  size_t bytes() const { return bytes_; }

  void AppendReads(std::vector<std::string>* reads) const;
  // `values` of those reads. Returns how many records count that it did; what was changed since it was read
  // stays.
  int64_t AppendWrites(std::span<const std::optional<store::Version>> values,
                       std::vector<store::Write>* writes) const;

 private:
  // False: it is damaged.
  absl::StatusOr<bool> Add(const Room& room, const policy::State& state, const Destination& destination,
                           const std::string& key, const store::Version& version, int64_t now_ns);

  std::vector<DepartingRecord> records_;
  std::optional<std::string> next_;
  int damaged_ = 0;
  size_t bytes_ = 0;
};

}  // namespace coalition::exchange
