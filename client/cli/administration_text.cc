#include "client/cli/administration_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "google/protobuf/util/time_util.h"

namespace coalition::cli {
namespace {

Facts Pair(const std::vector<std::string>& names, std::vector<std::string> cells) {
  Facts facts;
  for (size_t i = 0; i < cells.size(); ++i) facts.emplace_back(names[i], std::move(cells[i]));
  return facts;
}

std::string RolesText(const google::protobuf::RepeatedField<int>& roles) {
  return absl::StrJoin(
      roles, "; ", [](std::string* out, int role) { out->append(RoleText(static_cast<v1::Role>(role))); });
}

std::string KeyState(const v1::Credential& credential) {
  if (!credential.public_key_sha256().empty()) return "in-use";
  if (!credential.unconfirmed_public_key_sha256().empty()) return "waits-for-confirmation";
  return credential.has_revoke_time() ? "revoked" : "no-key";
}

// "; " in front of all but the first.
std::string List(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return absl::StrJoin(names, ", ");
}

std::string Number(int64_t number) { return WithThousands(static_cast<uint64_t>(number < 0 ? 0 : number)); }

// The enum's name where it says something.
template <class Enum>
std::string Reason(Enum value, const std::string& name, const std::string& prefix) {
  return value == 0 ? "" : EnumText(name, prefix);
}

std::string OpinionsText(const google::protobuf::RepeatedPtrField<v1::ProposalOpinion>& opinions) {
  return absl::StrJoin(opinions, "; ", [](std::string* out, const v1::ProposalOpinion& opinion) {
    out->append(opinion.member());
  });
}

std::string CountText(const v1::ImpactCount& count) {
  std::string text = Number(count.records());
  const std::string views =
      absl::StrJoin(count.views(), ", ", [](std::string* out, const v1::ViewCount& view) {
        absl::StrAppend(out, view.view(), " ", Number(view.records()));
      });
  return views.empty() ? text : absl::StrCat(text, " (", views, ")");
}

std::string AdmissionText(const v1::Admission& change) {
  std::string text = absl::StrCat("members/", change.member_id(), " (", change.display_name(), ", ",
                                  KindText(change.kind()), ") is admitted");
  if (!change.groups().empty()) absl::StrAppend(&text, " into ", List(change.groups()));
  if (!change.control_group().empty()) {
    absl::StrAppend(&text, ", under common control as ", change.control_group());
  }
  return text;
}

std::string ReinstatementText(const v1::Reinstatement& change) {
  std::string text = change.member() + " is active again";
  if (!change.groups().empty()) absl::StrAppend(&text, ", in ", List(change.groups()));
  return text;
}

}  // namespace

std::string StandingText(v1::Standing standing) { return EnumText(v1::Standing_Name(standing), "STANDING_"); }
std::string RoleText(v1::Role role) { return EnumText(v1::Role_Name(role), "ROLE_"); }

const std::vector<std::string>& MemberColumns() {
  static const auto* const columns =
      new std::vector<std::string>{"member", "name", "kind", "standing", "groups", "control_group"};
  return *columns;
}

std::vector<std::string> MemberCells(const v1::Member& member) {
  return {member.name(),
          member.display_name(),
          KindText(member.kind()),
          StandingText(member.standing()),
          absl::StrJoin(member.groups(), "; "),
          member.control_group()};
}

Facts MemberFacts(const v1::Member& member) {
  Facts facts = Pair(MemberColumns(), MemberCells(member));
  facts.emplace_back("standing_since", TimeText(member.standing_time()));
  facts.emplace_back("standing_reason",
                     Reason(member.standing_reason(), v1::StandingReason_Name(member.standing_reason()),
                            "STANDING_REASON_"));
  facts.emplace_back("certificates_not_before", TimeText(member.certificates_not_before()));
  return facts;
}

const std::vector<std::string>& CredentialColumns() {
  static const auto* const columns = new std::vector<std::string>{
      "credential",         "roles",   "purpose",          "state", "key", "unconfirmed_key", "previous_key",
      "previous_key_until", "revoked", "revocation_reason"};
  return *columns;
}

std::vector<std::string> CredentialCells(const v1::Credential& credential) {
  return {credential.name(),
          RolesText(credential.roles()),
          credential.purpose(),
          KeyState(credential),
          credential.public_key_sha256(),
          credential.unconfirmed_public_key_sha256(),
          credential.previous_public_key_sha256(),
          TimeText(credential.previous_key_expire_time()),
          TimeText(credential.revoke_time()),
          Reason(credential.revocation_reason(), v1::RevocationReason_Name(credential.revocation_reason()),
                 "REVOCATION_REASON_")};
}

Facts CredentialFacts(const v1::Credential& credential) {
  return Pair(CredentialColumns(), CredentialCells(credential));
}

std::string CutOffText(const v1::CutOff& cut_off) {
  if (cut_off.calls() == 0 && cut_off.streams() == 0) return "nothing was under way";
  return absl::StrCat(Number(cut_off.calls()), cut_off.calls() == 1 ? " call and " : " calls and ",
                      Number(cut_off.streams()), cut_off.streams() == 1 ? " stream" : " streams",
                      " were cut");
}

Facts CutOffFacts(const v1::CutOff& cut_off) {
  return {{"calls_cut", std::to_string(cut_off.calls())},
          {"streams_cut", std::to_string(cut_off.streams())},
          {"nothing_sent_since",
           cut_off.has_shut_time() ? google::protobuf::util::TimeUtil::ToString(cut_off.shut_time()) : ""}};
}

Facts DepartureFacts(const v1::Departure& departure) {
  return {{"member", departure.member()},
          {"records", departure.disposition() == v1::RECORD_DISPOSITION_TRANSFER ? "go to the successor"
                                                                                 : "are withdrawn"},
          {"successor", departure.successor()},
          {"since", TimeText(departure.start_time())},
          {"records_done", std::to_string(departure.records_done())},
          {"state", departure.has_end_time() ? "done" : "goes-on"},
          {"ended", TimeText(departure.end_time())}};
}

std::string ChangeText(const v1::ProposedChange& change) {
  switch (change.change_case()) {
    case v1::ProposedChange::kAdmission:
      return AdmissionText(change.admission());
    case v1::ProposedChange::kReinstatement:
      return ReinstatementText(change.reinstatement());
    case v1::ProposedChange::kGroupRemoval:
      return absl::StrCat(List(change.group_removal().members()), " out of ", change.group_removal().group());
    case v1::ProposedChange::kGroupAddition:
      return absl::StrCat(List(change.group_addition().members()), " into ", change.group_addition().group());
    case v1::ProposedChange::kGroupCreation:
      return absl::StrCat("a new ", change.group_creation().closed() ? "closed " : "", "group groups/",
                          change.group_creation().group_id(), " (", change.group_creation().display_name(),
                          ") of ", List(change.group_creation().members()));
    case v1::ProposedChange::kPlatformAssignment:
      return absl::StrCat(change.platform_assignment().platform(), " is held by ",
                          change.platform_assignment().holder());
    case v1::ProposedChange::kRoleGrant:
      return absl::StrCat(change.role_grant().credential(), " becomes ",
                          RolesText(change.role_grant().roles()));
    case v1::ProposedChange::kControlGroupChange:
      return change.control_group_change().control_group().empty()
                 ? change.control_group_change().member() + " is under common control with nobody"
                 : absl::StrCat(change.control_group_change().member(), " is under common control as ",
                                change.control_group_change().control_group());
    default:
      return "a change that this program does not know: it may be older than the server";
  }
}

const std::vector<std::string>& ProposalColumns() {
  static const auto* const columns = new std::vector<std::string>{
      "proposal", "state", "change", "proposed_by", "created", "expires", "approvals"};
  return *columns;
}

std::vector<std::string> ProposalCells(const v1::Proposal& proposal) {
  return {proposal.name(),
          EnumText(v1::ProposalState_Name(proposal.state()), "PROPOSAL_STATE_"),
          ChangeText(proposal.change()),
          proposal.proposed_by(),
          TimeText(proposal.create_time()),
          TimeText(proposal.expire_time()),
          OpinionsText(proposal.approvals())};
}

Facts ProposalFacts(const v1::Proposal& proposal) {
  Facts facts = Pair(ProposalColumns(), ProposalCells(proposal));
  facts.emplace_back("approvals_needed", std::to_string(proposal.terms().approvals()));
  facts.emplace_back("electorate", absl::StrJoin(proposal.electorate(), "; "));
  facts.emplace_back("objections", OpinionsText(proposal.objections()));
  facts.emplace_back("reason", proposal.reason());
  facts.emplace_back("not_applied_before", TimeText(proposal.notice_time()));
  facts.emplace_back("closed", TimeText(proposal.close_time()));
  facts.emplace_back("closed_by", proposal.closed_by());
  facts.emplace_back("digest", proposal.digest());
  return facts;
}

std::vector<std::string> ImpactSentences(const v1::ProposalImpact& impact) {
  if (impact.gains().empty()) return {"Nobody would see more of your records."};
  std::vector<std::string> sentences;
  const std::string of =
      absl::StrCat(" of your ", impact.truncated() ? "newest " : "", Number(impact.looked_at()), " records");
  for (const v1::MemberImpact& gain : impact.gains()) {
    sentences.push_back(absl::StrCat(gain.member(), " would see ", CountText(gain.existing()), of,
                                     " that it does not see now"));
    sentences.push_back(absl::StrCat(gain.member(), " would see ", CountText(gain.future()),
                                     " of as many like them made from then on"));
  }
  return sentences;
}

}  // namespace coalition::cli
