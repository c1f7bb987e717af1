// The command line: verbs, their flags and examples.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/contexts.h"
#include "client/cli/session.h"
#include "client/cli/verb.h"

namespace coalition::cli {

// Shown by --help and tried by a test. `command` is everything after "coalition ".
struct Example {
  std::string command;
  std::string says;
};

using Action = std::function<int(Session&)>;

// The tree of verbs. Parsing only chooses an action; nothing happens before it is called.
class App {
 public:
  App();
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // For the verbs_*.cc. A verb below `parent`; its flags are added to what is returned.
  Verb AddVerb(Verb parent, const std::string& name, const std::string& description,
               const std::vector<Example>& examples, Action action);
  // A verb that only holds others, e.g. "record"; below `parent`, or at the top.
  Verb AddFamily(const std::string& name, const std::string& description, Verb parent = {});
  Verb root() const { return Verb(root_.get()); }

  // Chooses the action. kExitOk: `action` is set, or help or the version was printed (then it is not).
  // kExitUsage: the mistake was explained on `err`. `args` without the program's name. Once for each App.
  int Parse(std::vector<std::string> args, std::ostream& out, std::ostream& err);
  const Action& action() const { return action_; }
  const Globals& globals() const { return globals_; }
  const std::vector<Example>& examples() const { return examples_; }

 private:
  const std::unique_ptr<CLI::App> root_;
  Globals globals_;
  Action action_;
  std::vector<Example> examples_;
};

// One run: parse, act. Returns the exit code.
int Run(const std::vector<std::string>& args, Io& io);

// The families of verbs, one in each verbs_*.cc.
void AddContextVerbs(App& app);
void AddMembershipVerbs(App& app);
void AddScreenVerbs(App& app);
void AddContributeVerbs(App& app);
void AddRecordVerbs(App& app);
// Of the family that AddRecordVerbs makes.
void AddClearanceVerbs(App& app, Verb record);
void AddRecallStatusVerb(App& app, Verb record);
void AddWhoSawVerb(App& app, Verb record);
void AddRecallVerbs(App& app);
void AddLedgerVerbs(App& app);
// Of the family that AddLedgerVerbs makes.
void AddLedgerCheckpointVerbs(App& app, Verb family);
void AddLedgerVerifyVerbs(App& app, Verb family);
void AddLedgerWitnessVerbs(App& app, Verb family);
void AddWatchVerb(App& app);
void AddMirrorVerbs(App& app);
void AddImportVerb(App& app);
void AddAudienceVerbs(App& app);
void AddExplainVerbs(App& app);
void AddPolicyVerbs(App& app);
// Of the family that AddPolicyVerbs makes.
void AddPolicyChangeVerbs(App& app, Verb family);
void AddPolicyOwnVerbs(App& app, Verb family);
void AddDoctorVerb(App& app);
void AddCredentialVerbs(App& app);
// Of the family that AddCredentialVerbs makes.
void AddEnrolmentVerbs(App& app, Verb family);
void AddProposalVerbs(App& app);
// Of the families that AddMembershipVerbs makes.
void AddStandingVerbs(App& app, Verb member, Verb platform);
void AddAdminVerbs(App& app);
// Of the family that AddAdminVerbs makes.
void AddAuthorityVerbs(App& app, Verb admin);
void AddBackupVerbs(App& app, Verb admin);
void AddErasureVerbs(App& app, Verb admin);
void AddStandingAdminVerbs(App& app, Verb admin);
void AddProposeVerbs(App& app, Verb admin);
void AddProposalAdminVerbs(App& app, Verb admin);

}  // namespace coalition::cli
