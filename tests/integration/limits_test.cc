// How much one member may ask at a time, and what it is told beyond that; others go on.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <thread>
#include <vector>

#include "common/errors.h"
#include "server/acceptor.h"
#include "tests/integration/import_stream.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"

namespace coalition::testing {
namespace {

using MembershipStub = v1::MembershipService::Stub;

TestServer::Options WithLimits(const std::function<void(config::v1::Limits*)>& edit) {
  TestServer::Options options;
  options.edit_config = [edit](config::v1::ServerConfig* config) { edit(config->mutable_limits()); };
  return options;
}

TEST(LimitsTest, CallsPerSecond) {
  TestServer server(WithLimits([](config::v1::Limits* limits) {
    limits->set_calls_per_second(1);
    limits->set_calls_burst(5);
  }));
  const auto corsa = server.Membership("corsa");
  const auto start = std::chrono::steady_clock::now();
  absl::Status status;
  int admitted = 0;
  while ((status = Call(corsa, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status()).ok() &&
         admitted < 100) {
    ++admitted;
  }
  // The burst, and one more for each whole second that these few calls have taken.
  const auto passed = std::chrono::steady_clock::now() - start;
  EXPECT_GE(admitted, 5);
  EXPECT_LE(admitted, 5 + std::chrono::duration_cast<std::chrono::seconds>(passed).count());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_RATE_LIMITED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "calls_per_second");
  ASSERT_TRUE(GetRetryDelay(status).has_value());
  EXPECT_GT(GetRetryDelay(status)->count(), 0);
  EXPECT_LE(GetRetryDelay(status)->count(), 1000);
  EXPECT_TRUE(server.WhoAmI(server.IdentityOf("aurore")).ok());
}

TEST(LimitsTest, CallsAtOnce) {
  // Import streams stay open, and each is a call.
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_calls_per_member_max(2); }));
  const auto stub = server.Exchange("corsa");
  v1::ImportRecordsResponse response;
  ImportCall first(stub), second(stub);
  for (ImportCall* call : {&first, &second}) {
    ASSERT_TRUE(call->Write(ImportOf(0, 1)));
    ASSERT_TRUE(call->Read(&response));
  }
  const absl::Status status = server.WhoAmI(server.IdentityOf("corsa")).status();
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_RATE_LIMITED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "calls_per_member");
  EXPECT_TRUE(server.WhoAmI(server.IdentityOf("aurore")).ok());
  first.WritesDone();
  EXPECT_TRUE(first.Finish().ok());
  // Its place is free as soon as the server has seen the end.
  absl::Status again;
  Eventually([&] { return (again = server.WhoAmI(server.IdentityOf("corsa")).status()).ok(); });
  EXPECT_TRUE(again.ok()) << again;
  second.Cancel();
  EXPECT_EQ(second.Finish().code(), absl::StatusCode::kCancelled);
}

// Imports `count` records that say much.
void ImportMuch(const TestServer& server, int count) {
  ImportCall import(server.Exchange("aurore"));
  v1::ImportRecordsRequest request = ImportOf(0, count);
  for (v1::ImportItem& item : *request.mutable_items()) {
    item.mutable_record()->mutable_offender_report()->set_comment(std::string(4000, 'x'));
  }
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(import.Write(request));
  ASSERT_TRUE(import.Read(&response));
  ASSERT_EQ(response.results_size(), count);
  ASSERT_EQ(response.results(0).status(), v1::IMPORT_STATUS_CREATED) << response.results(0).error().message();
  import.WritesDone();
  ASSERT_TRUE(import.Finish().ok());
}

// Makes the call and does not read its answer, which is larger than the client's window.
template <class Response, class Request, class Prepare>
void ExpectCutOff(const TestServer& server, const Request& request, Prepare prepare) {
  const std::string flying = "coalition_calls_in_flight";
  ASSERT_TRUE(Eventually([&] { return Metric(server, flying) == 0; }));
  const auto stub = v1::ExchangeService::NewStub(server.ChannelAs(server.IdentityOf("aurore"), 1024));
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  // Without Finish gRPC reads what fits the window, and no more.
  const auto call = (stub.get()->*prepare)(&context, request, &queue);
  call->StartCall();
  call->ReadInitialMetadata(nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));  // it was answered
  EXPECT_TRUE(ok);
  EXPECT_EQ(Metric(server, flying), 1U) << "its place is held until it has been read";
  EXPECT_TRUE(Eventually([&] { return Metric(server, flying) == 0; }));
  Response response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

TEST(LimitsTest, AClientThatDoesNotReadItsAnswerIsCutOff) {
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_call_duration_ms_max(3000); }));
  ImportMuch(server, 20);
  using Stub = v1::ExchangeService::Stub;
  ExpectCutOff<v1::ListRecordsResponse>(server, v1::ListRecordsRequest(), &Stub::PrepareAsyncListRecords);
  v1::ListRecordsRequest one;
  one.set_page_size(1);
  const auto page = Call(server.Exchange("aurore"), &Stub::ListRecords, one);
  ASSERT_TRUE(page.ok()) << page.status();
  // Answered on gRPC's own thread.
  ExpectCutOff<v1::GetRecordResponse>(server, GetOf(page->records(0).name()), &Stub::PrepareAsyncGetRecord);
}

TEST(LimitsTest, AScreeningThatLooksAtManyRecordsIsAnsweredByAWorker) {
  TestServer server;
  ImportCall import(server.Exchange("bazaar"));
  v1::ImportRecordsResponse response;
  for (int message = 0; message < 2; ++message) {
    v1::ImportRecordsRequest request;
    for (int i = 0; i < 200; ++i) {
      v1::ImportItem* item = request.add_items();
      item->set_item_id(i);
      *item->mutable_record() = Outcome("shop-1");
    }
    ASSERT_TRUE(import.Write(request));
    ASSERT_TRUE(import.Read(&response));
    ASSERT_EQ(response.results(199).status(), v1::IMPORT_STATUS_CREATED);
  }
  import.WritesDone();
  ASSERT_TRUE(import.Finish().ok());
  const auto own =
      Call(server.Exchange("bazaar"), &v1::ExchangeService::Stub::ScreenSellers, ScreenOf("shop-1"));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->results(0).matches_size(), 20);
  const auto hidden =
      Call(server.Exchange("souk"), &v1::ExchangeService::Stub::ScreenSellers, ScreenOf("shop-1"));
  ASSERT_TRUE(hidden.ok()) << hidden.status();
  EXPECT_EQ(hidden->results(0).verdict(), v1::VERDICT_NOT_LISTED);
  EXPECT_EQ(hidden->results(0).matches_size(), 0);
}

TEST(LimitsTest, ImportStreamsAtOnce) {
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_imports_per_member_max(1); }));
  const auto stub = server.Exchange("corsa");
  v1::ImportRecordsResponse response;
  ImportCall first(stub);
  ASSERT_TRUE(first.Write(ImportOf(0, 1)));
  ASSERT_TRUE(first.Read(&response));
  ImportCall second(stub);
  EXPECT_FALSE(second.Read(&response));
  const absl::Status status = second.Finish();
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_RATE_LIMITED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "imports_per_member");
  first.WritesDone();
  EXPECT_TRUE(first.Finish().ok());
}

TEST(LimitsTest, Connections) {
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_connections_max(3); }));
  std::vector<std::unique_ptr<MembershipStub>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(server.Membership("aurore"));
    EXPECT_TRUE(Call(open.back(), &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok()) << i;
  }
  EXPECT_EQ(server.WhoAmI(server.IdentityOf("corsa")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Call(open[0], &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok());
  open.pop_back();
  // As soon as gRPC has closed it, there is room.
  absl::Status again;
  Eventually([&] { return (again = server.WhoAmI(server.IdentityOf("corsa")).status()).ok(); });
  EXPECT_TRUE(again.ok()) << again;
}

// A connection from one of this machine's addresses that says nothing.
class SilentConnection {
 public:
  SilentConnection(const std::string& from, int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in own = Address(from, 0), server = Address("127.0.0.1", port);
    connected_ = bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0 &&
                 connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0;
  }
  ~SilentConnection() { close(fd_); }
  SilentConnection(const SilentConnection&) = delete;
  SilentConnection& operator=(const SilentConnection&) = delete;

  bool connected() const { return connected_; }
  // Waits until the server closes it; false: it does not.
  bool IsClosed() const {
    const timeval timeout{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    char byte = 0;
    return recv(fd_, &byte, 1, 0) == 0 || errno == ECONNRESET;
  }

 private:
  static sockaddr_in Address(const std::string& host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }

  const int fd_;
  bool connected_ = false;
};

uint64_t ConnectionsThatWere(const std::string& what, const TestServer& server) {
  return Metric(server, "coalition_connections_" + what + "_total");
}

// Connects; whether the server took it, by its own count.
bool IsTaken(std::vector<std::unique_ptr<SilentConnection>>* open, const std::string& from,
             const TestServer& server) {
  const uint64_t taken = ConnectionsThatWere("accepted", server);
  const uint64_t refused = ConnectionsThatWere("over_address_limit", server);
  open->push_back(std::make_unique<SilentConnection>(from, server.port()));
  EXPECT_TRUE(open->back()->connected()) << from;
  bool is_taken = false;
  EXPECT_TRUE(Eventually([&] {
    is_taken = ConnectionsThatWere("accepted", server) > taken;
    return is_taken || ConnectionsThatWere("over_address_limit", server) > refused;
  })) << "the server neither took nor refused a connection";
  return is_taken;
}

TEST(LimitsTest, ConnectionsOfOneAddress) {
  TestServer server(WithLimits([](config::v1::Limits* limits) {
    limits->set_connections_per_address_max(3);
    limits->set_handshake_ms_max(60'000);  // so that nothing else closes them
  }));
  std::vector<std::unique_ptr<SilentConnection>> open;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsTaken(&open, "127.0.0.1", server)) << i;
  EXPECT_FALSE(IsTaken(&open, "127.0.0.1", server));
  EXPECT_TRUE(open.back()->IsClosed());
  EXPECT_TRUE(IsTaken(&open, "127.0.0.2", server));
  open.erase(open.begin());
  // As soon as gRPC has closed it and the server has looked, there is room, for one.
  EXPECT_TRUE(Eventually([&] { return IsTaken(&open, "127.0.0.1", server); }));
  EXPECT_FALSE(IsTaken(&open, "127.0.0.1", server));
  EXPECT_EQ(ConnectionsThatWere("over_limit", server), 0u);
}

TEST(LimitsTest, ConnectionsAreCountedByTheAddressOfOneSubscriber) {
  const auto key = [](const char* text) {
    sockaddr_storage peer{};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(peer);
    auto& v4 = reinterpret_cast<sockaddr_in&>(peer);
    const bool is_v6 = inet_pton(AF_INET6, text, &v6.sin6_addr) == 1;
    peer.ss_family = is_v6 ? AF_INET6 : AF_INET;
    EXPECT_TRUE(is_v6 || inet_pton(AF_INET, text, &v4.sin_addr) == 1) << text;
    return server::AddressKey(peer);
  };
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  EXPECT_NE(key("192.0.2.1"), key("193.0.2.1"));
  EXPECT_EQ(key("::ffff:192.0.2.1"), key("192.0.2.1"));
  EXPECT_NE(key("::ffff:192.0.2.1"), key("::ffff:192.0.2.2"));
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2002:db8:1:2::1"));
}

// Holds the thread that discloses until it is let go.
class BlockingLog final : public ledger::DisclosureLog {
 public:
  void Record(ledger::Disclosure, std::function<void(absl::Status)> recorded) override {
    blocks_.store(true);
    gone_.wait();
    recorded(absl::OkStatus());
  }
  bool blocks() const { return blocks_.load(); }
  void Go() { go_.set_value(); }

 private:
  std::atomic<bool> blocks_{false};
  std::promise<void> go_;
  const std::shared_future<void> gone_ = go_.get_future().share();
};

// A record is created while the only worker is busy, with this deadline, and the worker is held until that
// has passed, or is not. How the call ended, and how many records there are then beside the others.
struct Created {
  absl::StatusCode code;
  int kept;
};
Created CreateBehindABusyWorker(std::chrono::seconds deadline, bool until_it_has_passed) {
  const auto log = std::make_shared<BlockingLog>();
  TestServer::Options options;
  options.disclosures = log;
  options.edit_config = [](config::v1::ServerConfig* config) { config->set_worker_threads(1); };
  TestServer server(std::move(options));
  using Stub = v1::ExchangeService::Stub;
  const auto aurore = server.Exchange("aurore");
  v1::Record shown = Report("shop-1");
  GrantMember(&shown, "belmont");
  EXPECT_TRUE(Call(aurore, &Stub::CreateRecord, CreateOf(shown)).ok());
  auto reader = std::async(std::launch::async, [&] {
    return Call(server.Exchange("belmont"), &Stub::ListRecords, v1::ListRecordsRequest()).status();
  });
  EXPECT_TRUE(Eventually([&] { return log->blocks(); }));
  auto answer = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    v1::CreateRecordResponse response;
    return aurore->CreateRecord(&context, CreateOf(Report("shop-2")), &response).error_code();
  });
  const std::string received =
      "grpc_server_msg_received_total{grpc_service=\"coalition.v1.ExchangeService\",grpc_method="
      "\"CreateRecord\",grpc_type=\"unary\"}";
  EXPECT_TRUE(Eventually([&] { return Metric(server, received) == 2; })) << "the server never had the call";
  // The server counts from when it had the call, and gRPC rounds up.
  const auto passed = std::chrono::steady_clock::now() + deadline + std::chrono::milliseconds(500);
  if (until_it_has_passed) std::this_thread::sleep_until(passed);
  log->Go();
  reader.wait();
  const auto code = static_cast<absl::StatusCode>(answer.get());
  // Behind it on the same worker and in the same store, in the same member's turn: it is there by now, or
  // not.
  EXPECT_TRUE(Call(aurore, &Stub::CreateRecord, CreateOf(Report("shop-3"))).ok());
  const auto own = Call(aurore, &Stub::ListRecords, v1::ListRecordsRequest());
  EXPECT_TRUE(own.ok()) << own.status();
  return {code, own.ok() ? own->records_size() - 2 : -1};
}

TEST(LimitsTest, ADeadlineThatHasPassedDoesNoWork) {
  const Created late = CreateBehindABusyWorker(std::chrono::seconds(5), true);
  EXPECT_EQ(late.code, absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(late.kept, 0) << "the call was done for nobody";
  // The control: one that is still wanted when its turn comes.
  const Created in_time = CreateBehindABusyWorker(std::chrono::seconds(60), false);
  EXPECT_EQ(in_time.code, absl::StatusCode::kOk);
  EXPECT_EQ(in_time.kept, 1);
}

}  // namespace
}  // namespace coalition::testing
