// The client's part of recalls: what was taken back, and who has dealt with it.
#include <algorithm>

#include "client/client.h"
#include "client/internal/to_page.h"

namespace coalition::client {

namespace {

constexpr size_t kRecallsPerCall = 1'000;

}  // namespace

PagedRange<v1::Retraction> Client::ListRecalls(int page_size) {
  return PagedRange<v1::Retraction>([this, page_size](
                                        const std::string& token) -> absl::StatusOr<Page<v1::Retraction>> {
    v1::ListRecallsRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    absl::StatusOr<v1::ListRecallsResponse> response = ListRecallsPage(request);
    if (!response.ok()) return response.status();
    return internal::ToPage<v1::Retraction>(response->mutable_recalls(), response->mutable_next_page_token());
  });
}

absl::StatusOr<v1::ListRecallsResponse> Client::ListRecallsPage(const v1::ListRecallsRequest& request) {
  return connection_->ListRecalls(call_options(), request);
}

absl::Status Client::AcknowledgeRecalls(const std::vector<v1::Retraction>& recalls) {
  for (size_t from = 0; from < recalls.size(); from += kRecallsPerCall) {
    const size_t to = std::min(recalls.size(), from + kRecallsPerCall);
    v1::AcknowledgeRecallsRequest request;
    for (size_t i = from; i < to; ++i) *request.add_recalls() = recalls[i];
    absl::Status status = connection_->AcknowledgeRecalls(call_options(), request).status();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::GetRecallStatusResponse> Client::GetRecallStatus(const std::string& name) {
  v1::GetRecallStatusRequest request;
  request.set_name(name);
  return connection_->GetRecallStatus(call_options(), request);
}

}  // namespace coalition::client
