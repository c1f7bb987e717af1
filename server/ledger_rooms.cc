#include "server/ledger_rooms.h"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/policy/limits.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "server/keys.h"
#include "server/ledger/lane_commit.h"
#include "server/ledger/log_opening.h"
#include "server/membership/acts.h"
#include "server/watch/owned_record.h"
#include "server/watch/record_disclosures.h"

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
  return {{member, views, needs.entry_keys}, kind, by_kind, may_tell};
}

ledger::RetentionOptions RetentionOf(const config::v1::Ledger& config, const LedgerRooms::Needs& needs) {
  ledger::RetentionOptions options;
  options.keep = std::chrono::hours(24) * config.content_days();
  options.receiver_opens = [&directory = needs.directory, &store = needs.store, &keys = needs.keys,
                            &clock = needs.clock](const v1::LedgerDisclosure& disclosure) {
    constexpr uint32_t kNobody = 0;  // nothing is judged
    const membership::Moment now = directory.Now();
    const exchange::Asker asker{now.snapshot->policy_state(), now.revision, kNobody,
                                clock.NowNs() / 1'000'000'000, nullptr};
    absl::StatusOr<bool> opens = watch::NamesAnOpinion(exchange::Reader(store, keys, asker), disclosure);
    if (opens.ok()) opens = !*opens;
    return opens;
  };
  return options;
}

// A key that the log's newest checkpoint does not have: the next one is the first that it signs, beside the
// former key, and the log of that one names it, for everybody to open.
absl::Status AnnounceKey(const LedgerRooms::Needs& needs, const std::string& origin,
                         const Ed25519PublicKey& public_key, const std::string& newest_note) {
  const auto key = VerifierKey::Make(origin, NoteAlgorithm::kEd25519, public_key);
  if (!key.ok()) return key.status();
  const absl::StatusOr<OpenedNote> opened = OpenNote(newest_note, std::span(&*key, 1));
  if (!absl::IsFailedPrecondition(opened.status())) return opened.status();
  const membership::Act act{"ledger", absl::StrCat("its key is now ", key->ToText(),
                                                   "; the former one signs beside it, until that is ended")};
  store::Commit commit;
  commit.build = [&](store::Revision revision, std::span<const std::optional<store::Version>>) {
    std::vector<store::Write> writes;
    membership::AddServersAct(*needs.entry_keys, act, needs.clock.NowNs(), revision,
                              needs.directory.Current()->policy_state().epoch(), &writes);
    return writes;
  };
  const auto committed = ledger::CommitAndWait(needs.lane, std::move(commit), act.change.size());
  if (committed.ok()) Log::Info("ledger_key_announced", {{"key", key->ToText()}});
  return committed.status();
}

absl::StatusOr<ledger::SealerOptions> OptionsOf(const config::v1::Ledger& config,
                                                const std::string& trust_domain) {
  ledger::SealerOptions options;
  options.origin = LogOriginOf(config, trust_domain);
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

std::string LogOriginOf(const config::v1::Ledger& config, const std::string& trust_domain) {
  return config.origin().empty() ? trust_domain + "/ledger" : config.origin();
}

LedgerRooms::LedgerRooms(const Needs& needs, const ledger::Names& names, ledger::ReceiverOpens receiver_opens)
    : entries_(needs.lane, names, needs.run_later),
      shown_(needs.store, needs.lane, entries_, needs.next, needs.run_later),
      refusals_(needs.lane, names, needs.clock),
      eraser_(needs.store, needs.lane, needs.entry_keys, std::move(receiver_opens)) {}

absl::StatusOr<std::unique_ptr<LedgerRooms>> LedgerRooms::Open(const config::v1::ServerConfig& config,
                                                               const Needs& needs) {
  const absl::StatusOr<bool> empty = ledger::LogIsEmpty(needs.store);
  if (!empty.ok()) return empty.status();
  absl::StatusOr<ledger::LogKey> key = LoadLedgerKey(config.key_dir(), *empty, needs.random);
  if (!key.ok()) return key.status();
  auto options = OptionsOf(config.ledger(), needs.directory.Current()->trust_domain());
  if (!options.ok()) return options.status();
  auto former = LoadFormerLedgerKey(config.key_dir());
  if (!former.ok()) return former.status();
  options->former_key = *std::move(former);
  const ledger::MemberFacts facts = FactsOf(needs);
  options->contents = RetentionOf(config.ledger(), needs);
  std::unique_ptr<LedgerRooms> rooms(new LedgerRooms(needs, facts.names, options->contents.receiver_opens));
  options->before_tick = [refusals = &rooms->refusals_] { refusals->Flush(); };
  auto sealer =
      ledger::Sealer::Open(*options, *key, needs.store, needs.lane, needs.clock, needs.random, facts);
  if (!sealer.ok()) return sealer.status();
  rooms->sealer_ = *std::move(sealer);
  const std::string newest = rooms->sealer_->Newest().note;
  if (absl::Status said = AnnounceKey(needs, options->origin, key->public_key(), newest); !said.ok()) {
    return said;
  }
  return rooms;
}

}  // namespace coalition::server
