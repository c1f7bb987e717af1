#include "server/membership/proposals.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/limits.h"
#include "common/strings.h"
#include "server/membership/acts.h"
#include "server/membership/approvals.h"
#include "server/membership/events.h"
#include "server/membership/proposal_forms.h"
#include "server/membership/proposed_change_checks.h"
#include "server/membership/proposed_changes.h"
#include "server/membership/snapshot.h"

namespace coalition::membership {
namespace {

using storage::v1::StoredMember;
using storage::v1::StoredOpinion;
using storage::v1::StoredProposal;
using Judged = absl::StatusOr<std::optional<Change>>;

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;
constexpr size_t kReasonBytesMax = 1'000;
constexpr size_t kRequestIdBytesMax = 64;
constexpr size_t kChangeBytesMax = size_t{32} << 10;
absl::Status CheckOpen(const StoredProposal& proposal, int64_t now_ns) {
  const v1::ProposalState state = StateOf(proposal, now_ns);
  if (state == v1::PROPOSAL_STATE_OPEN) return absl::OkStatus();
  return StateConflict("the proposal is open no more",
                       WithoutPrefix(v1::ProposalState_Name(state), "PROPOSAL_STATE_"));
}

const v1::Quorum& TermsOf(const Snapshot& current) {
  return current.policy_state().policy().limits().widening();
}

absl::Status CheckTerms(const Snapshot& current, const StoredProposal& proposal) {
  if (TermsOf(current).SerializeAsString() == proposal.terms().SerializeAsString()) return absl::OkStatus();
  return Error(v1::ERROR_REASON_TERMS_CHANGED,
               "the policy's quorum is another than when this was proposed: propose it again");
}

absl::Status CheckDigest(const StoredProposal& proposal, const std::string& digest) {
  if (digest == proposal.digest()) return absl::OkStatus();
  return Error(v1::ERROR_REASON_DIFF_NOT_REVIEWED,
               "the proposal is not the one of this digest: look at it again",
               {{"digest", proposal.digest()}, {"proposal", NameOfNumber(proposal.number())}});
}

// The members that may approve: what the policy says, without the proposer and whoever gains, and without all
// that are under common control with these.
std::vector<uint32_t> ElectorateOf(const Snapshot& current, const v1::ProposedChange& change,
                                   uint32_t proposer) {
  const policy::State& state = current.policy_state();
  const std::vector<uint32_t> gainers = GainersOf(current, change);
  std::set<uint32_t> concerned(gainers.begin(), gainers.end());
  const auto& own = state.ControlGroup(proposer);
  concerned.insert(own.begin(), own.end());
  const auto& kinds = TermsOf(current).electorate();
  std::vector<uint32_t> electorate;
  for (const policy::MemberState& member : state.members()) {
    if (member.standing != v1::STANDING_ACTIVE || concerned.contains(member.number) ||
        std::find(kinds.begin(), kinds.end(), member.kind) == kinds.end()) {
      continue;
    }
    electorate.push_back(member.number);
  }
  return electorate;
}

// An electorate and what is counted of it are ACTIVE by the state that they were taken from.
template <class Numbers>
int CountDifferent(const policy::State& state, const Numbers& members) {
  return static_cast<int>(OneOfEachControlGroup(state, members).size());
}

absl::Status ApprovalsMissing(std::string_view message, int approvals, int needed) {
  return Error(v1::ERROR_REASON_APPROVALS_MISSING, message,
               {{"approvals", std::to_string(approvals)}, {"needed", std::to_string(needed)}});
}

bool Stands(const Snapshot& current, const StoredOpinion& opinion) {
  return StillStands(current, opinion.member(), opinion.by(), opinion.revision());
}

// Those whose key was not revoked since: who gave that approval is not known then. And not of whoever turned
// out to be under common control with who proposes or gains.
std::vector<uint32_t> StillCounted(const Snapshot& current, const StoredProposal& proposal) {
  const std::vector<uint32_t> electorate = ElectorateOf(current, proposal.change(), proposal.proposer());
  std::vector<uint32_t> members;
  for (const StoredOpinion& approval : proposal.approvals()) {
    const bool elects =
        std::find(electorate.begin(), electorate.end(), approval.member()) != electorate.end();
    if (elects && Stands(current, approval)) members.push_back(approval.member());
  }
  return members;
}

using Opinions = google::protobuf::RepeatedPtrField<StoredOpinion>;

// nullptr: the member has given none.
StoredOpinion* OpinionOf(uint32_t member, Opinions* opinions) {
  const auto found = std::find_if(opinions->begin(), opinions->end(), [member](const StoredOpinion& opinion) {
    return opinion.member() == member;
  });
  return found == opinions->end() ? nullptr : &*found;
}

// In place of the one that the member gave before.
void SetOpinion(const Actor& actor, Opinions* opinions) {
  StoredOpinion* const given = OpinionOf(actor.caller.member_number, opinions);
  StoredOpinion& opinion = given != nullptr ? *given : *opinions->Add();
  opinion.set_member(actor.caller.member_number);
  opinion.set_by(NameOf(actor.caller));
  opinion.set_time_ns(actor.now_ns);
}

// Finds the proposal in the newest state, has it judged and changed, and shows it as it is then.
using ProposalJudge =
    std::function<Judged(const std::shared_ptr<const Snapshot>& current, StoredProposal next)>;
absl::StatusOr<v1::Proposal> ChangeProposal(Directory& directory, const Actor& actor, const std::string& name,
                                            v1::Role role, const ProposalJudge& judge) {
  const auto made = directory.Make([&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    if (auto may = CheckMayChange(*current, actor, role); !may.ok()) return may;
    const StoredProposal* proposal = Find(current->stored(), name);
    if (proposal == nullptr) return NotFound();
    return judge(current, *proposal);
  });
  if (!made.ok()) return made.status();
  return ToPublic(**made, *Find((*made)->stored(), name), actor.now_ns);
}

// `at`: what of it is known with the revision.
Change KeepProposal(
    const Actor& actor, std::string what, StoredProposal next,
    std::function<void(store::Revision, StoredProposal*)> at = [](auto, auto*) {}) {
  Change change;
  change.begins_epoch = false;
  change.writes = [&actor, what = std::move(what), next = std::move(next), at = std::move(at)](
                      store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) {
    StoredProposal kept = next;
    at(revision, &kept);
    std::vector<store::Write> writes = {ProposalWrite(kept)};
    AddActs({ActOn(kept, what)}, actor, revision, epoch, &writes);
    return writes;
  };
  return change;
}

absl::Status CheckCreate(const v1::CreateProposalRequest& request) {
  FieldViolations violations;
  if (request.reason().empty()) violations.Add("reason", "is required: those who are asked want to know why");
  if (request.reason().size() > kReasonBytesMax) {
    violations.Add("reason", absl::StrCat("must be at most ", kReasonBytesMax, " bytes"));
  }
  if (request.change().ByteSizeLong() > kChangeBytesMax) {
    violations.Add("change", absl::StrCat("must be at most ", kChangeBytesMax, " bytes"));
  }
  if (request.request_id().size() > kRequestIdBytesMax) {
    violations.Add("request_id", absl::StrCat("must be at most ", kRequestIdBytesMax, " bytes"));
  }
  return violations.ToStatus();
}

// The member's own policy with one more exclusion. nullopt: it has that already.
std::optional<storage::v1::StoredMemberPolicy> Excluding(const Snapshot& current, const Actor& actor,
                                                         const std::string& excluded) {
  const uint32_t member = actor.caller.member_number;
  storage::v1::StoredMemberPolicy next;
  next.mutable_policy()->set_unbounded(true);
  for (const auto& own : current.stored().own_policies) {
    if (own.member() == member) next = own;
  }
  for (const v1::Subject& exclusion : next.policy().exclusions()) {
    if (exclusion.member() == excluded) return std::nullopt;
  }
  next.set_member(member);
  next.set_set_time_ns(actor.now_ns);
  next.set_set_by(NameOf(actor.caller));
  next.mutable_policy()->add_exclusions()->set_member(excluded);
  next.mutable_policy()->set_version(next.policy().version() + 1);
  return next;
}

StoredProposal NewProposal(const Snapshot& current, const Actor& actor,
                           const v1::CreateProposalRequest& request) {
  StoredProposal proposal;
  proposal.set_number(current.stored().proposals.size() + 1);
  proposal.set_state(v1::PROPOSAL_STATE_OPEN);
  *proposal.mutable_change() = request.change();
  proposal.set_reason(request.reason());
  proposal.set_proposer(actor.caller.member_number);
  proposal.set_proposed_by(NameOf(actor.caller));
  proposal.set_create_time_ns(actor.now_ns);
  const v1::Quorum& terms = TermsOf(current);
  *proposal.mutable_terms() = terms;
  proposal.set_notice_time_ns(actor.now_ns + terms.notice_days() * kDayNs);
  proposal.set_expire_time_ns(actor.now_ns + policy::OpenDays(terms) * kDayNs);
  for (const uint32_t member : ElectorateOf(current, request.change(), actor.caller.member_number)) {
    proposal.add_electorate(member);
  }
  proposal.set_request_id(request.request_id());
  proposal.set_digest(DigestOf(proposal));
  return proposal;
}

// What was sound when it was proposed.
absl::Status CheckStillSound(const Snapshot& current, const StoredProposal& proposal) {
  // What was taken away since was not known to those who agreed.
  if (TakenAwaySince(current, proposal.change(), proposal.create_time_ns())) {
    return StateConflict("what it gives was taken away once more since it was proposed: propose it again",
                         "CHANGED");
  }
  const absl::Status sound = CheckProposedChange(current, proposal.change());
  if (sound.ok()) return sound;
  return StateConflict(
      absl::StrCat("what it would change has changed since it was proposed (", sound.message(), ")"),
      "CHANGED");
}

// Of the proposer: nullptr when the id is new.
const StoredProposal* OfRequest(const StoredState& stored, uint32_t proposer, const std::string& request_id) {
  for (const StoredProposal& proposal : stored.proposals) {
    if (!request_id.empty() && proposal.proposer() == proposer && proposal.request_id() == request_id) {
      return &proposal;
    }
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<v1::Proposal> Proposals::Create(const Actor& actor, const v1::CreateProposalRequest& request) {
  StoredProposal next;
  bool checked_only = false;
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    if (auto may = CheckMayChange(*current, actor, v1::ROLE_COALITION_ADMIN); !may.ok()) return may;
    const StoredState& stored = current->stored();
    if (const auto* first = OfRequest(stored, actor.caller.member_number, request.request_id())) {
      next = *first;
      const bool same = next.change().SerializeAsString() == request.change().SerializeAsString() &&
                        next.reason() == request.reason();
      if (same) return std::optional<Change>();
      return Error(v1::ERROR_REASON_REQUEST_ID_REUSED, "you used this request_id for another proposal");
    }
    if (auto sound = CheckCreate(request); !sound.ok()) return sound;
    if (auto sound = CheckProposedChange(*current, request.change()); !sound.ok()) return sound;
    const auto open = std::count_if(stored.proposals.begin(), stored.proposals.end(), [&](const auto& one) {
      return StateOf(one, actor.now_ns) == v1::PROPOSAL_STATE_OPEN;
    });
    if (open >= open_max_) {
      return Error(v1::ERROR_REASON_LIMIT_EXCEEDED, "as many proposals are open as may be",
                   {{"limit", "proposals_open"}, {"max", std::to_string(open_max_)}});
    }
    next = NewProposal(*current, actor, request);
    const int possible = CountDifferent(current->policy_state(), next.electorate());
    if (possible < next.terms().approvals()) {
      return ApprovalsMissing(
          "it could never be applied: too few control groups neither propose nor gain and may approve",
          possible, next.terms().approvals());
    }
    checked_only = request.validate_only();
    if (checked_only) return std::optional<Change>();
    Change change;
    change.writes = [&next, &actor, applicant = NewApplicant(*current, request.change())](
                        store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) {
      std::vector<store::Write> writes = {ProposalWrite(next)};
      if (applicant) writes.push_back(MemberWrite(*applicant));
      const Described what = Describe(next.change());
      AddEvents({{what.subject, "proposed: " + what.text}}, actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  const auto made = directory_.Make(judge);
  if (!made.ok()) return made.status();
  v1::Proposal proposal = ToPublic(**made, next, actor.now_ns);
  if (checked_only) {
    // Those of the next one that is proposed.
    proposal.clear_name();
    proposal.clear_digest();
  }
  return proposal;
}

absl::StatusOr<v1::Proposal> Proposals::Get(const Actor& actor, const std::string& name) const {
  const StoredProposal* proposal = Find(actor.snapshot.stored(), name);
  if (proposal == nullptr) return NotFound();
  return ToPublic(actor.snapshot, *proposal, actor.now_ns);
}

std::vector<NumberedProposal> Proposals::ListBefore(const Actor& actor, uint64_t number, size_t count) const {
  const auto& stored = actor.snapshot.stored().proposals;
  std::vector<NumberedProposal> listed;
  for (size_t index = std::min<uint64_t>(number - 1, stored.size()); index > 0 && listed.size() < count;
       --index) {
    const StoredProposal& proposal = stored[index - 1];
    listed.emplace_back(proposal.number(), ToPublic(actor.snapshot, proposal, actor.now_ns));
  }
  return listed;
}

absl::StatusOr<ProposedStates> Proposals::Preview(const Actor& actor, const std::string& name) const {
  const StoredProposal* proposal = Find(actor.snapshot.stored(), name);
  if (proposal == nullptr) return NotFound();
  if (auto open = CheckOpen(*proposal, actor.now_ns); !open.ok()) return open;
  if (auto sound = CheckStillSound(actor.snapshot, *proposal); !sound.ok()) return sound;
  const StoredState& before = actor.snapshot.stored();
  const store::Revision revision = directory_.store().Head() + 1;
  auto after =
      NextState(before, revision, MakeProposedChange(proposal->change(), revision, actor.now_ns, before));
  if (!after.ok()) return after.status();
  auto built = BuildSnapshot(*std::move(after), &actor.snapshot);
  if (!built.ok()) return built.status();
  return ProposedStates{*std::move(built), GainersOf(actor.snapshot, proposal->change()), revision + 1};
}

absl::StatusOr<v1::Proposal> Proposals::Approve(const Actor& actor,
                                                const v1::ApproveProposalRequest& request) {
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current, StoredProposal next) -> Judged {
    const uint32_t member = actor.caller.member_number;
    const StoredOpinion* const given = OpinionOf(member, next.mutable_approvals());
    if (given != nullptr && Stands(*current, *given) && next.digest() == request.digest()) {
      return std::optional<Change>();
    }
    if (auto open = CheckOpen(next, actor.now_ns); !open.ok()) return open;
    if (auto same = CheckDigest(next, request.digest()); !same.ok()) return same;
    if (auto same = CheckTerms(*current, next); !same.ok()) return same;
    if (std::find(next.electorate().begin(), next.electorate().end(), member) == next.electorate().end()) {
      return Error(
          v1::ERROR_REASON_APPROVAL_NOT_COUNTED,
          "your member's approval would not count: it is of no kind that may approve, came later, or "
          "gains or proposes, or somebody under common control with it does");
    }
    SetOpinion(actor, next.mutable_approvals());
    return KeepProposal(actor, "approved", std::move(next),
                        [member](store::Revision revision, StoredProposal* kept) {
                          OpinionOf(member, kept->mutable_approvals())->set_revision(revision);
                        });
  };
  return ChangeProposal(directory_, actor, request.name(), v1::ROLE_MEMBER_ADMIN, judge);
}

absl::StatusOr<v1::Proposal> Proposals::Object(const Actor& actor,
                                               const v1::ObjectToProposalRequest& request) {
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current, StoredProposal next) -> Judged {
    if (auto open = CheckOpen(next, actor.now_ns); !open.ok()) return open;
    const std::vector<uint32_t> gainers = GainersOf(*current, next.change());
    if (!CanBeObjectedTo(next.change()) || gainers.empty()) {
      return StateConflict("objections exclude who is admitted or re-instated; here withhold your approval",
                           "OPEN");
    }
    if (gainers[0] == actor.caller.member_number) return NotFound();
    auto excluding =
        Excluding(*current, actor, FormatMemberName(current->stored().members[gainers[0] - 1].id()));
    const bool objected = OpinionOf(actor.caller.member_number, next.mutable_objections()) != nullptr;
    if (objected && !excluding) return std::optional<Change>();
    SetOpinion(actor, next.mutable_objections());
    Change change;
    change.begins_epoch = false;
    change.writes = [&actor, next = std::move(next), own = std::move(excluding)](
                        store::Revision revision, uint64_t epoch, storage::v1::StoredCoalition*) mutable {
      std::vector<store::Write> writes = {ProposalWrite(next)};
      if (own) {
        own->set_revision(revision);
        own->mutable_policy()->set_epoch(static_cast<int64_t>(epoch));
        writes.push_back(Stored(OwnPolicyKey(revision, own->member()), *own));
        AddActs({OwnPolicyAct(FormatMemberName(actor.caller.member), *own)}, actor, revision, epoch, &writes);
      }
      AddActs({ActOn(next, "objected to")}, actor, revision, epoch, &writes);
      return writes;
    };
    return change;
  };
  return ChangeProposal(directory_, actor, request.name(), v1::ROLE_MEMBER_ADMIN, judge);
}

absl::StatusOr<v1::Proposal> Proposals::Apply(const Actor& actor, const v1::ApplyProposalRequest& request) {
  const auto judge = [&](const std::shared_ptr<const Snapshot>& current, StoredProposal next) -> Judged {
    if (auto same = CheckDigest(next, request.digest()); !same.ok()) return same;
    if (next.state() == v1::PROPOSAL_STATE_APPLIED) return std::optional<Change>();
    if (auto open = CheckOpen(next, actor.now_ns); !open.ok()) return open;
    if (auto same = CheckTerms(*current, next); !same.ok()) return same;
    if (actor.now_ns < next.notice_time_ns()) {
      return StateConflict("its notice still runs: everybody has time to object until then", "NOTICE");
    }
    const int approvals = CountDifferent(current->policy_state(), StillCounted(*current, next));
    if (approvals < next.terms().approvals()) {
      return ApprovalsMissing("it needs more approvals, of members of different control groups", approvals,
                              next.terms().approvals());
    }
    if (auto sound = CheckStillSound(*current, next); !sound.ok()) return sound;
    next.set_state(v1::PROPOSAL_STATE_APPLIED);
    next.set_close_time_ns(actor.now_ns);
    next.set_closed_by(NameOf(actor.caller));
    Change change;
    change.writes = [current, &actor, next = std::move(next)](store::Revision revision, uint64_t epoch,
                                                              storage::v1::StoredCoalition*) {
      std::vector<store::Write> writes =
          MakeProposedChange(next.change(), revision, actor.now_ns, current->stored());
      writes.push_back(ProposalWrite(next));
      const Described what = Describe(next.change());
      AddEvents({{what.subject, what.text + " (" + NameOfNumber(next.number()) + ")"}}, actor, revision,
                epoch, &writes);
      return writes;
    };
    return change;
  };
  return ChangeProposal(directory_, actor, request.name(), v1::ROLE_COALITION_ADMIN, judge);
}

absl::StatusOr<v1::Proposal> Proposals::Withdraw(const Actor& actor,
                                                 const v1::WithdrawProposalRequest& request) {
  const auto judge = [&](const std::shared_ptr<const Snapshot>&, StoredProposal next) -> Judged {
    if (next.state() == v1::PROPOSAL_STATE_WITHDRAWN) return std::optional<Change>();
    if (auto open = CheckOpen(next, actor.now_ns); !open.ok()) return open;
    next.set_state(v1::PROPOSAL_STATE_WITHDRAWN);
    next.set_close_time_ns(actor.now_ns);
    next.set_closed_by(NameOf(actor.caller));
    return KeepProposal(actor, "withdrawn", std::move(next));
  };
  return ChangeProposal(directory_, actor, request.name(), v1::ROLE_COALITION_ADMIN, judge);
}

}  // namespace coalition::membership
