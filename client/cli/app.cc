#include "client/cli/app.h"

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "client/cli/text.h"
#include "client/cli/version.h"
#include "common/strings.h"
#include "common/textproto.h"

namespace coalition::cli {
namespace {

const char kDescription[] =
    "Shares offender sellers and takedown outcomes with the coalition.\n"
    "Settings: a flag, else its environment variable, else the context in use (see `coalition context "
    "--help`).\n"
    "Exit codes: 0 done, 1 the answer is no (a seller is listed, rows were rejected, a check failed),\n"
    "2 a mistake here (usage, settings, files), 64 + gRPC code for what the server or the connection "
    "refused,\n"
    "130 interrupted.";

// CLI11 says only that a verb is missing where it does not know the one given.
std::string Explain(const CLI::App& at, const CLI::ParseError& mistake) {
  std::vector<std::string> left = at.remaining();
  if (left.empty() && at.get_parent() != nullptr) left = at.get_parent()->remaining();
  if (mistake.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError) || left.empty()) {
    return mistake.what();
  }
  std::vector<std::string> verbs;
  for (const CLI::App* verb : at.get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(verb->get_name());
  const std::string near = Nearest(left.front(), verbs);
  if (verbs.empty()) return mistake.what();
  return "there is no command " + Quoted(left.front()) +
         (near.empty() ? "" : " (did you mean " + Quoted(near) + "?)");
}

}  // namespace

App::App() : root_(std::make_unique<CLI::App>(kDescription, "coalition")) {
  root_->require_subcommand(1);
  root_->set_version_flag("--version", "coalition " COALITION_VERSION);
  root_->get_formatter()->column_width(34);
  root_->add_option("--context", globals_.context, "Context to use")->envname("COALITION_CONTEXT");
  root_->add_option("--config", globals_.config, "Configuration file")->envname("COALITION_CONFIG");
  root_->add_option("--server", globals_.server, "HOST:PORT of the exchange")->envname("COALITION_SERVER");
  root_->add_option("--ca", globals_.ca, "PEM file of the CA of the server's certificate")
      ->envname("COALITION_CA");
  root_->add_option("--cert", globals_.certificate, "PEM file of your certificate")
      ->envname("COALITION_CERT");
  root_->add_option("--key", globals_.key, "PEM file of its private key")->envname("COALITION_KEY");
  root_->add_option("--server-name", globals_.server_name, "Name that the server's certificate must carry")
      ->envname("COALITION_SERVER_NAME");
  root_->add_option("--timeout", globals_.timeout, "Seconds for each call (10)")
      ->envname("COALITION_TIMEOUT");
  root_->add_option("--ledger-key", globals_.ledger_key, "Key of the exchange's ledger, NAME+HASH+KEY")
      ->envname("COALITION_LEDGER_KEY");
  root_->add_option("-o,--output", globals_.output, "table, json, jsonl or csv (table)")
      ->envname("COALITION_OUTPUT")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv"}));
  root_->add_flag("-v,--verbose", globals_.verbose, "More about errors");
  // Said twice, as when a script's defaults are overridden: the last counts.
  for (CLI::Option* option : root_->get_options()) {
    if (option->get_type_size() == 1) option->take_last();
  }
  AddContextVerbs(*this);
  AddMembershipVerbs(*this);
  AddScreenVerbs(*this);
  AddContributeVerbs(*this);
  AddRecordVerbs(*this);
  AddRecallVerbs(*this);
  AddLedgerVerbs(*this);
  AddWatchVerb(*this);
  AddMirrorVerbs(*this);
  AddImportVerb(*this);
  AddAudienceVerbs(*this);
  AddExplainVerbs(*this);
  AddPolicyVerbs(*this);
  AddDoctorVerb(*this);
  AddCredentialVerbs(*this);
  AddProposalVerbs(*this);
  AddAdminVerbs(*this);
}

App::~App() = default;

Verb App::AddVerb(Verb parent, const std::string& name, const std::string& description,
                  const std::vector<Example>& examples, Action action) {
  CLI::App* verb = parent.app()->add_subcommand(name, description);
  verb->fallthrough();
  std::string footer = "Examples:";
  for (const Example& example : examples) {
    footer += "\n  coalition " + example.command + "\n      " + example.says;
    examples_.push_back(example);
  }
  verb->footer(footer);
  verb->callback([this, action = std::move(action)] { action_ = action; });
  return Verb(verb);
}

Verb App::AddFamily(const std::string& name, const std::string& description, Verb parent) {
  CLI::App* family =
      (parent.app() == nullptr ? root_.get() : parent.app())->add_subcommand(name, description);
  family->fallthrough();
  family->require_subcommand(1);
  return Verb(family);
}

int App::Parse(std::vector<std::string> args, std::ostream& out, std::ostream& err) {
  if (!args.empty() && args.front() == "help") {  // `help report` is `report --help`
    args.erase(args.begin());
    args.emplace_back("--help");
  }
  std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
  try {
    root_->parse(std::move(args));
  } catch (const CLI::Success& wanted) {  // --help, --version
    root_->exit(wanted, out, err);
    return kExitOk;
  } catch (const CLI::ParseError& mistake) {
    const CLI::App* at = root_.get();
    std::string path = "coalition";
    while (!at->get_subcommands().empty()) {
      at = at->get_subcommands().front();
      path += " " + at->get_name();
    }
    err << "error: " << Printable(Explain(*at, mistake)) << "\n  See `" << path << " --help`.\n";
    return kExitUsage;
  }
  return kExitOk;
}

int Run(const std::vector<std::string>& args, Io& io) {
  App app;
  if (const int code = app.Parse(args, io.out, io.err); code != kExitOk || !app.action()) return code;
  Session session(app.globals(), io);
  return app.action()(session);
}

}  // namespace coalition::cli
