#include "server/service/stream_end.h"

#include "common/errors.h"
#include "server/service/messages.h"

namespace coalition::service {
namespace {

class RefusedStream final : public StreamReactor {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::Status EndOfStream(CallKit& kit, uint32_t member, Method method, const absl::Status& status,
                         std::chrono::steady_clock::time_point start) {
  grpc::Status sent = ToGrpc(status, InfoOf(method).name);
  if (!status.ok()) {
    kit.metrics.Refused(status);
    kit.refusals.Note(member, InfoOf(method).name, status);
  }
  const auto duration = std::chrono::steady_clock::now() - start;
  kit.metrics.Handled(method, static_cast<absl::StatusCode>(sent.error_code()),
                      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
  return sent;
}

absl::Status NothingCame() {
  return Error(v1::ERROR_REASON_DEADLINE_EXCEEDED, "No message came for longer than this server waits.",
               {{"limit", "stream_idle_ms"}});
}

StreamReactor* RefuseStream(const grpc::Status& status) { return new RefusedStream(status); }

}  // namespace coalition::service
