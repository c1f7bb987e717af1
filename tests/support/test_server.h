// A real server in the test's own process: real mutual TLS on a free port, a store in a directory of its own,
// the cast of a small coalition.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/config/v1/server_config.pb.h"
#include "coalition/v1/exchange_service.grpc.pb.h"
#include "coalition/v1/membership_service.grpc.pb.h"
#include "coalition/v1/policy_service.grpc.pb.h"
#include "coalition/v1/proposal_service.grpc.pb.h"
#include "coalition/v1/watch_service.grpc.pb.h"
#include "common/clock.h"
#include "common/random.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "server/ledger/disclosures.h"
#include "server/server.h"
#include "tests/support/certificates.h"

namespace coalition::testing {

// The machine's time and an offset. Thread-safe.
class ShiftedClock final : public Clock {
 public:
  int64_t NowNs() const override { return clock_.NowNs() + offset_ns_.load(); }
  void Advance(std::chrono::seconds by) { offset_ns_ += by.count() * 1'000'000'000; }

 private:
  SystemClock clock_;
  std::atomic<int64_t> offset_ns_{0};
};

// What came over the wire, with its details. OK for OK.
absl::Status FromGrpc(const grpc::Status& status);

// One unary call with a deadline of half a minute: a busy machine, under a sanitizer, may take seconds.
template <class Stub, class Request, class Response>
absl::StatusOr<Response> Call(const std::unique_ptr<Stub>& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  Response response;
  const grpc::Status status = (stub.get()->*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

struct HttpAnswer {
  int code = 0;  // 0: no answer
  std::string body;
};
// "GET {path}" of this machine's port.
HttpAnswer HttpGet(int port, const std::string& path, const std::string& method = "GET");

// Not thread-safe, but for channels and stubs. Aborts when what a test can't do without fails.
//
// The cast, each with a credential "backend" that reads and contributes, all ACTIVE: aurore, belmont, corsa
// BRAND; bazaar, souk MARKETPLACE, which hold bazaar.example and souk.example; paylink PAYMENT; customs
// AUTHORITY; office SECRETARIAT, whose backend only reads. Each has a credential "admin" too, the
// MEMBER_ADMIN, and office's is COALITION_ADMIN; and aurore a credential "reader", which only reads; office
// one "audit", the AUDITOR. Group "watchmakers", closed: aurore, belmont.
class TestServer {
 public:
  struct Options {
    std::function<void(config::v1::Bootstrap*)> edit_bootstrap;
    std::function<void(config::v1::ServerConfig*)> edit_config;
    std::shared_ptr<ledger::DisclosureLog> disclosures;
    const Clock* clock = nullptr;
    Random* random = nullptr;
  };

  TestServer();
  explicit TestServer(Options options);
  // Stops and removes the directory.
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  int port() const { return server_->port(); }
  int admin_port() const { return server_->admin_port(); }
  // Of the listener that serves this identity.
  int PortFor(const Identity& identity) const;
  int http_port() const { return server_->http_port(); }
  server::Server& server() { return *server_; }
  CertificateFactory& certificates() { return certificates_; }
  const std::string& directory() const { return directory_; }
  // Complete, of this server; for another on the same directory.
  const config::v1::ServerConfig& config() const { return config_; }
  server::ServerOptions ServerOptionsFor(config::v1::ServerConfig config) const;
  // Shuts down and destroys the server; Restart begins another, on the same store and with new ports.
  void Stop();
  void Restart();
  // The same with another configuration, which is complete.
  void RestartWith(config::v1::ServerConfig config);

  // The registered identity.
  const Identity& IdentityOf(const std::string& member, const std::string& credential = "backend") const;
  // A connection of its own with each call, to the listener that serves the identity, or to `port`. Nothing
  // is tried again. `window_bytes`: how much of an answer the client takes before it is read; 0: gRPC's own
  // 64 KiB.
  std::shared_ptr<grpc::Channel> ChannelAs(const Identity& identity, int window_bytes = 0,
                                           int port = 0) const;
  std::shared_ptr<grpc::Channel> ChannelAs(const std::string& member,
                                           const std::string& credential = "backend") const;
  std::unique_ptr<v1::ExchangeService::Stub> Exchange(const std::string& member,
                                                      const std::string& credential = "backend") const;
  std::unique_ptr<v1::MembershipService::Stub> Membership(const std::string& member,
                                                          const std::string& credential = "backend") const;
  std::unique_ptr<v1::PolicyService::Stub> Policy(const std::string& member,
                                                  const std::string& credential = "backend") const;
  std::unique_ptr<v1::ProposalService::Stub> Proposals(const std::string& member,
                                                       const std::string& credential = "admin") const;
  std::unique_ptr<v1::WatchService::Stub> Watch(const std::string& member,
                                                const std::string& credential = "backend") const;
  // What the server says to whoever presents this identity.
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const Identity& identity) const;

 private:
  void WriteFiles();
  void AddMember(config::v1::Bootstrap* bootstrap, const std::string& id, v1::MemberKind kind);
  void AddCredential(config::v1::BootstrapMember* member, const std::string& id);

  const Options options_;
  std::string directory_;
  CertificateFactory certificates_;
  std::map<std::string, Identity> identities_;  // by "member/credential"
  std::set<std::string> administrative_keys_;   // their public keys' hashes
  config::v1::ServerConfig config_;
  std::unique_ptr<server::Server> server_;
};

}  // namespace coalition::testing
