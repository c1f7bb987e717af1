// What a member sees of one record at one revision.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/policy/decide.h"
#include "server/exchange/exchange.h"
#include "server/exchange/reader.h"
#include "server/exchange/record_query.h"
#include "server/watch/states.h"

namespace coalition::watch {

struct RecordView {
  // nullopt: there is no such record, not even hidden.
  std::optional<exchange::RecordId> id;
  std::optional<exchange::Position> at;
  uint32_t contributor = 0;
  // Which fields the member sees of it, whether or not it was asked for.
  policy::View access;
  // It may see it and has asked for it: as it is shown.
  bool shown = false;
  // It was shown, or may have been, and is erased since: nobody can say how it looked. `bytes` are none, as
  // of no record that is there.
  bool erased = false;
  v1::Record record;
  std::string bytes;
  // Something that has expired took part: before that the view may have been another one.
  bool met_expired = false;
};

// Reads one state at one revision. Not thread-safe. References must outlive it.
class RecordViews {
 public:
  // At that time.
  RecordViews(const store::Store& store, const exchange::ExchangeKeys& keys, State state, store::Revision at,
              uint32_t member, int64_t now_s);
  // As if nothing had expired: what has, is there until its row is removed.
  RecordViews(const store::Store& store, const exchange::ExchangeKeys& keys, State state, store::Revision at,
              uint32_t member);
  RecordViews(const RecordViews&) = delete;
  RecordViews& operator=(const RecordViews&) = delete;

  store::Revision at() const { return reader_.at(); }
  const exchange::Reader& reader() const { return reader_; }

  // Notes in `disclosure` what is shown of others. Errors: as of exchange::Reader.
  absl::StatusOr<RecordView> Of(const std::string& key, const exchange::RecordQuery& query,
                                ledger::Disclosure* disclosure) const;

 private:
  const State state_;
  mutable bool met_expired_ = false;
  const exchange::Reader reader_;
};

// The key of the record that the one under `key` was an opinion about at that revision; empty: it was none.
// Errors: the store's.
absl::StatusOr<std::string> SubjectOf(const store::Store& store, const std::string& key, store::Revision at);

}  // namespace coalition::watch
