// coalition policy validate, test, get, history: what a policy says. What changes it is in
// verbs_policy_change.cc.
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/policy_file.h"
#include "client/cli/policy_text.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/policy/run_tests.h"

namespace coalition::cli {
namespace {

std::string Number(int count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

struct ValidateFlags {
  std::string file;
  bool online = false;
};

// What the server finds wrong beyond what can be known without it.
absl::Status AddServersProblems(client::Client& client, const v1::CoalitionPolicy& policy, TextFile* file) {
  absl::StatusOr<v1::ValidatePolicyResponse> answer = client.ValidatePolicy(policy);
  if (!answer.ok()) return answer.status();
  for (const v1::PolicyProblem& problem : answer->problems()) {
    file->problems.push_back(ProblemAt(*file, problem.path(), problem.message()));
  }
  for (int i = 0; i < answer->tests_size(); ++i) {
    const v1::PolicyTestResult& test = answer->tests(i);
    if (test.passed()) continue;
    file->problems.push_back(ProblemAt(*file, absl::StrCat("policy_test[", i, "]"),
                                       absl::StrCat("fails: ", test.name(), ": ", test.message())));
  }
  return absl::OkStatus();
}

int Validate(Session& session, const ValidateFlags& flags) {
  v1::CoalitionPolicy policy;
  TextFile file;
  if (absl::Status status = ReadPolicyFile(session, flags.file, &policy, &file); !status.ok()) {
    return session.Fail(status);
  }
  if (flags.online && file.problems.empty()) {
    absl::StatusOr<client::Client*> client = session.Client();
    if (!client.ok()) return session.Fail(client.status());
    if (absl::Status status = AddServersProblems(**client, policy, &file); !status.ok()) {
      return session.Fail(status);
    }
  }
  PrintProblems(session, file);
  if (!file.problems.empty()) return kExitNo;
  const std::string summary = absl::StrCat(file.name, ": no problems; ", Number(policy.views_size(), "view"),
                                           ", ", Number(policy.ceilings_size(), "ceiling"), ", ",
                                           Number(policy.policy_test_size(), "test"));
  if (session.format() == Format::kTable) {
    session.io().out << Printable(summary) << '\n' << std::flush;
  } else {
    session.Note(summary);
  }
  return kExitOk;
}

// As a test runner writes them: a line each, and what a failing one found below it.
void WriteTests(const TextFile& file, const std::vector<policy::PolicyTestResult>& tests, std::ostream& out) {
  for (size_t i = 0; i < tests.size(); ++i) {
    if (tests[i].passed) {
      out << "ok    " << Printable(tests[i].name) << '\n';
      continue;
    }
    out << "FAIL  " << Printable(tests[i].name) << '\n'
        << "      " << Printable(file.places.Place(absl::StrCat("policy_test[", i, "]"))) << ": "
        << Printable(tests[i].message) << '\n';
  }
  out.flush();
}

int Test(Session& session, const std::string& path) {
  v1::CoalitionPolicy policy;
  TextFile file;
  if (absl::Status status = ReadPolicyFile(session, path, &policy, &file); !status.ok()) {
    return session.Fail(status);
  }
  if (!file.problems.empty()) return Unusable(session, file);
  const std::vector<policy::PolicyTestResult> tests = policy::RunPolicyTests(policy);
  int failed = 0;
  ListPrinter printer = session.List({"test", "result", "message"});
  for (const policy::PolicyTestResult& test : tests) {
    if (!test.passed) ++failed;
    v1::PolicyTestResult message;
    message.set_name(test.name);
    message.set_passed(test.passed);
    message.set_message(test.message);
    printer.Row({test.name, test.passed ? "ok" : "fail", test.message}, message);
  }
  if (session.format() == Format::kTable) {
    WriteTests(file, tests, session.io().out);
  } else {
    printer.Finish();
  }
  session.Note(absl::StrCat(Number(static_cast<int>(tests.size()), "test"), ", ", failed, " failed"));
  return failed == 0 ? kExitOk : kExitNo;
}

int Get(Session& session, int64_t version) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::GetPolicyResponse> answer = (*client)->GetPolicy(version);
  if (!answer.ok()) return session.Fail(answer.status());
  const v1::PolicyVersion& found = answer->policy();
  if (session.format() != Format::kTable) {
    session.One(PolicyVersionFacts(found), ToJson(found));
    return kExitOk;
  }
  // Comments, so that the rest can be edited and applied.
  session.io().out << "# Version " << found.version() << ", since epoch " << found.epoch() << " ("
                   << TimeText(found.apply_time()) << ")";
  if (!found.applied_by().empty()) session.io().out << ", by " << Printable(found.applied_by());
  session.io().out << ".\n";
  PrintText(session, found.policy());
  return kExitOk;
}

int History(Session& session, uint64_t limit) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List(PolicyVersionColumns());
  uint64_t count = 0;
  bool more = false;
  for (const absl::StatusOr<v1::PolicyVersion>& version : (*client)->ListPolicyVersions()) {
    if (!version.ok()) return session.Fail(version.status());
    if (limit != 0 && count++ == limit) {
      more = true;
      break;
    }
    printer.Row(PolicyVersionCells(*version), *version);
  }
  printer.Finish();
  if (more) session.Note(absl::StrCat("The newest ", limit, "; --limit 0 lists all."));
  return kExitOk;
}

void AddOffline(App& app, Verb family) {
  auto validate = std::make_shared<ValidateFlags>();
  Verb verb = app.AddVerb(
      family, "validate", "What is wrong with a policy in a file, by line and column; needs no server",
      {{"policy validate policy.textproto", "Ends with 1 if there is a problem."},
       {"policy validate policy.textproto --online",
        "Also what only the exchange knows: its members, groups and past views. Runs the tests there too."}},
      [validate](Session& session) { return Validate(session, *validate); });
  verb.AddOption("FILE", validate->file, "Policy in text format, - is standard input").Required();
  verb.AddFlag("--online", validate->online, "Ask the exchange too");

  auto test = std::make_shared<std::string>();
  app.AddVerb(family, "test", "Runs the tests that a policy in a file carries; needs no server",
              {{"policy test policy.textproto", "Ends with 1 if a test fails."},
               {"policy test policy.textproto -o json", "For a program."}},
              [test](Session& session) { return Test(session, *test); })
      .AddOption("FILE", *test, "Policy in text format, - is standard input")
      .Required();
}

}  // namespace

void AddPolicyVerbs(App& app) {
  Verb family = app.AddFamily("policy", "The coalition's policy, and your member's own");
  AddOffline(app, family);
  auto version = std::make_shared<int64_t>(0);
  app.AddVerb(family, "get", "The coalition's policy, as a file to read, edit and apply again",
              {{"policy get", "The one in force."},
               {"policy get --version 1", "An earlier one."},
               {"policy get -o json", "As JSON, with who applied it."}},
              [version](Session& session) { return Get(session, *version); })
      .AddOption("--version", *version, "Version, 0: the one in force (0)")
      .AtLeast(0);
  auto limit = std::make_shared<uint64_t>(20);
  app.AddVerb(family, "history", "The versions of the coalition's policy, newest first",
              {{"policy history", "Who applied each, and who approved it."},
               {"policy history --limit 0 -o csv", "All of them, for a program."}},
              [limit](Session& session) { return History(session, *limit); })
      .AddOption("--limit", *limit, "At most so many, 0: all (20)")
      .Between(0, 1'000'000'000);
  AddPolicyChangeVerbs(app, family);
  AddPolicyOwnVerbs(app, family);
}

}  // namespace coalition::cli
