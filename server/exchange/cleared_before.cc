#include "server/exchange/cleared_before.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "server/exchange/access.h"
#include "server/exchange/reader.h"
#include "server/exchange/taken_back.h"

namespace coalition::exchange {
namespace {

constexpr int kNamedMax = 8;
constexpr size_t kReadAtOnce = 32;

// Whether the asker could see the record, and whom it is about, if it had not been cleared.
bool CouldSee(const Asker& asker, const store::Version& taken_back) {
  storage::v1::StoredTakenBack stored;
  if (!stored.ParseFromString(taken_back.value) || stored.kind() != v1::RETRACTION_KIND_CLEARED) return false;
  const auto header = policy::HeaderView::Parse(stored.header());
  return header && ShowsSeller(header->record_class(), Judge(asker, *header).view);
}

std::optional<RecordId> IdFromBytes(std::string_view bytes) {
  RecordId id;
  if (bytes.size() != id.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

}  // namespace

absl::Status NoteClearedBefore(const Room& room, store::Revision at, Draft* draft) {
  if (draft->header.record_class != v1::RECORD_CLASS_OFFENDER_REPORT || !draft->seller_hash)
    return absl::OkStatus();
  if (!room.filter->MayContain(*draft->seller_hash)) return absl::OkStatus();
  const auto seller = SellerOfRecordKey(draft->record_key);
  const std::string prefix = ClearancePrefix(seller->platform, seller->token);
  const auto any = room.store.Scan(prefix, PrefixEnd(prefix), at, {.items = 1});
  if (!any.ok()) return FromStore(any.status());
  v1::Record set_by_server;
  for (const store::Entry& cleared : any->items) {
    set_by_server.add_cleared_before(FormatRecordName(RecordIdFromBytes(cleared.version.value)));
  }
  // Messages one after the other are their merger.
  set_by_server.AppendToString(&draft->message);
  return absl::OkStatus();
}

absl::Status ShowClearedBefore(const store::Store& store, const contents::ContentKeys& contents,
                               const Asker& asker, const policy::HeaderView& header, const v1::Record& record,
                               v1::Record* shown) {
  const v1::Seller& seller = record.seller();
  const std::string prefix =
      ClearancePrefix(seller.platform(), contents.SellerToken(seller.platform(), seller.seller_id()));
  std::optional<std::string> from = header.made() == 0 ? prefix : prefix + EncodePosition({header.made(), 0});
  while (from && shown->cleared_before_size() < kNamedMax) {
    const auto page = store.Scan(*from, PrefixEnd(prefix), asker.at, {.items = kReadAtOnce});
    if (!page.ok()) return FromStore(page.status());
    from = page->next;
    std::vector<std::string> keys;
    for (const store::Entry& cleared : page->items) {
      if (absl::Status watched = asker.Look(); !watched.ok()) return watched;
      const auto id = IdFromBytes(cleared.version.value);
      if (!id) return Corrupt();
      keys.push_back(TakenBackKey(*id));
    }
    const auto read = store.Read(keys, asker.at);
    if (!read.ok()) return FromStore(read.status());
    for (size_t i = 0; i < keys.size() && shown->cleared_before_size() < kNamedMax; ++i) {
      if (!(*read)[i].has_value() || !CouldSee(asker, *(*read)[i])) continue;
      shown->add_cleared_before(FormatRecordName(RecordIdFromBytes(page->items[i].version.value)));
    }
  }
  return absl::OkStatus();
}

}  // namespace coalition::exchange
