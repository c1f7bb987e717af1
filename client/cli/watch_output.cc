#include "client/cli/watch_output.h"

#include <string>
#include <utility>
#include <vector>

#include "client/cli/text.h"
#include "client/cli/values.h"
#include "google/protobuf/util/time_util.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

using google::protobuf::util::TimeUtil;

// Of a time, the longest event, record and class, and most sellers; the view is last.
const std::vector<size_t>& Widths() {
  static const auto* const widths = new std::vector<size_t>{20, 7, 34, 16, 32, 0};
  return *widths;
}

void Line(std::vector<std::string> cells, std::ostream& out) {
  for (std::string& cell : cells) cell = Printable(cell);
  WriteCells(cells, Widths(), out);
}

std::string Now() { return TimeText(TimeUtil::GetCurrentTime()); }

// GONE; a number where this program does not know the kind.
std::string KindName(v1::RetractionKind kind) {
  constexpr std::string_view kPrefix = "RETRACTION_KIND_";
  const std::string name = v1::RetractionKind_Name(kind);
  return name.empty() ? std::to_string(kind) : name.substr(kPrefix.size());
}

}  // namespace

WatchPrinter::WatchPrinter(Format format, std::ostream& out) : format_(format), out_(out) {
  if (format_ == Format::kTable) Line({"RECEIVED", "EVENT", "RECORD", "CLASS", "SELLER", "VIEW"}, out_);
}

bool WatchPrinter::Event(const v1::WatchEvent& event) {
  switch (event.event_case()) {
    case v1::WatchEvent::kUpsert:
      Upsert(event.upsert());
      return true;
    case v1::WatchEvent::kRetract:
      Retract(event.retract());
      return true;
    default:
      return false;
  }
}

void WatchPrinter::Upsert(const v1::Record& record) {
  if (format_ == Format::kTable) {
    return Line({Now(), "UPSERT", record.name(), ClassText(record.record_class()),
                 SellerText(record.seller()), record.view()},
                out_);
  }
  out_ << R"({"event":"UPSERT","record":)" << ToJson(record) << "}\n";
}

void WatchPrinter::Retract(const v1::Retraction& retraction) {
  const std::string kind = KindName(retraction.kind());
  if (format_ == Format::kTable) return Line({Now(), kind, retraction.name(), "", "", ""}, out_);
  const nlohmann::ordered_json json = {{"event", "RETRACT"}, {"name", retraction.name()}, {"kind", kind}};
  out_ << json.dump() << '\n';
}

void WatchPrinter::Checkpoint(const v1::WatchRecordsResponse& response) {
  if (format_ == Format::kTable || (!response.has_complete_until() && !response.snapshot_complete())) return;
  nlohmann::ordered_json json = {{"event", "CHECKPOINT"}};
  if (response.has_complete_until()) json["complete_until"] = TimeUtil::ToString(response.complete_until());
  json["snapshot_complete"] = response.snapshot_complete();
  out_ << json.dump() << '\n';
}

}  // namespace coalition::cli
