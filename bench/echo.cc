// What the exchange's screening is measured against: a bare callback server over the same TLS with the same
// messages, that parses each request, copies a prepared answer of the same bytes, and does nothing else.
//
//   coalition_echo PORT CERTIFICATE KEY CLIENT_CA ANSWER RARE_ANSWER RARE_EVERY [SNAPSHOT COPIES TAIL]
//
// ANSWER files hold serialised ScreenSellersResponse messages; every RARE_EVERYth call gets the rare one (0:
// none). SNAPSHOT and TAIL hold WatchRecordsResponse messages: what watches are told, and after each
// CreateRecord, which stores nothing.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "bench/watch_echo.h"
#include "coalition/v1/exchange_service.grpc.pb.h"
#include "common/file.h"

namespace coalition::bench {
namespace {

class EchoService final : public v1::ExchangeService::CallbackService {
 public:
  EchoService(v1::ScreenSellersResponse answer, v1::ScreenSellersResponse rare, uint64_t rare_every,
              WatchEcho& watches)
      : answer_(std::move(answer)), rare_(std::move(rare)), rare_every_(rare_every), watches_(watches) {}

  grpc::ServerUnaryReactor* ScreenSellers(grpc::CallbackServerContext* context,
                                          const v1::ScreenSellersRequest* /*request*/,
                                          v1::ScreenSellersResponse* response) override {
    const bool rare = rare_every_ != 0 && calls_.fetch_add(1, std::memory_order_relaxed) % rare_every_ == 0;
    *response = rare ? rare_ : answer_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* CreateRecord(grpc::CallbackServerContext* context,
                                         const v1::CreateRecordRequest* request,
                                         v1::CreateRecordResponse* response) override {
    *response->mutable_record() = request->record();
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    watches_.TellAll();
    return reactor;
  }

 private:
  const v1::ScreenSellersResponse answer_, rare_;
  const uint64_t rare_every_;
  WatchEcho& watches_;
  std::atomic<uint64_t> calls_ = 0;
};

std::string Contents(const char* path) {
  auto contents = ReadFile(path, size_t{16} << 20);
  if (!contents.ok()) {
    std::fprintf(stderr, "%s\n", contents.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(contents);
}

template <class Message>
Message Answer(const char* path) {
  Message answer;
  if (!answer.ParseFromString(Contents(path))) {
    std::fprintf(stderr, "%s is no %s\n", path, answer.GetTypeName().c_str());
    std::exit(1);
  }
  return answer;
}

int Main(int count, char** arguments) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  v1::WatchRecordsResponse snapshot, tail;
  uint64_t copies = 0;
  if (count > 8) {
    snapshot = Answer<v1::WatchRecordsResponse>(arguments[8]);
    copies = std::strtoull(arguments[9], nullptr, 10);
    tail = Answer<v1::WatchRecordsResponse>(arguments[10]);
  }
  WatchEcho watches(std::move(snapshot), copies, std::move(tail));
  EchoService service(Answer<v1::ScreenSellersResponse>(arguments[5]),
                      Answer<v1::ScreenSellersResponse>(arguments[6]),
                      std::strtoull(arguments[7], nullptr, 10), watches);
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_key_cert_pairs.push_back({Contents(arguments[3]), Contents(arguments[2])});
  tls.pem_root_certs = Contents(arguments[4]);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + arguments[1], grpc::SslServerCredentials(tls));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterService(&service);
  builder.RegisterService(&watches);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "cannot listen on port %s\n", arguments[1]);
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown();
  return 0;
}

}  // namespace
}  // namespace coalition::bench

int main(int count, char** arguments) {
  if (count != 8 && count != 11) {
    std::fprintf(stderr,
                 "usage: %s PORT CERTIFICATE KEY CLIENT_CA ANSWER RARE_ANSWER RARE_EVERY [SNAPSHOT COPIES "
                 "TAIL]\n",
                 arguments[0]);
    return 2;
  }
  // As coalitiond does: the comparison is of what the servers do, not of how Abseil was built.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return coalition::bench::Main(count, arguments);
}
