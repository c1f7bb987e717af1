// gRPC's own log lines: into our log, and not as many as a peer likes.
#pragma once

#include <cstdint>

namespace coalition::server {

// From now on gRPC's lines go to our log as event "grpc", at most one a second. Of the whole process; may be
// called again.
void RouteGrpcLog();

// TLS handshakes that failed since RouteGrpcLog: gRPC reports them nowhere but in its log.
uint64_t FailedHandshakes();

// While it lives nothing is logged or counted: for failures that are made on purpose.
class QuietGrpcLog {
 public:
  QuietGrpcLog();
  ~QuietGrpcLog();
  QuietGrpcLog(const QuietGrpcLog&) = delete;
  QuietGrpcLog& operator=(const QuietGrpcLog&) = delete;
};

}  // namespace coalition::server
