#include "client/cli/flatten.h"

#include "absl/strings/str_cat.h"
#include "client/cli/values.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/time_util.h"

namespace coalition::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <class Items, class Text>
std::string Joined(const Items& items, Text text) {
  std::string joined;
  for (const auto& item : items) absl::StrAppend(&joined, joined.empty() ? "" : "; ", text(item));
  return joined;
}

std::string Same(const std::string& text) { return text; }

std::string StateText(const v1::Record& record) {
  std::string text = EnumText(v1::RecordState_Name(record.state()), "RECORD_STATE_");
  if (record.disputed()) text += ", disputed";
  return text;
}

std::string RightText(const v1::Right& right) {
  return absl::StrCat(right.office(), ":", right.registration_number());
}

std::string OutcomeSummary(const v1::TakedownOutcome& outcome) {
  std::string summary = "action " + EnumText(v1::ActionTaken_Name(outcome.action_taken()), "ACTION_TAKEN_");
  for (const std::string& decision : outcome.decision_visibility()) absl::StrAppend(&summary, ", ", decision);
  for (const std::string* decision :
       {&outcome.decision_monetary(), &outcome.decision_provision(), &outcome.decision_account()}) {
    if (!decision->empty()) absl::StrAppend(&summary, ", ", *decision);
  }
  if (outcome.reinstated()) summary += ", reinstated";
  return summary;
}

std::string Summary(const v1::Record& record) {
  switch (record.payload_case()) {
    case v1::Record::kOffenderReport: {
      const v1::OffenderReport& report = record.offender_report();
      std::string summary = Joined(report.infringement_types(), Same);
      if (report.rights_size() > 0) absl::StrAppend(&summary, " (", Joined(report.rights(), RightText), ")");
      return summary;
    }
    case v1::Record::kTakedownNotice: {
      const v1::TakedownNotice& notice = record.takedown_notice();
      return absl::StrCat(notice.requested_action(), notice.whole_account() ? ", whole account" : "",
                          notice.listings_size() > 0
                              ? absl::StrCat(", ", notice.listings_size(),
                                             notice.listings_size() == 1 ? " listing" : " listings")
                              : "");
    }
    case v1::Record::kTakedownOutcome:
      return OutcomeSummary(record.takedown_outcome());
    case v1::Record::kOpinion:
      return absl::StrCat(EnumText(v1::OpinionVerdict_Name(record.opinion().verdict()), "OPINION_VERDICT_"),
                          " ", record.opinion().subject());
    default:
      return "";
  }
}

std::string ScalarText(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection* reflection = message.GetReflection();
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return repeated ? reflection->GetRepeatedString(message, field, index)
                      : reflection->GetString(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnum(message, field)->name();
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const Message& sub = repeated ? reflection->GetRepeatedMessage(message, field, index)
                                    : reflection->GetMessage(message, field);
      if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&sub)) return TimeText(*time);
      return ToJson(sub);
    }
    default:
      return "";
  }
}

// Each field with a value, named by its path below `prefix`.
void AddFields(const Message& message, const std::string& prefix, Facts& facts) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    std::string text;
    if (field->is_repeated()) {
      const int size = message.GetReflection()->FieldSize(message, field);
      for (int i = 0; i < size; ++i) {
        absl::StrAppend(&text, i == 0 ? "" : "; ", ScalarText(message, field, i));
      }
    } else {
      text = ScalarText(message, field, -1);
    }
    facts.emplace_back(prefix + field->name(), std::move(text));
  }
}

void AddContest(const v1::Contest& contest, Facts& facts) {
  facts.emplace_back("contested", TimeText(contest.contest_time()));
  // What is confirmed ends when it was to end before.
  facts.emplace_back("lapses", contest.has_confirm_time() ? "" : TimeText(contest.lapse_time()));
  facts.emplace_back("confirmed", TimeText(contest.confirm_time()));
  facts.emplace_back("confirm_grounds", contest.confirm_grounds());
}

}  // namespace

const std::vector<std::string>& RecordColumns() {
  static const auto* const columns = new std::vector<std::string>{
      "record", "class", "seller", "contributor", "label", "state", "created", "view", "summary"};
  return *columns;
}

std::vector<std::string> RecordCells(const v1::Record& record) {
  return {record.name(),
          ClassText(record.record_class()),
          SellerText(record.seller()),
          record.contributor(),
          LabelText(record.label()),
          StateText(record),
          TimeText(record.create_time()),
          record.view(),
          Summary(record)};
}

Facts RecordFacts(const v1::Record& record) {
  Facts facts;
  const std::vector<std::string> cells = RecordCells(record);
  for (size_t i = 0; i + 1 < cells.size(); ++i) facts.emplace_back(RecordColumns()[i], cells[i]);
  facts.emplace_back("external_id", record.external_id());
  facts.emplace_back("permitted_action",
                     EnumText(v1::PermittedAction_Name(record.permitted_action()), "PERMITTED_ACTION_"));
  facts.emplace_back("updated", TimeText(record.update_time()));
  facts.emplace_back("expires", TimeText(record.expire_time()));
  facts.emplace_back("etag", record.etag());
  facts.emplace_back("disputed", record.disputed() ? "true" : "false");
  facts.emplace_back("grants", Joined(record.audience().grants(), GrantText));
  facts.emplace_back("exclusions", Joined(record.audience().exclusions(), SubjectText));
  facts.emplace_back("audiences", Joined(record.audience().include(), Same));
  AddContest(record.contest(), facts);
  facts.emplace_back("cleared_before", Joined(record.cleared_before(), Same));
  switch (record.payload_case()) {
    case v1::Record::kOffenderReport:
      AddFields(record.offender_report(), "offender_report.", facts);
      break;
    case v1::Record::kTakedownNotice:
      AddFields(record.takedown_notice(), "takedown_notice.", facts);
      break;
    case v1::Record::kTakedownOutcome:
      AddFields(record.takedown_outcome(), "takedown_outcome.", facts);
      break;
    case v1::Record::kOpinion:
      AddFields(record.opinion(), "opinion.", facts);
      break;
    default:
      break;
  }
  return facts;
}

}  // namespace coalition::cli
