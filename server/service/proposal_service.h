// coalition.v1.ProposalService: gRPC to the proposals of the membership room, and back.
#pragma once

#include <vector>

#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/membership/proposals.h"
#include "server/service/pages.h"
#include "server/service/unary.h"

namespace coalition::service {

// Thread-safe. References must outlive the service, the service what is served by its routes. Everything is
// done on workers.
class ProposalService {
 public:
  ProposalService(membership::Proposals& proposals, exchange::Exchange& exchange, const Sealer& sealer,
                  PageOptions pages)
      : proposals_(proposals), exchange_(exchange), sealer_(sealer), pages_(pages) {}

  std::vector<Route> Routes() const;

 private:
  absl::Status CreateProposal(const exchange::CallContext& context, const v1::CreateProposalRequest& asked,
                              v1::CreateProposalResponse* answer) const;
  absl::Status GetProposal(const exchange::CallContext& context, const v1::GetProposalRequest& asked,
                           v1::GetProposalResponse* answer) const;
  absl::Status ListProposals(const exchange::CallContext& context, const v1::ListProposalsRequest& asked,
                             v1::ListProposalsResponse* answer) const;
  absl::Status PreviewProposal(const exchange::CallContext& context, const v1::PreviewProposalRequest& asked,
                               v1::PreviewProposalResponse* answer) const;
  absl::Status ApproveProposal(const exchange::CallContext& context, const v1::ApproveProposalRequest& asked,
                               v1::ApproveProposalResponse* answer) const;
  absl::Status ObjectToProposal(const exchange::CallContext& context,
                                const v1::ObjectToProposalRequest& asked,
                                v1::ObjectToProposalResponse* answer) const;
  absl::Status ApplyProposal(const exchange::CallContext& context, const v1::ApplyProposalRequest& asked,
                             v1::ApplyProposalResponse* answer) const;
  absl::Status WithdrawProposal(const exchange::CallContext& context,
                                const v1::WithdrawProposalRequest& asked,
                                v1::WithdrawProposalResponse* answer) const;

  membership::Proposals& proposals_;
  exchange::Exchange& exchange_;
  const Sealer& sealer_;
  const PageOptions pages_;
};

}  // namespace coalition::service
