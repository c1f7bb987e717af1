// Policies as files: read, and what is wrong with them by line and column.
#pragma once

#include <string>
#include <vector>

#include "client/cli/session.h"
#include "coalition/v1/policy.pb.h"
#include "common/textproto.h"
#include "google/protobuf/message.h"

namespace coalition::cli {

struct FileProblem {
  TextLocations::Position position;
  std::string path;  // in the message; empty for what is no message
  std::string message;
};

// A message that somebody wrote in text format.
struct TextFile {
  std::string name;
  TextLocations places;
  std::vector<FileProblem> problems;  // none: it can be used
};

// "-" is standard input. The error, which is Local, is that the file can't be read; a file that does not
// parse has problems.
absl::Status ReadTextFile(Session& session, const std::string& path, google::protobuf::Message* message,
                          TextFile* file);

// The same of a text that was read from `path`.
void ParseTextFile(const std::string& text, const std::string& path, google::protobuf::Message* message,
                   TextFile* file);

// As ReadTextFile, and all that can be said of a policy without a server.
absl::Status ReadPolicyFile(Session& session, const std::string& path, v1::CoalitionPolicy* policy,
                            TextFile* file);

// At the place of `path`.
FileProblem ProblemAt(const TextFile& file, const std::string& path, const std::string& message);

// "policy.textproto:12:3: views[0].full[1]: no field …"
std::string ProblemLine(const TextFile& file, const FileProblem& problem);

// The problems on stdout: lines as compilers write them, or a list of objects.
void PrintProblems(Session& session, const TextFile& file);

// For verbs that need a file without problems: says them, and returns the exit code.
int Unusable(Session& session, const TextFile& file);

// As Session::Fail, and the lines of the fields at fault where they are fields of the file.
int FailAt(Session& session, const absl::Status& status, const TextFile& file);

// In text format, for a file that can be edited and used again. What could drive a terminal is escaped on
// one.
void PrintText(Session& session, const google::protobuf::Message& message);

}  // namespace coalition::cli
