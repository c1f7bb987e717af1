#include "server/ledger_rooms.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/policy/limits.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "server/keys.h"
#include "server/ledger/log_opening.h"
#include "server/watch/owned_record.h"

namespace coalition::server {
namespace {

// Members keep their names and kinds, and views their numbers: the newest state knows all there ever were.
ledger::MemberFacts FactsOf(const LedgerRooms::Needs& needs) {
  const membership::Directory& directory = needs.directory;
  const auto member = [&directory](uint32_t number) {
    return FormatMemberName(directory.Current()->stored().members[number - 1].id());
  };
  const auto views = [&directory](policy::ViewSet set) {
    const auto current = directory.Current();
    const std::vector<std::string_view> names = current->policy_state().view_names().NamesOf(set);
    return std::vector<std::string>(names.begin(), names.end());
  };
  const auto kind = [&directory](uint32_t number) {
    return directory.Current()->stored().members[number - 1].kind();
  };
  const auto may_tell = [&directory, &store = needs.store, &keys = needs.keys, &clock = needs.clock](
                            uint32_t contributor, uint32_t shown_to, const policy::RecordIdBytes& record) {
    const membership::Moment now = directory.Now();
    const exchange::Asker asker{now.snapshot->policy_state(), now.revision, contributor,
                                clock.NowNs() / 1'000'000'000, nullptr};
    return watch::MayBeTold(exchange::Reader(store, keys, asker), record, shown_to);
  };
  const auto by_kind = [&directory](v1::MemberKind of) {
    return policy::IsShownByKind(directory.Current()->policy_state().policy().limits(), of);
  };
  return {{member, views}, kind, by_kind, may_tell};
}

absl::StatusOr<ledger::SealerOptions> OptionsOf(const config::v1::Ledger& config,
                                                const std::string& trust_domain) {
  ledger::SealerOptions options;
  options.origin = config.origin().empty() ? trust_domain + "/ledger" : config.origin();
  options.tick = std::chrono::milliseconds(config.tick_ms());
  options.head_dir = config.head_dir();
  for (const std::string& text : config.witness_keys()) {
    auto key = VerifierKey::Parse(text);
    if (!key.ok()) {
      std::string message = "ledger.witness_keys: ";
      message += Std(key.status().message());
      return absl::InvalidArgumentError(message);
    }
    options.witness_keys.push_back(*std::move(key));
  }
  return options;
}

}  // namespace

LedgerRooms::LedgerRooms(const Needs& needs, const ledger::Names& names)
    : entries_(needs.lane, names),
      shown_(needs.store, needs.lane, entries_, needs.next, needs.run_later),
      refusals_(needs.lane, names, needs.clock) {}

absl::StatusOr<std::unique_ptr<LedgerRooms>> LedgerRooms::Open(const config::v1::ServerConfig& config,
                                                               const Needs& needs) {
  const absl::StatusOr<bool> empty = ledger::LogIsEmpty(needs.store);
  if (!empty.ok()) return empty.status();
  absl::StatusOr<ledger::LogKey> key = LoadLedgerKey(config.key_dir(), *empty, needs.random);
  if (!key.ok()) return key.status();
  auto options = OptionsOf(config.ledger(), needs.directory.Current()->trust_domain());
  if (!options.ok()) return options.status();
  const ledger::MemberFacts facts = FactsOf(needs);
  std::unique_ptr<LedgerRooms> rooms(new LedgerRooms(needs, facts.names));
  options->before_tick = [refusals = &rooms->refusals_] { refusals->Flush(); };
  auto sealer = ledger::Sealer::Open(*options, *std::move(key), needs.store, needs.lane, needs.clock,
                                     needs.random, facts);
  if (!sealer.ok()) return sealer.status();
  rooms->sealer_ = *std::move(sealer);
  return rooms;
}

}  // namespace coalition::server
