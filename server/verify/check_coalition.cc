#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coalition/storage/v1/storage.pb.h"
#include "common/ids.h"
#include "common/strings.h"
#include "server/membership/snapshot.h"
#include "server/membership/stored_state.h"
#include "server/verify/checks.h"

namespace coalition::verify {
namespace {

using membership::BigEndian;

// Revision and number.
constexpr size_t kEventPlaceBytes = 12;

std::string Numbered(std::string_view prefix, uint32_t number) {
  return std::string(prefix) + BigEndian(number);
}

class CoalitionCheck {
 public:
  explicit CoalitionCheck(Rows& rows) : rows_(rows) {}

  // That each row below the prefix parses, and lies under the key that follows from what it says.
  template <class Message>
  void CheckKeys(std::string_view prefix, const std::function<std::string(const Message&)>& key_of,
                 const std::function<void(const Message&, const store::Entry&)>& check = {}) {
    rows_.EachWith(prefix, [&](const store::Entry& row) {
      Message message;
      if (!Parse(row.version.value, &message)) return rows_.Find(Subject::kRow, "does not parse", row.key);
      if (key_of(message) != row.key) return Wrong("lies under another key than it says", row);
      if (check) check(message, row);
    });
  }

  void CheckState() {
    CheckKeys<storage::v1::StoredGroup>(membership::kGroupPrefix, [](const auto& of) {
      return Numbered(membership::kGroupPrefix, of.number());
    });
    CheckKeys<storage::v1::StoredMember>(membership::kMemberPrefix, [](const auto& of) {
      return Numbered(membership::kMemberPrefix, of.number());
    });
    CheckKeys<storage::v1::StoredPlatform>(membership::kPlatformPrefix, [](const auto& of) {
      return Numbered(membership::kPlatformPrefix, of.number());
    });
    CheckKeys<storage::v1::StoredPolicy>(membership::kPolicyPrefix,
                                         [](const auto& of) { return membership::PolicyKey(of.version()); });
    CheckKeys<storage::v1::StoredMemberPolicy>(membership::kOwnPolicyPrefix, [](const auto& of) {
      return membership::OwnPolicyKey(of.revision(), of.member());
    });
  }

  // Without a gap, up to the coalition's own.
  void CheckEpochs(uint64_t newest) {
    storage::v1::StoredEpoch last;
    CheckKeys<storage::v1::StoredEpoch>(
        membership::kEpochPrefix, [](const auto& of) { return membership::EpochKey(of.epoch()); },
        [&](const storage::v1::StoredEpoch& epoch, const store::Entry& row) {
          const bool follows = epoch.epoch() == last.epoch() + 1 && epoch.revision() > last.revision();
          if (last.epoch() != 0 && !follows) Wrong("does not follow the epoch before it", row);
          if (epoch.revision() > rows_.store().Head()) Wrong("begins at a commit that there was not", row);
          last = epoch;
        });
    if (last.epoch() != newest) {
      rows_.Find(Subject::kCoalition,
                 absl::StrCat("is at epoch ", newest, ", and the last one noted is ", last.epoch()),
                 membership::kCoalitionKey);
    }
  }

  // An event stands in the list of all and in that of those who are told of it.
  void CheckEvents() {
    const std::string all = absl::StrCat(Absl(membership::kEventPrefix), "a/");
    uint64_t of_all = 0, told = 0;
    rows_.EachWith(membership::kEventPrefix, [&](const store::Entry& row) {
      storage::v1::StoredMembershipEvent event;
      if (row.key.size() < all.size() + kEventPlaceBytes || !Parse(row.version.value, &event))
        return rows_.Find(Subject::kRow, "does not parse", row.key);
      if (row.key.starts_with(all)) {
        ++of_all;
        return;
      }
      ++told;
      const Rows::Row same = rows_.Read(all + row.key.substr(row.key.size() - kEventPlaceBytes));
      if (!same.unreadable && (!same.version || same.version->value != row.version.value))
        Wrong("is not in the list of all events", row);
    });
    if (of_all != told && !rows_.stopped()) {
      rows_.Find(Subject::kCoalition,
                 absl::StrCat("there are ", of_all, " events, and ", told, " that somebody is told of"),
                 membership::kEventPrefix);
    }
  }

  // Rows that name members, by those who are known.
  void CheckNames(const Known& known) {
    if (known.state()) {
      for (const storage::v1::StoredMember& member : known.state()->members) CheckMember(known, member);
    }
    CheckKeys<storage::v1::StoredAudience>(
        membership::kAudiencePrefix,
        [](const auto& of) { return membership::AudienceKey(of.member(), of.id(), of.version()); },
        [&](const auto& of, const store::Entry& row) {
          if (!known.IsMember(of.member())) Wrong("is an audience of nobody", row);
        });
    CheckKeys<storage::v1::StoredApproval>(
        membership::kApprovalPrefix,
        [](const auto& of) {
          return membership::ApprovalPrefix(of.base_version(), of.diff_digest()) + BigEndian(of.member());
        },
        [&](const auto& of, const store::Entry& row) {
          if (!known.IsMember(of.member()) || !known.IsCredentialName(of.approved_by()))
            Wrong("is an approval of nobody", row);
        });
    CheckKeys<storage::v1::StoredProposal>(
        membership::kProposalPrefix,
        [](const auto& of) { return std::string(membership::kProposalPrefix) + BigEndian(of.number()); },
        [&](const auto& of, const store::Entry& row) { CheckProposal(known, of, row); });
  }

 private:
  void Wrong(const char* what, const store::Entry& row) { rows_.Find(Subject::kCoalition, what, row.key); }

  void CheckMember(const Known& known, const storage::v1::StoredMember& member) {
    const std::string key = Numbered(membership::kMemberPrefix, member.number());
    if (member.departure().successor() != 0 && !known.IsMember(member.departure().successor()))
      rows_.Find(Subject::kCoalition, "leaves its records to nobody", key);
    for (const storage::v1::StoredCredential& credential : member.credentials()) {
      const std::string& by = credential.registered_by();
      if (!by.empty() && !known.IsCredentialName(by))
        rows_.Find(Subject::kCoalition, "has a key that nobody registered", key);
    }
  }

  void CheckProposal(const Known& known, const storage::v1::StoredProposal& of, const store::Entry& row) {
    bool named = known.IsMember(of.proposer()) && known.IsCredentialName(of.proposed_by());
    for (const uint32_t member : of.electorate()) named &= known.IsMember(member);
    for (const auto* opinions : {&of.approvals(), &of.objections()}) {
      for (const auto& opinion : *opinions) named &= known.IsMember(opinion.member());
    }
    if (!named) Wrong("is a proposal of nobody, or before nobody", row);
  }

  Rows& rows_;
};

// What is compiled takes distinct ids for granted.
template <class List>
bool Distinct(const List& list) {
  std::set<std::string_view> ids;
  for (const auto& item : list) {
    if (!ids.insert(item.id()).second) return false;
  }
  return true;
}

absl::Status CheckWhole(const membership::StoredState& state) {
  if (!Distinct(state.members) || !Distinct(state.groups) || !Distinct(state.platforms))
    return absl::DataLossError("two members, groups or platforms have one id");
  return membership::BuildSnapshot(state, nullptr).status();
}

}  // namespace

bool Known::IsCredentialName(const std::string& name) const {
  if (!state_) return true;
  const auto parsed = ParseCredentialName(name);
  if (!parsed.ok()) return false;
  for (const storage::v1::StoredMember& member : state_->members) {
    if (member.id() != parsed->member) continue;
    for (const storage::v1::StoredCredential& credential : member.credentials()) {
      if (credential.id() == parsed->credential) return true;
    }
  }
  return false;
}

Known CheckCoalition(Rows& rows) {
  // A store that nothing was written to yet.
  if (rows.store().Head() == 0) return Known(std::nullopt);
  CoalitionCheck check(rows);
  check.CheckState();
  absl::StatusOr<membership::StoredState> state = membership::LoadState(rows.store(), rows.store().Head());
  absl::Status whole = state.status();
  if (whole.ok()) whole = CheckWhole(*state);
  if (!whole.ok()) rows.Find(Subject::kCoalition, std::string(whole.message()), membership::kCoalitionKey);
  Known known(state.ok() ? std::optional(*state) : std::nullopt);
  if (state.ok()) check.CheckEpochs(state->coalition.epoch());
  check.CheckEvents();
  check.CheckNames(known);
  return known;
}

}  // namespace coalition::verify
