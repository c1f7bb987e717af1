#include "common/textproto.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
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

class NoErrors final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, int, const std::string&) override {}
};

}  // namespace

// Goes through a text that parses. (protobuf's own ParseInfoTree knows one place for a list "[a, b]" as a
// whole, and counts it as one element.)
class TextLocator {
 public:
  TextLocator(std::string_view text, TextLocations* locations)
      : stream_(text.data(), static_cast<int>(text.size())),
        tokens_(&stream_, &errors_),
        locations_(locations) {
    tokens_.set_allow_f_after_float(true);
    tokens_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokens_.set_require_space_after_number(false);
    tokens_.set_allow_multiline_strings(true);
    tokens_.Next();
  }

  // The fields up to the end of the message, which is left to the caller. False: here is something that
  // messages of ours don't have (an extension, an Any); what follows has no places.
  bool Fields(const Descriptor* type, const std::string& prefix) {
    std::map<std::string, int> counts;
    while (!AtEnd()) {
      const FieldDescriptor* field = type->FindFieldByName(tokens_.current().text);
      if (field == nullptr) return false;
      const Position name = Here();
      const std::string path = prefix + field->name();
      tokens_.Next();
      Take(":");
      int* const count = &counts[path];
      if (!field->is_repeated()) {
        if (!Value(field, name, path)) return false;
      } else if (!Take("[")) {
        if (!Element(field, name, path, count)) return false;
      } else {
        locations_->positions_.try_emplace(path, name);
        while (!Take("]")) {
          if (tokens_.current().type == Tokenizer::TYPE_END) return false;
          if (!Element(field, Here(), path, count)) return false;
          Take(",");
        }
      }
      if (!Take(";")) Take(",");
    }
    return true;
  }

 private:
  using Tokenizer = google::protobuf::io::Tokenizer;
  using Position = TextLocations::Position;

  Position Here() { return {tokens_.current().line + 1, tokens_.current().column + 1}; }
  bool AtEnd() {
    return tokens_.current().type == Tokenizer::TYPE_END || tokens_.current().text == "}" ||
           tokens_.current().text == ">";
  }
  bool Take(std::string_view symbol) {
    if (tokens_.current().type != Tokenizer::TYPE_SYMBOL || tokens_.current().text != symbol) return false;
    tokens_.Next();
    return true;
  }

  bool Element(const FieldDescriptor* field, Position message_begins, const std::string& path, int* count) {
    locations_->positions_.try_emplace(path, message_begins);
    return Value(field, message_begins, absl::StrCat(path, "[", (*count)++, "]"));
  }

  bool Value(const FieldDescriptor* field, Position message_begins, const std::string& path) {
    if (field->message_type() != nullptr) {
      locations_->positions_[path] = message_begins;
      if (!Take("{") && !Take("<")) return false;
      if (!Fields(field->message_type(), path + ".")) return false;
      return Take("}") || Take(">");
    }
    locations_->positions_[path] = Here();
    Take("-");
    // Strings beside each other are one.
    const bool text = tokens_.current().type == Tokenizer::TYPE_STRING;
    do {
      tokens_.Next();
    } while (text && tokens_.current().type == Tokenizer::TYPE_STRING);
    return true;
  }

  NoErrors errors_;
  google::protobuf::io::ArrayInputStream stream_;
  Tokenizer tokens_;
  TextLocations* const locations_;
};

TextLocations::Position TextLocations::Find(std::string_view path) const {
  while (!path.empty()) {
    if (const auto found = positions_.find(path); found != positions_.end()) return found->second;
    const size_t cut = path.find_last_of(".[");
    path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return {};
}

std::string TextLocations::Place(std::string_view path) const {
  const Position position = Find(path);
  return absl::StrCat(file_name_, ":", position.line, ":", position.column);
}

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

absl::Status ParseTextproto(std::string_view text, std::string_view file_name,
                            google::protobuf::Message* message, TextLocations* locations) {
  *locations = {};
  locations->file_name_ = file_name;
  if (absl::Status status = ParseTextproto(text, file_name, message); !status.ok()) return status;
  TextLocator(text, locations).Fields(message->GetDescriptor(), "");
  return absl::OkStatus();
}

absl::Status ReadTextproto(const std::string& path, google::protobuf::Message* message) {
  const absl::StatusOr<std::string> text = ReadFile(path, kFileBytesMax);
  if (!text.ok()) return text.status();
  return ParseTextproto(*text, path, message);
}

absl::Status ReadTextproto(const std::string& path, google::protobuf::Message* message,
                           TextLocations* locations) {
  const absl::StatusOr<std::string> text = ReadFile(path, kFileBytesMax);
  if (!text.ok()) return text.status();
  return ParseTextproto(*text, path, message, locations);
}

}  // namespace coalition
