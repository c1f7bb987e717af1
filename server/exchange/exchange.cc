#include "server/exchange/exchange.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/hash.h"
#include "common/ids.h"
#include "server/exchange/access.h"
#include "server/exchange/count.h"
#include "server/exchange/create.h"
#include "server/exchange/edit.h"
#include "server/exchange/erase.h"
#include "server/exchange/expiry_index.h"
#include "server/exchange/explain.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/import.h"
#include "server/exchange/list.h"
#include "server/exchange/named_audience.h"
#include "server/exchange/presence.h"
#include "server/exchange/profile.h"
#include "server/exchange/reader.h"
#include "server/exchange/room.h"
#include "server/exchange/screen.h"
#include "server/exchange/take_back_many.h"

namespace coalition::exchange {
namespace {

constexpr int kHeaderEntriesMax = 255;  // grants, and exclusions, that a decision header holds

template <size_t kBytes>
std::span<const uint8_t, kBytes> KeyBytes(const std::string& key) {
  return std::span<const uint8_t, kBytes>(reinterpret_cast<const uint8_t*>(key.data()), kBytes);
}

class StoreExchange final : public Exchange {
 public:
  StoreExchange(const ExchangeOptions& options, const ExchangeKeys& keys, store::Store& store,
                const membership::Directory& directory, store::CommitLane& lane, Random& random,
                RunLater run_later, const KeyedHash& seller_hash,
                std::unique_ptr<store::PresenceFilter> filter)
      : room_{options,
              keys,
              store,
              directory,
              lane,
              random,
              std::move(run_later),
              seller_hash,
              {KeyBytes<kSealKeyBytes>(keys.page_token), random, keys.page_token_former},
              std::move(filter)} {}

  absl::Status Get(const CallContext& context, const v1::GetRecordRequest& request,
                   v1::GetRecordResponse* response, ledger::Disclosure* disclosure) const override {
    if (absl::Status status = CheckMayRead(context); !status.ok()) return status;
    FieldViolations violations;
    const auto id = ParseRecordName(request.name());
    if (!violations.Check("name", id.status())) return violations.ToStatus();
    const Reader reader = ReaderFor(context);
    const auto seen = reader.FindById(*RecordIdToBytes(*id));
    if (!seen.ok()) return seen.status();
    if (!seen->has_value()) return NotFound();
    return reader.Show(**seen, response->mutable_record(), disclosure);
  }

  absl::Status List(const CallContext& context, const v1::ListRecordsRequest& request,
                    v1::ListRecordsResponse* response, ledger::Disclosure* disclosure) const override {
    if (absl::Status status = CheckMayRead(context); !status.ok()) return status;
    return ListRecords(ReaderFor(context), room_.options, room_.page_tokens, request, response, disclosure);
  }

  absl::Status Screen(const CallContext& context, const v1::ScreenSellersRequest& request,
                      v1::ScreenSellersResponse* response, ledger::Disclosure* disclosure) const override {
    if (absl::Status status = CheckMayRead(context); !status.ok()) return status;
    return ScreenSellers(room_.store, *room_.filter, room_.seller_hash, *room_.keys.contents, room_.options,
                         AskerOf(context), request, response, disclosure);
  }

  absl::Status Profile(const CallContext& context, const v1::GetSellerProfileRequest& request,
                       v1::GetSellerProfileResponse* response,
                       ledger::Disclosure* disclosure) const override {
    if (absl::Status status = CheckMayRead(context); !status.ok()) return status;
    return GetSellerProfile(ReaderFor(context), room_.options, request, response, disclosure);
  }

  void Create(const CallContext& context, const v1::CreateRecordRequest& request,
              DoneShowing<v1::CreateRecordResponse> done) override {
    CreateRecord(room_, context, request, std::move(done));
  }
  void Revise(const CallContext& context, const v1::ReviseRecordRequest& request,
              DoneShowing<v1::ReviseRecordResponse> done) override {
    ReviseRecord(room_, context, request, std::move(done));
  }
  void Withdraw(const CallContext& context, const v1::WithdrawRecordRequest& request,
                Done<v1::WithdrawRecordResponse> done) override {
    WithdrawRecord(room_, context, request, std::move(done));
  }
  void Clear(const CallContext& context, const v1::ClearRecordRequest& request,
             Done<v1::ClearRecordResponse> done) override {
    ClearRecord(room_, context, request, std::move(done));
  }
  void BatchWithdraw(const CallContext& context, const v1::BatchWithdrawRecordsRequest& request,
                     Done<v1::BatchWithdrawRecordsResponse> done) override {
    BatchWithdrawRecords(room_, context, request, std::move(done));
  }
  void BatchClear(const CallContext& context, const v1::BatchClearRecordsRequest& request,
                  Done<v1::BatchClearRecordsResponse> done) override {
    BatchClearRecords(room_, context, request, std::move(done));
  }
  void Confirm(const CallContext& context, const v1::ConfirmRecordRequest& request,
               DoneShowing<v1::ConfirmRecordResponse> done) override {
    ConfirmRecord(room_, context, request, std::move(done));
  }
  void Import(const CallContext& context, const v1::ImportRecordsRequest& request,
              Done<v1::ImportRecordsResponse> done) override {
    ImportRecords(room_, context, request, std::move(done));
  }
  void Erase(const CallContext& context, const v1::EraseRecordsRequest& request,
             Done<v1::EraseRecordsResponse> done) override {
    EraseRecords(room_, context, request, std::move(done));
  }

  absl::Status Preview(const CallContext& context, const v1::PreviewAudienceRequest& request,
                       v1::PreviewAudienceResponse* response) const override {
    if (absl::Status status = CheckMayWrite(context); !status.ok()) return status;
    return PreviewAudience(room_, context, ReaderFor(context), request, response);
  }

  absl::Status Explain(const CallContext& context, const v1::ExplainAccessRequest& request,
                       v1::ExplainAccessResponse* response, ledger::Disclosure* disclosure) const override {
    return ExplainAccess(room_, context, ReaderFor(context), request, response, disclosure);
  }

  absl::Status CountImpact(const CallContext& context, const policy::State& after,
                           const std::vector<uint32_t>& gainers, store::Revision made_after,
                           v1::ProposalImpact* impact) const override {
    return CountImpactOnRecords(ReaderFor(context), context.snapshot->policy_state(), after, gainers,
                                made_after, impact);
  }
  absl::Status CountAffected(const CallContext& context, const policy::State& before,
                             const policy::State& after, v1::OwnRecordCounts* counts) const override {
    return CountAffectedRecords(ReaderFor(context), before, after, counts);
  }

  absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallContext& context,
                                                        const v1::SaveAudienceRequest& request) override {
    return exchange::SaveAudience(context, room_.store, room_.options.audience_versions_max, request);
  }
  absl::StatusOr<std::vector<v1::SavedAudience>> Audiences(const CallContext& context) const override {
    return AllAudiences(context, room_.store);
  }

  Departures& departures() override { return departures_; }
  Expiry& expiry() override { return expiry_; }

  Stats stats() const override { return {room_.filter->MemoryBytes(), room_.filter->Size()}; }

 private:
  static Asker AskerOf(const CallContext& context) {
    return {context.snapshot->policy_state(), context.at, context.caller.member_number, context.now_s(),
            context.watch};
  }
  Reader ReaderFor(const CallContext& context) const {
    return Reader(room_.store, room_.keys, AskerOf(context));
  }

  const Room room_;
  Departures departures_{room_};
  Expiry expiry_{room_};
};

absl::Status CheckKeys(const ExchangeKeys& keys) {
  for (const std::string* key : {&keys.token_master, &keys.page_token, &keys.seller_hash, &keys.etag}) {
    if (key->size() != kSealKeyBytes)
      return absl::InvalidArgumentError("each exchange key must have 32 bytes");
  }
  if (keys.contents == nullptr) return absl::InvalidArgumentError("the keys of contents are missing");
  return absl::OkStatus();
}

// What a new store is to note of its contents' form. One that has this room's other facts or records, and not
// this, is of a version that kept contents in clear: its keys are none that could be looked up here.
absl::StatusOr<std::vector<store::Write>> CheckContentsForm(const store::Store& store,
                                                            const contents::ContentKeys& contents) {
  const std::vector<std::string> keys = {std::string(kContentsFormKey), std::string(kSellerHashCheckKey),
                                         std::string(kExpiryIndexKey)};
  const auto facts = store.Read(keys, store.Head());
  if (!facts.ok()) return FromStore(facts.status());
  const std::optional<store::Version>& form = facts->front();
  if (form) {
    if (absl::Status fits = CheckContentsFact(contents, form->value); !fits.ok()) return fits;
    return std::vector<store::Write>();
  }
  const auto ids = store.Scan(kIdsPrefix, PrefixEnd(kIdsPrefix), store.Head(), {.items = 1});
  if (!ids.ok()) return FromStore(ids.status());
  if ((*facts)[1] || (*facts)[2] || !ids->items.empty()) {
    return absl::FailedPreconditionError(
        "the store was made by a version that kept contents in clear, and can't be opened by this one");
  }
  return std::vector<store::Write>{{keys.front(), ContentsFact(contents)}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Exchange>> Exchange::Open(const ExchangeOptions& options,
                                                         const ExchangeKeys& keys, store::Store& store,
                                                         const membership::Directory& directory,
                                                         store::CommitLane& lane, Random& random,
                                                         RunLater run_later) {
  if (absl::Status status = CheckKeys(keys); !status.ok()) return status;
  ExchangeOptions checked = options;
  checked.audience_entries_max = std::min(checked.audience_entries_max, kHeaderEntriesMax);
  const KeyedHash hash(KeyBytes<KeyedHash::kKeyBytes>(keys.seller_hash));
  auto facts = CheckContentsForm(store, *keys.contents);
  if (!facts.ok()) return facts.status();
  auto indexed = IndexExpiry(store);
  if (!indexed.ok()) return FromStore(indexed.status());
  facts->insert(facts->end(), indexed->begin(), indexed->end());
  auto filter = LoadPresence(store, hash, SellerHashMac(keys.seller_hash), *std::move(facts));
  if (!filter.ok()) return FromStore(filter.status());
  return std::make_unique<StoreExchange>(checked, keys, store, directory, lane, random, std::move(run_later),
                                         hash, *std::move(filter));
}

}  // namespace coalition::exchange
