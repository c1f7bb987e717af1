// What members have been shown and are not to use any more: told to those who do not watch, or may not, and
// to the contributors whose records they were.
#pragma once

#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/ledger/shown_log.h"
#include "server/store/store.h"

namespace coalition::watch {

struct RecallLimits {
  int page_size_default = 50;
  int page_size_max = 1000;  // of records that are looked at
  int recalls_per_acknowledgement = 1000;
};

// Requests come unchecked. Members whose standing is SUSPENDED or EXITED are answered too by List and
// Acknowledge: names of records that they were shown before, and nothing else. Thread-safe. References must
// outlive it.
class Recalls {
 public:
  Recalls(const store::Store& store, const exchange::ExchangeKeys& keys, ledger::ShownLog& shown,
          const Sealer& page_tokens, const RecallLimits& limits);

  // What it lists counts as told. INVALID_ARGUMENT: INVALID_FIELD, PAGE_TOKEN_INVALID.
  absl::Status List(const exchange::CallContext& context, const v1::ListRecallsRequest& request,
                    v1::ListRecallsResponse* response) const;
  // INVALID_ARGUMENT: INVALID_FIELD, LIMIT_EXCEEDED. Answers on any thread, when it is durable.
  void Acknowledge(const exchange::CallContext& context, const v1::AcknowledgeRecallsRequest& request,
                   std::function<void(absl::StatusOr<v1::AcknowledgeRecallsResponse>)> done) const;
  // NOT_FOUND unless the record is, or was at last, the caller's member's. Leaves out authorities while the
  // policy seals that they were shown it.
  absl::Status Status(const exchange::CallContext& context, const v1::GetRecallStatusRequest& request,
                      v1::GetRecallStatusResponse* response) const;

 private:
  // What the record is to a member that was shown it: UNSPECIFIED where there is nothing to recall.
  absl::StatusOr<v1::RetractionKind> KindFor(const exchange::CallContext& context,
                                             const ledger::RecordIdBytes& record) const;

  const store::Store& store_;
  const exchange::ExchangeKeys& keys_;
  ledger::ShownLog& shown_;
  const Sealer& page_tokens_;
  const RecallLimits limits_;
};

}  // namespace coalition::watch
