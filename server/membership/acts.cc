#include "server/membership/acts.h"

#include <algorithm>
#include <optional>
#include <span>

#include "common/hash.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/ledger/entry.h"

namespace coalition::membership {
namespace {

v1::LedgerContent ContentOf(const Act& act, int64_t now_ns, uint64_t epoch) {
  v1::LedgerContent content;
  v1::LedgerAct& of = *content.mutable_act();
  *of.mutable_time() = ToTimestamp(now_ns);
  of.set_epoch(static_cast<int64_t>(epoch));
  of.set_target(act.target);
  of.set_change(act.change);
  if (!act.document.empty()) of.set_document_sha256(std::string(Bytes(Sha256(act.document))));
  return content;
}

bool IsEntry(const store::Write& write) { return ledger::IdOfEntryKey(write.key).has_value(); }

void Add(storage::v1::StoredLedgerEntry entry, const Act& act, store::Revision revision,
         std::vector<store::Write>* writes) {
  entry.add_parties(act.member == 0 ? ledger::kEverybody : act.member);
  const auto place = static_cast<uint32_t>(std::count_if(writes->begin(), writes->end(), IsEntry));
  writes->push_back(ledger::EntryWrite({revision, place}, entry));
}

}  // namespace

void AddActs(const std::vector<Act>& acts, const Actor& actor, store::Revision revision, uint64_t epoch,
             std::vector<store::Write>* writes) {
  for (const Act& act : acts) {
    v1::LedgerContent content = ContentOf(act, actor.now_ns, epoch);
    content.mutable_act()->set_actor(FormatMemberName(actor.caller.member));
    v1::LedgerReserved reserved;
    reserved.set_credential(NameOf(actor.caller));
    storage::v1::StoredLedgerEntry entry =
        ledger::MakeEntry(*actor.snapshot.entry_keys(), actor.now_ns, content, reserved);
    entry.add_full_parties(actor.caller.member_number);
    Add(std::move(entry), act, revision, writes);
  }
}

void AddServersAct(const ledger::EntryKeys& entry_keys, const Act& act, int64_t now_ns,
                   store::Revision revision, uint64_t epoch, std::vector<store::Write>* writes) {
  Add(ledger::MakeEntry(entry_keys, now_ns, ContentOf(act, now_ns, epoch)), act, revision, writes);
}

absl::StatusOr<store::Revision> CommitAct(store::Store& store, const Act& act, const Actor& actor) {
  store::Commit commit;
  commit.build = [&](store::Revision revision, std::span<const std::optional<store::Version>>) {
    std::vector<store::Write> writes;
    AddActs({act}, actor, revision, actor.snapshot.policy_state().epoch(), &writes);
    return writes;
  };
  return store.CommitAll(std::span(&commit, 1))[0];
}

Act OwnPolicyAct(const std::string& member, const storage::v1::StoredMemberPolicy& policy) {
  return {member + "/policy", "version " + std::to_string(policy.policy().version()) + " is in force",
          policy.member(), policy.policy().SerializeAsString()};
}

bool HasAct(const std::vector<store::Write>& writes) {
  return std::any_of(writes.begin(), writes.end(), IsEntry);
}

}  // namespace coalition::membership
