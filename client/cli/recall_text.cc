#include "client/cli/recall_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

// The number of a value that this program does not know.
std::string TextOrNumber(const std::string& name, const std::string& prefix, int number) {
  return name.empty() ? absl::StrCat(number) : EnumText(name, prefix);
}

std::string StateText(v1::RecallState state) {
  std::string text = TextOrNumber(v1::RecallState_Name(state), "RECALL_STATE_", state);
  std::replace(text.begin(), text.end(), '-', ' ');
  return text;
}

std::string DayText(const google::protobuf::Timestamp& time) {
  constexpr size_t kDay = sizeof("2026-03-01") - 1;
  return TimeText(time).substr(0, kDay);
}

std::string TakenBackText(const v1::GetRecallStatusResponse& status) {
  const std::string time = TimeText(status.taken_back_time());
  switch (status.kind()) {
    case v1::RETRACTION_KIND_UNSPECIFIED:
      return "is not taken back";
    case v1::RETRACTION_KIND_CLEARED:
      return "was cleared at " + time;
    default:
      return "was withdrawn or had expired at " + time;
  }
}

std::string WaitingText(const v1::GetRecallStatusResponse& status) {
  if (status.recipients().empty()) return "Nobody else was ever shown it.";
  const int outstanding = CountOutstanding(status);
  if (outstanding == 0) return "Nobody has to be waited for.";
  return outstanding == 1 ? "1 member has to be waited for."
                          : absl::StrCat(outstanding, " members have to be waited for.");
}

}  // namespace

const std::vector<std::string>& RecallColumns() {
  static const auto* const columns = new std::vector<std::string>{"record", "kind"};
  return *columns;
}

std::vector<std::string> RecallCells(const v1::Retraction& recall) {
  return {recall.name(),
          TextOrNumber(v1::RetractionKind_Name(recall.kind()), "RETRACTION_KIND_", recall.kind())};
}

const std::vector<std::string>& RecipientColumns() {
  static const auto* const columns =
      new std::vector<std::string>{"member", "kind", "first_shown", "views", "state", "told", "acknowledged"};
  return *columns;
}

std::vector<std::string> RecipientCells(const v1::RecallRecipient& recipient) {
  return {recipient.member(),
          KindText(recipient.kind()),
          DayText(recipient.first_shown_day()),
          absl::StrJoin(recipient.views(), "; "),
          StateText(recipient.state()),
          DayText(recipient.told_day()),
          DayText(recipient.acknowledged_day())};
}

bool IsOutstanding(const v1::RecallRecipient& recipient) {
  return recipient.state() != v1::RECALL_STATE_SHOWN && recipient.state() != v1::RECALL_STATE_ACKNOWLEDGED;
}

int CountOutstanding(const v1::GetRecallStatusResponse& status) {
  return static_cast<int>(
      std::count_if(status.recipients().begin(), status.recipients().end(), IsOutstanding));
}

std::string RecallSentence(const std::string& record, const v1::GetRecallStatusResponse& status) {
  return absl::StrCat(record, " ", TakenBackText(status), ". ", WaitingText(status));
}

}  // namespace coalition::cli
