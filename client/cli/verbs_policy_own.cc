// coalition policy own …: a member's own policy over all of its records.
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/policy_file.h"
#include "client/cli/policy_text.h"
#include "client/cli/prompt.h"
#include "client/cli/text.h"

namespace coalition::cli {
namespace {

Facts OwnFacts(const v1::MemberPolicy& policy) {
  return {{"policy", policy.name()},
          {"version", std::to_string(policy.version())},
          {"epoch", std::to_string(policy.epoch())},
          {"unbounded", policy.unbounded() ? "true" : "false"},
          {"ceilings", std::to_string(policy.ceilings_size())},
          {"exclusions", std::to_string(policy.exclusions_size())},
          {"accepts_policy_version", std::to_string(policy.accepts_policy_version())}};
}

int Get(Session& session, int64_t version) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::MemberPolicy> policy = (*client)->GetMemberPolicy(version);
  if (!policy.ok()) return session.Fail(policy.status());
  if (session.format() != Format::kTable) {
    session.One(OwnFacts(*policy), ToJson(*policy));
    return kExitOk;
  }
  session.io().out << "# " << Printable(policy->name());
  if (policy->version() == 0) {
    session.io().out << ": never set.\n";
  } else {
    session.io().out << ", version " << policy->version() << ", since epoch " << policy->epoch() << ".\n";
  }
  // The server's own fields are no part of what can be set.
  policy->clear_name();
  policy->clear_version();
  policy->clear_epoch();
  PrintText(session, *policy);
  return kExitOk;
}

struct SetFlags {
  std::string file;
  std::optional<int64_t> expected_version;
  bool yes = false;
};

// `difference` has the policy in force. Which versions of the coalition's it accepts for records that exist
// only grows.
bool AcceptsMore(const v1::MemberPolicy& policy, const v1::SetMemberPolicyResponse& difference) {
  return policy.accepts_policy_version() > difference.policy().accepts_policy_version();
}

void WriteOwnDiff(const v1::MemberPolicy& policy, const v1::SetMemberPolicyResponse& difference,
                  std::ostream& out) {
  const bool accepts = AcceptsMore(policy, difference);
  if (!accepts || !difference.access_changes().empty()) WriteChanges(difference.access_changes(), {}, out);
  if (accepts) {
    out << "Widens, for records that exist, at once and for good:\n  - what the coalition's policy widened "
           "up to version "
        << policy.accepts_policy_version() << " reaches them too; it can't be taken back\n";
  }
  const std::string own = OwnRecordsText(difference.own_records(), /*own_policy=*/true);
  if (!own.empty()) out << "\nYour records: " << own << '\n';
  out.flush();
}

bool Narrows(const v1::SetMemberPolicyResponse& difference) {
  for (const v1::AccessChange& change : difference.access_changes()) {
    if (change.direction() == v1::DIRECTION_NARROWS) return true;
  }
  return false;
}

// Shows the difference to `version` and asks. kExitOk: go on.
int Confirm(Session& session, client::Client& client, const v1::MemberPolicy& policy, const TextFile& file,
            int64_t version) {
  absl::StatusOr<v1::SetMemberPolicyResponse> difference =
      client.SetMemberPolicy(policy, version, /*validate_only=*/true);
  if (!difference.ok()) return FailAt(session, difference.status(), file);
  WriteOwnDiff(policy, *difference, session.io().err);
  session.io().err << '\n';
  if (Narrows(*difference)) {
    session.Note("What is narrowed is gone from all of your records that exist, at once and for good:");
    const v1::OwnRecordCounts& counts = difference->own_records();
    if (counts.looked_at() > 0) {
      session.Note(absl::StrCat("  ", counts.truncated() ? "at least " : "",
                                WithThousands(static_cast<uint64_t>(counts.narrowed())),
                                " of your records will be seen by fewer, or less of them"));
    }
    session.Note("  to give it back later counts for records made from then on");
  }
  if (AcceptsMore(policy, *difference)) {
    session.Note(
        "What is accepted shows more of records that exist, and stays accepted whatever is set later.");
  }
  if (AskLine(session, "Set it? Type yes: ") == "yes") return kExitOk;
  session.Note("Nothing was set.");
  return kExitNo;
}

int Set(Session& session, const SetFlags& flags) {
  if (!flags.yes && !CanAsk(session)) {
    return session.Misused("what is narrowed is gone for good: confirm with --yes where nobody can be asked");
  }
  v1::MemberPolicy policy;
  TextFile file;
  if (absl::Status status = ReadTextFile(session, flags.file, &policy, &file); !status.ok()) {
    return session.Fail(status);
  }
  if (!file.problems.empty()) return Unusable(session, file);
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  std::optional<int64_t> expected = flags.expected_version;
  if (!flags.yes) {
    if (!expected) {  // what is confirmed is the difference to this one
      absl::StatusOr<v1::MemberPolicy> now = (*client)->GetMemberPolicy();
      if (!now.ok()) return session.Fail(now.status());
      expected = now->version();
    }
    if (const int code = Confirm(session, **client, policy, file, *expected); code != kExitOk) return code;
  }
  absl::StatusOr<v1::SetMemberPolicyResponse> set = (*client)->SetMemberPolicy(policy, expected);
  if (!set.ok()) return FailAt(session, set.status(), file);
  session.One(OwnFacts(set->policy()), ToJson(set->policy()));
  return kExitOk;
}

int Diff(Session& session, const std::string& path) {
  v1::MemberPolicy policy;
  TextFile file;
  if (absl::Status status = ReadTextFile(session, path, &policy, &file); !status.ok()) {
    return session.Fail(status);
  }
  if (!file.problems.empty()) return Unusable(session, file);
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::SetMemberPolicyResponse> difference =
      (*client)->SetMemberPolicy(policy, std::nullopt, /*validate_only=*/true);
  if (!difference.ok()) return FailAt(session, difference.status(), file);
  if (session.format() == Format::kTable) {
    WriteOwnDiff(policy, *difference, session.io().out);
  } else if (session.format() == Format::kCsv) {
    ListPrinter printer = session.List(ChangeColumns());
    for (const auto& change : difference->access_changes()) printer.Row(ChangeCells(change), change);
    printer.Finish();
  } else {
    session.One({}, ToJson(*difference));
  }
  return kExitOk;
}

}  // namespace

void AddPolicyOwnVerbs(App& app, Verb family) {
  Verb own = app.AddFamily("own", "Your member's own bound on who sees its records", family);
  auto version = std::make_shared<int64_t>(0);
  app.AddVerb(own, "get", "Your member's own policy, as a file to read, edit and set again",
              {{"policy own get", "The one in force."}, {"policy own get -o json", "As JSON."}},
              [version](Session& session) { return Get(session, *version); })
      .AddOption("--version", *version, "Version, 0: the one in force (0)")
      .AtLeast(0);

  auto file = std::make_shared<std::string>();
  app.AddVerb(own, "diff", "Who would see more and who less of your records",
              {{"policy own diff own.textproto", "Changes nothing."}},
              [file](Session& session) { return Diff(session, *file); })
      .AddOption("FILE", *file, "Member policy in text format, - is standard input")
      .Required();

  auto flags = std::make_shared<SetFlags>();
  Verb verb = app.AddVerb(own, "set", "Sets your member's own policy, for all of its records at once",
                          {{"policy own set own.textproto", "Shows what is lost, and asks."},
                           {"policy own set own.textproto --yes", "Does not ask."}},
                          [flags](Session& session) { return Set(session, *flags); });
  verb.AddOption("FILE", flags->file, "Member policy in text format, - is standard input").Required();
  verb.AddOption("--expected-version", flags->expected_version,
                 "Only if this is the version in force; 0: none was ever set")
      .AtLeast(0);
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
}

}  // namespace coalition::cli
