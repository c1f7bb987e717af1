#include "server/service/proposal_service.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "server/service/acting.h"

namespace coalition::service {

using exchange::CallContext;

absl::Status ProposalService::CreateProposal(const CallContext& context,
                                             const v1::CreateProposalRequest& asked,
                                             v1::CreateProposalResponse* answer) const {
  return Take(proposals_.Create(ActorOf(context), asked), answer->mutable_proposal());
}

absl::Status ProposalService::GetProposal(const CallContext& context, const v1::GetProposalRequest& asked,
                                          v1::GetProposalResponse* answer) const {
  return Take(proposals_.Get(ActorOf(context), asked.name()), answer->mutable_proposal());
}

absl::Status ProposalService::ListProposals(const CallContext& context, const v1::ListProposalsRequest& asked,
                                            v1::ListProposalsResponse* answer) const {
  const std::string query = PageQuery(context, Method::kListProposals);
  const auto page = ReadPage(sealer_, pages_, query, asked);
  if (!page.ok()) return page.status();
  uint64_t before = UINT64_MAX;
  if (!page->last.empty() && !absl::SimpleAtoi(page->last, &before)) return PageTokenInvalid();
  // One more says whether there is another page.
  auto listed = proposals_.ListBefore(ActorOf(context), before, page->count + 1);
  answer->set_next_page_token(TakePage(sealer_, query, page->count, listed, [answer](v1::Proposal proposal) {
    *answer->add_proposals() = std::move(proposal);
  }));
  return absl::OkStatus();
}

absl::Status ProposalService::PreviewProposal(const CallContext& context,
                                              const v1::PreviewProposalRequest& asked,
                                              v1::PreviewProposalResponse* answer) const {
  const auto proposed = proposals_.Preview(ActorOf(context), asked.name());
  if (!proposed.ok()) return exchange::FromStore(proposed.status());
  return exchange_.CountImpact(context, proposed->after->policy_state(), proposed->gainers,
                               proposed->made_after, answer->mutable_impact());
}

absl::Status ProposalService::ApproveProposal(const CallContext& context,
                                              const v1::ApproveProposalRequest& asked,
                                              v1::ApproveProposalResponse* answer) const {
  return Take(proposals_.Approve(ActorOf(context), asked), answer->mutable_proposal());
}

absl::Status ProposalService::ObjectToProposal(const CallContext& context,
                                               const v1::ObjectToProposalRequest& asked,
                                               v1::ObjectToProposalResponse* answer) const {
  return Take(proposals_.Object(ActorOf(context), asked), answer->mutable_proposal());
}

absl::Status ProposalService::ApplyProposal(const CallContext& context, const v1::ApplyProposalRequest& asked,
                                            v1::ApplyProposalResponse* answer) const {
  return Take(proposals_.Apply(ActorOf(context), asked), answer->mutable_proposal());
}

absl::Status ProposalService::WithdrawProposal(const CallContext& context,
                                               const v1::WithdrawProposalRequest& asked,
                                               v1::WithdrawProposalResponse* answer) const {
  return Take(proposals_.Withdraw(ActorOf(context), asked), answer->mutable_proposal());
}

std::vector<Route> ProposalService::Routes() const {
  return {
      {Method::kCreateProposal, ServeOnWorker(this, &ProposalService::CreateProposal)},
      {Method::kGetProposal, ServeOnWorker(this, &ProposalService::GetProposal)},
      {Method::kListProposals, ServeOnWorker(this, &ProposalService::ListProposals)},
      {Method::kPreviewProposal, ServeOnWorker(this, &ProposalService::PreviewProposal)},
      {Method::kApproveProposal, ServeOnWorker(this, &ProposalService::ApproveProposal)},
      {Method::kObjectToProposal, ServeOnWorker(this, &ProposalService::ObjectToProposal)},
      {Method::kApplyProposal, ServeOnWorker(this, &ProposalService::ApplyProposal)},
      {Method::kWithdrawProposal, ServeOnWorker(this, &ProposalService::WithdrawProposal)},
  };
}

}  // namespace coalition::service
