#include "server/service/erasure_service.h"

#include <utility>

#include "coalition/v1/erasure_service.pb.h"

namespace coalition::service {
namespace {

// The exchange judges who may: the listener serves members' own administrators too.
Handler Erases(exchange::Exchange& exchange) {
  using Request = v1::EraseRecordsRequest;
  using Response = v1::EraseRecordsResponse;
  return [&exchange](CallKit& kit, const Incoming& incoming) {
    Write<Request, Response>(kit, incoming,
                             [&exchange](const exchange::CallContext& context, const Request& request,
                                         exchange::Exchange::DoneShowing<Response> done) {
                               exchange.Erase(context, request, [done = std::move(done)](auto answer) {
                                 done(std::move(answer), {});  // nothing of what the records say
                               });
                             });
  };
}

}  // namespace

std::vector<Route> ErasureRoutes(exchange::Exchange& exchange) {
  return {{Method::kEraseRecords, Erases(exchange)}};
}

}  // namespace coalition::service
