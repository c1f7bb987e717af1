#include "server/watch/owned_record.h"

#include <utility>

#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/limits.h"
#include "server/exchange/access.h"

namespace coalition::watch {
namespace {

using exchange::Reader;

// Of an opinion about another member's record that member alone: who else was shown it sees that record,
// which is not the affair of whoever has an opinion of it. nullopt: everybody.
absl::StatusOr<std::optional<uint32_t>> WhoMayBeNamed(const Reader& reader, const OwnedRecord& owned) {
  const auto header = owned.found ? std::optional(owned.found->stored.header)
                                  : policy::HeaderView::Parse(owned.taken_back->header());
  if (!header || !header->subject()) return std::optional<uint32_t>();
  const auto found = reader.FindUnjudged(*header->subject());
  if (!found.ok()) return found.status();
  const auto taken_back = exchange::FindTakenBack(reader.store(), *header->subject(), reader.at());
  if (!taken_back.ok()) return taken_back.status();
  uint32_t contributor = 0;  // nobody's number
  if (taken_back->has_value()) contributor = (*taken_back)->contributor();
  if (found->has_value()) contributor = (*found)->stored.header.contributor();
  if (contributor == reader.asker().member) return std::optional<uint32_t>();
  return std::optional(contributor);
}

bool IsSealed(const exchange::Asker& asker, const ledger::ShownTo& one) {
  const policy::MemberState* member = asker.state.member(one.member);
  return member != nullptr && policy::IsShowingSealed(asker.state.policy().limits(), member->kind,
                                                      one.shown.first_time_s(), asker.now_s);
}

}  // namespace

absl::StatusOr<OwnedRecord> FindOwned(const Reader& reader, const exchange::RecordId& id) {
  auto found = reader.FindUnjudged(id);
  if (!found.ok()) return found.status();
  auto taken_back = exchange::FindTakenBack(reader.store(), id, reader.at());
  if (!taken_back.ok()) return taken_back.status();
  const uint32_t member = reader.asker().member;
  const bool here = found->has_value() && (*found)->stored.header.contributor() == member;
  const bool was = !found->has_value() && taken_back->has_value() && (*taken_back)->contributor() == member;
  if (!here && !was) return NotFound();
  return OwnedRecord{id, *std::move(found), *std::move(taken_back)};
}

absl::StatusOr<std::vector<ledger::ShownTo>> ToldOf(const Reader& reader, const ledger::ShownLog& shown,
                                                    const OwnedRecord& owned) {
  const auto alone = WhoMayBeNamed(reader, owned);
  if (!alone.ok()) return alone.status();
  const auto members = static_cast<uint32_t>(reader.asker().state.members().size());
  auto told = shown.WhoWasShown(owned.id, members, reader.at());
  if (!told.ok()) return exchange::FromStore(told.status());
  std::erase_if(*told, [&](const ledger::ShownTo& one) {
    return (*alone && one.member != **alone) || IsSealed(reader.asker(), one);
  });
  return told;
}

absl::StatusOr<bool> MayBeTold(const Reader& reader, const exchange::RecordId& id, uint32_t member) {
  const auto owned = FindOwned(reader, id);
  auto alone = owned.ok() ? WhoMayBeNamed(reader, *owned) : owned.status();
  if (absl::IsNotFound(alone.status()) || absl::IsDataLoss(alone.status())) return false;
  if (!alone.ok()) return alone.status();
  return !*alone || member == **alone;
}

std::string NameToContributors(const policy::State& state, const policy::MemberState& member) {
  return policy::IsShownByKind(state.policy().limits(), member.kind) ? std::string()
                                                                     : FormatMemberName(member.id);
}

google::protobuf::Timestamp DayOf(int64_t time_s) {
  constexpr int64_t kDayS = 86'400;
  google::protobuf::Timestamp day;
  day.set_seconds(time_s - time_s % kDayS);
  return day;
}

}  // namespace coalition::watch
