// The one normalisation of a seller, at every edge: (platform, seller_id) is compared as bytes from there on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition {

inline constexpr size_t kSellerIdBytesMax = 256;

// A normalised seller. See message Seller in proto/coalition/v1/record.proto.
struct SellerKey {
  std::string platform;
  std::string seller_id;
  friend bool operator==(const SellerKey&, const SellerKey&) = default;
};

struct SellerKeyView {
  std::string_view platform;
  std::string_view seller_id;
};

// Removes ASCII white space (space and \t \n \v \f \r) around both parts and puts the platform into lower
// case. Idempotent.
//
// INVALID_ARGUMENT, with a message that begins with the part's name ("platform ..." or "seller_id ...") and
// says what is wrong: the platform is empty, over 253 bytes or not a host name; the seller_id is empty, over
// 256 bytes, not UTF-8, or holds a control character: C0, DEL, C1, a line or paragraph separator, or a
// character that changes the direction of text. Thread-safe.
absl::StatusOr<SellerKey> NormalizeSeller(std::string_view platform, std::string_view seller_id);

// The same without allocating where the input is normal but for white space: the views of `out` then point
// into the input, and else into `scratch`, which is overwritten. They live until either changes. `out` is set
// only on OK.
absl::Status NormalizeSeller(std::string_view platform, std::string_view seller_id, SellerKeyView* out,
                             std::string* scratch);

// One part alone: the platform of an outcome without a seller.
absl::StatusOr<std::string> NormalizePlatform(std::string_view platform);

}  // namespace coalition
