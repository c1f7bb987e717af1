// A tree of keys (punctured_tree.h) in a file of its own, of which keys are destroyed for good: in memory, in
// the file, and in what the file was before.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"
#include "common/mutex.h"
#include "common/punctured_tree.h"
#include "common/random.h"

namespace coalition {

// One of its keys. Its memory is wiped when it goes.
struct LeafKey {
  explicit LeafKey(const PuncturedTree::Key& key) : bytes(key) {}
  LeafKey(const LeafKey&) = default;
  LeafKey& operator=(const LeafKey&) = default;
  ~LeafKey();

  // nullopt: it was destroyed, or is no index of the tree.
  static std::optional<LeafKey> Of(const PuncturedTree& tree, uint64_t index);

  PuncturedTree::Key bytes;
};

// Reads the tree, or makes it with mode 0600, if it is missing and `may_create` (an empty store). Blocks.
// FAILED_PRECONDITION: it is missing, open to others, damaged, or has not `bits`. Says what to do, and of a
// missing one what cannot be done `without_it`: "nobody can read it". Other errors: common/file.h.
absl::StatusOr<PuncturedTree> LoadKeyTree(const std::string& file, unsigned bits, bool may_create,
                                          std::string_view without_it, Random& random);

// Removes and overwrites what a destruction that was cut short has left beside `file`, a tree with more keys
// than that one will have; and makes what was renamed there durable. Blocks. Errors: common/file.h.
absl::Status RemoveLeftovers(const std::string& file);

// Thread-safe. Only what destroys blocks.
class KeyTreeFile {
 public:
  // What is to be left of a tree; nullopt: all of it.
  using Rest = std::function<std::optional<PuncturedTree>(const PuncturedTree&)>;

  // `file`: what `tree` was read from; empty: it is kept nowhere, for tests.
  KeyTreeFile(std::string file, PuncturedTree tree);

  // nullopt: it was destroyed, or is no index of the tree.
  std::optional<LeafKey> Leaf(uint64_t index) const { return LeafKey::Of(*tree(), index); }
  // As it is now, for several leaves.
  std::shared_ptr<const PuncturedTree> tree() const { return tree_.load(std::memory_order_acquire); }

  // Keeps what `rest` gives, which is called once and never by two threads at a time. Durable when it returns
  // OK, also what was destroyed before and is passed over; no file in the directory has the keys then, and
  // what lay in the former file is overwritten, as far as the file system overwrites. Errors of the disk
  // (common/file.h), after which nothing is destroyed or it is not known: to be repeated. Where it is only
  // the former file that could not be overwritten, the keys are destroyed all the same, and who repeats the
  // call does not hear of it again.
  absl::Status Destroy(const Rest& rest);
  // As above: these leaves, as far as they are there.
  absl::Status DestroyLeaves(std::span<const uint64_t> indices);

  // SHA-256 of the file: changes when something is destroyed, so that copies can be told apart.
  Sha256Digest Digest() const;

 private:
  const std::string file_;
  Mutex destroying_;
  std::atomic<std::shared_ptr<const PuncturedTree>> tree_;
};

}  // namespace coalition
