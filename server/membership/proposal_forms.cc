#include "server/membership/proposal_forms.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/strings.h"
#include "common/timestamp.h"
#include "server/membership/snapshot.h"

namespace coalition::membership {
namespace {

using storage::v1::StoredOpinion;
using storage::v1::StoredProposal;

constexpr std::string_view kNamePrefix = "proposals/";

}  // namespace

std::string NameOfNumber(uint64_t number) { return absl::StrCat(Absl(kNamePrefix), number); }

const StoredProposal* Find(const StoredState& stored, const std::string& name) {
  uint64_t number = 0;
  const bool named = name.starts_with(kNamePrefix) &&
                     absl::SimpleAtoi(Absl(std::string_view(name).substr(kNamePrefix.size())), &number);
  // One name for each: no "proposals/007".
  if (!named || name != NameOfNumber(number) || number == 0 || number > stored.proposals.size()) {
    return nullptr;
  }
  return &stored.proposals[number - 1];
}

v1::ProposalState StateOf(const StoredProposal& proposal, int64_t now_ns) {
  const bool expired = proposal.state() == v1::PROPOSAL_STATE_OPEN && now_ns >= proposal.expire_time_ns();
  return expired ? v1::PROPOSAL_STATE_EXPIRED : proposal.state();
}

std::string DigestOf(const StoredProposal& proposal) {
  // No map fields: the same message is always the same bytes.
  std::string text = NameOfNumber(proposal.number());
  for (const std::string& part :
       {proposal.change().SerializeAsString(), proposal.terms().SerializeAsString()}) {
    absl::StrAppend(&text, "/", part.size(), ":", part);
  }
  return HexEncode(Bytes(Sha256(text)));
}

v1::Proposal ToPublic(const Snapshot& current, const StoredProposal& stored, int64_t now_ns) {
  const auto name_of = [&](uint32_t member) {
    return FormatMemberName(current.stored().members[member - 1].id());
  };
  const auto opinions = [&](const auto& from, auto* to) {
    for (const StoredOpinion& one : from) {
      v1::ProposalOpinion& opinion = *to->Add();
      opinion.set_member(name_of(one.member()));
      opinion.set_by(one.by());
      *opinion.mutable_time() = ToTimestamp(one.time_ns());
    }
  };
  v1::Proposal proposal;
  proposal.set_name(NameOfNumber(stored.number()));
  proposal.set_state(StateOf(stored, now_ns));
  *proposal.mutable_change() = stored.change();
  proposal.set_reason(stored.reason());
  proposal.set_proposed_by(stored.proposed_by());
  *proposal.mutable_create_time() = ToTimestamp(stored.create_time_ns());
  *proposal.mutable_notice_time() = ToTimestamp(stored.notice_time_ns());
  *proposal.mutable_expire_time() = ToTimestamp(stored.expire_time_ns());
  *proposal.mutable_terms() = stored.terms();
  for (const uint32_t member : stored.electorate()) proposal.add_electorate(name_of(member));
  opinions(stored.approvals(), proposal.mutable_approvals());
  opinions(stored.objections(), proposal.mutable_objections());
  proposal.set_digest(stored.digest());
  if (stored.close_time_ns() != 0) *proposal.mutable_close_time() = ToTimestamp(stored.close_time_ns());
  proposal.set_closed_by(stored.closed_by());
  return proposal;
}

store::Write ProposalWrite(const StoredProposal& proposal) {
  return Stored(std::string(kProposalPrefix) + BigEndian(proposal.number()), proposal);
}

Act ActOn(const StoredProposal& proposal, std::string what) {
  return {NameOfNumber(proposal.number()), std::move(what), 0, proposal.change().SerializeAsString()};
}

}  // namespace coalition::membership
