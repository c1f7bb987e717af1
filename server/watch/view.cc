#include "server/watch/view.h"

#include <span>
#include <utility>

#include "server/exchange/stored_record.h"

namespace coalition::watch {
namespace {

// Before every expiry.
constexpr int64_t kNothingExpired = 0;

}  // namespace

RecordViews::RecordViews(const store::Store& store, const exchange::ExchangeKeys& keys, State state,
                         store::Revision at, uint32_t member, int64_t now_s)
    : state_(std::move(state)),
      reader_(store, keys,
              exchange::Asker{state_->policy_state(), at, member, now_s, nullptr, &met_expired_}) {}

RecordViews::RecordViews(const store::Store& store, const exchange::ExchangeKeys& keys, State state,
                         store::Revision at, uint32_t member)
    : RecordViews(store, keys, std::move(state), at, member, kNothingExpired) {}

absl::StatusOr<RecordView> RecordViews::Of(const std::string& key, const exchange::RecordQuery& query,
                                           ledger::Disclosure* disclosure) const {
  met_expired_ = false;
  RecordView view;
  auto found = reader_.FindUnjudgedByKey(key);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return view;
  view.id = (*found)->id;
  view.at = (*found)->stored.position();
  view.contributor = (*found)->stored.header.contributor();
  if (const auto seen = reader_.See(**std::move(found))) {
    view.access = seen->decision.view;
    const auto shown = exchange::ShowIfMatches(reader_, query, *seen, &view.record, disclosure);
    if (!shown.ok()) return shown.status();
    view.shown = *shown;
    if (view.shown) view.bytes = view.record.SerializeAsString();
    // Asked last: it may have been erased while it was shown. Whoever had it is to be told that it is gone.
    if (!view.shown && reader_.contents().IsErased(seen->id)) {
      view.erased = view.shown = exchange::CouldMatch(reader_, query, *seen);
      view.record.Clear();
    }
  }
  view.met_expired = met_expired_;
  return view;
}

absl::StatusOr<std::string> SubjectOf(const store::Store& store, const std::string& key, store::Revision at) {
  const auto read = store.Read(std::span(&key, 1), at);
  if (!read.ok()) return read.status();
  if (!(*read)[0].has_value()) return std::string();
  const auto stored = exchange::ParseStoredRecord((*read)[0]->value);
  const auto subject = stored ? stored->header.subject() : std::nullopt;
  return subject ? exchange::SiblingKey(key, *subject) : std::string();
}

}  // namespace coalition::watch
