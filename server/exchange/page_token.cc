#include "server/exchange/page_token.h"

#include "common/errors.h"
#include "common/hash.h"

namespace coalition::exchange {
namespace {

constexpr char kVersion = 1;

constexpr std::string_view kMethod = "ListRecords";

}  // namespace

std::string QueryBinding(std::string_view method, uint32_t member, const v1::RecordFilter& filter) {
  std::string binding(method);
  for (int shift = 24; shift >= 0; shift -= 8) binding.push_back(static_cast<char>(member >> shift));
  const Sha256Digest digest = Sha256(filter.SerializeAsString());
  binding += Bytes(digest);
  return binding;
}

std::string MakePageToken(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                          Position position) {
  return sealer.Seal(kVersion + EncodePosition(position), QueryBinding(kMethod, member, filter));
}

absl::StatusOr<Position> ReadPageToken(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                                       std::string_view token) {
  const auto opened = sealer.Open(token, QueryBinding(kMethod, member, filter));
  if (!opened.ok() || opened->empty() || opened->front() != kVersion) return PageTokenInvalid();
  const auto position = DecodePosition(std::string_view(*opened).substr(1));
  if (!position) return PageTokenInvalid();
  return *position;
}

}  // namespace coalition::exchange
