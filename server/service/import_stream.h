// The import stream: messages in, one answer each, in order, durable when it is sent.
#pragma once

#include <cstddef>
#include <memory>

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/exchange/exchange.h"
#include "server/service/call_kit.h"
#include "server/service/stream_end.h"
#include "server/service/stream_registry.h"

namespace coalition::service {

class ImportStream;

// All import streams that are open. Thread-safe. Outlives the grpc::Server.
class ImportStreams final : public CutOffStreams {
 public:
  ImportStreams();
  ~ImportStreams() override;

  // The reactor of a new stream, which owns itself. One that only refuses if the call may not come in.
  // References must outlive the stream.
  StreamReactor* Open(CallKit& kit, exchange::Exchange& exchange, grpc::CallbackServerContext* call);

  // Streams answer what they have in work and end with UNAVAILABLE SHUTTING_DOWN.
  void Drain();

  size_t CutOff(const CutOffGates& gates, bool now) override;
  size_t CountOf(const CutOffGates& gates) const override;

  size_t open() const { return streams_.size(); }

 private:
  StreamRegistry<ImportStream> streams_;
};

}  // namespace coalition::service
