#include "client/cli/csv_records.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/values.h"
#include "common/strings.h"
#include "common/textproto.h"

namespace coalition::cli {
namespace {

using Setter = absl::Status (*)(const std::string& cell, v1::Record* record);

// Which classes have the column.
enum class For { kBoth, kReport, kNotice };

struct Column {
  const char* name;
  For what;
  Setter set;
  // Last part of the path of the field that it sets, where that is another name.
  const char* field;
};

absl::StatusOr<bool> ParseBool(const std::string& cell) {
  const std::string text = EnumText(cell, "");
  if (text == "true" || text == "yes" || text == "1") return true;
  if (text == "false" || text == "no" || text == "0") return false;
  return absl::InvalidArgumentError(Quoted(cell) + " is neither true nor false");
}

// Parses the cell, hands the value on.
template <class Parse, class Take>
absl::Status Take1(const std::string& cell, Parse parse, Take take) {
  auto value = parse(cell);
  if (!value.ok()) return value.status();
  take(*std::move(value));
  return absl::OkStatus();
}

template <class Parse, class Take>
absl::Status TakeList(const std::string& cell, Parse parse, Take take) {
  for (const std::string& part : SplitList(cell, ';')) {
    if (absl::Status status = Take1(part, parse, take); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> AsIs(const std::string& text) { return text; }

#define COALITION_REPORT_TEXT(field)                                \
  [](const std::string& cell, v1::Record* record) -> absl::Status { \
    record->mutable_offender_report()->set_##field(cell);           \
    return absl::OkStatus();                                        \
  }
#define COALITION_REPORT_TIME(field)                                                                \
  [](const std::string& cell, v1::Record* record) {                                                 \
    return Take1(cell, ParseTime,                                                                   \
                 [&](auto time) { *record->mutable_offender_report()->mutable_##field() = time; }); \
  }

absl::Status SetListings(const std::string& cell, v1::Record* record) {
  return TakeList(cell, AsIs, [&](const std::string& text) {
    *(record->has_takedown_notice() ? record->mutable_takedown_notice()->add_listings()
                                    : record->mutable_offender_report()->add_listings()) = ParseListing(text);
  });
}

absl::Status SetRights(const std::string& cell, v1::Record* record) {
  if (record->has_takedown_notice()) {
    if (SplitList(cell, ';').size() > 1) {
      return absl::InvalidArgumentError("a notice has one right: write a row for each");
    }
    return Take1(
        cell, [](const std::string& text) { return ParseRight(text, ""); },
        [&](v1::Right right) { *record->mutable_takedown_notice()->mutable_right() = std::move(right); });
  }
  v1::OffenderReport& report = *record->mutable_offender_report();
  const std::string infringement = report.infringement_types_size() > 0 ? report.infringement_types(0) : "";
  return TakeList(
      cell, [&](const std::string& text) { return ParseRight(text, infringement); },
      [&](v1::Right right) { *report.add_rights() = std::move(right); });
}

absl::Status SetComment(const std::string& cell, v1::Record* record) {
  if (record->has_takedown_notice()) {
    record->mutable_takedown_notice()->set_comment(cell);
  } else {
    record->mutable_offender_report()->set_comment(cell);
  }
  return absl::OkStatus();
}

absl::Status SetGrants(const std::string& cell, v1::Record* record) {
  return TakeList(cell, ParseGrant,
                  [&](v1::Grant grant) { *record->mutable_audience()->add_grants() = std::move(grant); });
}

absl::Status SetExclusions(const std::string& cell, v1::Record* record) {
  return TakeList(cell, ParseSubject,
                  [&](v1::Subject one) { *record->mutable_audience()->add_exclusions() = std::move(one); });
}

absl::Status SetEvidence(const std::string& cell, v1::Record* record) {
  return TakeList(cell, ParseEvidence, [&](v1::Evidence item) {
    *record->mutable_offender_report()->add_evidence() = std::move(item);
  });
}

absl::Status SetInfringements(const std::string& cell, v1::Record* record) {
  return TakeList(cell, ParseInfringement, [&](std::string keyword) {
    record->mutable_offender_report()->add_infringement_types(std::move(keyword));
  });
}

absl::Status SetRequestedAction(const std::string& cell, v1::Record* record) {
  record->mutable_takedown_notice()->set_requested_action(EnumName(cell));
  return absl::OkStatus();
}

// In the order in which they are applied: infringement_types before rights, whose type follows from it.
const Column kColumns[] = {
    {"external_id", For::kBoth,
     [](const std::string& cell, v1::Record* record) -> absl::Status {
       record->set_external_id(cell);
       return absl::OkStatus();
     },
     nullptr},
    {"label", For::kBoth,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParseLabel, [&](v1::Label label) { record->set_label(label); });
     },
     nullptr},
    {"permitted_action", For::kBoth,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParsePermittedAction, [&](auto action) { record->set_permitted_action(action); });
     },
     nullptr},
    {"expire_time", For::kBoth,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParseTime, [&](auto time) { *record->mutable_expire_time() = time; });
     },
     nullptr},
    {"grants", For::kBoth, SetGrants, nullptr},
    {"exclusions", For::kBoth, SetExclusions, nullptr},
    {"listings", For::kBoth, SetListings, nullptr},
    {"infringement_types", For::kReport, SetInfringements, nullptr},
    {"rights", For::kBoth, SetRights, "right"},
    {"comment", For::kBoth, SetComment, nullptr},
    {"evidence", For::kReport, SetEvidence, nullptr},
    {"seller_display_name", For::kReport, COALITION_REPORT_TEXT(seller_display_name), nullptr},
    {"seller_storefront_url", For::kReport, COALITION_REPORT_TEXT(seller_storefront_url), nullptr},
    {"product_category", For::kReport, COALITION_REPORT_TEXT(product_category), nullptr},
    {"case_type", For::kReport, COALITION_REPORT_TEXT(case_type), nullptr},
    {"grounds_code", For::kReport, COALITION_REPORT_TEXT(grounds_code), nullptr},
    {"legal_basis", For::kReport, COALITION_REPORT_TEXT(legal_basis), nullptr},
    {"correction_contact", For::kReport, COALITION_REPORT_TEXT(correction_contact), nullptr},
    {"first_observed_time", For::kReport, COALITION_REPORT_TIME(first_observed_time), nullptr},
    {"last_observed_time", For::kReport, COALITION_REPORT_TIME(last_observed_time), nullptr},
    {"human_reviewed", For::kReport,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParseBool,
                    [&](bool yes) { record->mutable_offender_report()->set_human_reviewed(yes); });
     },
     nullptr},
    {"requested_action", For::kNotice, SetRequestedAction, nullptr},
    {"whole_account", For::kNotice,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParseBool,
                    [&](bool yes) { record->mutable_takedown_notice()->set_whole_account(yes); });
     },
     nullptr},
    {"deadline_time", For::kNotice,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParseTime,
                    [&](auto time) { *record->mutable_takedown_notice()->mutable_deadline_time() = time; });
     },
     nullptr},
    {"report", For::kNotice,
     [](const std::string& cell, v1::Record* record) {
       return Take1(cell, ParseRecord, [&](std::string name) {
         record->mutable_takedown_notice()->set_report(std::move(name));
       });
     },
     nullptr},
};

#undef COALITION_REPORT_TEXT
#undef COALITION_REPORT_TIME

class CsvRecordMapper final : public RowMapper {
 public:
  absl::Status SetHeader(const std::vector<std::string>& names,
                         const std::function<void(const std::string&)>&) override {
    if (absl::Status status = columns_.Set(names); !status.ok()) return status;
    std::vector<std::string> known = {"class", "platform", "seller_id"};
    for (const Column& column : kColumns) known.push_back(column.name);
    for (const std::string& name : columns_.names()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string near = Nearest(name, known);
      return absl::InvalidArgumentError(absl::StrCat(
          "the column ", Quoted(name), " is not known",
          near.empty() ? "" : absl::StrCat(" (did you mean ", near, "?)"),
          name.find_first_of(";\t") == std::string::npos ? "" : ": columns are separated by commas"));
    }
    for (const char* required : {"platform", "seller_id"}) {
      if (columns_.Find(required) < 0)
        return absl::InvalidArgumentError(absl::StrCat("the header lacks ", required));
    }
    for (const Column& column : kColumns) places_.push_back(columns_.Find(column.name));
    class_ = columns_.Find("class");
    platform_ = columns_.Find("platform");
    seller_id_ = columns_.Find("seller_id");
    return absl::OkStatus();
  }

  RowKind Map(const std::vector<std::string>& fields, v1::Record* record, RowError* error) override {
    if (columns_.FindBadUtf8(fields, error)) return RowKind::kRejected;
    v1::RecordClass record_class = v1::RECORD_CLASS_OFFENDER_REPORT;
    if (class_ >= 0 && !fields[static_cast<size_t>(class_)].empty()) {
      absl::StatusOr<v1::RecordClass> parsed = ParseRecordClass(fields[static_cast<size_t>(class_)]);
      if (!parsed.ok() ||
          (*parsed != v1::RECORD_CLASS_OFFENDER_REPORT && *parsed != v1::RECORD_CLASS_TAKEDOWN_NOTICE)) {
        return Reject(class_, "a row of CSV is a report or a notice", error);
      }
      record_class = *parsed;
    }
    const bool report = record_class == v1::RECORD_CLASS_OFFENDER_REPORT;
    if (report) {
      record->mutable_offender_report();
    } else {
      record->mutable_takedown_notice();
    }
    absl::StatusOr<v1::Seller> seller = ParseSeller(
        absl::StrCat(fields[static_cast<size_t>(platform_)], "/", fields[static_cast<size_t>(seller_id_)]));
    if (!seller.ok()) return Reject(seller_id_, std::string(seller.status().message()), error);
    *record->mutable_seller() = *std::move(seller);
    return SetCells(fields, report, record, error);
  }

  RowError Locate(const std::string& path) const override {
    // "record.offender_report.rights[1].office": the innermost part that is a column.
    std::string rest = path;
    while (!rest.empty()) {
      const size_t dot = rest.rfind('.');
      std::string name = dot == std::string::npos ? rest : rest.substr(dot + 1);
      name = name.substr(0, name.find('['));
      if (name == "seller") name = "seller_id";
      for (const Column& column : kColumns) {
        if (column.field != nullptr && name == column.field) name = column.name;
      }
      if (const int index = columns_.Find(name); index >= 0) return columns_.Error(index, "");
      if (dot == std::string::npos) break;
      rest.resize(dot);
    }
    return {0, path, ""};
  }

 private:
  RowKind Reject(int index, std::string reason, RowError* error) const {
    *error = columns_.Error(index, std::move(reason));
    return RowKind::kRejected;
  }

  RowKind SetCells(const std::vector<std::string>& fields, bool report, v1::Record* record,
                   RowError* error) const {
    for (size_t i = 0; i < places_.size(); ++i) {
      if (places_[i] < 0) continue;
      const std::string& cell = fields[static_cast<size_t>(places_[i])];
      if (cell.empty()) continue;
      if (kColumns[i].what == (report ? For::kNotice : For::kReport)) {
        return Reject(places_[i], report ? "a report has no such field" : "a notice has no such field",
                      error);
      }
      if (absl::Status status = kColumns[i].set(cell, record); !status.ok()) {
        return Reject(places_[i], std::string(status.message()), error);
      }
    }
    return RowKind::kRecord;
  }

  Columns columns_;
  std::vector<int> places_;  // of each of kColumns; -1: not there
  int class_ = -1;
  int platform_ = -1;
  int seller_id_ = -1;
};

}  // namespace

std::unique_ptr<RowMapper> MakeCsvRecordMapper() { return std::make_unique<CsvRecordMapper>(); }

}  // namespace coalition::cli
