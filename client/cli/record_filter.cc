#include "client/cli/record_filter.h"

#include <utility>

#include "client/cli/values.h"

namespace coalition::cli {

void AddRecordFilterFlags(Verb verb, RecordFilterFlags* flags) {
  verb.AddOption("--class", flags->classes, "report, notice, outcome or opinion. Repeatable").OnePerFlag();
  verb.AddOption("--seller", flags->seller, "PLATFORM/SELLER or PLATFORM");
  verb.AddOption("--contributor", flags->contributor, "Id of the member");
  verb.AddOption("--from", flags->from, "Created at or after");
  verb.AddOption("--before", flags->before, "Created before");
  verb.AddOption("--external-id", flags->external_id, "Your own id");
  verb.AddOption("--refers-to", flags->refers_to, "Record that they refer to");
  verb.AddOption("--state", flags->states, "active or contested. Repeatable").OnePerFlag();
}

absl::StatusOr<v1::RecordFilter> ToRecordFilter(const RecordFilterFlags& flags) {
  v1::RecordFilter filter;
  absl::Status status;
  const auto set = [&](const std::string& text, auto parse, auto take) {
    if (!status.ok() || text.empty()) return;
    auto value = parse(text);
    if (!value.ok()) {
      status = value.status();
    } else {
      take(*std::move(value));
    }
  };
  for (const std::string& one : flags.classes) {
    set(one, ParseRecordClass, [&](v1::RecordClass c) { filter.add_record_classes(c); });
  }
  for (const std::string& one : flags.states) {
    set(one, ParseRecordState, [&](v1::RecordState s) { filter.add_states(s); });
  }
  set(flags.seller, ParseSellerOrPlatform, [&](v1::Seller s) { *filter.mutable_seller() = std::move(s); });
  set(flags.contributor, ParseMember, [&](std::string m) { filter.set_contributor(std::move(m)); });
  set(flags.from, ParseTime, [&](auto time) { *filter.mutable_created_from() = time; });
  set(flags.before, ParseTime, [&](auto time) { *filter.mutable_created_before() = time; });
  set(flags.refers_to, ParseRecord, [&](std::string r) { filter.set_refers_to(std::move(r)); });
  filter.set_external_id(flags.external_id);
  if (!status.ok()) return status;
  return filter;
}

}  // namespace coalition::cli
