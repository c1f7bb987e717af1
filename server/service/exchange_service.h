// coalition.v1.ExchangeService: gRPC to the exchange room and back, and nothing else.
#pragma once

#include "coalition/v1/exchange_service.grpc.pb.h"
#include "server/exchange/exchange.h"
#include "server/service/call_kit.h"
#include "server/service/import_stream.h"

namespace coalition::service {

namespace internal {
using ExchangeBase0 = v1::ExchangeService::WithRawCallbackMethod_CreateRecord<v1::ExchangeService::Service>;
using ExchangeBase1 = v1::ExchangeService::WithRawCallbackMethod_GetRecord<ExchangeBase0>;
using ExchangeBase2 = v1::ExchangeService::WithRawCallbackMethod_ListRecords<ExchangeBase1>;
using ExchangeBase3 = v1::ExchangeService::WithRawCallbackMethod_ReviseRecord<ExchangeBase2>;
using ExchangeBase4 = v1::ExchangeService::WithRawCallbackMethod_WithdrawRecord<ExchangeBase3>;
using ExchangeBase5 = v1::ExchangeService::WithRawCallbackMethod_ImportRecords<ExchangeBase4>;
using ExchangeBase6 = v1::ExchangeService::WithRawCallbackMethod_ScreenSellers<ExchangeBase5>;
using ExchangeBase7 = v1::ExchangeService::WithRawCallbackMethod_GetSellerProfile<ExchangeBase6>;
using ExchangeBase8 = v1::ExchangeService::WithRawCallbackMethod_PreviewAudience<ExchangeBase7>;
using ExchangeBase9 = v1::ExchangeService::WithRawCallbackMethod_ExplainAccess<ExchangeBase8>;
}  // namespace internal

// Thread-safe. References must outlive the service, the service the grpc::Server.
class ExchangeService final : public internal::ExchangeBase9 {
 public:
  ExchangeService(CallKit& kit, exchange::Exchange& exchange, ImportStreams& imports)
      : kit_(kit), exchange_(exchange), imports_(imports) {}

  grpc::ServerUnaryReactor* CreateRecord(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetRecord(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListRecords(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReviseRecord(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* WithdrawRecord(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ImportRecords(
      grpc::CallbackServerContext* call) override;
  grpc::ServerUnaryReactor* ScreenSellers(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetSellerProfile(grpc::CallbackServerContext* call,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* PreviewAudience(grpc::CallbackServerContext* call,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ExplainAccess(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  CallKit& kit_;
  exchange::Exchange& exchange_;
  ImportStreams& imports_;
};

}  // namespace coalition::service
