// coalition proposal …, admin proposal …: changes that others must agree to. Nothing is approved or applied
// that was not looked at.
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_text.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/prompt.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

struct ProposalFlags {
  std::string proposal, digest, state;
  bool yes = false;
};

// The proposal's name and the client; or the exit code.
struct Prepared {
  int code = kExitOk;
  std::string name;
  client::Client* client = nullptr;
};

Prepared Prepare(Session& session, const ProposalFlags& flags) {
  Prepared made;
  const absl::StatusOr<std::string> name = ParseProposal(flags.proposal);
  if (!name.ok()) {
    made.code = session.Misused(std::string(name.status().message()));
  } else if (absl::StatusOr<client::Client*> client = session.Client(); !client.ok()) {
    made.code = session.Fail(client.status());
  } else {
    made.name = *name;
    made.client = *client;
  }
  return made;
}

int Print(Session& session, const absl::StatusOr<v1::Proposal>& proposal) {
  if (!proposal.ok()) return session.Fail(proposal.status());
  session.One(ProposalFacts(*proposal), ToJson(*proposal));
  return kExitOk;
}

int List(Session& session, const std::string& state) {
  ListPrinter printer = session.List(ProposalColumns());
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  for (const absl::StatusOr<v1::Proposal>& proposal : (*client)->ListProposals()) {
    if (!proposal.ok()) return session.Fail(proposal.status());
    const std::vector<std::string> cells = ProposalCells(*proposal);
    if (state == "all" || cells[1] == state) printer.Row(cells, *proposal);
  }
  printer.Finish();
  return kExitOk;
}

int Get(Session& session, const ProposalFlags& flags) {
  const Prepared made = Prepare(session, flags);
  return made.client == nullptr ? made.code : Print(session, made.client->GetProposal(made.name));
}

int Preview(Session& session, const ProposalFlags& flags) {
  const Prepared made = Prepare(session, flags);
  if (made.client == nullptr) return made.code;
  const absl::StatusOr<v1::ProposalImpact> impact = made.client->PreviewProposal(made.name);
  if (!impact.ok()) return session.Fail(impact.status());
  if (session.format() == Format::kTable) {
    for (const std::string& sentence : ImpactSentences(*impact)) {
      session.io().out << Printable(sentence) << '\n';
    }
    session.io().out.flush();
    return kExitOk;
  }
  if (session.format() != Format::kCsv) {
    session.One({}, ToJson(*impact));
    return kExitOk;
  }
  ListPrinter printer = session.List({"member", "records", "count", "view", "view_count"});
  for (const v1::MemberImpact& gain : impact->gains()) {
    for (const auto& [which, count] : {std::pair{"existing", &gain.existing()}, {"future", &gain.future()}}) {
      if (count->views().empty())
        printer.Row({gain.member(), which, std::to_string(count->records()), "", ""}, gain);
      for (const v1::ViewCount& view : count->views()) {
        printer.Row({gain.member(), which, std::to_string(count->records()), view.view(),
                     std::to_string(view.records())},
                    gain);
      }
    }
  }
  printer.Finish();
  return kExitOk;
}

// Shows the proposal, and what it means for one's own records, and asks. The digest of what was shown; empty:
// no, or nobody could be asked, which `code` says.
std::string Reviewed(Session& session, const Prepared& made, const std::string& question, int* code) {
  if (!CanAsk(session)) {
    *code = session.Misused(
        "where nobody can be asked, name what was reviewed with --digest; `coalition proposal get` shows it");
    return "";
  }
  const absl::StatusOr<v1::Proposal> proposal = made.client->GetProposal(made.name);
  if (!proposal.ok()) {
    *code = session.Fail(proposal.status());
    return "";
  }
  PrintOne(Format::kTable, true, ProposalFacts(*proposal), "", session.io().err);
  const absl::StatusOr<v1::ProposalImpact> impact = made.client->PreviewProposal(made.name);
  if (!impact.ok()) {
    *code = session.Fail(impact.status());
    return "";
  }
  for (const std::string& sentence : ImpactSentences(*impact)) session.Note(sentence);
  *code = ConfirmLoss(session, false, {}, question);
  return *code == kExitOk ? proposal->digest() : "";
}

int Approve(Session& session, const ProposalFlags& flags) {
  const Prepared made = Prepare(session, flags);
  if (made.client == nullptr) return made.code;
  std::string digest = flags.digest;
  int code = kExitOk;
  if (digest.empty()) digest = Reviewed(session, made, absl::StrCat("Approve ", made.name, "?"), &code);
  return digest.empty() ? code : Print(session, made.client->ApproveProposal(made.name, digest));
}

int Apply(Session& session, const ProposalFlags& flags) {
  const Prepared made = Prepare(session, flags);
  if (made.client == nullptr) return made.code;
  std::string digest = flags.digest;
  int code = kExitOk;
  if (digest.empty()) digest = Reviewed(session, made, absl::StrCat("Apply ", made.name, "?"), &code);
  return digest.empty() ? code : Print(session, made.client->ApplyProposal(made.name, digest));
}

int Object(Session& session, const ProposalFlags& flags) {
  const Prepared made = Prepare(session, flags);
  if (made.client == nullptr) return made.code;
  const absl::StatusOr<v1::Proposal> proposal = made.client->GetProposal(made.name);
  if (!proposal.ok()) return session.Fail(proposal.status());
  const int go_on = ConfirmLoss(session, flags.yes,
                                {absl::StrCat(made.name, ": ", ChangeText(proposal->change())),
                                 "Your member excludes them in its own policy: they see none of its records, "
                                 "also if the proposal expires,",
                                 "  until you lift it with `coalition policy own set`."},
                                absl::StrCat("Object to ", made.name, "?"));
  return go_on != kExitOk ? go_on : Print(session, made.client->ObjectToProposal(made.name));
}

int Withdraw(Session& session, const ProposalFlags& flags) {
  const Prepared made = Prepare(session, flags);
  if (made.client == nullptr) return made.code;
  const int go_on = ConfirmLoss(session, flags.yes,
                                {absl::StrCat("All approvals of ", made.name, " are lost; objections stay.")},
                                absl::StrCat("Withdraw ", made.name, "?"));
  return go_on != kExitOk ? go_on : Print(session, made.client->WithdrawProposal(made.name));
}

constexpr char kDigest[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

using Does = int (*)(Session&, const ProposalFlags&);

std::shared_ptr<ProposalFlags> AddOne(App& app, Verb family, const std::string& name,
                                      const std::string& description, const std::vector<Example>& examples,
                                      Does does, Verb* verb) {
  auto flags = std::make_shared<ProposalFlags>();
  *verb = app.AddVerb(family, name, description, examples,
                      [flags, does](Session& session) { return does(session, *flags); });
  verb->AddOption("PROPOSAL", flags->proposal, "Number of the proposal").Required();
  return flags;
}

void AddDigest(Verb verb, ProposalFlags* flags) {
  verb.AddOption("--digest", flags->digest,
                 "Of the proposal that was reviewed; shows nothing and does not ask");
}

}  // namespace

void AddProposalVerbs(App& app) {
  Verb family = app.AddFamily("proposal", "Changes of the coalition that need members' agreement");
  auto state = std::make_shared<std::string>("open");
  app.AddVerb(family, "list", "Proposals, newest first",
              {{"proposal list", "Those that are open."}, {"proposal list --state all -o json", "All."}},
              [state](Session& session) { return List(session, *state); })
      .AddOption("--state", *state, "open, applied, withdrawn, expired or all (open)")
      .Among({"open", "applied", "withdrawn", "expired", "all"});
  Verb verb;
  AddOne(app, family, "get", "One proposal, with the digest to name", {{"proposal get 7", "As a table."}},
         Get, &verb);
  AddOne(app, family, "preview", "What a proposal would show of your member's records",
         {{"proposal preview 7", "In sentences."}, {"proposal preview 7 -o json", "For a program."}}, Preview,
         &verb);
  auto flags =
      AddOne(app, family, "approve", "Agrees, for your member",
             {{"proposal approve 7", "Shows it and what it would show of yours, and asks."},
              {absl::StrCat("proposal approve 7 --digest ", kDigest), "What was reviewed elsewhere."}},
             Approve, &verb);
  AddDigest(verb, flags.get());
  flags = AddOne(app, family, "object", "Keeps your member's records from whoever is admitted or re-instated",
                 {{"proposal object 7", "Asks first."}}, Object, &verb);
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
}

void AddProposalAdminVerbs(App& app, Verb admin) {
  Verb family = app.AddFamily("proposal", "What becomes of proposals", admin);
  Verb verb;
  auto flags =
      AddOne(app, family, "apply", "Makes the change that was agreed to",
             {{"admin proposal apply 7", "Shows it, and asks."},
              {absl::StrCat("admin proposal apply 7 --digest ", kDigest), "What was reviewed elsewhere."}},
             Apply, &verb);
  AddDigest(verb, flags.get());
  flags = AddOne(app, family, "withdraw", "Takes a proposal back",
                 {{"admin proposal withdraw 7", "Asks first."}}, Withdraw, &verb);
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
}

}  // namespace coalition::cli
