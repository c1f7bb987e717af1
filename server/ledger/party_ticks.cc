#include "server/ledger/party_ticks.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coalition::ledger {
namespace {

constexpr size_t kTicksAtOnce = 64;

void Add(const std::vector<uint32_t>& slots, std::vector<uint32_t>* to) {
  std::vector<uint32_t> all;
  all.reserve(to->size() + slots.size());
  std::set_union(to->begin(), to->end(), slots.begin(), slots.end(), std::back_inserter(all));
  *to = std::move(all);
}

}  // namespace

PartyTicks::PartyTicks(const LogReader& log, const std::vector<uint32_t>& parties, uint64_t from,
                       uint64_t before)
    : log_(log), before_(before) {
  for (const uint32_t party : parties) {
    Source& source = sources_.emplace_back();
    source.party = party;
    source.from = from;
  }
}

absl::Status PartyTicks::Fill(Source* source) const {
  if (!source->empty() || source->ended) return absl::OkStatus();
  auto read = log_.TicksOf(source->party, source->from, before_, kTicksAtOnce);
  if (!read.ok()) return read.status();
  source->read = *std::move(read);
  source->at = 0;
  source->ended = source->read.size() < kTicksAtOnce;
  if (!source->read.empty()) source->from = source->read.back().tick + 1;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<LogReader::PartyTick>> PartyTicks::Next() {
  std::optional<LogReader::PartyTick> next;
  for (Source& source : sources_) {
    if (absl::Status filled = Fill(&source); !filled.ok()) return filled;
    if (source.empty()) continue;
    const uint64_t tick = source.read[source.at].tick;
    if (!next || tick < next->tick) next = {tick, {}};
  }
  if (!next) return next;
  for (Source& source : sources_) {
    if (!source.empty() && source.read[source.at].tick == next->tick) {
      Add(source.read[source.at++].slots, &next->slots);
    }
  }
  return next;
}

}  // namespace coalition::ledger
