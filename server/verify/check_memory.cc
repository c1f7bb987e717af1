#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "common/hash.h"
#include "common/ids.h"
#include "server/exchange/erasures.h"
#include "server/exchange/keys.h"
#include "server/exchange/taken_back.h"
#include "server/ledger/keys.h"
#include "server/ledger/shown_log.h"
#include "server/membership/stored_state.h"
#include "server/store/prefix.h"
#include "server/verify/checks.h"

namespace coalition::verify {
namespace {

using exchange::RecordId;

constexpr size_t kMemberBytes = 4;

std::optional<RecordId> IdFromBytes(std::string_view bytes) {
  RecordId id;
  if (bytes.size() != id.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

std::optional<uint32_t> MemberOfKey(std::string_view key) {
  if (key.size() < 1 + kMemberBytes) return std::nullopt;
  uint32_t member = 0;
  for (const char byte : key.substr(1, kMemberBytes)) member = member << 8 | static_cast<uint8_t>(byte);
  return member;
}

class MemoryCheck {
 public:
  MemoryCheck(Rows& rows, const Known& known) : rows_(rows), known_(known) {}

  // As long as it is to be done, that is noted beside it.
  void CheckKeyOf(const store::Entry& row, const contents::ContentKeys& contents) {
    storage::v1::StoredTakenBack stored;
    const auto id = exchange::IdOfTakenBackKey(row.key);
    if (!id || !Parse(row.version.value, &stored) || !stored.erased() || contents.IsErased(*id)) return;
    if (rows_.Read(exchange::ErasureKey(*id)).absent()) rows_.Find(Subject::kHead, kKeyIsThere, row.key);
  }

  void CheckTakenBack(const store::Entry& row) {
    storage::v1::StoredTakenBack stored;
    const auto id = IdFromBytes(std::string_view(row.key).substr(1));
    const bool parsed = id && Parse(row.version.value, &stored);
    const auto header = policy::HeaderView::Parse(stored.header());
    const bool cleared = stored.kind() == v1::RETRACTION_KIND_CLEARED;
    if (!parsed || stored.kind() == v1::RETRACTION_KIND_UNSPECIFIED ||
        (!header && (cleared || !stored.header().empty()))) {
      return rows_.Find(Subject::kRow, "is no note of a record that was taken back", row.key);
    }
    if (!known_.IsMember(stored.contributor()))
      rows_.Find(Subject::kRecord, "was taken back from a contributor that is no member", row.key);
    const Rows::Row place = rows_.Read(exchange::IdKey(*id));
    if (place.absent()) rows_.Find(Subject::kIndex, "was taken back, and its id is not reserved", row.key);
    if (!place.version) return;
    if (rows_.Read(place.version->value).version)
      rows_.Find(Subject::kRecord, "was taken back, and is there", place.version->value);
    if (cleared && header->record_class() == v1::RECORD_CLASS_OFFENDER_REPORT)
      CheckClearanceOf(*id, place.version->value);
  }

  void CheckClearance(const store::Entry& row) {
    const auto id = IdFromBytes(row.version.value);
    if (!id || !exchange::SellerOfClearanceKey(row.key))
      return rows_.Find(Subject::kRow, "is no clearance", row.key);
    const Rows::Row taken_back = rows_.Read(exchange::TakenBackKey(*id));
    storage::v1::StoredTakenBack stored;
    const bool cleared = taken_back.version && Parse(taken_back.version->value, &stored) &&
                         stored.kind() == v1::RETRACTION_KIND_CLEARED;
    if (!taken_back.unreadable && !cleared)
      rows_.Find(Subject::kIndex, "is a clearance of a record that was not cleared", row.key);
  }

  void CheckRequest(const store::Entry& row) {
    storage::v1::StoredRequest stored;
    const size_t method_at = 1 + kMemberBytes;
    const bool whole = row.key.size() > method_at + 1 && Parse(row.version.value, &stored) &&
                       RecordIdToBytes(stored.record_id()) &&
                       stored.payload_sha256().size() == sizeof(Sha256Digest);
    if (!whole) return rows_.Find(Subject::kRow, "is no request that is remembered", row.key);
    CheckOwner(row);
  }

  void CheckDeparture(const store::Entry& row) {
    storage::v1::StoredDepartureProgress stored;
    if (row.key.size() != 1 + kMemberBytes || !Parse(row.version.value, &stored))
      return rows_.Find(Subject::kRow, "is no departure", row.key);
    CheckOwner(row);
  }

  void CheckErasure(const store::Entry& row) {
    const auto id = exchange::IdOfErasureKey(row.key);
    if (!id || !row.version.value.empty())
      return rows_.Find(Subject::kRow, "is no erasure that is to be finished", row.key);
    const Rows::Row note = rows_.Read(exchange::TakenBackKey(*id));
    storage::v1::StoredTakenBack stored;
    const bool erased = note.version && Parse(note.version->value, &stored) && stored.erased();
    if (!note.unreadable && !erased)
      rows_.Find(Subject::kRecord, "is to be erased, and was not taken back so", row.key);
  }

  void CheckShown(const store::Entry& row) {
    storage::v1::StoredShown stored;
    const auto id = ledger::IdOfShownKey(row.key);
    if (!id || !Parse(row.version.value, &stored))
      return rows_.Find(Subject::kRow, "is no note of who was shown what", row.key);
    if (!known_.IsMember(id->member)) rows_.Find(Subject::kShown, "was shown to nobody", row.key);
    if (rows_.Read(exchange::IdKey(id->record)).absent())
      rows_.Find(Subject::kShown, "is of a record that there never was", row.key);
  }

 private:
  void CheckOwner(const store::Entry& row) {
    if (!known_.IsMember(MemberOfKey(row.key).value_or(0)))
      rows_.Find(Subject::kRecord, "is remembered for nobody", row.key);
  }

  // Whoever lists the seller again is to be told.
  void CheckClearanceOf(const RecordId& id, const std::string& record_key) {
    const auto seller = exchange::SellerOfRecordKey(record_key);
    if (!seller) return;
    bool found = false;
    const std::string prefix = exchange::ClearancePrefix(seller->platform, seller->token);
    rows_.EachWith(prefix, [&](const store::Entry& row) { found |= IdFromBytes(row.version.value) == id; });
    if (!found) rows_.Find(Subject::kIndex, "is missing, and a report of the seller was cleared", prefix);
  }

  Rows& rows_;
  const Known& known_;
};

}  // namespace

void CheckMemory(Rows& rows, const Known& known, const contents::ContentKeys& contents) {
  MemoryCheck check(rows, known);
  rows.EachWith(exchange::kTakenBackPrefix, [&](const store::Entry& row) {
    check.CheckTakenBack(row);
    check.CheckKeyOf(row, contents);
  });
  rows.EachWith(exchange::kClearancesPrefix, [&](const store::Entry& row) { check.CheckClearance(row); });
  rows.EachWith("q", [&](const store::Entry& row) { check.CheckRequest(row); });
  rows.EachWith("d", [&](const store::Entry& row) { check.CheckDeparture(row); });
  rows.EachWith(exchange::kErasuresPrefix, [&](const store::Entry& row) { check.CheckErasure(row); });
  rows.EachWith(exchange::kPresencePrefix, [&](const store::Entry& row) {
    if (!exchange::HashOfPresenceKey(row.key) || !row.version.value.empty())
      rows.Find(Subject::kRow, "is no seller's that is present", row.key);
  });
  rows.EachWith("h", [&](const store::Entry& row) {
    if (row.key.size() != 1 + sizeof(int64_t) || !row.version.value.empty())
      rows.Find(Subject::kRow, "is no mark of the store's history", row.key);
  });
}

void CheckShown(Rows& rows, const Known& known) {
  MemoryCheck check(rows, known);
  rows.EachWith(ledger::kShownPrefix, [&](const store::Entry& row) { check.CheckShown(row); });
}

void CheckFacts(Rows& rows, std::span<const std::string> beside) {
  rows.EachWith("k", [&](const store::Entry& row) {
    const std::string& key = row.key;
    if (key == exchange::kContentsFormKey) return;  // CheckRecords has looked
    const bool hash = key == exchange::kSellerHashCheckKey;
    const bool known = hash || key == exchange::kExpiryIndexKey ||
                       std::find(beside.begin(), beside.end(), key) != beside.end();
    if (!known) return rows.Find(Subject::kRow, "is no fact that this version knows", key);
    const size_t bytes = hash ? sizeof(Sha256Digest) : 0;
    if (row.version.value.size() != bytes) rows.Find(Subject::kRow, "is a fact in no form that it has", key);
  });
}

void CheckKinds(Rows& rows) {
  using namespace membership;  // NOLINT: the names of its prefixes
  std::vector<std::string_view> kinds = {"a",
                                         "b",
                                         "c",
                                         "d",
                                         "e",
                                         "h",
                                         "i",
                                         "k",
                                         "lb",
                                         "lc",
                                         "ld",
                                         "le",
                                         "lf",
                                         "lh",
                                         "lp",
                                         "lr",
                                         "lt",
                                         "lz",
                                         "o",
                                         "p",
                                         "q",
                                         "r",
                                         "t",
                                         "u",
                                         "x",
                                         "z",
                                         kApprovalPrefix,
                                         kAudiencePrefix,
                                         kCoalitionKey,
                                         kEpochPrefix,
                                         kEventPrefix,
                                         kGroupPrefix,
                                         kMemberPrefix,
                                         kOwnPolicyPrefix,
                                         kPlatformPrefix,
                                         kPolicyPrefix,
                                         kProposalPrefix};
  std::sort(kinds.begin(), kinds.end());
  const auto between = [&](const std::string& from, std::string_view to) {
    rows.Each(from, to, [&](const store::Entry& row) {
      rows.Find(Subject::kRow, "is of no kind that this version knows", row.key);
    });
  };
  std::string from;
  for (const std::string_view kind : kinds) {
    if (from < kind) between(from, kind);
    from = store::PrefixEnd(kind);
  }
  between(from, {});
}

}  // namespace coalition::verify
