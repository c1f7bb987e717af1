// An exchange with its ledger, sealed when a test says so, and all that the ledger tells one member.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/ledger/entry_log.h"
#include "server/ledger/refusals.h"
#include "server/ledger/shown_log.h"
#include "server/service/ledger_service.h"
#include "tests/support/exchange_world.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/unit/ledger/entries_support.h"
#include "tests/unit/ledger/sealed_ledger.h"

namespace coalition::testing {

// What happens in one tick that belmont may know, in every room alike.
enum class Own {
  kNothing,
  kScreens,     // belmont, and finds one
  kLists,       // belmont, several
  kIsRefused,   // belmont
  kEverybodys,  // an act
  kIsScreened,  // belmont's own record, by corsa
  kADayPasses,  // takes two ticks
};
inline constexpr size_t kOwns = 7;

// One answer to belmont, but for what is chance, and what it cost.
struct Told {
  std::string question;
  std::string answer;
  std::string cost;  // calls to the store, and rows that were read
  int nodes = 0;     // rows of trees of ticks, besides
  int proofs = 0;    // that the answer has
};

// Counts what is read. Not thread-safe.
class CountingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override;
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override;
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override;
  absl::StatusOr<std::vector<store::Change>> ReadLog(store::Revision after,
                                                     store::Limit limit) const override;
  // Since the last time.
  void TakeInto(Told* told) const;

 private:
  struct Counts {
    int reads = 0, scans = 0, keys = 0, rows = 0, nodes = 0;
  };
  mutable Counts counts_;
};

// Over a real store in a directory of its own, or one in memory, for very many. Not thread-safe; aborts on
// what a test can't do without.
class LedgerRoom {
 public:
  explicit LedgerRoom(bool in_memory = false);
  ~LedgerRoom();

  // And seals it.
  void Do(Own own);
  // So many entries of corsa's, aurore's and nobody's, a showing to bazaar and a refusal; nothing at all for
  // 0. Not sealed yet.
  void OthersDo(size_t entries);

  // All that the ledger tells belmont, also of the entries of those names, which are not its own.
  std::vector<Told> Ask(const std::vector<std::string>& others) const;
  std::vector<Told> AskAsAuditor() const;

  // Names of entries that corsa may open and belmont may not.
  std::vector<std::string> SomeEntriesOfOthers() const;
  size_t EntriesInAll() const;
  size_t OwnEntries(v1::LedgerEntryKind kind) const;

 private:
  void Show(const std::string& member, const std::string& method);
  void Refuse(const std::string& member);
  std::string Create(const std::string& owner, const std::string& seller,
                     const std::vector<std::string>& readers);

  v1::ListLedgerEntriesResponse List(const exchange::CallContext& context,
                                     const v1::ListLedgerEntriesRequest& request) const;
  // Of the member's own entries.
  std::vector<std::string> NamesOf(const std::string& member, v1::ListLedgerEntriesRequest request) const;
  void AskForPages(const exchange::CallContext& context, v1::ListLedgerEntriesRequest request,
                   std::vector<Told>* told) const;
  void AskForProofs(const exchange::CallContext& context, std::vector<Told>* told) const;
  void AskForEntry(const exchange::CallContext& context, const std::string& name, const std::string& as,
                   std::vector<Told>* told) const;
  void AskWhoSaw(const exchange::CallContext& context, std::vector<Told>* told) const;

  World world_;
  SealedLedger log_;
  const EntryMaker maker_;
  CountingStore counting_;
  ledger::CountingDisclosureLog sent_;
  store::CommitLane lane_;
  ledger::EntryLog entry_log_;
  ledger::ShownLog shown_;
  ledger::Refusals refusals_;
  const exchange::ExchangeKeys keys_;
  const watch::RecordDisclosures disclosures_;
  const Sealer sealer_;
  const ledger::Entries entries_;
  const service::LedgerService service_;
  std::string own_record_;
  size_t marks_ = 0;
};

}  // namespace coalition::testing
