#include "client/cli/policy_file.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/text.h"
#include "common/errors.h"
#include "common/file.h"
#include "common/policy/check_policy.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

// Takes "12:" from the front of `text`; false: it does not begin so.
bool TakeNumber(std::string_view* text, int* number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc() || end == text->data() + text->size() || *end != ':') return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()) + 1);
  return true;
}

// A line of ParseTextproto's: "FILE:3:1: what is wrong".
FileProblem FromMistake(std::string_view line, const std::string& file) {
  FileProblem problem;
  if (line.substr(0, file.size() + 1) == file + ":") line.remove_prefix(file.size() + 1);
  int row = 0;
  int column = 0;
  if (std::string_view rest = line; TakeNumber(&rest, &row) && TakeNumber(&rest, &column)) {
    problem.position = {row, column};
    line = rest;
  }
  if (line.substr(0, 1) == " ") line.remove_prefix(1);
  problem.message = line;
  return problem;
}

absl::StatusOr<std::string> ReadText(Session& session, const std::string& path) {
  constexpr size_t kBytesMax = policy::kPolicyBytesMax;
  if (path == "-") return session.ReadIn(kBytesMax);
  absl::StatusOr<std::string> text = ReadFile(path, kBytesMax);
  if (!text.ok()) return Local(text.status());
  return text;
}

// Texts that are not UTF-8 parse here, and nowhere else: no exchange takes them.
void AddNotUtf8(const google::protobuf::Message& message, const std::string& prefix, TextFile* file) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const bool repeated = field->is_repeated();
    const int count = repeated ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string path = prefix + field->name();
      if (repeated) absl::StrAppend(&path, "[", i, "]");
      if (field->message_type() != nullptr) {
        AddNotUtf8(repeated ? reflection.GetRepeatedMessage(message, field, i)
                            : reflection.GetMessage(message, field),
                   path + ".", file);
      } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
        const std::string text =
            repeated ? reflection.GetRepeatedString(message, field, i) : reflection.GetString(message, field);
        if (CleanUtf8(text, text.size()) == text) continue;
        file->problems.push_back(ProblemAt(*file, path, Quoted(text) + " is not UTF-8"));
      }
    }
  }
}

}  // namespace

absl::Status ReadTextFile(Session& session, const std::string& path, google::protobuf::Message* message,
                          TextFile* file) {
  const absl::StatusOr<std::string> text = ReadText(session, path);
  if (!text.ok()) return text.status();
  ParseTextFile(*text, path, message, file);
  return absl::OkStatus();
}

void ParseTextFile(const std::string& text, const std::string& path, google::protobuf::Message* message,
                   TextFile* file) {
  file->name = path == "-" ? "standard input" : path;
  const absl::Status parsed = ParseTextproto(text, file->name, message, &file->places);
  if (parsed.ok()) {
    AddNotUtf8(*message, "", file);
    return;
  }
  for (const absl::string_view line : absl::StrSplit(parsed.message(), '\n')) {
    file->problems.push_back(FromMistake(Std(line), file->name));
  }
}

absl::Status ReadPolicyFile(Session& session, const std::string& path, v1::CoalitionPolicy* policy,
                            TextFile* file) {
  if (absl::Status status = ReadTextFile(session, path, policy, file); !status.ok()) return status;
  if (!file->problems.empty()) return absl::OkStatus();
  for (const policy::PolicyProblem& problem : policy::CheckPolicy(*policy)) {
    file->problems.push_back(ProblemAt(*file, problem.path, problem.message));
  }
  return absl::OkStatus();
}

FileProblem ProblemAt(const TextFile& file, const std::string& path, const std::string& message) {
  return {file.places.Find(path), path, message};
}

std::string ProblemLine(const TextFile& file, const FileProblem& problem) {
  return absl::StrCat(file.name, ":", problem.position.line, ":", problem.position.column, ": ", problem.path,
                      problem.path.empty() ? "" : ": ", problem.message);
}

void PrintProblems(Session& session, const TextFile& file) {
  if (session.format() == Format::kTable) {
    for (const FileProblem& problem : file.problems) {
      session.io().out << Printable(ProblemLine(file, problem)) << '\n';
    }
    return;
  }
  ListPrinter printer = session.List({"file", "line", "column", "path", "message"});
  for (const FileProblem& problem : file.problems) {
    const nlohmann::ordered_json json = {{"file", file.name},
                                         {"line", problem.position.line},
                                         {"column", problem.position.column},
                                         {"path", problem.path},
                                         {"message", problem.message}};
    printer.Row({file.name, std::to_string(problem.position.line), std::to_string(problem.position.column),
                 problem.path, problem.message},
                ToJson(json));
  }
  printer.Finish();
}

int Unusable(Session& session, const TextFile& file) {
  for (const FileProblem& problem : file.problems) session.Note(ProblemLine(file, problem));
  return session.Misused(absl::StrCat(file.name, " has ", file.problems.size(),
                                      file.problems.size() == 1 ? " problem" : " problems"));
}

int FailAt(Session& session, const absl::Status& status, const TextFile& file) {
  const int code = session.Fail(status);
  const auto bad = GetBadRequest(status);
  if (!bad.has_value()) return code;
  for (const auto& violation : bad->field_violations()) {
    constexpr std::string_view kPolicy = "policy.";
    std::string path = violation.field();
    if (path.rfind(kPolicy, 0) == 0) path.erase(0, kPolicy.size());
    if (file.places.Find(path) == TextLocations::Position()) continue;
    session.Note(absl::StrCat("  ", ProblemLine(file, ProblemAt(file, path, violation.description()))));
  }
  return code;
}

void PrintText(Session& session, const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  printer.PrintToString(message, &text);
  if (!session.io().out_is_terminal) {
    session.io().out << text << std::flush;
    return;
  }
  for (const absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    session.io().out << Printable(Std(line)) << '\n';
  }
  session.io().out.flush();
}

}  // namespace coalition::cli
