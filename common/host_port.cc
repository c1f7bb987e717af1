#include "common/host_port.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr int kPortMax = 65'535;
constexpr char kForm[] = ": write host:port, e.g. exchange.example:7443 or [::1]:7443";

// SimpleAtoi alone would also take signs and white space.
bool ParsePort(std::string_view text, int* port) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(Absl(text), port) && *port <= kPortMax;
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(std::string_view text, int port_min) {
  const auto wrong = [text](std::string_view what, std::string_view more = "") {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " ", Absl(what), Absl(more)));
  };
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat("the address is missing", kForm));
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port", kForm);
  std::string_view host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find_first_of("[]") != std::string_view::npos) return wrong("is not host:port", kForm);
  } else if (host.find_first_of(":/[]") != std::string_view::npos) {
    return wrong("is not host:port", absl::StrCat(kForm, "; an IPv6 address stands in brackets"));
  }
  if (host.empty()) return wrong("has no host", kForm);
  if (!std::all_of(host.begin(), host.end(), absl::ascii_isgraph)) {
    return wrong("has a character in it that no host has");
  }
  HostPort result;
  result.host = std::string(host);
  const std::string_view port = text.substr(colon + 1);
  if (!ParsePort(port, &result.port) || result.port < port_min) {
    return absl::InvalidArgumentError(
        absl::StrCat("the port ", Quoted(port), " is not a number of ", port_min, " to ", kPortMax));
  }
  return result;
}

}  // namespace coalition
