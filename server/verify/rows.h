// The store's newest state, read past what is damaged.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/store/store.h"
#include "server/verify/findings.h"

namespace coalition::verify {

// Not thread-safe. A few megabytes, however large the store is. References must outlive it.
class Rows {
 public:
  Rows(const store::Store& store, Findings& findings) : store_(store), findings_(findings) {}

  // A row that fails its checksum, and is passed over from now on.
  void NoteDamaged(const std::string& key) { damaged_.insert(key); }

  // Visits what a Cursor goes through.
  using Visitor = std::function<void(const store::Entry& row)>;
  void Each(std::string_view from, std::string_view to, const Visitor& visit);
  // That begins with it.
  void EachWith(std::string_view prefix, const Visitor& visit);

  struct Row {
    // Nothing can be said of it.
    bool unreadable = false;
    std::optional<store::Version> version;
    bool absent() const { return !unreadable && !version; }
  };
  Row Read(const std::string& key);

  // Not OK: the disk does not let it go on.
  const absl::Status& status() const { return status_; }
  bool stopped() const { return !status_.ok() || findings_.full(); }

  const store::Store& store() const { return store_; }
  void Find(Subject subject, std::string what, std::string_view key = {}) {
    findings_.Add(subject, std::move(what), key);
  }

 private:
  friend class Cursor;
  // Of a read. A damaged row is a finding, and leaves the rest to be read.
  void Note(const absl::Status& error, std::string_view key);

  const store::Store& store_;
  Findings& findings_;
  std::set<std::string, std::less<>> damaged_;
  absl::Status status_;
};

// Goes through the rows from `from` on, and before `to` (empty: all), in the order of their keys, until
// enough was found. What can't be read is a finding. Not thread-safe; the rows must outlive it.
class Cursor {
 public:
  Cursor(Rows& rows, std::string_view from, std::string_view to) : rows_(rows), from_(from), to_(to) {}

  // The next one, until Pop. nullptr: there is none.
  const store::Entry* Peek();
  void Pop() { ++at_; }

 private:
  void Fill();

  Rows& rows_;
  std::string from_;
  const std::string to_;
  bool ended_ = false;
  std::vector<store::Entry> page_;
  size_t at_ = 0;
};

// Whether a message can be read from the value.
template <class Message>
bool Parse(std::string_view value, Message* message) {
  return message->ParseFromArray(value.data(), static_cast<int>(value.size()));
}

}  // namespace coalition::verify
