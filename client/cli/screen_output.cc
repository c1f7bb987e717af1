#include "client/cli/screen_output.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/line_reader.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

constexpr size_t kLineBytesMax = 4'096;

}  // namespace

absl::StatusOr<bool> ReadSellers(Session& session, const std::string& file,
                                 const std::function<absl::Status(v1::Seller)>& see) {
  absl::StatusOr<ByteSource> source = OpenSource(file, session.io().read_in);
  if (!source.ok()) return Local(source.status());
  LineReader reader(*std::move(source), kLineBytesMax);
  bool all_good = true;
  Line line;
  while (reader.Next(&line)) {
    std::string text = line.text;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (!line.continued && (text.empty() || text[0] == '#')) continue;
    absl::StatusOr<v1::Seller> seller = line.partial || line.continued
                                            ? absl::InvalidArgumentError("the line is too long")
                                            : ParseSeller(text);
    if (!seller.ok()) {
      if (!line.continued) session.Note(absl::StrCat("line ", line.number, ": ", seller.status().message()));
      all_good = false;
      continue;
    }
    if (absl::Status status = see(*std::move(seller)); !status.ok()) return status;
  }
  if (!reader.status().ok()) return Local(reader.status());
  return all_good;
}

ScreenPrinter::ScreenPrinter(Session& session)
    : session_(session),
      printer_(session.List({"seller", "verdict", "matches", "strongest_action", "records"})) {}

void ScreenPrinter::Print(const v1::Seller& seller, const v1::ScreenResult& result) {
  if (result.verdict() == v1::VERDICT_LISTED) ++listed_;
  if (result.matches_size() > 0) ++hits_;
  std::string records;
  v1::PermittedAction strongest = v1::PERMITTED_ACTION_UNSPECIFIED;
  for (const v1::ScreenMatch& match : result.matches()) {
    absl::StrAppend(&records, records.empty() ? "" : "; ", match.record(), " (",
                    ClassText(match.record_class()), ", ", LabelText(match.label()), ")");
    strongest = std::max(strongest, match.permitted_action());
  }
  std::string json = ToJson(result);
  json = absl::StrCat("{\"seller\":", ToJson(seller), json == "{}" ? "}" : "," + json.substr(1));
  printer_.Row({SellerText(seller), VerdictText(result.verdict()), std::to_string(result.matches_size()),
                strongest == v1::PERMITTED_ACTION_UNSPECIFIED
                    ? ""
                    : EnumText(v1::PermittedAction_Name(strongest), "PERMITTED_ACTION_"),
                records},
               json);
}

void ScreenPrinter::Finish(const std::string& handling) {
  printer_.Finish();
  if (hits_ > 0 && !handling.empty()) session_.Note(handling);
}

}  // namespace coalition::cli
