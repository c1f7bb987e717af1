// Times as messages have them.
#pragma once

#include <cstdint>

#include "google/protobuf/timestamp.pb.h"

namespace coalition {

// `ns`: since the Unix epoch, not before it.
inline google::protobuf::Timestamp ToTimestamp(int64_t ns) {
  google::protobuf::Timestamp time;
  time.set_seconds(ns / 1'000'000'000);
  time.set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
  return time;
}

}  // namespace coalition
