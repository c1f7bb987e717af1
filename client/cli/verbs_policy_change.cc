// coalition policy diff, approve, apply: changes of the coalition's policy. Nothing is applied that was not
// looked at.
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/app.h"
#include "client/cli/policy_file.h"
#include "client/cli/policy_text.h"
#include "client/cli/prompt.h"
#include "client/cli/text.h"

namespace coalition::cli {
namespace {

struct ChangeFlags {
  std::string file, digest;
  int64_t against = 0, epoch = 0;
  bool yes = false, dry_run = false;

  client::ReviewedDiff reviewed() const { return {epoch, digest}; }
};

// A file without problems, and the client; or the exit code.
struct Prepared {
  int code = kExitOk;
  v1::CoalitionPolicy policy;
  TextFile file;
  client::Client* client = nullptr;
};

Prepared Prepare(Session& session, const std::string& path) {
  Prepared made;
  if (absl::Status status = ReadPolicyFile(session, path, &made.policy, &made.file); !status.ok()) {
    made.code = session.Fail(status);
  } else if (!made.file.problems.empty()) {
    made.code = Unusable(session, made.file);
  } else if (absl::StatusOr<client::Client*> client = session.Client(); !client.ok()) {
    made.code = session.Fail(client.status());
  } else {
    made.client = *client;
  }
  return made;
}

void PrintDiff(Session& session, const v1::PolicyDiff& diff, bool compared) {
  switch (session.format()) {
    case Format::kTable:
      WriteDiff(diff, compared, session.io().out);
      session.io().out.flush();
      return;
    case Format::kCsv: {
      ListPrinter printer = session.List(ChangeColumns());
      for (const auto& change : diff.access_changes()) printer.Row(ChangeCells(change), change);
      for (const auto& change : diff.other_changes()) printer.Row(ChangeCells(change), change);
      printer.Finish();
      return;
    }
    default:
      session.One({}, ToJson(diff));
  }
}

int Diff(Session& session, const ChangeFlags& flags) {
  const Prepared made = Prepare(session, flags.file);
  if (made.client == nullptr) return made.code;
  absl::StatusOr<v1::PolicyDiff> diff = made.client->DiffPolicy(made.policy, flags.against);
  if (!diff.ok()) return FailAt(session, diff.status(), made.file);
  PrintDiff(session, *diff, flags.against != 0);
  return kExitOk;
}

int Approve(Session& session, const ChangeFlags& flags) {
  const Prepared made = Prepare(session, flags.file);
  if (made.client == nullptr) return made.code;
  absl::StatusOr<v1::ApprovePolicyResponse> answer =
      made.client->ApprovePolicy(made.policy, flags.reviewed());
  if (!answer.ok()) return FailAt(session, answer.status(), made.file);
  session.One({{"approvals_needed", std::to_string(answer->approvals_needed())},
               {"approved_by", absl::StrJoin(answer->approved_by(), "; ")}},
              ToJson(*answer));
  return kExitOk;
}

std::string Naming(const v1::PolicyDiff& diff) {
  return absl::StrCat("--epoch ", diff.epoch(), " --digest ", diff.digest());
}

void SayWhatChanges(Session& session, const v1::PolicyDiff& diff) {
  WriteDiff(diff, false, session.io().err);
  session.io().err << '\n';
  if (diff.narrows()) {
    session.Note("What is narrowed is gone from all records that exist, at once and for good:");
    if (diff.own_records().looked_at() > 0) {
      session.Note(absl::StrCat("  ", diff.own_records().truncated() ? "at least " : "",
                                WithThousands(static_cast<uint64_t>(diff.own_records().narrowed())),
                                " of your records will be seen by fewer, or less of them"));
    }
    session.Note("  to widen it again later brings nothing back; it counts for records made from then on");
  }
  if (diff.widens()) {
    session.Note(
        "What is widened counts for records made from now on, and for older ones whose contributor opts in.");
  }
}

// Whether what was not named on the command line may be applied all the same. kExitOk: it may.
int Review(Session& session, const ChangeFlags& flags, const v1::PolicyDiff& diff) {
  if (flags.yes && !flags.dry_run && diff.widens()) {
    WriteDiff(diff, false, session.io().err);
    return session.Misused("it widens: --yes must name what was reviewed, " + Naming(diff));
  }
  if (flags.yes) return kExitOk;
  SayWhatChanges(session, diff);
  if (flags.dry_run) return kExitOk;
  if (diff.approved_by_size() < diff.approvals_needed()) {
    session.Note("Approvals are missing; ask for: coalition policy approve " + flags.file + " " +
                 Naming(diff));
    session.Note("Nothing was applied.");
    return kExitNo;
  }
  if (AskLine(session, "Apply it? Type yes: ") == "yes") return kExitOk;
  session.Note("Nothing was applied.");
  return kExitNo;
}

int Apply(Session& session, const ChangeFlags& flags) {
  if (flags.digest.empty() != (flags.epoch == 0)) {
    return session.Misused("--epoch and --digest go together, as `coalition policy diff` shows them");
  }
  if (flags.digest.empty() && !flags.yes && !flags.dry_run && !CanAsk(session)) {
    return session.Misused(
        "where nobody can be asked, name what was reviewed with --epoch and --digest; `coalition policy "
        "diff` shows them");
  }
  const Prepared made = Prepare(session, flags.file);
  if (made.client == nullptr) return made.code;
  client::ReviewedDiff reviewed = flags.reviewed();
  if (flags.digest.empty()) {
    absl::StatusOr<v1::PolicyDiff> diff = made.client->DiffPolicy(made.policy);
    if (!diff.ok()) return FailAt(session, diff.status(), made.file);
    if (const int code = Review(session, flags, *diff); code != kExitOk) return code;
    reviewed = {diff->epoch(), diff->digest()};
  }
  absl::StatusOr<v1::PolicyVersion> applied = made.client->ApplyPolicy(made.policy, reviewed, flags.dry_run);
  if (!applied.ok()) return FailAt(session, applied.status(), made.file);
  session.One(PolicyVersionFacts(*applied), ToJson(*applied));
  if (flags.dry_run) {
    session.Note("Checked; nothing was applied.");
  } else if (applied->epoch() <= reviewed.epoch) {
    session.Note("It was in force already; nothing has changed.");
  }
  return kExitOk;
}

void AddReviewed(Verb verb, ChangeFlags* flags, bool required) {
  verb.AddOption("FILE", flags->file, "Policy in text format, - is standard input").Required();
  verb.AddOption("--epoch", flags->epoch, "Epoch of the difference that was reviewed")
      .AtLeast(1)
      .Required(required);
  verb.AddOption("--digest", flags->digest, "Digest of the difference that was reviewed").Required(required);
}

constexpr char kDigest[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void AddApply(App& app, Verb family) {
  auto flags = std::make_shared<ChangeFlags>();
  Verb verb =
      app.AddVerb(family, "apply", "Puts a policy in force for the whole coalition",
                  {{"policy apply policy.textproto", "Shows the difference and what is lost, and asks."},
                   {absl::StrCat("policy apply policy.textproto --epoch 17 --digest ", kDigest),
                    "What `coalition policy diff` showed, and nothing else."},
                   {"policy apply policy.textproto --yes", "Does not ask; refused if it widens."},
                   {"policy apply policy.textproto --dry-run", "Shows and checks it, but applies nothing."}},
                  [flags](Session& session) { return Apply(session, *flags); });
  AddReviewed(verb, flags.get(), false);
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
  verb.AddFlag("--dry-run", flags->dry_run, "Check, but apply nothing");
}

}  // namespace

void AddPolicyChangeVerbs(App& app, Verb family) {
  auto diff = std::make_shared<ChangeFlags>();
  Verb verb = app.AddVerb(
      family, "diff", "Who would see more and who less if a policy in a file were applied",
      {{"policy diff policy.textproto", "In sentences, with what an approval or an application has to name."},
       {"policy diff policy.textproto --against 1", "Compared with an earlier version."},
       {"policy diff policy.textproto -o json", "Each cell that changes, for a program."}},
      [diff](Session& session) { return Diff(session, *diff); });
  verb.AddOption("FILE", diff->file, "Policy in text format, - is standard input").Required();
  verb.AddOption("--against", diff->against, "Version to compare with, 0: the one in force (0)").AtLeast(0);

  auto approve = std::make_shared<ChangeFlags>();
  verb = app.AddVerb(family, "approve", "Agrees, for your member, to a policy that widens",
                     {{absl::StrCat("policy approve policy.textproto --epoch 17 --digest ", kDigest),
                       "What `coalition policy diff` showed, and nothing else."}},
                     [approve](Session& session) { return Approve(session, *approve); });
  AddReviewed(verb, approve.get(), true);
  AddApply(app, family);
}

}  // namespace coalition::cli
