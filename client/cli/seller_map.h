// The importing marketplace's own word on which seller a DSA statement is about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "client/cli/line_reader.h"

namespace coalition::cli {

// platform_uid -> seller_id, for millions of them: the text itself and about 9 to 18 bytes each. Not
// thread-safe while it is filled.
class SellerMap {
 public:
  SellerMap();
  ~SellerMap();

  // CSV with the columns platform_uid and seller_id; others are ignored. INVALID_ARGUMENT, with the line, for
  // the first row that is bad or gives a platform_uid another seller: an import must not run on half a map.
  absl::Status Load(ByteSource source, size_t row_bytes_max);
  // False: `platform_uid` has another seller already.
  bool Add(std::string_view platform_uid, std::string_view seller_id);
  // Empty: none is known. Lives until the next Add.
  std::string_view Find(std::string_view platform_uid) const;
  size_t size() const;

 private:
  struct Index;
  // Each entry: length of the uid (4 bytes), length of the seller (4 bytes), uid, seller.
  std::string text_;
  std::unique_ptr<Index> index_;
};

}  // namespace coalition::cli
