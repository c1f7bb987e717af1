#include "server/ledger/entries.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/errors.h"
#include "common/policy/has.h"
#include "common/timestamp.h"
#include "server/ledger/entry.h"
#include "server/ledger/party_ticks.h"
#include "server/ledger/tick_nodes.h"

namespace coalition::ledger {
namespace {

// A query that matches next to nothing gets a short or empty page and a way to go on, instead of holding a
// thread.
constexpr int kLookedAtPerPage = 10'000;
// Below the message that a client takes by default. A page has at least one entry.
constexpr size_t kPageBytesMax = size_t{1} << 20;
// Read at once; one may have hundreds of kilobytes.
constexpr size_t kEntriesAtOnce = 16;

absl::Status Damaged(EntryPlace place) {
  return absl::DataLossError("the ledger is damaged: " + FormatEntryName(place));
}

absl::StatusOr<v1::LedgerContent> ContentOf(const SealedEntry& sealed) {
  std::optional<v1::LedgerContent> content = ledger::ContentOf(sealed.entry);
  if (!content) return Damaged(sealed.place);
  return *std::move(content);
}

// Proofs to one checkpoint; of entries of one tick in turn, what they share is made once. Not thread-safe.
class Prover {
 public:
  Prover(const LogReader& log, const Checkpoint& to) : log_(log), to_(to) {}

  absl::StatusOr<v1::LedgerProof> ProofOf(EntryPlace place) {
    if (absl::Status turned = TurnTo(place.tick); !turned.ok()) return turned;
    const auto path = log_.SlotPath(place);
    if (absl::IsNotFound(path.status())) return Damaged(place);
    if (!path.ok()) return path.status();
    v1::LedgerProof proof = *of_tick_;
    for (const Sha256Digest& hash : *path) proof.add_slot_path(std::string(Bytes(hash)));
    return proof;
  }

 private:
  absl::Status TurnTo(uint64_t tick) {
    if (of_tick_ && tick_ == tick) return absl::OkStatus();
    const auto stored = log_.FindTick(tick);
    if (!stored.ok()) return stored.status();
    const auto secret = *stored ? SecretOf(**stored) : std::nullopt;
    if (!secret) return Damaged({tick, 0});
    const auto path = log_.LogPath(tick, to_.size);
    if (!path.ok()) return path.status();
    constexpr int64_t kNsPerMs = 1'000'000;
    v1::LedgerProof& proof = of_tick_.emplace();
    *proof.mutable_tick_time() = ToTimestamp((*stored)->time_ms() * kNsPerMs);
    proof.set_tick_salt(std::string(Bytes(TickSaltOf(*secret))));
    for (const Sha256Digest& hash : *path) proof.add_log_path(std::string(Bytes(hash)));
    proof.set_note(to_.note);
    tick_ = tick;
    return absl::OkStatus();
  }

  const LogReader& log_;
  const Checkpoint& to_;
  uint64_t tick_ = 0;
  std::optional<v1::LedgerProof> of_tick_;  // without the slot's path
};

struct TickRange {
  uint64_t from = 0;
  uint64_t before = 0;
};

absl::StatusOr<TickRange> RangeOf(const LogReader& log, const EntryQuery& query, uint64_t size) {
  TickRange range{0, size};
  if (query.from_ms) {
    const auto from = log.FirstTickFrom(*query.from_ms, size);
    if (!from.ok()) return from.status();
    range.from = *from;
  }
  if (query.before_ms) {
    const auto before = log.FirstTickFrom(*query.before_ms, size);
    if (!before.ok()) return before.status();
    range.before = *before;
  }
  if (query.after) range.from = std::max(range.from, query.after->tick);
  return range;
}

}  // namespace

// One page as it is filled.
class Entries::Page {
 public:
  Page(const Entries& of, const EntryAsker& asker, const EntryQuery& query, const Checkpoint& newest)
      : of_(of), asker_(asker), query_(query), prover_(of.log_, newest) {}

  // Whether the page goes on behind it.
  absl::StatusOr<bool> Take(const SealedEntry& sealed) {
    const auto content = ContentOf(sealed);
    if (!content.ok()) return content.status();
    const Opening opening = OpeningFor(asker_, sealed.entry, *content);
    if (!opening.open && !asker_.audits) return true;
    const bool match = opening.open && (query_.kinds.empty() || policy::Has(query_.kinds, KindOf(*content)));
    v1::LedgerEntry entry;
    if (match) {
      auto opened = of_.Open(sealed, opening);
      if (!opened.ok()) return opened.status();
      entry = *std::move(opened);
      if (absl::Status proved = Prove(sealed.place, &entry); !proved.ok()) return proved;
      bytes_ += entry.ByteSizeLong();
    }
    const bool full =
        match && !page_.entries.empty() && (page_.entries.size() == query_.count || bytes_ > kPageBytesMax);
    if (full || looked_at_ == kLookedAtPerPage) {
      page_.last = last_;
      return false;
    }
    ++looked_at_;
    last_ = sealed.place;
    if (match) page_.entries.push_back(std::move(entry));
    return true;
  }

  EntryPage Taken() && { return std::move(page_); }

 private:
  absl::Status Prove(EntryPlace place, v1::LedgerEntry* entry) {
    if (!query_.with_proofs) return absl::OkStatus();
    auto proof = prover_.ProofOf(place);
    if (!proof.ok()) return proof.status();
    *entry->mutable_proof() = *std::move(proof);
    return absl::OkStatus();
  }

  const Entries& of_;
  const EntryAsker& asker_;
  const EntryQuery& query_;
  Prover prover_;
  EntryPage page_;
  EntryPlace last_;
  int looked_at_ = 0;
  size_t bytes_ = 0;
};

absl::StatusOr<EntryPage> Entries::List(const EntryAsker& asker, const EntryQuery& query, Look look) const {
  const Checkpoint newest = newest_();
  const auto range = RangeOf(log_, query, newest.size);
  if (!range.ok()) return range.status();
  PartyTicks ticks(log_, query.parties, range->from, range->before);
  Page page(*this, asker, query, newest);
  for (;;) {
    const auto tick = ticks.Next();
    if (!tick.ok()) return tick.status();
    if (!*tick) return std::move(page).Taken();
    const std::vector<uint32_t>& slots = (*tick)->slots;
    auto at = slots.begin();
    if (query.after && query.after->tick == (*tick)->tick) {
      at = std::upper_bound(at, slots.end(), query.after->slot);
    }
    while (at != slots.end()) {
      const auto end = at + std::min<ptrdiff_t>(kEntriesAtOnce, slots.end() - at);
      const auto entries = log_.EntriesAt((*tick)->tick, {at, end});
      if (!entries.ok()) return entries.status();
      for (const SealedEntry& sealed : *entries) {
        if (absl::Status watched = look(); !watched.ok()) return watched;
        const auto goes_on = page.Take(sealed);
        if (!goes_on.ok()) return goes_on.status();
        if (!*goes_on) return std::move(page).Taken();
      }
      at = end;
    }
  }
}

absl::StatusOr<v1::LedgerEntry> Entries::Open(const SealedEntry& sealed, Opening opening) const {
  const absl::StatusOr<std::optional<EntryParts>> parts = PartsOf(*keys_, sealed.entry);
  if (!parts.ok()) return Damaged(sealed.place);
  return Opened(sealed, *parts, opening);
}

absl::StatusOr<bool> Entries::MayStandAt(const EntryAsker& asker, EntryPlace place, uint64_t size) const {
  if (asker.audits) return place.tick < size;
  PartyTicks ticks(log_, {asker.member, kEverybody}, place.tick, std::min(place.tick, size - 1) + 1);
  const auto tick = ticks.Next();
  if (!tick.ok()) return tick.status();
  return tick->has_value() && std::binary_search((*tick)->slots.begin(), (*tick)->slots.end(), place.slot);
}

absl::StatusOr<v1::LedgerEntry> Entries::Find(const EntryAsker& asker, EntryPlace place) const {
  const Checkpoint newest = newest_();
  const auto may = MayStandAt(asker, place, newest.size);
  if (!may.ok()) return may.status();
  if (!*may) return NotFound();
  const auto sealed = log_.FindEntry(place);
  if (!sealed.ok()) return sealed.status();
  if (!*sealed) return NotFound();
  const auto content = ContentOf(**sealed);
  if (!content.ok()) return content.status();
  const Opening opening = OpeningFor(asker, (*sealed)->entry, *content);
  if (!opening.open) return NotFound();
  auto proof = Prover(log_, newest).ProofOf(place);
  if (!proof.ok()) return proof.status();
  absl::StatusOr<v1::LedgerEntry> entry = Open(**sealed, opening);
  if (!entry.ok()) return entry.status();
  *entry->mutable_proof() = *std::move(proof);
  return entry;
}

}  // namespace coalition::ledger
