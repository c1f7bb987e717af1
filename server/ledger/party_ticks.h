// The places of what several parties may open, in the order of the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/ledger/log_reader.h"

namespace coalition::ledger {

// Not thread-safe. The log must outlive it.
class PartyTicks {
 public:
  // Of ticks from `from` to before `before`.
  PartyTicks(const LogReader& log, const std::vector<uint32_t>& parties, uint64_t from, uint64_t before);

  // Of the next tick in which one of them may open something: every slot that any of them may, each once,
  // ascending. nullopt: there is no other. LogReader's errors.
  absl::StatusOr<std::optional<LogReader::PartyTick>> Next();

 private:
  struct Source {
    uint32_t party = 0;
    uint64_t from = 0;  // what was not read yet
    std::vector<LogReader::PartyTick> read;
    size_t at = 0;  // in `read`
    bool ended = false;
    bool empty() const { return at == read.size(); }
  };
  absl::Status Fill(Source* source) const;

  const LogReader& log_;
  const uint64_t before_;
  std::vector<Source> sources_;
};

}  // namespace coalition::ledger
