// A member is suspended while a thousand of its streams and eight of its clients are under way.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "coalition/v1/membership_service.grpc.pb.h"
#include "coalition/v1/proposal_service.grpc.pb.h"
#include "common/clock.h"
#include "google/protobuf/util/time_util.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr int kStreams = 1000;
constexpr int kConnections = 8;
constexpr int kUnaryClients = 8;
constexpr int kRounds = 20;
constexpr std::chrono::seconds kOpening(60);
constexpr std::chrono::seconds kClosing(30);
constexpr const char* kMember = "members/aurore";

int64_t Nanoseconds(Time time) { return time.time_since_epoch().count(); }

// What all clients of a round have seen.
struct Seen {
  std::atomic<int> open{0}, closed{0};
  std::atomic<uint64_t> messages{0};            // answers with contents
  std::atomic<int64_t> last_message_ns{0};      // when the last of those came
  std::atomic<int64_t> returned_ns{INT64_MAX};  // when the administrator's call had returned
  std::atomic<uint64_t> after_return{0};        // of the messages, those read later
  std::atomic<int64_t> last_closed_ns{0};

  void Message() {
    const int64_t now = Nanoseconds(Clock::now());
    messages.fetch_add(1, std::memory_order_relaxed);
    if (now > returned_ns.load()) after_return.fetch_add(1);
    int64_t last = last_message_ns.load();
    while (last < now && !last_message_ns.compare_exchange_weak(last, now)) {
    }
  }
  void Closed() {
    last_closed_ns.store(Nanoseconds(Clock::now()));
    closed.fetch_add(1);
  }
};

// An import stream that sends the same item again when it has its answer: it is unchanged then, so that the
// rate is the streams' and not the disk's.
class Stream final : public grpc::ClientBidiReactor<v1::ImportRecordsRequest, v1::ImportRecordsResponse> {
 public:
  Stream(v1::ExchangeService::Stub& stub, int number, Seen& seen) : seen_(seen) {
    v1::ImportItem& item = *request_.add_items();
    item.set_item_id(number);
    SetReport(static_cast<uint64_t>(number), item.mutable_record());
    item.mutable_record()->set_external_id("stream-" + std::to_string(number));
    stub.async()->ImportRecords(&context_, this);
    StartRead(&response_);
    StartWrite(&request_);
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (!opened_) seen_.open.fetch_add(1);
    opened_ = true;
    seen_.Message();
    StartRead(&response_);
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    if (ok) WriteNext();
  }
  void OnDone(const grpc::Status&) override { seen_.Closed(); }

 private:
  // When the last one was both taken by gRPC and answered; reactions may run at the same time.
  void WriteNext() {
    if (done_.fetch_add(1) % 2 == 1) StartWrite(&request_);
  }

  Seen& seen_;
  std::atomic<int> done_{0};
  grpc::ClientContext context_;
  v1::ImportRecordsRequest request_;
  v1::ImportRecordsResponse response_;
  bool opened_ = false;
};

// What one suspension took, in milliseconds.
struct Suspension {
  double shut_ms = 0, last_message_ms = 0, call_ms = 0, closed_ms = 0;
  double after_return = 0;
  double messages_per_s = 0;
};

class Office {
 public:
  explicit Office(const Endpoint& endpoint)
      : membership_(v1::MembershipService::NewStub(Connect(endpoint))),
        proposals_(v1::ProposalService::NewStub(Connect(endpoint))) {}

  // When nothing began to be sent any more, in nanoseconds of the machine's clock, which is the server's too.
  absl::StatusOr<int64_t> Suspend() {
    v1::SetStandingRequest request;
    request.set_member(kMember);
    request.set_standing(v1::STANDING_SUSPENDED);
    request.set_reason(v1::STANDING_REASON_SECURITY_INCIDENT);
    v1::SetStandingResponse response;
    grpc::ClientContext context;
    if (absl::Status status = FromGrpc(membership_->SetStanding(&context, request, &response));
        !status.ok()) {
      return status;
    }
    return google::protobuf::util::TimeUtil::TimestampToNanoseconds(response.cut_off().shut_time());
  }
  absl::Status Reinstate() {
    v1::CreateProposalRequest request;
    request.mutable_change()->mutable_reinstatement()->set_member(kMember);
    request.set_reason("the next round");
    v1::CreateProposalResponse proposed;
    grpc::ClientContext proposing, applying;
    absl::Status status = FromGrpc(proposals_->CreateProposal(&proposing, request, &proposed));
    if (!status.ok()) return status;
    v1::ApplyProposalRequest apply;
    apply.set_name(proposed.proposal().name());
    apply.set_digest(proposed.proposal().digest());
    v1::ApplyProposalResponse applied;
    return FromGrpc(proposals_->ApplyProposal(&applying, apply, &applied));
  }

 private:
  std::unique_ptr<v1::MembershipService::Stub> membership_;
  std::unique_ptr<v1::ProposalService::Stub> proposals_;
};

void ScreenUntilRefused(v1::ExchangeService::Stub& stub, Seen& seen) {
  v1::ScreenSellersRequest request;
  SetUnlistedSeller(0, request.add_sellers());
  for (;;) {
    grpc::ClientContext context;
    v1::ScreenSellersResponse response;
    if (!stub.ScreenSellers(&context, request, &response).ok()) return;
    seen.Message();
  }
}

template <class Condition>
bool WaitFor(std::chrono::seconds time, const Condition& condition) {
  const Time end = Clock::now() + time;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

absl::StatusOr<Suspension> MeasureOnce(const Endpoint& member, Office& office, double seconds) {
  std::vector<std::unique_ptr<v1::ExchangeService::Stub>> stubs;
  for (int i = 0; i < kConnections; ++i) stubs.push_back(v1::ExchangeService::NewStub(Connect(member)));
  Seen seen;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(std::make_unique<Stream>(*stubs[static_cast<size_t>(i % kConnections)], i, seen));
  }
  const bool opened = WaitFor(kOpening, [&] { return seen.open == kStreams; });
  std::vector<std::thread> unary;
  for (int i = 0; i < kUnaryClients; ++i) {
    unary.emplace_back([&, i] { ScreenUntilRefused(*stubs[static_cast<size_t>(i % kConnections)], seen); });
  }
  const uint64_t before = seen.messages;
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  Suspension suspension;
  suspension.messages_per_s = static_cast<double>(seen.messages - before) / seconds;
  const Time asked = Clock::now();
  const int64_t asked_ns = SystemClock().NowNs();
  const absl::StatusOr<int64_t> suspended = office.Suspend();
  const Time returned = Clock::now();
  seen.returned_ns = Nanoseconds(returned);
  const bool closed = WaitFor(kClosing, [&] { return seen.closed == kStreams; });
  for (auto& stream : streams) {
    if (!closed) stream->Cancel();
  }
  for (std::thread& thread : unary) thread.join();
  WaitFor(kClosing, [&] { return seen.closed == kStreams; });
  if (!suspended.ok()) return suspended.status();
  if (!opened || !closed) return absl::DeadlineExceededError("streams did not open, or did not close");
  const auto since = [asked](int64_t ns) { return static_cast<double>(ns - Nanoseconds(asked)) / 1e6; };
  suspension.shut_ms = static_cast<double>(*suspended - asked_ns) / 1e6;
  suspension.last_message_ms = since(seen.last_message_ns);
  suspension.call_ms = since(Nanoseconds(returned));
  suspension.closed_ms = since(seen.last_closed_ns);
  suspension.after_return = static_cast<double>(seen.after_return);
  return suspension;
}

std::string Milliseconds(double value) { return FormatNumber(value) + " ms"; }

}  // namespace

Rows CutOff(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("cutoff");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home, workspace.large_bootstrap_file());
  if (!server.ok()) return server.status();
  Office office(server->administrator);
  std::vector<double> shut, last, call, closed, after, rate;
  for (int round = 0; round < kRounds; ++round) {
    const auto one = MeasureOnce(server->contributor, office, settings.seconds / 4);
    if (!one.ok()) return one.status();
    shut.push_back(one->shut_ms);
    last.push_back(one->last_message_ms);
    call.push_back(one->call_ms);
    closed.push_back(one->closed_ms);
    after.push_back(one->after_return);
    rate.push_back(one->messages_per_s);
    if (absl::Status status = office.Reinstate(); !status.ok()) return status;
  }
  const auto row = [&](const std::string& name, const std::vector<double>& values, double target,
                       const std::string& unit, const std::string& note) {
    const double worst = Quantile(values, 1);
    return Row{.name = name,
               .measured = FormatNumber(worst) + unit,
               .baseline = FormatNumber(Median(values)) + unit,
               .ratio = std::nullopt,
               .target = "<= " + FormatNumber(target) + unit,
               .ok = worst <= target,
               .note = note,
               .measured_value = worst,
               .baseline_value = Median(values)};
  };
  const std::string shape = "worst of " + std::to_string(kRounds) +
                            " suspensions, with 1,000 import streams on 8 "
                            "connections and 8 unary clients at " +
                            FormatNumber(Median(rate)) + " messages/s, 1,000 members; baseline: the median. ";
  return std::vector<Row>{
      row("cutoff", shut, 10, " ms",
          shape +
              "From the request to the last message that the server began to send, by its answer. A client "
              "on the same cores read the last one after at most " +
              Milliseconds(Quantile(last, 1)) + " (median " + Milliseconds(Median(last)) + ")"),
      row("cutoff_call", call, 25, " ms",
          "the administrator's call; all streams had closed after at most " +
              Milliseconds(Quantile(closed, 1)) + " (median " + Milliseconds(Median(closed)) +
              ", asked: 250 ms)"),
      row("cutoff_in_flight", after, 1024, "", "messages that clients read after the call had returned"),
  };
}

}  // namespace coalition::bench
