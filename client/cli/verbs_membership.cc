// coalition whoami, member …, platform …: who is in the coalition, and who we are to it.
#include <memory>

#include "client/cli/administration_text.h"
#include "client/cli/app.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

template <class Items>
std::string Join(const Items& items) {
  std::string joined;
  for (const auto& item : items) joined += (joined.empty() ? "" : "; ") + item;
  return joined;
}

int WhoAmI(Session& session) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::WhoAmIResponse> me = (*client)->WhoAmI();
  if (!me.ok()) return session.Fail(me.status());
  std::vector<std::string> roles;
  for (const int role : me->credential().roles()) {
    roles.push_back(RoleText(static_cast<v1::Role>(role)));
  }
  session.One({{"member", me->member().name()},
               {"name", me->member().display_name()},
               {"kind", KindText(me->member().kind())},
               {"standing", StandingText(me->member().standing())},
               {"groups", Join(me->member().groups())},
               {"credential", me->credential().name()},
               {"roles", Join(roles)},
               {"purpose", me->credential().purpose()},
               {"epoch", std::to_string(me->epoch())},
               {"server_version", me->server_version()}},
              ToJson(*me));
  return kExitOk;
}

int MemberList(Session& session) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List(MemberColumns());
  for (const absl::StatusOr<v1::Member>& member : (*client)->ListMembers()) {
    if (!member.ok()) return session.Fail(member.status());
    printer.Row(MemberCells(*member), *member);
  }
  printer.Finish();
  return kExitOk;
}

int MemberShow(Session& session, const std::string& text) {
  absl::StatusOr<std::string> name = ParseMember(text);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::Member> member = (*client)->GetMember(*name);
  if (!member.ok()) return session.Fail(member.status());
  session.One(MemberFacts(*member), ToJson(*member));
  return kExitOk;
}

int PlatformList(Session& session) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List({"platform", "holder"});
  for (const absl::StatusOr<v1::Platform>& platform : (*client)->ListPlatforms()) {
    if (!platform.ok()) return session.Fail(platform.status());
    printer.Row({platform->name(), platform->holder()}, *platform);
  }
  printer.Finish();
  return kExitOk;
}

int GroupList(Session& session) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List({"group", "name", "closed"});
  for (const absl::StatusOr<v1::Group>& group : (*client)->ListGroups()) {
    if (!group.ok()) return session.Fail(group.status());
    printer.Row({group->name(), group->display_name(), group->closed() ? "true" : "false"}, *group);
  }
  printer.Finish();
  return kExitOk;
}

int EventList(Session& session, int limit) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  ListPrinter printer = session.List({"time", "epoch", "subject", "what", "by"});
  int left = limit;
  for (const absl::StatusOr<v1::MembershipEvent>& event : (*client)->ListMembershipEvents()) {
    if (!event.ok()) return session.Fail(event.status());
    printer.Row({TimeText(event->time()), std::to_string(event->epoch()), event->subject(), event->text(),
                 event->by()},
                *event);
    if (limit > 0 && --left == 0) break;
  }
  printer.Finish();
  return kExitOk;
}

}  // namespace

void AddMembershipVerbs(App& app) {
  app.AddVerb(
      app.root(), "whoami", "Who the exchange takes you for",
      {{"whoami", "Your member, credential and roles."}, {"whoami -o json", "The same for a program."}},
      WhoAmI);

  Verb member = app.AddFamily("member", "The coalition's members");
  app.AddVerb(member, "list", "All members, their kinds and standing",
              {{"member list", "All members."}, {"member list -o csv", "The same as CSV."}}, MemberList);
  auto name = std::make_shared<std::string>();
  app.AddVerb(member, "show", "One member", {{"member show aurore", "One member."}},
              [name](Session& session) { return MemberShow(session, *name); })
      .AddOption("MEMBER", *name, "Id of the member")
      .Required();

  app.AddVerb(member, "groups", "All groups",
              {{"member groups", "`coalition member show` has a member's own."}}, GroupList);
  auto limit = std::make_shared<int>(100);
  app.AddVerb(member, "events", "What was changed of members and credentials, and by whom, newest first",
              {{"member events", "The last hundred."}, {"member events --limit 0 -o jsonl", "All."}},
              [limit](Session& session) { return EventList(session, *limit); })
      .AddOption("--limit", *limit, "At most so many, 0: all (100)")
      .Between(0, 1'000'000'000);

  Verb platform = app.AddFamily("platform", "Places where sellers have accounts");
  app.AddVerb(platform, "list", "All platforms and who holds them", {{"platform list", "All platforms."}},
              PlatformList);
  AddStandingVerbs(app, member, platform);
}

void AddAdminVerbs(App& app) {
  Verb admin =
      app.AddFamily("admin", "The coalition's administration; its contexts name the administration listener");
  AddAuthorityVerbs(app, admin);
  AddStandingAdminVerbs(app, admin);
  AddProposeVerbs(app, admin);
  AddProposalAdminVerbs(app, admin);
  AddBackupVerbs(app, admin);
  AddErasureVerbs(app, admin);
}

}  // namespace coalition::cli
