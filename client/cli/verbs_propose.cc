// coalition admin propose …: asks the members for a change.
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_text.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

// What any of them is made of.
struct ProposeFlags {
  std::string id, name, kind, target, control_group, key, reason, request_id;
  std::vector<std::string> groups, members, roles;
  bool closed = false, alone = false, dry_run = false;
};

using Fill = absl::Status (*)(const ProposeFlags&, v1::ProposedChange*);

// Parses each of `texts` into `out`.
template <class Parse>
absl::Status Names(const std::vector<std::string>& texts, Parse parse,
                   google::protobuf::RepeatedPtrField<std::string>* out) {
  for (const std::string& text : texts) {
    absl::StatusOr<std::string> name = parse(text);
    if (!name.ok()) return name.status();
    *out->Add() = *std::move(name);
  }
  return absl::OkStatus();
}

template <class Parse>
absl::Status Name(const std::string& text, Parse parse, std::string* out) {
  absl::StatusOr<std::string> name = parse(text);
  if (!name.ok()) return name.status();
  *out = *std::move(name);
  return absl::OkStatus();
}

absl::Status FillAdmission(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::Admission& admission = *change->mutable_admission();
  if (absl::Status status = CheckId(flags.id, "member id"); !status.ok()) return status;
  const absl::StatusOr<v1::MemberKind> kind = ParseKind(flags.kind);
  if (!kind.ok()) return kind.status();
  admission.set_member_id(flags.id);
  admission.set_display_name(flags.name);
  admission.set_kind(*kind);
  admission.set_control_group(flags.control_group);
  return Names(flags.groups, ParseGroup, admission.mutable_groups());
}

absl::Status FillReinstatement(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::Reinstatement& reinstatement = *change->mutable_reinstatement();
  if (absl::Status status = Name(flags.id, ParseMember, reinstatement.mutable_member()); !status.ok()) {
    return status;
  }
  return Names(flags.groups, ParseGroup, reinstatement.mutable_groups());
}

absl::Status FillGroupAddition(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::GroupAddition& addition = *change->mutable_group_addition();
  if (absl::Status status = Name(flags.id, ParseGroup, addition.mutable_group()); !status.ok()) return status;
  return Names(flags.members, ParseMember, addition.mutable_members());
}

absl::Status FillGroupRemoval(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::GroupRemoval& removal = *change->mutable_group_removal();
  if (absl::Status status = Name(flags.id, ParseGroup, removal.mutable_group()); !status.ok()) return status;
  return Names(flags.members, ParseMember, removal.mutable_members());
}

absl::Status FillGroupCreation(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::GroupCreation& creation = *change->mutable_group_creation();
  if (absl::Status status = CheckId(flags.id, "group id"); !status.ok()) return status;
  creation.set_group_id(flags.id);
  creation.set_display_name(flags.name);
  creation.set_closed(flags.closed);
  return Names(flags.members, ParseMember, creation.mutable_members());
}

absl::Status FillPlatform(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::PlatformAssignment& assignment = *change->mutable_platform_assignment();
  if (absl::Status status = Name(flags.id, ParsePlatform, assignment.mutable_platform()); !status.ok()) {
    return status;
  }
  return Name(flags.target, ParseMember, assignment.mutable_holder());
}

absl::Status FillRole(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::RoleGrant& grant = *change->mutable_role_grant();
  const absl::StatusOr<std::string> member = ParseMember(flags.target);
  if (!member.ok()) return member.status();
  const absl::StatusOr<std::string> credential = ParseCredential(flags.id, *member);
  if (!credential.ok()) return credential.status();
  const absl::StatusOr<std::vector<v1::Role>> roles = ParseRoles(flags.roles);
  if (!roles.ok()) return roles.status();
  grant.set_credential(*credential);
  for (const v1::Role role : *roles) grant.add_roles(role);
  grant.set_public_key_sha256(flags.key);
  return absl::OkStatus();
}

absl::Status FillControlGroup(const ProposeFlags& flags, v1::ProposedChange* change) {
  v1::ControlGroupChange& control = *change->mutable_control_group_change();
  if (flags.alone == !flags.control_group.empty()) {
    return absl::InvalidArgumentError("say under which control it is, CONTROL-GROUP, or --alone");
  }
  control.set_control_group(flags.control_group);
  return Name(flags.id, ParseMember, control.mutable_member());
}

int Propose(Session& session, const ProposeFlags& flags, Fill fill) {
  v1::ProposedChange change;
  if (absl::Status status = fill(flags, &change); !status.ok()) {
    return session.Misused(std::string(status.message()));
  }
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::Proposal> proposal = (*client)->CreateProposal(
      change, flags.reason, {.request_id = flags.request_id, .validate_only = flags.dry_run});
  if (!proposal.ok()) return session.Fail(proposal.status());
  session.One(ProposalFacts(*proposal), ToJson(*proposal));
  if (flags.dry_run) {
    session.Note("Checked; nothing was proposed.");
  } else if (proposal->terms().approvals() > proposal->approvals_size()) {
    session.Note(absl::StrCat("It needs ", proposal->terms().approvals(),
                              " approvals of members of its electorate: "
                              "coalition proposal approve ",
                              proposal->name()));
  }
  return kExitOk;
}

class Verbs {
 public:
  Verbs(App& app, Verb family) : app_(app), family_(family) {}

  // One of `name`, whose flags `add` adds.
  template <class Add>
  void One(const std::string& name, const std::string& description, const std::string& example,
           const std::string& says, Fill fill, Add add) {
    auto flags = std::make_shared<ProposeFlags>();
    Verb verb =
        app_.AddVerb(family_, name, description, {{absl::StrCat("admin propose ", name, " ", example), says}},
                     [flags, fill](Session& session) { return Propose(session, *flags, fill); });
    add(verb, flags.get());
    verb.AddOption("--reason", flags->reason, "Why, for those who are asked").Required();
    verb.AddOption("--request-id", flags->request_id, "UUID that makes this one command repeatable");
    verb.AddFlag("--dry-run", flags->dry_run, "Check, but propose nothing");
  }

 private:
  App& app_;
  const Verb family_;
};

void AddMembers(Verbs& verbs) {
  verbs.One("admission", "A new member; an applicant from the proposal on, so that others can name it",
            "souk --name 'Souk Marketplace' --kind marketplace --reason 'applied on 12 November'",
            "Sees nothing before it is agreed to.", FillAdmission, [](Verb verb, ProposeFlags* flags) {
              verb.AddOption("MEMBER", flags->id, "Id of the new member, never used before").Required();
              verb.AddOption("--name", flags->name, "Its name, for people").Required();
              verb.AddOption(
                      "--kind", flags->kind,
                      "brand, marketplace, payment, logistics, authority, agency, observer or secretariat")
                  .Required();
              verb.AddOption("--group", flags->groups, "Group that it will be in. Repeatable").OnePerFlag();
              verb.AddOption("--control-group", flags->control_group, "Under common control with others");
            });
  verbs.One("reinstatement", "A suspended or limited member is active again",
            "aurore --reason 'the incident is closed'",
            "It sees what is made from then on, and what names it.", FillReinstatement,
            [](Verb verb, ProposeFlags* flags) {
              verb.AddOption("MEMBER", flags->id, "Id of the member").Required();
              verb.AddOption("--group", flags->groups, "Group that it will be in: none by itself. Repeatable")
                  .OnePerFlag();
            });
  verbs.One("control-group", "A member is under common control with others, or no more",
            "aurore aurore-group --reason 'bought by the group'", "Excluding one of them excludes all.",
            FillControlGroup, [](Verb verb, ProposeFlags* flags) {
              verb.AddOption("MEMBER", flags->id, "Id of the member").Required();
              verb.AddOption("CONTROL-GROUP", flags->control_group,
                             "Id that those under common control share");
              verb.AddFlag("--alone", flags->alone, "It is under common control with nobody any more");
            });
  verbs.One(
      "role", "A credential administers or audits the coalition",
      "admin --member office --role coalition-admin --reason 'second administrator'",
      "Its key is registered apart, or named with --public-key-sha256: that of an administrator who has lost "
      "it.",
      FillRole, [](Verb verb, ProposeFlags* flags) {
        verb.AddOption("CREDENTIAL", flags->id, "Id of the credential; made if it is not there").Required();
        verb.AddOption("--member", flags->target, "Id of its member").Required();
        verb.AddOption("--role", flags->roles, "coalition-admin or auditor. Repeatable")
            .OnePerFlag()
            .Required();
        verb.AddOption("--public-key-sha256", flags->key, "Its key from then on, 64 hex digits");
      });
}

void AddGroups(Verbs& verbs) {
  verbs.One("group-add", "Members join a group", "watchmakers aurore belmont --reason 'they asked for it'",
            "They see what is granted to it from then on.", FillGroupAddition,
            [](Verb verb, ProposeFlags* flags) {
              verb.AddOption("GROUP", flags->id, "Id of the group").Required();
              verb.AddOption("MEMBER", flags->members, "Ids of the members").Required();
            });
  verbs.One(
      "group-remove", "Members leave a group that the policy denies something",
      "probation souk --reason 'its year is over'",
      "Outside it they see what is made from then on. From other groups one administrator removes them: "
      "`coalition admin group remove`.",
      FillGroupRemoval, [](Verb verb, ProposeFlags* flags) {
        verb.AddOption("GROUP", flags->id, "Id of the group").Required();
        verb.AddOption("MEMBER", flags->members, "Ids of the members").Required();
      });
  verbs.One("group-create", "A new group",
            "shoemakers aurore belmont --name 'Shoe brands' --closed --reason 'a working group'",
            "Closed groups may be granted AMBER-STRICT records.", FillGroupCreation,
            [](Verb verb, ProposeFlags* flags) {
              verb.AddOption("GROUP", flags->id, "Id of the group, never used before").Required();
              verb.AddOption("MEMBER", flags->members, "Ids of its first members");
              verb.AddOption("--name", flags->name, "Its name, for people").Required();
              verb.AddFlag("--closed", flags->closed, "AMBER-STRICT records may be granted to it");
            });
  verbs.One("platform", "A marketplace holds a platform", "bazaar.example bazaar --reason 'its own'",
            "The host of records about it that are made from then on.", FillPlatform,
            [](Verb verb, ProposeFlags* flags) {
              verb.AddOption("PLATFORM", flags->id, "Id of the platform, e.g. bazaar.example").Required();
              verb.AddOption("MEMBER", flags->target, "Id of the marketplace").Required();
            });
}

}  // namespace

void AddProposeVerbs(App& app, Verb admin) {
  Verbs verbs(app, app.AddFamily("propose", "Asks the members for a change", admin));
  AddMembers(verbs);
  AddGroups(verbs);
}

}  // namespace coalition::cli
