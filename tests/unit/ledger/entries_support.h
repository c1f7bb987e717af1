// Entries of every kind, as those who write them do.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "coalition/v1/ledger_service.pb.h"
#include "common/ids.h"
#include "server/ledger/entry.h"
#include "tests/support/entry_keys.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

inline constexpr int64_t kTestDayS = 86'400;

inline storage::v1::StoredLedgerEntry EntryFor(const v1::LedgerContent& content,
                                               const v1::LedgerReserved& reserved,
                                               const std::vector<uint32_t>& parties,
                                               const std::vector<uint32_t>& full_parties) {
  storage::v1::StoredLedgerEntry entry =
      ledger::MakeEntry(*TestEntryKeys(), int64_t{20'700} * kTestDayS * 1'000'000'000, content, reserved);
  for (const uint32_t party : parties) entry.add_parties(party);
  for (const uint32_t party : full_parties) entry.add_full_parties(party);
  return entry;
}

// As whoever may open all of it reads it.
inline ledger::EntryParts PartsOf(const storage::v1::StoredLedgerEntry& entry) {
  const auto parts = ledger::PartsOf(*TestEntryKeys(), entry);
  EXPECT_TRUE(parts.ok() && parts->has_value());
  return parts.ok() && parts->has_value() ? **parts : ledger::EntryParts();
}

// Writes what members of a World are shown and do, under names that `mark` tells apart.
class EntryMaker {
 public:
  explicit EntryMaker(const World& world) : world_(world) {}

  uint32_t NumberOf(const std::string& member) const { return world_.As(member).caller.member_number; }

  storage::v1::StoredLedgerEntry Disclosure(const std::string& member, const std::string& mark = "1") const {
    v1::LedgerContent content;
    content.mutable_disclosure()->set_member(FormatMemberName(member));
    content.mutable_disclosure()->set_method("ScreenSellers/" + mark);
    return EntryFor(content, {}, {NumberOf(member)}, {NumberOf(member)});
  }
  // The contributor opens both parts, as far as the policy does not withhold it.
  storage::v1::StoredLedgerEntry FirstShowings(const std::string& contributor, const std::string& member,
                                               v1::MemberKind kind, int64_t day_s) const {
    v1::LedgerContent content;
    v1::LedgerFirstShowings& first = *content.mutable_first_showings();
    first.set_contributor(FormatMemberName(contributor));
    first.mutable_day()->set_seconds(day_s);
    first.set_member_kind(kind);
    first.add_shown()->add_views("full");
    v1::LedgerReserved reserved;
    reserved.set_member(FormatMemberName(member));
    return EntryFor(content, reserved, {NumberOf(contributor)}, {NumberOf(contributor)});
  }
  // Of everybody's concern.
  storage::v1::StoredLedgerEntry Act(const std::string& actor, const std::string& mark = "1") const {
    v1::LedgerContent content;
    content.mutable_act()->set_actor(FormatMemberName(actor));
    content.mutable_act()->set_target("policies/" + mark);
    v1::LedgerReserved reserved;
    reserved.set_credential(FormatMemberName(actor) + "/credentials/admin");
    return EntryFor(content, reserved, {ledger::kEverybody}, {NumberOf(actor)});
  }
  // `party`: a member's number, or kAuditors.
  storage::v1::StoredLedgerEntry Refusals(uint32_t party, const std::string& mark = "1") const {
    v1::LedgerContent content;
    content.mutable_refusals()->set_method("GetRecord/" + mark);
    content.mutable_refusals()->set_count(3);
    return EntryFor(content, {}, {party}, {});
  }

 private:
  const World& world_;
};

}  // namespace coalition::testing
