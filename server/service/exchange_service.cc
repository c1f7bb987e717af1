#include "server/service/exchange_service.h"

#include <utility>

#include "server/service/unary.h"

namespace coalition::service {

grpc::ServerUnaryReactor* ExchangeService::CreateRecord(grpc::CallbackServerContext* call,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Write<v1::CreateRecordRequest, v1::CreateRecordResponse>(
      kit_, Method::kCreateRecord, call, request, response,
      [this](const exchange::CallContext& context, const v1::CreateRecordRequest& create,
             exchange::Exchange::DoneShowing<v1::CreateRecordResponse> done) {
        exchange_.Create(context, create, std::move(done));
      });
}

grpc::ServerUnaryReactor* ExchangeService::GetRecord(grpc::CallbackServerContext* call,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return ReadInPlace<v1::GetRecordRequest, v1::GetRecordResponse>(
      kit_, Method::kGetRecord, call, request, response,
      [this](const exchange::CallContext& context, const v1::GetRecordRequest& get,
             v1::GetRecordResponse* record,
             ledger::Disclosure* disclosure) { return exchange_.Get(context, get, record, disclosure); });
}

grpc::ServerUnaryReactor* ExchangeService::ListRecords(grpc::CallbackServerContext* call,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return ReadOnWorker<v1::ListRecordsRequest, v1::ListRecordsResponse>(
      kit_, Method::kListRecords, call, request, response,
      [this](const exchange::CallContext& context, const v1::ListRecordsRequest& list,
             v1::ListRecordsResponse* records,
             ledger::Disclosure* disclosure) { return exchange_.List(context, list, records, disclosure); });
}

grpc::ServerUnaryReactor* ExchangeService::ReviseRecord(grpc::CallbackServerContext* call,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Write<v1::ReviseRecordRequest, v1::ReviseRecordResponse>(
      kit_, Method::kReviseRecord, call, request, response,
      [this](const exchange::CallContext& context, const v1::ReviseRecordRequest& revise,
             exchange::Exchange::DoneShowing<v1::ReviseRecordResponse> done) {
        exchange_.Revise(context, revise, std::move(done));
      });
}

grpc::ServerUnaryReactor* ExchangeService::WithdrawRecord(grpc::CallbackServerContext* call,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return Write<v1::WithdrawRecordRequest, v1::WithdrawRecordResponse>(
      kit_, Method::kWithdrawRecord, call, request, response,
      [this](const exchange::CallContext& context, const v1::WithdrawRecordRequest& withdraw,
             exchange::Exchange::DoneShowing<v1::WithdrawRecordResponse> done) {
        exchange_.Withdraw(context, withdraw, [done = std::move(done)](auto answer) {
          done(std::move(answer), {});  // it shows nothing
        });
      });
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ExchangeService::ImportRecords(
    grpc::CallbackServerContext* call) {
  return imports_.Open(kit_, exchange_, call);
}

grpc::ServerUnaryReactor* ExchangeService::ScreenSellers(grpc::CallbackServerContext* call,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  const auto screen = [this](const exchange::CallContext& context, const v1::ScreenSellersRequest& sellers,
                             v1::ScreenSellersResponse* results, ledger::Disclosure* disclosure) {
    return exchange_.Screen(context, sellers, results, disclosure);
  };
  return ReadInPlace<v1::ScreenSellersRequest, v1::ScreenSellersResponse>(kit_, Method::kScreenSellers, call,
                                                                          request, response, screen);
}

grpc::ServerUnaryReactor* ExchangeService::GetSellerProfile(grpc::CallbackServerContext* call,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ReadOnWorker<v1::GetSellerProfileRequest, v1::GetSellerProfileResponse>(
      kit_, Method::kGetSellerProfile, call, request, response,
      [this](const exchange::CallContext& context, const v1::GetSellerProfileRequest& get,
             v1::GetSellerProfileResponse* profile, ledger::Disclosure* disclosure) {
        return exchange_.Profile(context, get, profile, disclosure);
      });
}

grpc::ServerUnaryReactor* ExchangeService::PreviewAudience(grpc::CallbackServerContext* call,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ReadOnWorker<v1::PreviewAudienceRequest, v1::PreviewAudienceResponse>(
      kit_, Method::kPreviewAudience, call, request, response,
      [this](const exchange::CallContext& context, const v1::PreviewAudienceRequest& draft,
             v1::PreviewAudienceResponse* preview,
             ledger::Disclosure*) { return exchange_.Preview(context, draft, preview); });
}

grpc::ServerUnaryReactor* ExchangeService::ExplainAccess(grpc::CallbackServerContext* call,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return ReadOnWorker<v1::ExplainAccessRequest, v1::ExplainAccessResponse>(
      kit_, Method::kExplainAccess, call, request, response,
      [this](const exchange::CallContext& context, const v1::ExplainAccessRequest& explain,
             v1::ExplainAccessResponse* access, ledger::Disclosure* disclosure) {
        return exchange_.Explain(context, explain, access, disclosure);
      });
}

}  // namespace coalition::service
