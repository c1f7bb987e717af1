#include "server/service/exchange_service.h"

#include <utility>

namespace coalition::service {
namespace {

using exchange::CallContext;
using exchange::Exchange;

template <class Request, class Response>
using ReadMethod = absl::Status (Exchange::*)(const CallContext&, const Request&, Response*,
                                              ledger::Disclosure*) const;
template <class Request, class Response>
using ReadNothingShown = absl::Status (Exchange::*)(const CallContext&, const Request&, Response*) const;
template <class Request, class Response>
using WriteMethod = void (Exchange::*)(const CallContext&, const Request&, Exchange::DoneShowing<Response>);
template <class Request, class Response>
using WriteNothingShown = void (Exchange::*)(const CallContext&, const Request&, Exchange::Done<Response>);

template <class Request, class Response>
auto Reads(Exchange& exchange, ReadMethod<Request, Response> read) {
  return [&exchange, read](const CallContext& context, const Request& request, Response* response,
                           ledger::Disclosure* disclosure) {
    return (exchange.*read)(context, request, response, disclosure);
  };
}

template <class Request, class Response>
Handler InPlace(Exchange& exchange, ReadMethod<Request, Response> read) {
  return [work = Reads(exchange, read)](CallKit& kit, const Incoming& incoming) {
    ReadInPlace<Request, Response>(kit, incoming, work);
  };
}

template <class Request, class Response>
Handler OnWorker(Exchange& exchange, ReadMethod<Request, Response> read) {
  return [work = Reads(exchange, read)](CallKit& kit, const Incoming& incoming) {
    ReadOnWorker<Request, Response>(kit, incoming, work);
  };
}

template <class Request, class Response>
Handler OnWorker(Exchange& exchange, ReadNothingShown<Request, Response> read) {
  return [&exchange, read](CallKit& kit, const Incoming& incoming) {
    ReadOnWorker<Request, Response>(
        kit, incoming,
        [&exchange, read](const CallContext& context, const Request& request, Response* response,
                          ledger::Disclosure*) { return (exchange.*read)(context, request, response); });
  };
}

template <class Request, class Response>
Handler Writes(Exchange& exchange, WriteMethod<Request, Response> write) {
  return [&exchange, write](CallKit& kit, const Incoming& incoming) {
    Write<Request, Response>(kit, incoming,
                             [&exchange, write](const CallContext& context, const Request& request,
                                                Exchange::DoneShowing<Response> done) {
                               (exchange.*write)(context, request, std::move(done));
                             });
  };
}

template <class Request, class Response>
Handler Writes(Exchange& exchange, WriteNothingShown<Request, Response> write) {
  return [&exchange, write](CallKit& kit, const Incoming& incoming) {
    Write<Request, Response>(kit, incoming,
                             [&exchange, write](const CallContext& context, const Request& request,
                                                Exchange::DoneShowing<Response> done) {
                               (exchange.*write)(context, request, [done = std::move(done)](auto answer) {
                                 done(std::move(answer), {});
                               });
                             });
  };
}

}  // namespace

std::vector<Route> ExchangeRoutes(Exchange& exchange) {
  return {
      {Method::kCreateRecord, Writes(exchange, &Exchange::Create)},
      {Method::kGetRecord, InPlace(exchange, &Exchange::Get)},
      {Method::kListRecords, OnWorker(exchange, &Exchange::List)},
      {Method::kReviseRecord, Writes(exchange, &Exchange::Revise)},
      {Method::kWithdrawRecord, Writes(exchange, &Exchange::Withdraw)},
      {Method::kClearRecord, Writes(exchange, &Exchange::Clear)},
      {Method::kBatchWithdrawRecords, Writes(exchange, &Exchange::BatchWithdraw)},
      {Method::kBatchClearRecords, Writes(exchange, &Exchange::BatchClear)},
      {Method::kConfirmRecord, Writes(exchange, &Exchange::Confirm)},
      {Method::kScreenSellers, InPlace(exchange, &Exchange::Screen)},
      {Method::kGetSellerProfile, OnWorker(exchange, &Exchange::Profile)},
      {Method::kPreviewAudience, OnWorker(exchange, &Exchange::Preview)},
      {Method::kExplainAccess, OnWorker(exchange, &Exchange::Explain)},
  };
}

}  // namespace coalition::service
