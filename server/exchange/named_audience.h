// Audiences that are kept under a name: the coalition's, in its policy, and members' own, in the store.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/policy_service.pb.h"
#include "server/exchange/exchange.h"
#include "server/exchange/validate.h"
#include "server/exchange/visibility.h"
#include "server/store/store.h"

namespace coalition::exchange {

// "audiences/{audience}" and "members/{member}/audiences/{audience}" of the asker's own, each with an
// optional
// "@{version}"; without it the newest. References must outlive it.
class NamedAudiences final : public AudienceFinder {
 public:
  NamedAudiences(const store::Store& store, const Asker& asker) : store_(store), asker_(asker) {}
  absl::Status Find(const std::string& name, v1::Audience* audience, std::string* pinned) const override;

 private:
  const store::Store& store_;
  const Asker asker_;
};

// As Exchange::SaveAudience and Exchange::ListAudiences.
absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallContext& context, store::Store& store,
                                                      int versions_max,
                                                      const v1::SaveAudienceRequest& request);
// The newest version of each, by name.
absl::StatusOr<std::vector<v1::SavedAudience>> AllAudiences(const CallContext& context,
                                                            const store::Store& store);

}  // namespace coalition::exchange
