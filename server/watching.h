// What watches need, put together.
#pragma once

#include "coalition/config/v1/server_config.pb.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/exchange/expiry.h"
#include "server/ledger/shown_log.h"
#include "server/membership/directory.h"
#include "server/service/watch_stream.h"
#include "server/store/store.h"
#include "server/watch/change_log.h"
#include "server/watch/feed.h"
#include "server/watch/recalls.h"
#include "server/watch/record_disclosures.h"
#include "server/watch/states.h"
#include "server/watch/tail.h"

namespace coalition::server {

// References must outlive it. Thread-safe.
class Watching {
 public:
  Watching(const config::v1::Limits& limits, const store::Store& store,
           const membership::Directory& directory, const exchange::ExchangeKeys& keys, const Sealer& cursors,
           ledger::ShownLog& shown, const exchange::Expiry& expiry);

  service::WatchStreams& streams() { return streams_; }
  const service::WatchStreams& streams() const { return streams_; }
  const watch::Recalls& recalls() const { return recalls_; }
  const watch::RecordDisclosures& disclosures() const { return disclosures_; }
  // When there are no streams any more, and before what they worked with goes.
  void Stop() { tail_.Stop(); }

 private:
  watch::ChangeLog log_;
  watch::States states_;
  const watch::FeedRoom feeds_;
  service::WatchStreams streams_;
  const watch::Recalls recalls_;
  const watch::RecordDisclosures disclosures_;
  watch::Tail tail_;  // last: wakes the streams
};

}  // namespace coalition::server
