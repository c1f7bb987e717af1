// Asking beforehand who will see a record, and afterwards who can see it and why.
#pragma once

#include "absl/status/status.h"
#include "server/exchange/exchange.h"
#include "server/exchange/reader.h"
#include "server/exchange/room.h"

namespace coalition::exchange {

// As Exchange::Preview, for a caller that may write.
absl::Status PreviewAudience(const Room& room, const CallContext& context, const Reader& reader,
                             const v1::PreviewAudienceRequest& request,
                             v1::PreviewAudienceResponse* response);

// As Exchange::Explain. ROLE_MISSING: without READER and AUDITOR, or a member that sees the record asks about
// another. NOT_FOUND: the caller does not see the record and is no auditor; or there is no such member.
absl::Status ExplainAccess(const Room& room, const CallContext& context, const Reader& reader,
                           const v1::ExplainAccessRequest& request, v1::ExplainAccessResponse* response,
                           ledger::Disclosure* disclosure);

}  // namespace coalition::exchange
