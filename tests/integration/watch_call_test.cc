// Watch streams over gRPC and TLS: reading and writing at once, cancellation wherever a call may be.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "client/internal/grpc_watch_call.h"
#include "client/record_watch.h"
#include "coalition/v1/watch_service.grpc.pb.h"
#include "common/errors.h"
#include "tests/support/certificates.h"

namespace coalition::client::internal {
namespace {

using ServerStream = grpc::ServerReaderWriter<v1::WatchRecordsResponse, v1::WatchRecordsRequest>;

// Behaves as a test wants it.
class ScriptedService final : public v1::WatchService::Service {
 public:
  using Script = std::function<grpc::Status(grpc::ServerContext*, ServerStream*)>;
  explicit ScriptedService(Script script) : script_(std::move(script)) {}
  grpc::Status WatchRecords(grpc::ServerContext* context, ServerStream* stream) override {
    return script_(context, stream);
  }

 private:
  const Script script_;
};

class WatchCallTest : public ::testing::Test {
 protected:
  void Serve(ScriptedService::Script script) {
    service_ = std::make_unique<ScriptedService>(std::move(script));
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", Credentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ConnectTo(port);
  }
  void ConnectTo(int port) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = certificates_.ca_pem();
    stub_ = v1::WatchService::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::SslCredentials(tls)));
  }
  std::shared_ptr<grpc::ServerCredentials> Credentials() {
    const coalition::testing::Identity identity = certificates_.Server();
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({identity.key_pem, identity.certificate_pem});
    return grpc::SslServerCredentials(tls);
  }
  std::unique_ptr<RecordWatch> Watch() {
    return std::make_unique<RecordWatch>(
        [this]() -> absl::StatusOr<std::unique_ptr<WatchCall>> {
          return std::make_unique<GrpcWatchCall>(stub_);
        },
        v1::RecordFilter(), WatchOptions(), RetryPolicy{.budget = std::chrono::milliseconds(500)});
  }
  static v1::WatchRecordsResponse Response(int number, size_t bytes = 0) {
    v1::WatchRecordsResponse response;
    response.set_cursor(std::to_string(number) + std::string(bytes, ' '));
    return response;
  }

  coalition::testing::CertificateFactory certificates_;
  std::unique_ptr<ScriptedService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<v1::WatchService::Stub> stub_;
};

TEST_F(WatchCallTest, AWindowOfOneIsEnough) {
  Serve([](grpc::ServerContext*, ServerStream* stream) {
    v1::WatchRecordsRequest request;
    EXPECT_TRUE(stream->Read(&request) && request.has_start());
    for (int i = 1; i <= 20; ++i) {
      stream->Write(Response(i));
      EXPECT_TRUE(stream->Read(&request));
      EXPECT_EQ(request.acknowledgement().responses(), i);
    }
    const google::rpc::Status wire = ToRpcStatus(Error(v1::ERROR_REASON_CURSOR_TOO_OLD, "gone"));
    return grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "gone", wire.SerializeAsString());
  });
  const auto watch = Watch();
  for (int i = 1; i <= 20; ++i) {
    const auto response = watch->Next();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->cursor(), std::to_string(i));
  }
  EXPECT_EQ(GetErrorReason(watch->Next().status()), v1::ERROR_REASON_CURSOR_TOO_OLD);
}

TEST_F(WatchCallTest, AServerThatReadsNothingHoldsNothingUp) {
  std::atomic<bool> ended = false;
  Serve([&](grpc::ServerContext* context, ServerStream* stream) {
    v1::WatchRecordsRequest request;
    EXPECT_TRUE(stream->Read(&request));
    int sent = 0;
    while (stream->Write(Response(++sent, 1'000))) {
    }
    ended = context->IsCancelled();
    return grpc::Status::OK;
  });
  auto watch = Watch();
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(watch->Next().ok());
  watch.reset();
  server_->Shutdown();
  EXPECT_TRUE(ended);
}

TEST_F(WatchCallTest, ABlockedWriteEndsWithTheCall) {
  Serve([&](grpc::ServerContext* context, ServerStream*) {
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status::OK;
  });
  GrpcWatchCall call(stub_);
  v1::WatchRecordsRequest large;
  large.mutable_start()->set_cursor(std::string(1 << 20, 'x'));
  std::atomic<int> written = 0;
  std::thread writer([&] {
    while (call.Write(large)) ++written;
  });
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    call.Cancel();
  });
  v1::WatchRecordsResponse response;
  while (written == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(call.Read(&response));
  writer.join();
  canceller.join();
  EXPECT_TRUE(absl::IsCancelled(call.Finish()));
  server_->Shutdown();
}

TEST_F(WatchCallTest, AnEndOfTheServersReachesAWriterThatIsBlocked) {
  std::atomic<bool> end = false;
  Serve([&](grpc::ServerContext*, ServerStream*) {
    while (!end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down");
  });
  GrpcWatchCall call(stub_);
  v1::WatchRecordsRequest large;
  large.mutable_start()->set_cursor(std::string(1 << 20, 'x'));
  std::atomic<int> written = 0;
  std::thread writer([&] {
    while (call.Write(large)) ++written;
  });
  while (written == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  end = true;
  v1::WatchRecordsResponse response;
  EXPECT_FALSE(call.Read(&response));
  writer.join();
  EXPECT_TRUE(absl::IsUnavailable(call.Finish()));
}

TEST_F(WatchCallTest, ACallThatCanNotBeMadeYetIsCancelled) {
  // Accepts at most the connection, and says nothing on it.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ConnectTo(ntohs(address.sin_port));
  auto watch = Watch();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    watch->Cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(absl::IsCancelled(watch->Next().status()));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  canceller.join();
  ::close(listener);
}

TEST_F(WatchCallTest, NobodyThereIsUnavailable) {
  ConnectTo(1);
  EXPECT_TRUE(absl::IsUnavailable(Watch()->Next().status()));
}

TEST_F(WatchCallTest, CancelledOrDroppedBeforeItStarts) {
  ConnectTo(1);
  const GrpcWatchCall dropped(stub_);
  GrpcWatchCall cancelled(stub_);
  cancelled.Cancel();
  v1::WatchRecordsRequest request;
  request.mutable_start();
  EXPECT_FALSE(cancelled.Write(request));
  EXPECT_TRUE(absl::IsCancelled(cancelled.Finish()));
}

TEST_F(WatchCallTest, WhatIsUnreadIsDroppedWithTheWatch) {
  Serve([&](grpc::ServerContext*, ServerStream* stream) {
    v1::WatchRecordsRequest request;
    while (stream->Write(Response(1, 100'000))) {
    }
    return grpc::Status::OK;
  });
  auto watch = Watch();
  ASSERT_TRUE(watch->Next().ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // there is more by now
  watch.reset();
  server_->Shutdown();
}

}  // namespace
}  // namespace coalition::client::internal
