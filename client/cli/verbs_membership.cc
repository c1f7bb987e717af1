// coalition whoami, member …, platform …: who is in the coalition, and who we are to it.
#include <memory>

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

std::string StandingText(v1::Standing standing) { return EnumText(v1::Standing_Name(standing), "STANDING_"); }

std::vector<std::string> MemberCells(const v1::Member& member) {
  return {member.name(),           member.display_name(),
          KindText(member.kind()), StandingText(member.standing()),
          Join(member.groups()),   member.control_group()};
}

const std::vector<std::string> kMemberColumns = {"member",   "name",   "kind",
                                                 "standing", "groups", "control_group"};

int WhoAmI(Session& session) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::WhoAmIResponse> me = (*client)->WhoAmI();
  if (!me.ok()) return session.Fail(me.status());
  std::vector<std::string> roles;
  for (const int role : me->credential().roles()) {
    roles.push_back(EnumText(v1::Role_Name(static_cast<v1::Role>(role)), "ROLE_"));
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
  ListPrinter printer = session.List(kMemberColumns);
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
  Facts facts;
  const std::vector<std::string> cells = MemberCells(*member);
  for (size_t i = 0; i < cells.size(); ++i) facts.emplace_back(kMemberColumns[i], cells[i]);
  session.One(facts, ToJson(*member));
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

}  // namespace

void AddMembershipVerbs(App& app) {
  app.AddVerb(
      app.root(), "whoami", "Who the exchange takes you for",
      {{"whoami", "Your member, credential and roles."}, {"whoami -o json", "The same for a program."}},
      WhoAmI);

  CLI::App* member = app.AddFamily("member", "The coalition's members");
  app.AddVerb(member, "list", "All members, their kinds and standing",
              {{"member list", "All members."}, {"member list -o csv", "The same as CSV."}}, MemberList);
  auto name = std::make_shared<std::string>();
  app.AddVerb(member, "show", "One member", {{"member show aurore", "One member."}},
              [name](Session& session) { return MemberShow(session, *name); })
      ->add_option("MEMBER", *name, "Id of the member")
      ->required();

  CLI::App* platform = app.AddFamily("platform", "Places where sellers have accounts");
  app.AddVerb(platform, "list", "All platforms and who holds them", {{"platform list", "All platforms."}},
              PlatformList);
}

}  // namespace coalition::cli
