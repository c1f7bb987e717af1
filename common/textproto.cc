#include "common/textproto.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace coalition {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

constexpr size_t kFileBytesMax = size_t{4} << 20;
constexpr size_t kMistakesMax = 5;

// What is in the first pair of quotes at or after `from`, which moves behind it.
std::optional<std::string> NextQuoted(const std::string& text, size_t* from) {
  const size_t begin = text.find('"', *from);
  if (begin == std::string::npos) return std::nullopt;
  const size_t end = text.find('"', begin + 1);
  if (end == std::string::npos) return std::nullopt;
  *from = end + 1;
  return text.substr(begin + 1, end - begin - 1);
}

// protobuf says which message has no such field, but not which field was meant.
std::string FieldSuggestion(const std::string& mistake, const DescriptorPool* pool) {
  size_t from = 0;
  const std::optional<std::string> type = NextQuoted(mistake, &from);
  const std::optional<std::string> name = type ? NextQuoted(mistake, &from) : std::nullopt;
  if (!name) return "";
  const Descriptor* descriptor = pool->FindMessageTypeByName(*type);
  if (descriptor == nullptr) return "";
  std::vector<std::string> fields;
  fields.reserve(descriptor->field_count());
  for (int i = 0; i < descriptor->field_count(); ++i) fields.push_back(descriptor->field(i)->name());
  return Nearest(*name, fields);
}

void AddFields(const Descriptor* message, std::string_view name, std::vector<const Descriptor*>* seen,
               std::vector<std::string>* values) {
  if (std::find(seen->begin(), seen->end(), message) != seen->end()) return;
  seen->push_back(message);
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    if (field->message_type() != nullptr) AddFields(field->message_type(), name, seen, values);
    if (field->enum_type() == nullptr || field->name() != name) continue;
    for (int v = 0; v < field->enum_type()->value_count(); ++v) {
      values->push_back(field->enum_type()->value(v)->name());
    }
  }
}

// protobuf names the field but not its message: every enum field of that name below `root` is a candidate.
std::string EnumSuggestion(const std::string& mistake, const Descriptor* root) {
  size_t from = 0;
  const std::optional<std::string> value = NextQuoted(mistake, &from);
  const std::optional<std::string> field = value ? NextQuoted(mistake, &from) : std::nullopt;
  if (!field) return "";
  std::vector<const Descriptor*> seen;
  std::vector<std::string> values;
  AddFields(root, *field, &seen, &values);
  return Nearest(*value, values);
}

class Mistakes final : public google::protobuf::io::ErrorCollector {
 public:
  Mistakes(std::string_view file_name, const Descriptor* root) : file_name_(file_name), root_(root) {}

  void AddError(int line, int column, const std::string& mistake) override {
    if (lines_.size() >= kMistakesMax) return;
    std::string suggestion;
    if (mistake.find("has no field named") != std::string::npos) {
      suggestion = FieldSuggestion(mistake, root_->file()->pool());
    } else if (mistake.find("Unknown enumeration value") != std::string::npos) {
      suggestion = EnumSuggestion(mistake, root_);
    }
    // The parser counts from 0, and says -1 for the file as a whole.
    std::string where = file_name_;
    if (line >= 0) absl::StrAppend(&where, ":", line + 1, ":", column + 1);
    std::string said = absl::StrCat(where, ": ", mistake);
    if (!suggestion.empty()) absl::StrAppend(&said, " (did you mean \"", suggestion, "\"?)");
    lines_.push_back(std::move(said));
  }

  absl::Status ToStatus() const {
    if (lines_.empty()) return absl::InvalidArgumentError(absl::StrCat(file_name_, ": not in text format"));
    return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n"));
  }

 private:
  std::string file_name_;
  const Descriptor* root_;
  std::vector<std::string> lines_;
};

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

absl::Status ParseTextproto(std::string_view text, std::string_view file_name,
                            google::protobuf::Message* message) {
  Mistakes mistakes(file_name, message->GetDescriptor());
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&mistakes);
  parser.SetRecursionLimit(32);
  if (!parser.ParseFromString(std::string(text), message)) return mistakes.ToStatus();
  return absl::OkStatus();
}

absl::Status ReadTextproto(const std::string& path, google::protobuf::Message* message) {
  const absl::StatusOr<std::string> text = ReadFile(path, kFileBytesMax);
  if (!text.ok()) return text.status();
  return ParseTextproto(*text, path, message);
}

}  // namespace coalition
