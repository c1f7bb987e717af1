// Screening: whether sellers are listed, as far as the asker may know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/keyed_hash.h"
#include "server/exchange/exchange.h"
#include "server/exchange/visibility.h"
#include "server/ledger/disclosures.h"
#include "server/store/presence_filter.h"
#include "server/store/store.h"

namespace coalition::exchange {

// A record that says something about a seller to the asker: it sees the record and, unveiled, the seller.
struct SellerRecord {
  RecordId id{};
  Position position;
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
  v1::Label label = v1::LABEL_UNSPECIFIED;
  v1::PermittedAction permitted_action = v1::PERMITTED_ACTION_UNSPECIFIED;
  bool contested = false;
  bool disputed = false;
  bool owner = false;
  policy::ViewSet view_ids = 0;
  uint32_t contributor = 0;
};

// As Disclose of reader.h.
void Disclose(const SellerRecord& record, ledger::Disclosure* disclosure);

// All that the asker may see of one seller, read in one scan that decides on headers and parses no message.
// Can be used again; not thread-safe.
class SellerPicture {
 public:
  // Reads the seller whose records lie under `prefix`. An error of the store as callers see it.
  absl::Status Scan(const store::Store& store, const Asker& asker, std::string_view prefix);

  // Newest first, all classes.
  const std::vector<SellerRecord>& records() const { return records_; }
  // LISTED: a report stands. DISPUTED: there are reports, and all are contested or disputed. Outcomes never
  // list.
  v1::Verdict verdict() const { return verdict_; }
  // Notes the opinions that made a record disputed, as far as the asker may see them: of any record, or of
  // reports alone, which is all that the verdict tells of.
  void DiscloseDisputes(bool reports_only, ledger::Disclosure* disclosure) const;

 private:
  struct Opinion {
    SellerRecord record;
    RecordId subject{};
    v1::OpinionVerdict verdict = v1::OPINION_VERDICT_UNSPECIFIED;
    bool shows_verdict = false;
    bool shows_seller = false;
    bool visible = false;
    bool counted = false;    // it is about a record that is disputed
    bool of_report = false;  // it is about a report
  };

  void Visit(const Asker& asker, std::string_view key, std::string_view value);
  void JoinOpinions();
  void DecideVerdict();

  std::vector<SellerRecord> records_;
  std::vector<Opinion> opinions_;
  v1::Verdict verdict_ = v1::VERDICT_UNSPECIFIED;
};

// What the presence filter knows a seller by, of its token: so that it can be made anew from keys alone.
uint64_t HashSeller(const KeyedHash& hash, std::string_view seller_token);

// As Exchange::Screen, for a caller that may read. `filter` must hold the hash of every seller of which there
// is a report or an outcome.
absl::Status ScreenSellers(const store::Store& store, const store::PresenceFilter& filter,
                           const KeyedHash& hash, const contents::ContentKeys& contents,
                           const ExchangeOptions& options, const Asker& asker,
                           const v1::ScreenSellersRequest& request, v1::ScreenSellersResponse* response,
                           ledger::Disclosure* disclosure);

}  // namespace coalition::exchange
