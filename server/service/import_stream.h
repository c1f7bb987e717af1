// The import stream: messages in, one answer each, in order, durable when it is sent.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>
#include <vector>

#include "common/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/exchange/exchange.h"
#include "server/service/call_kit.h"

namespace coalition::service {

class ImportStream;

// All import streams that are open. Thread-safe. Outlives the grpc::Server.
class ImportStreams {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  ImportStreams();
  ~ImportStreams();

  // The reactor of a new stream, which owns itself. One that only refuses if the call may not come in.
  // References must outlive the stream.
  Reactor* Open(CallKit& kit, exchange::Exchange& exchange, grpc::CallbackServerContext* call);

  // Streams answer what they have in work and end with UNAVAILABLE SHUTTING_DOWN.
  void Drain();

  // Of these credentials: ends the streams that may not go on, with the answer that says why; how many those
  // are. `now`: cancels also those whose clients do not read.
  size_t CutOff(const CutOffGates& gates, bool now);
  size_t CountOf(const CutOffGates& gates) const { return Of(gates).size(); }

  size_t open() const;

 private:
  friend class ImportStream;
  void Add(const std::shared_ptr<ImportStream>& stream);
  void Remove(const ImportStream* stream);
  std::vector<std::shared_ptr<ImportStream>> Of(const CutOffGates& gates) const;

  mutable Mutex mutex_;
  std::unordered_set<std::shared_ptr<ImportStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace coalition::service
