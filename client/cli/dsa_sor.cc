#include "client/cli/dsa_sor.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/values.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

using google::protobuf::FieldDescriptor;

constexpr std::array kRequired = {
    "uuid",     "decision_visibility", "decision_monetary", "decision_provision", "decision_account",
    "category", "platform_name"};

constexpr size_t kTextMax = 500;
constexpr size_t kExplanationMax = 2'000;
constexpr size_t kFactsMax = 5'000;
constexpr size_t kListMax = 1'000;  // values of one cell

size_t TextMax(const std::string& column) {
  if (column == "decision_facts") return kFactsMax;
  if (column == "illegal_content_explanation" || column == "incompatible_content_explanation")
    return kExplanationMax;
  return kTextMax;
}

size_t Characters(const std::string& utf8) {
  size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

// `["A","B"]`, `A,B`, `A` or nothing. False: it looks like JSON and is not an array of strings.
bool ParseListCell(const std::string& cell, std::vector<std::string>* values) {
  values->clear();
  if (cell.empty() || cell == "[]" || cell == "null") return true;
  if (cell[0] != '[') {
    *values = SplitList(cell, cell.find(';') == std::string::npos ? ',' : ';');
    return true;
  }
  const auto json = nlohmann::json::parse(cell, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) return false;
  for (const auto& value : json) {
    if (!value.is_string()) return false;
    values->push_back(value.get<std::string>());
  }
  return true;
}

class DsaMapper final : public RowMapper {
 public:
  explicit DsaMapper(DsaOptions options) : options_(std::move(options)) {}

  absl::Status SetHeader(const std::vector<std::string>& names,
                         const std::function<void(const std::string&)>& warn) override {
    if (absl::Status status = columns_.Set(names); !status.ok()) return status;
    std::string missing;
    for (const char* required : kRequired) {
      if (columns_.Find(required) < 0) absl::StrAppend(&missing, missing.empty() ? "" : ", ", required);
    }
    if (!missing.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("this is not a DSA statement-of-reasons dump: the header lacks ", missing));
    }
    std::string unknown;
    for (const std::string& name : columns_.names()) {
      // Before July 2025 some exports called it by the API's name.
      const std::string field = name == "puid" && columns_.Find("platform_uid") < 0 ? "platform_uid" : name;
      const FieldDescriptor* descriptor = FieldOf(field);
      fields_.push_back(descriptor);
      if (descriptor == nullptr) absl::StrAppend(&unknown, unknown.empty() ? "" : ", ", name);
    }
    if (!unknown.empty()) warn("columns that are not known are passed over: " + unknown);
    uuid_ = columns_.Find("uuid");
    platform_name_ = columns_.Find("platform_name");
    platform_uid_ = columns_.Find(columns_.Find("platform_uid") < 0 ? "puid" : "platform_uid");
    return absl::OkStatus();
  }

  RowKind Map(const std::vector<std::string>& fields, v1::Record* record, RowError* error) override {
    const auto platform = options_.platforms.find(absl::AsciiStrToLower(Cell(fields, platform_name_)));
    if (platform == options_.platforms.end()) return RowKind::kSkipped;
    if (columns_.FindBadUtf8(fields, error)) return RowKind::kRejected;
    if (!IsUuid(Cell(fields, uuid_))) {
      *error = columns_.Error(uuid_, Quoted(Cell(fields, uuid_)) + " is not a UUID");
      return RowKind::kRejected;
    }
    v1::TakedownOutcome& outcome = *record->mutable_takedown_outcome();
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields_[i] == nullptr || fields[i].empty()) continue;
      const std::string reason = SetField(fields_[i], fields[i], &outcome);
      if (!reason.empty()) {
        *error = columns_.Error(static_cast<int>(i), reason);
        return RowKind::kRejected;
      }
    }
    if (DeriveActionTaken(outcome) == v1::ACTION_TAKEN_UNSPECIFIED) {
      *error = columns_.Error(
          columns_.Find("decision_visibility"),
          "none of decision_visibility, decision_monetary, decision_provision and decision_account is given");
      return RowKind::kRejected;
    }
    outcome.set_action_taken(DeriveActionTaken(outcome));
    record->set_external_id(absl::AsciiStrToLower(outcome.uuid()));
    record->mutable_seller()->set_platform(platform->second);
    if (options_.sellers != nullptr && platform_uid_ >= 0) {
      record->mutable_seller()->set_seller_id(
          std::string(options_.sellers->Find(Cell(fields, platform_uid_))));
    }
    return RowKind::kRecord;
  }

  RowError Locate(const std::string& path) const override {
    const size_t dot = path.rfind('.');
    std::string name = dot == std::string::npos ? path : path.substr(dot + 1);
    name = name.substr(0, name.find('['));
    if (name == "external_id") name = "uuid";
    if (name == "platform" || name == "seller") name = "platform_name";
    if (name == "seller_id") name = "platform_uid";
    const int index = columns_.Find(name);
    return index < 0 ? RowError{0, path, ""} : columns_.Error(index, "");
  }

 private:
  static const std::string& Cell(const std::vector<std::string>& fields, int index) {
    static const std::string* const none = new std::string;
    return index < 0 ? *none : fields[static_cast<size_t>(index)];
  }

  // Columns have the names of the message's fields; those that a statement does not have are none.
  static const FieldDescriptor* FieldOf(const std::string& column) {
    const FieldDescriptor* field = v1::TakedownOutcome::descriptor()->FindFieldByName(column);
    constexpr int kFirstOfStatement = 10;
    return field != nullptr && field->number() >= kFirstOfStatement ? field : nullptr;
  }

  // Empty, or what is wrong.
  static std::string SetField(const FieldDescriptor* field, const std::string& cell,
                              v1::TakedownOutcome* outcome) {
    const google::protobuf::Reflection* reflection = outcome->GetReflection();
    if (field->is_repeated()) {
      std::vector<std::string> values;
      if (!ParseListCell(cell, &values)) return Quoted(cell) + " is not a list: write [\"A\",\"B\"]";
      if (values.size() > kListMax) return absl::StrCat("the list has more than ", kListMax, " values");
      for (std::string& value : values) {
        if (Characters(value) > kTextMax)
          return absl::StrCat("a value has more than ", kTextMax, " characters");
        reflection->AddString(outcome, field, std::move(value));
      }
      return "";
    }
    if (field->message_type() != nullptr) {
      absl::StatusOr<google::protobuf::Timestamp> time = ParseTime(cell);
      if (!time.ok()) return std::string(time.status().message());
      reflection->MutableMessage(outcome, field)->CopyFrom(*time);
      return "";
    }
    const size_t max = TextMax(field->name());
    if (Characters(cell) > max) return absl::StrCat("the text has more than ", max, " characters");
    reflection->SetString(outcome, field, cell);
    return "";
  }

  const DsaOptions options_;
  Columns columns_;
  std::vector<const FieldDescriptor*> fields_;  // of each column; null: passed over
  int uuid_ = -1;
  int platform_name_ = -1;
  int platform_uid_ = -1;
};

}  // namespace

std::unique_ptr<RowMapper> MakeDsaMapper(DsaOptions options) {
  return std::make_unique<DsaMapper>(std::move(options));
}

v1::ActionTaken DeriveActionTaken(const v1::TakedownOutcome& outcome) {
  bool any = !outcome.decision_monetary().empty() || !outcome.decision_provision().empty() ||
             !outcome.decision_account().empty();
  for (const std::string& decision : outcome.decision_visibility()) {
    any = true;
    if (decision == "DECISION_VISIBILITY_CONTENT_REMOVED" ||
        decision == "DECISION_VISIBILITY_CONTENT_DISABLED") {
      return v1::ACTION_TAKEN_YES;
    }
  }
  if (outcome.decision_account() == "DECISION_ACCOUNT_SUSPENDED" ||
      outcome.decision_account() == "DECISION_ACCOUNT_TERMINATED" ||
      outcome.decision_provision() == "DECISION_PROVISION_TOTAL_SUSPENSION" ||
      outcome.decision_provision() == "DECISION_PROVISION_TOTAL_TERMINATION") {
    return v1::ACTION_TAKEN_YES;
  }
  return any ? v1::ACTION_TAKEN_PARTIAL : v1::ACTION_TAKEN_UNSPECIFIED;
}

}  // namespace coalition::cli
