#include "server/exchange/screen.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/seller.h"
#include "server/exchange/access.h"
#include "server/exchange/reader.h"

namespace coalition::exchange {
namespace {

// Part of every answer, whatever it says.
constexpr char kHandling[] =
    "A match is a lead, not a finding: it is never the sole basis for refusing or ending a seller's account. "
    "Verify it "
    "with your own evidence and a human review, act within the record's label and permitted action, and ask "
    "the "
    "contributor where that is contact-for-instruction. No match does not clear a seller.";

SellerRecord Facts(const StoredRecordView& stored, const RecordId& id, const policy::Decision& decision) {
  const policy::HeaderView& header = stored.header;
  SellerRecord facts;
  facts.id = id;
  facts.position = stored.position();
  facts.record_class = header.record_class();
  facts.label = header.label();
  facts.permitted_action = header.permitted_action();
  facts.contested = header.state() == policy::Lifecycle::kContested;
  facts.owner = decision.owner;
  facts.view_ids = decision.view_ids;
  facts.contributor = header.contributor();
  return facts;
}

bool IsMatch(const SellerRecord& record) {
  return record.record_class == v1::RECORD_CLASS_OFFENDER_REPORT ||
         record.record_class == v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
}

// All that told in the verdict is disclosed, also what the limit keeps from being named.
void FillResult(const SellerPicture& picture, int matches_max, v1::ScreenResult* result,
                ledger::Disclosure* disclosure) {
  result->set_verdict(picture.verdict());
  for (const SellerRecord& record : picture.records()) {
    if (!IsMatch(record)) continue;
    Disclose(record, disclosure);
    if (result->matches_size() == matches_max) continue;
    v1::ScreenMatch* match = result->add_matches();
    match->set_record(NameOf(record.id));
    match->set_record_class(record.record_class);
    match->set_label(record.label);
    match->set_permitted_action(record.permitted_action);
    match->set_state(record.contested ? v1::RECORD_STATE_CONTESTED : v1::RECORD_STATE_ACTIVE);
  }
  picture.DiscloseDisputes(true, disclosure);
}

struct Candidate {
  std::string prefix;
  int index;
};

// Normalises, hashes and looks up every seller; those that the filter may contain become candidates, the
// others are answered.
absl::Status FindCandidates(const store::PresenceFilter& filter, const KeyedHash& hash,
                            const contents::ContentKeys& contents, const v1::ScreenSellersRequest& request,
                            v1::ScreenSellersResponse* response, std::vector<Candidate>* candidates) {
  FieldViolations violations;
  std::string scratch;
  SellerKeyView seller;
  std::vector<uint64_t> hashes(request.sellers_size());
  std::vector<std::string> tokens(request.sellers_size());
  for (int i = 0; i < request.sellers_size(); ++i) {
    const v1::Seller& asked = request.sellers(i);
    const absl::Status normal = NormalizeSeller(asked.platform(), asked.seller_id(), &seller, &scratch);
    if (!normal.ok()) {
      violations.Check("sellers[" + std::to_string(i) + "]", normal);
      continue;
    }
    tokens[i] = contents.SellerToken(seller.platform, seller.seller_id);
    hashes[i] = HashSeller(hash, tokens[i]);
    filter.Prefetch(hashes[i]);
    response->add_results()->set_verdict(v1::VERDICT_NOT_LISTED);
  }
  if (!violations.empty()) return violations.ToStatus();
  for (int i = 0; i < request.sellers_size(); ++i) {
    if (!filter.MayContain(hashes[i])) continue;
    // Few get here: their platforms are normalised once more rather than all kept.
    const v1::Seller& asked = request.sellers(i);
    absl::Status normal = NormalizeSeller(asked.platform(), asked.seller_id(), &seller, &scratch);
    if (!normal.ok()) return normal;
    candidates->push_back({SellerPrefix(seller.platform, tokens[i]), i});
  }
  return absl::OkStatus();
}

}  // namespace

void Disclose(const SellerRecord& record, ledger::Disclosure* disclosure) {
  if (record.owner) return;
  disclosure->records.push_back({record.id, record.contributor, record.view_ids, record.record_class});
}

absl::Status SellerPicture::Scan(const store::Store& store, const Asker& asker, std::string_view prefix) {
  records_.clear();
  opinions_.clear();
  absl::Status scanned =
      ScanPrefix(store, asker, prefix,
                 [this, &asker](std::string_view key, std::string_view value) { Visit(asker, key, value); });
  if (!scanned.ok()) return scanned;
  if (!opinions_.empty()) JoinOpinions();
  std::sort(records_.begin(), records_.end(),
            [](const SellerRecord& a, const SellerRecord& b) { return a.position > b.position; });
  DecideVerdict();
  return absl::OkStatus();
}

void SellerPicture::Visit(const Asker& asker, std::string_view key, std::string_view value) {
  const auto stored = ParseStoredRecord(value);
  const auto id = IdOfRecordKey(key);
  if (!stored || !id) return;
  const policy::Decision decision = Judge(asker, stored->header);
  const v1::RecordClass record_class = stored->header.record_class();
  const bool shows_seller = ShowsSeller(record_class, decision.view);
  if (record_class != v1::RECORD_CLASS_OPINION) {
    if (shows_seller) records_.push_back(Facts(*stored, *id, decision));
    return;
  }
  const auto subject = stored->header.subject();
  if (!subject || !stored->header.LiveAt(asker.now_s)) return;
  opinions_.push_back({Facts(*stored, *id, decision), *subject, stored->verdict, ShowsVerdict(decision.view),
                       shows_seller, decision.visible(), false});
}

// An opinion is met with its subject's view: it takes part only if its subject is a record of this picture.
// Then the subject shows the seller, and the opinion does if its own view does.
void SellerPicture::JoinOpinions() {
  absl::flat_hash_map<RecordId, size_t> by_id;
  for (size_t i = 0; i < records_.size(); ++i) by_id.emplace(records_[i].id, i);
  std::vector<Tally> tallies(records_.size());
  std::vector<SellerRecord> shown;
  for (const Opinion& opinion : opinions_) {
    const auto subject = by_id.find(opinion.subject);
    if (subject == by_id.end()) continue;
    if (records_[subject->second].owner || opinion.shows_verdict)
      tallies[subject->second].Add(opinion.verdict);
    if (opinion.shows_seller) shown.push_back(opinion.record);
  }
  for (size_t i = 0; i < tallies.size(); ++i) records_[i].disputed = tallies[i].disputed();
  for (Opinion& opinion : opinions_) {
    const auto subject = by_id.find(opinion.subject);
    if (subject == by_id.end()) continue;
    opinion.counted = opinion.visible && records_[subject->second].disputed;
    opinion.of_report = records_[subject->second].record_class == v1::RECORD_CLASS_OFFENDER_REPORT;
  }
  records_.insert(records_.end(), shown.begin(), shown.end());
}

void SellerPicture::DecideVerdict() {
  verdict_ = v1::VERDICT_NOT_LISTED;
  for (const SellerRecord& record : records_) {
    if (record.record_class != v1::RECORD_CLASS_OFFENDER_REPORT) continue;
    if (!record.contested && !record.disputed) {
      verdict_ = v1::VERDICT_LISTED;
      return;
    }
    verdict_ = v1::VERDICT_DISPUTED;
  }
}

void SellerPicture::DiscloseDisputes(bool reports_only, ledger::Disclosure* disclosure) const {
  for (const Opinion& opinion : opinions_) {
    if (opinion.counted && (opinion.of_report || !reports_only)) Disclose(opinion.record, disclosure);
  }
}

uint64_t HashSeller(const KeyedHash& hash, std::string_view seller_token) { return hash(seller_token); }

absl::Status ScreenSellers(const store::Store& store, const store::PresenceFilter& filter,
                           const KeyedHash& hash, const contents::ContentKeys& contents,
                           const ExchangeOptions& options, const Asker& asker,
                           const v1::ScreenSellersRequest& request, v1::ScreenSellersResponse* response,
                           ledger::Disclosure* disclosure) {
  if (request.sellers_size() > options.sellers_per_screen_max) {
    return OverLimit("sellers_per_screen", options.sellers_per_screen_max, "too many sellers in one call");
  }
  response->set_handling(kHandling);
  response->mutable_results()->Reserve(request.sellers_size());
  // The asker's revision was published only after its sellers were in the filter.
  std::vector<Candidate> candidates;
  absl::Status found = FindCandidates(filter, hash, contents, request, response, &candidates);
  if (!found.ok()) return found;
  // In key order, so that neighbours share blocks.
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.prefix < b.prefix; });
  SellerPicture picture;
  for (size_t i = 0; i < candidates.size(); ++i) {
    v1::ScreenResult* result = response->mutable_results(candidates[i].index);
    if (i > 0 && candidates[i].prefix == candidates[i - 1].prefix) {
      *result = response->results(candidates[i - 1].index);
      continue;
    }
    if (absl::Status status = picture.Scan(store, asker, candidates[i].prefix); !status.ok()) return status;
    FillResult(picture, options.matches_per_seller_max, result, disclosure);
  }
  return absl::OkStatus();
}

}  // namespace coalition::exchange
