// The client's part of taking many records back.
#include <algorithm>
#include <utility>

#include "client/client.h"

namespace coalition::client {

namespace {

constexpr size_t kRecordsPerCall = 250;

// `request` says all but the names.
template <class Request, class Response>
TakenBack InBatches(const std::vector<std::string>& names, const TakeBackOptions& options, Request request,
                    const std::function<absl::StatusOr<Response>(const Request&)>& call) {
  TakenBack taken;
  request.set_validate_only(options.validate_only);
  for (size_t from = 0; from < names.size(); from += kRecordsPerCall) {
    const size_t to = std::min(names.size(), from + kRecordsPerCall);
    request.clear_names();
    for (size_t i = from; i < to; ++i) request.add_names(names[i]);
    absl::StatusOr<Response> response = call(request);
    if (response.ok() && static_cast<size_t>(response->results_size()) != to - from) {
      response = absl::InternalError("the server did not answer for each record");
    }
    taken.status = response.status();
    if (!response.ok()) return taken;
    for (v1::TakeBackResult& result : *response->mutable_results())
      taken.results.push_back(std::move(result));
    const bool go_on = !options.on_results || options.on_results(std::span(taken.results).subspan(from));
    if (!go_on && to < names.size()) {
      taken.status = absl::CancelledError("no more was wanted");
      return taken;
    }
  }
  return taken;
}

}  // namespace

TakenBack Client::WithdrawRecords(const std::vector<std::string>& names, const TakeBackOptions& options) {
  return InBatches<v1::BatchWithdrawRecordsRequest, v1::BatchWithdrawRecordsResponse>(
      names, options, {},
      [this](const auto& request) { return connection_->BatchWithdrawRecords(call_options(), request); });
}

TakenBack Client::ClearRecords(const std::vector<std::string>& names, const Clearance& clearance,
                               const TakeBackOptions& options) {
  v1::BatchClearRecordsRequest request;
  request.set_grounds(clearance.grounds);
  request.set_comment(clearance.comment);
  return InBatches<v1::BatchClearRecordsRequest, v1::BatchClearRecordsResponse>(
      names, options, std::move(request),
      [this](const auto& batch) { return connection_->BatchClearRecords(call_options(), batch); });
}

}  // namespace coalition::client
