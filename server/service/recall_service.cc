#include "server/service/recall_service.h"

#include <utility>

namespace coalition::service {
namespace {

Handler Acknowledges(const watch::Recalls& recalls) {
  using Request = v1::AcknowledgeRecallsRequest;
  using Response = v1::AcknowledgeRecallsResponse;
  return [&recalls](CallKit& kit, const Incoming& incoming) {
    Write<Request, Response>(kit, incoming,
                             [&recalls](const exchange::CallContext& context, const Request& request,
                                        exchange::Exchange::DoneShowing<Response> done) {
                               recalls.Acknowledge(context, request, [done = std::move(done)](auto answer) {
                                 done(std::move(answer), {});  // it shows nothing
                               });
                             });
  };
}

}  // namespace

std::vector<Route> RecallRoutes(const watch::Recalls& recalls) {
  return {
      {Method::kListRecalls, ServeOnWorker(&recalls, &watch::Recalls::List)},
      {Method::kAcknowledgeRecalls, Acknowledges(recalls)},
      {Method::kGetRecallStatus, ServeOnWorker(&recalls, &watch::Recalls::Status)},
  };
}

}  // namespace coalition::service
