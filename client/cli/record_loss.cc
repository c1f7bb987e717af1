#include "client/cli/record_loss.h"

#include "absl/strings/str_cat.h"
#include "client/cli/values.h"

namespace coalition::cli {

std::vector<std::string> LostWith(const v1::Record& record) {
  std::vector<std::string> lines = {absl::StrCat("  ", ClassText(record.record_class()), " about ",
                                                 SellerText(record.seller()), ", created ",
                                                 TimeText(record.create_time()))};
  std::string seen_by;
  for (const v1::Grant& grant : record.audience().grants()) {
    absl::StrAppend(&seen_by, seen_by.empty() ? "" : ", ", GrantText(grant));
  }
  lines.push_back("  shared with: " + (seen_by.empty() ? "nobody" : seen_by));
  if (!record.external_id().empty()) {
    lines.push_back("  external id " + record.external_id() + ": stays taken, and can't be used again");
  }
  lines.emplace_back("  what others based on it (notices, outcomes, opinions) loses its reference");
  return lines;
}

}  // namespace coalition::cli
