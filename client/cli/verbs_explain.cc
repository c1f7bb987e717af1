// coalition explain, can-see: who sees a record, and why.
#include <memory>

#include "client/cli/access_text.h"
#include "client/cli/app.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

struct ExplainFlags {
  std::string record, member;
  int64_t epoch = 0;
};

// The answer of the server; or kExitUsage and the like in `code`.
absl::StatusOr<v1::ExplainAccessResponse> Ask(Session& session, const ExplainFlags& flags) {
  absl::StatusOr<std::string> name = ParseRecord(flags.record);
  if (!name.ok()) return Local(name.status());
  std::string member;
  if (!flags.member.empty()) {
    absl::StatusOr<std::string> parsed = ParseMember(flags.member);
    if (!parsed.ok()) return Local(parsed.status());
    member = *std::move(parsed);
  }
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return client.status();
  return (*client)->ExplainAccess(*name, member, flags.epoch);
}

int Explain(Session& session, const ExplainFlags& flags) {
  absl::StatusOr<v1::ExplainAccessResponse> answer = Ask(session, flags);
  if (!answer.ok()) return session.Fail(answer.status());
  if (session.format() == Format::kTable) {
    WriteAccess(answer->members(), session.io().out_is_terminal, /*causes=*/true, session.io().out);
    session.io().out.flush();
  } else if (session.format() == Format::kCsv) {
    ListPrinter printer = session.List(AccessColumns());
    for (const v1::MemberAccess& access : answer->members()) printer.Row(AccessCells(access), access);
    printer.Finish();
  } else {
    session.One({}, ToJson(*answer));
  }
  return kExitOk;
}

int CanSee(Session& session, const ExplainFlags& flags) {
  absl::StatusOr<v1::ExplainAccessResponse> answer = Ask(session, flags);
  if (!answer.ok()) return session.Fail(answer.status());
  if (answer->members_size() != 1) {
    return session.Fail(absl::InternalError("the server did not answer for the member"));
  }
  const v1::MemberAccess& access = answer->members(0);
  if (session.format() == Format::kTable) {
    session.io().out << Printable(AccessSentence(access)) << '\n' << std::flush;
  } else {
    Facts facts;
    const std::vector<std::string> cells = AccessCells(access);
    for (size_t i = 0; i < cells.size(); ++i) facts.emplace_back(AccessColumns()[i], cells[i]);
    session.One(facts, ToJson(access));
  }
  return access.visible() ? kExitOk : kExitNo;
}

void AddEpoch(Verb verb, ExplainFlags* flags) {
  verb.AddOption("--epoch", flags->epoch,
                 "By policies and membership as they were when that epoch ended, 0: now (0). The record is "
                 "as it is now")
      .AtLeast(0);
}

}  // namespace

void AddExplainVerbs(App& app) {
  auto explain = std::make_shared<ExplainFlags>();
  Verb verb = app.AddVerb(
      app.root(), "explain", "Who sees a record, and why; of others' records, why you do",
      {{"explain records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "Every member, and what decided."},
       {"explain records/aaaaaaaaaaaaaaaaaaaaaaaaaa bazaar", "One member."},
       {"explain records/aaaaaaaaaaaaaaaaaaaaaaaaaa --epoch 1 -o json", "As it was, for a program."}},
      [explain](Session& session) { return Explain(session, *explain); });
  verb.AddOption("RECORD", explain->record, "Record").Required();
  verb.AddOption("MEMBER", explain->member, "Id of a member");
  AddEpoch(verb, explain.get());

  auto can_see = std::make_shared<ExplainFlags>();
  verb = app.AddVerb(app.root(), "can-see", "Whether a member sees a record: ends with 0 or 1",
                     {{"can-see records/aaaaaaaaaaaaaaaaaaaaaaaaaa bazaar", "One line, with the reason."}},
                     [can_see](Session& session) { return CanSee(session, *can_see); });
  verb.AddOption("RECORD", can_see->record, "Record").Required();
  verb.AddOption("MEMBER", can_see->member, "Id of the member").Required();
  AddEpoch(verb, can_see.get());
}

}  // namespace coalition::cli
