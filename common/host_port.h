// Network addresses as people write them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace coalition {

struct HostPort {
  std::string host;  // an IPv6 address without its brackets
  int port = 0;
};

// The parts of "exchange.example:7443", "127.0.0.1:7443" or "[::1]:7443". Both are required: there is no
// default port. The port is `port_min` to 65535: 0, the default, for those who listen, to whom 0 means any
// free port; 1 for those who connect. Whether there is such a host is not looked at, only that no host has
// white space, control characters or bytes over 0x7e in its name. INVALID_ARGUMENT says what is wrong.
// Thread-safe.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text, int port_min = 0);

}  // namespace coalition
