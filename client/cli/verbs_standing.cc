// coalition admin member|group|platform …, member leave|departure|not-before: what cuts off, and what ends.
#include <ctime>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_text.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/prompt.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/errors.h"
#include "common/tls.h"

namespace coalition::cli {
namespace {

struct StandingFlags {
  std::string member, reason;
  bool yes = false;
};

std::vector<std::string> LostBy(v1::Standing standing, const std::string& member) {
  switch (standing) {
    case v1::STANDING_LIMITED:
      return {absl::StrCat(member, " will see its own records only from now on, and write nothing;"),
              "  its open calls are cut. Other members must agree before it is active again."};
    case v1::STANDING_EXITED:
      return {absl::StrCat(member, " will be no member any more, for good: its name is never used again.")};
    default:
      return {absl::StrCat(member, " will see nothing from now on; its open calls are cut."),
              "  Other members must agree before it is active again, and it is told nothing of the time "
              "between."};
  }
}

int SetStanding(Session& session, const StandingFlags& flags, v1::Standing standing,
                const std::string& verb) {
  const absl::StatusOr<std::string> member = ParseMember(flags.member);
  if (!member.ok()) return session.Misused(std::string(member.status().message()));
  const absl::StatusOr<v1::StandingReason> reason = ParseStandingReason(flags.reason);
  if (!reason.ok()) return session.Misused("--reason: " + std::string(reason.status().message()));
  const int go_on =
      ConfirmLoss(session, flags.yes, LostBy(standing, *member), absl::StrCat(verb, " ", *member, "?"));
  if (go_on != kExitOk) return go_on;
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::SetStandingResponse> set = (*client)->SetStanding(*member, standing, *reason);
  if (!set.ok()) return session.Fail(set.status());
  Facts facts = MemberFacts(set->member());
  for (auto& fact : CutOffFacts(set->cut_off())) facts.push_back(std::move(fact));
  session.One(facts, ToJson(*set));
  session.Note(absl::StrCat(*member, " is ", StandingText(set->member().standing()), "; ",
                            CutOffText(set->cut_off()), "."));
  return kExitOk;
}

struct NotBeforeFlags {
  std::string time, member;
  bool yes = false;
};

int NotBefore(Session& session, const NotBeforeFlags& flags) {
  int64_t unix_s = std::time(nullptr);
  if (flags.time != "now") {
    const absl::StatusOr<google::protobuf::Timestamp> time = ParseTime(flags.time);
    if (!time.ok()) return session.Misused(std::string(time.status().message()) + ", or now");
    unix_s = time->seconds();
  }
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  std::string member;
  if (!flags.member.empty()) {
    const absl::StatusOr<std::string> parsed = ParseMember(flags.member);
    if (!parsed.ok()) return session.Misused(std::string(parsed.status().message()));
    member = *parsed;
  } else {
    const absl::StatusOr<v1::WhoAmIResponse> me = (*client)->WhoAmI();
    if (!me.ok()) return session.Fail(me.status());
    member = me->member().name();
  }
  const int go_on = ConfirmLoss(
      session, flags.yes,
      {absl::StrCat("Every certificate of ", member, " that became valid before ", FormatTime(unix_s),
                    " is refused from now on, for good;"),
       absl::StrCat(
           "  whoever works with one sees nothing more until it has a new one, and open calls are cut.",
           flags.member.empty() ? " Yours may be among them." : "")},
      "Refuse them?");
  if (go_on != kExitOk) return go_on;
  const absl::StatusOr<v1::SetCertificatesNotBeforeResponse> set =
      (*client)->SetCertificatesNotBefore(member, unix_s);
  if (flags.member.empty() && GetErrorReason(set.status()) == v1::ERROR_REASON_CREDENTIAL_REVOKED) {
    session.Note(absl::StrCat("Certificates of ", member, " from before ", FormatTime(unix_s),
                              " are refused, yours among them."));
    return kExitOk;
  }
  if (!set.ok()) return session.Fail(set.status());
  Facts facts = MemberFacts(set->member());
  for (auto& fact : CutOffFacts(set->cut_off())) facts.push_back(std::move(fact));
  session.One(facts, ToJson(*set));
  session.Note(absl::StrCat("Certificates of ", member, " from before ", FormatTime(unix_s), " are refused; ",
                            CutOffText(set->cut_off()), "."));
  return kExitOk;
}

struct LeaveFlags {
  std::string member, successor;
  bool withdraw = false, yes = false;
};

// "All 1,203", or how many there are at least; "All" where this credential may not read them.
std::string CountOwn(client::Client& client, const std::string& member) {
  constexpr int kCountedMax = 10'000;
  v1::RecordFilter own;
  own.set_contributor(member);
  int count = 0;
  for (const absl::StatusOr<v1::Record>& record : client.ListRecords(own, 1'000)) {
    if (!record.ok()) return "All";
    if (++count == kCountedMax) return absl::StrCat("All (", WithThousands(kCountedMax), " or more)");
  }
  return absl::StrCat("All ", WithThousands(static_cast<uint64_t>(count)));
}

int Leave(Session& session, const LeaveFlags& flags) {
  if (flags.withdraw == !flags.successor.empty()) {
    return session.Misused("say what becomes of your records: --withdraw, or --successor MEMBER");
  }
  const absl::StatusOr<std::string> member = ParseMember(flags.member);
  if (!member.ok()) return session.Misused(std::string(member.status().message()));
  std::string successor;
  if (!flags.withdraw) {
    const absl::StatusOr<std::string> parsed = ParseMember(flags.successor);
    if (!parsed.ok()) return session.Misused("--successor: " + std::string(parsed.status().message()));
    successor = *parsed;
  }
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  // Nobody is asked about what would be refused. Who has left is told of its leaving and of nothing else.
  const absl::StatusOr<v1::WhoAmIResponse> me = (*client)->WhoAmI();
  if (me.ok() && me->member().name() != *member) {
    return session.Misused(absl::StrCat("MEMBER must be your own, and you are of ", me->member().name()));
  }
  if (!me.ok() && GetErrorReason(me.status()) != v1::ERROR_REASON_MEMBER_NOT_ACTIVE) {
    return session.Fail(me.status());
  }
  const std::string which =
      absl::StrCat(me.ok() ? CountOwn(**client, *member) : "All", " records of ", *member);
  const std::string records =
      flags.withdraw ? absl::StrCat(which, " are withdrawn, for good: nobody sees them any more.")
                     : absl::StrCat(which, " become those of ", successor,
                                    ", which decides from then on who sees them.");
  const int go_on = ConfirmLoss(
      session, flags.yes,
      {records, absl::StrCat(*member,
                             " leaves the coalition, for good: it sees nothing from now on, and its "
                             "name is never used again.")},
      absl::StrCat("Leave as ", *member, "?"));
  if (go_on != kExitOk) return go_on;
  const absl::StatusOr<v1::Departure> departure = (*client)->LeaveCoalition(*member, successor);
  if (!departure.ok()) return session.Fail(departure.status());
  session.One(DepartureFacts(*departure), ToJson(*departure));
  if (!departure->has_end_time()) {
    session.Note(absl::StrCat(*member,
                              " has left; its records follow. `coalition member departure` shows how "
                              "far that is."));
  }
  return kExitOk;
}

int Departure(Session& session, const std::string& flag) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  // Not by asking: who has left is told of its leaving and of nothing else.
  const absl::StatusOr<SpiffeId> own = session.OwnIdentity();
  if (!own.ok()) return session.Fail(own.status());
  std::string member = FormatMemberName(own->member);
  if (!flag.empty()) {
    const absl::StatusOr<std::string> parsed = ParseMember(flag);
    if (!parsed.ok()) return session.Misused(std::string(parsed.status().message()));
    member = *parsed;
  }
  const absl::StatusOr<v1::Departure> departure = (*client)->GetDeparture(member);
  if (!departure.ok()) return session.Fail(departure.status());
  Facts facts = DepartureFacts(*departure);
  // Told to the member alone.
  if (member != FormatMemberName(own->member)) {
    std::erase_if(facts, [](const auto& fact) { return fact.first == "records_done"; });
  }
  session.One(facts, ToJson(*departure));
  return kExitOk;
}

struct RemoveFlags {
  std::string group, member;
  bool yes = false;
};

int RemoveFromGroup(Session& session, const RemoveFlags& flags) {
  const absl::StatusOr<std::string> group = ParseGroup(flags.group);
  if (!group.ok()) return session.Misused(std::string(group.status().message()));
  const absl::StatusOr<std::string> member = ParseMember(flags.member);
  if (!member.ok()) return session.Misused(std::string(member.status().message()));
  const int go_on =
      ConfirmLoss(session, flags.yes,
                  {absl::StrCat(*member, " sees nothing more of what was granted to ", *group, " alone;"),
                   "  to join again needs other members' agreement, and brings nothing of it back."},
                  absl::StrCat("Remove ", *member, " from ", *group, "?"));
  if (go_on != kExitOk) return go_on;
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::Member> removed = (*client)->RemoveFromGroup(*group, *member);
  if (!removed.ok()) return session.Fail(removed.status());
  session.One(MemberFacts(*removed), ToJson(*removed));
  session.Note(absl::StrCat(*member, " is not in ", *group, " any more."));
  return kExitOk;
}

struct ReleaseFlags {
  std::string platform;
  bool yes = false;
};

int ReleasePlatform(Session& session, const ReleaseFlags& flags) {
  const absl::StatusOr<std::string> platform = ParsePlatform(flags.platform);
  if (!platform.ok()) return session.Misused(std::string(platform.status().message()));
  const int go_on = ConfirmLoss(session, flags.yes,
                                {absl::StrCat("Nobody will hold ", *platform,
                                              ": its marketplace can't publish outcomes of it any more,"),
                                 "  and sees of records about it only what every marketplace does."},
                                absl::StrCat("Release ", *platform, "?"));
  if (go_on != kExitOk) return go_on;
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::Platform> released = (*client)->ReleasePlatform(*platform);
  if (!released.ok()) return session.Fail(released.status());
  session.One({{"platform", released->name()}, {"holder", released->holder()}}, ToJson(*released));
  session.Note(absl::StrCat(*platform, " is held by nobody."));
  return kExitOk;
}

void AddStanding(App& app, Verb family, const std::string& name, const std::string& description,
                 v1::Standing standing, const std::string& verb_text, const std::string& example) {
  auto flags = std::make_shared<StandingFlags>();
  Verb verb = app.AddVerb(
      family, name, description,
      {{absl::StrCat("admin member ", name, " aurore --reason ", example),
        "Asks first, naming what is lost."},
       {absl::StrCat("admin member ", name, " aurore --reason ", example, " --yes"), "Does not ask."}},
      [=](Session& session) { return SetStanding(session, *flags, standing, verb_text); });
  verb.AddOption("MEMBER", flags->member, "Id of the member").Required();
  verb.AddOption("--reason", flags->reason,
                 "investigation, security-incident, breach-of-terms, legal-order, requested-by-member or "
                 "other; known to all members")
      .Required();
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
}

void AddRelease(App& app, Verb family, const std::string& path) {
  auto flags = std::make_shared<ReleaseFlags>();
  Verb verb = app.AddVerb(family, "release", "A platform is held by nobody any more",
                          {{path + " release bazaar.example", "Asks first, naming what is lost."}},
                          [flags](Session& session) { return ReleasePlatform(session, *flags); });
  verb.AddOption("PLATFORM", flags->platform, "Id of the platform").Required();
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask");
}

void AddLeave(App& app, Verb member) {
  auto leave = std::make_shared<LeaveFlags>();
  Verb verb = app.AddVerb(member, "leave",
                          "Your member leaves the coalition, and its records are withdrawn or go to another",
                          {{"member leave aurore --withdraw", "Asks first, naming what is lost."},
                           {"member leave aurore --successor belmont", "Its records become belmont's."}},
                          [leave](Session& session) { return Leave(session, *leave); });
  verb.AddOption("MEMBER", leave->member, "Id of your own member, so that nobody leaves by mistake")
      .Required();
  verb.AddFlag("--withdraw", leave->withdraw, "Withdraw its records");
  verb.AddOption("--successor", leave->successor, "Id of the member of the same kind that gets them");
  verb.AddFlag("-y,--yes", leave->yes, "Do not ask");

  auto name = std::make_shared<std::string>();
  app.AddVerb(member, "departure", "How far the leaving of a member is",
              {{"member departure", "Of yours."}, {"member departure aurore", "Of another, for the office."}},
              [name](Session& session) { return Departure(session, *name); })
      .AddOption("MEMBER", *name, "Id of the member (yours)");
}

}  // namespace

void AddStandingVerbs(App& app, Verb member, Verb platform) {
  auto not_before = std::make_shared<NotBeforeFlags>();
  Verb verb = app.AddVerb(
      member, "not-before", "Refuses all certificates of a member that became valid before a time",
      {{"member not-before now", "All that there are of yours: for a leak whose extent is not known."},
       {"member not-before 2026-11-20 --member aurore --yes", "Another's, by the office."}},
      [not_before](Session& session) { return NotBefore(session, *not_before); });
  verb.AddOption("TIME", not_before->time, "YYYY-MM-DD, RFC 3339, or now").Required();
  verb.AddOption("--member", not_before->member, "Id of the member (yours)");
  verb.AddFlag("-y,--yes", not_before->yes, "Do not ask");
  AddLeave(app, member);
  AddRelease(app, platform, "platform");
}

void AddStandingAdminVerbs(App& app, Verb admin) {
  Verb member = app.AddFamily("member", "Members' standing", admin);
  AddStanding(app, member, "suspend", "Cuts a member off, at once: it sees nothing any more",
              v1::STANDING_SUSPENDED, "Suspend", "security-incident");
  AddStanding(app, member, "limit", "A member sees its own records only, and writes nothing",
              v1::STANDING_LIMITED, "Limit", "investigation");
  AddStanding(app, member, "end", "Ends the membership of a suspended member or an applicant, for good",
              v1::STANDING_EXITED, "End the membership of", "breach-of-terms");
  Verb group = app.AddFamily("group", "Groups", admin);
  auto remove = std::make_shared<RemoveFlags>();
  Verb verb = app.AddVerb(group, "remove", "A member of a group is in it no more",
                          {{"admin group remove watchmakers aurore", "Asks first, naming what is lost."}},
                          [remove](Session& session) { return RemoveFromGroup(session, *remove); });
  verb.AddOption("GROUP", remove->group, "Id of the group").Required();
  verb.AddOption("MEMBER", remove->member, "Id of the member").Required();
  verb.AddFlag("-y,--yes", remove->yes, "Do not ask");
  AddRelease(app, app.AddFamily("platform", "Platforms", admin), "admin platform");
}

}  // namespace coalition::cli
