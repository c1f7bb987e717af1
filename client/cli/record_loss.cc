#include "client/cli/record_loss.h"

#include "absl/strings/str_cat.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

std::string WhatItIs(const v1::Record& record) {
  return absl::StrCat(ClassText(record.record_class()), " about ", SellerText(record.seller()), ", created ",
                      TimeText(record.create_time()));
}

std::string SharedWith(const v1::Record& record) {
  std::string seen_by;
  for (const v1::Grant& grant : record.audience().grants()) {
    absl::StrAppend(&seen_by, seen_by.empty() ? "" : ", ", GrantText(grant));
  }
  return seen_by.empty() ? "nobody" : seen_by;
}

}  // namespace

std::vector<std::string> LostWith(const v1::Record& record) {
  std::vector<std::string> lines = {"  " + WhatItIs(record), "  shared with: " + SharedWith(record)};
  if (!record.external_id().empty()) {
    lines.push_back("  external id " + record.external_id() + ": stays taken, and can't be used again");
  }
  lines.emplace_back("  what others based on it (notices, outcomes, opinions) loses its reference");
  return lines;
}

std::string LossLine(const v1::Record& record) {
  return absl::StrCat("  ", record.name(), ": ", WhatItIs(record), ", shared with ", SharedWith(record),
                      record.external_id().empty() ? "" : ", external id " + record.external_id());
}

std::vector<std::string> LostWithAny() {
  return {"  their external ids stay taken, and can't be used again",
          "  what others based on them (notices, outcomes, opinions) loses its reference"};
}

}  // namespace coalition::cli
