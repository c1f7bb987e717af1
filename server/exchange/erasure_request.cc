#include "server/exchange/erasure_request.h"

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/strings.h"
#include "server/exchange/access.h"

namespace coalition::exchange {
namespace {

std::string_view WordsOf(v1::ErasureGrounds grounds) {
  switch (grounds) {
    case v1::ERASURE_GROUNDS_COURT_ORDER:
      return "on a court's order";
    case v1::ERASURE_GROUNDS_DATA_SUBJECT:
      return "at the request of whom they are about";
    case v1::ERASURE_GROUNDS_CONTRIBUTOR:
      return "at their contributor's request";
    default:
      return "on no known grounds";
  }
}

}  // namespace

void CheckErasure(v1::ErasureGrounds grounds, const std::string& reference, FieldChecker* checker) {
  if (grounds == v1::ERASURE_GROUNDS_UNSPECIFIED || !v1::ErasureGrounds_IsValid(grounds))
    checker->Add({"grounds"}, "is missing or unknown: say on whose word");
  if (reference.size() > kErasureReferenceBytesMax) {
    checker->Add({"reference"},
                 "is over 100 bytes: it is kept for good, and says no more than what to look up");
  } else if (reference.find_first_of("\t\n\r") != std::string::npos) {
    // Texts of records may have these; an act of the ledger is read as one line.
    checker->Add({"reference"}, "holds a control character");
  } else {
    checker->Text({"reference"}, reference, kErasureReferenceBytesMax);
  }
}

std::string ErasedWhy(v1::ErasureGrounds grounds, const std::string& reference) {
  std::string why(WordsOf(grounds));
  if (!reference.empty()) absl::StrAppend(&why, ", reference ", reference);
  return why;
}

absl::Status CutShort(std::string_view things, const absl::Status& status) {
  const bool has_reason = GetErrorReason(status) != v1::ERROR_REASON_UNSPECIFIED;
  if (absl::IsUnknown(status) || absl::IsDataLoss(status) || (has_reason && !absl::IsUnavailable(status)))
    return FromStore(status);
  return Error(v1::ERROR_REASON_STORE_UNAVAILABLE,
               absl::StrCat("the erasure is not finished, though some of the ", Absl(things),
                            " may be gone: repeat the call until it succeeds; the server's next start "
                            "finishes what was begun, too"));
}

}  // namespace coalition::exchange
