// Many records at a time: their names, and what became of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "client/cli/session.h"
#include "client/cli/take_back.h"
#include "client/client.h"

namespace coalition::cli {

// Names in the order in which they came, each once. Not thread-safe.
class RecordNames {
 public:
  void Add(std::string name);
  // How often one came that was there already.
  size_t repeated() const { return repeated_; }
  // All of them; none are left.
  std::vector<std::string> Take();

 private:
  std::vector<std::string> names_;
  absl::flat_hash_set<std::string> known_;
  size_t repeated_ = 0;
};

// Of `file`, or "-", one a line; blank lines and those that begin with # are passed over. Every line that
// is no record's name is told by its number (of very many the first few), and nothing comes of the others
// then. The error is Local.
absl::Status ReadRecordNames(Session& session, const std::string& file, RecordNames* names);

// Takes them back, shows on stdout those that were rejected and on stderr how far it is and what became of
// all. Ctrl-C waits for what is under way. Returns the exit code: kExitNo if some were rejected.
int TakeBackMany(Session& session, client::Client& client, const TakingBack& what,
                 const std::vector<std::string>& names, bool dry_run);

}  // namespace coalition::cli
