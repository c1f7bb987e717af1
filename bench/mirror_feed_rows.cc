// A mirror that follows a server: when it has everything, and when it has let go of what was taken back.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "bench/watch_load.h"
#include "client/client.h"
#include "client/mirror.h"
#include "client/mirror_runner.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;
using client::Mirror;

constexpr uint64_t kWithdrawn = 100'000;
constexpr size_t kBatch = 250;
constexpr int kInFlight = 4;  // batches, each on a connection of its own
constexpr std::chrono::minutes kLongest(20);

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A mirror, and the thread that keeps it in step.
class Following {
 public:
  static absl::StatusOr<std::unique_ptr<Following>> Start(const Endpoint& endpoint,
                                                          const std::string& directory) {
    client::ClientOptions options;
    options.server = "localhost:" + std::to_string(endpoint.port);
    options.tls.ca_pem = endpoint.ca_pem;
    options.tls.certificate_pem = endpoint.client.certificate_pem;
    options.tls.key_pem = endpoint.client.key_pem;
    auto client = client::Client::Connect(options);
    if (!client.ok()) return client.status();
    auto mirror = Mirror::Open({.directory = directory});
    if (!mirror.ok()) return mirror.status();
    return std::unique_ptr<Following>(new Following(*std::move(client), *std::move(mirror)));
  }
  ~Following() {
    runner_.Stop();
    thread_.join();
  }

  Mirror& mirror() { return *mirror_; }
  // How it ended, if it has.
  bool ended() const { return ended_; }

 private:
  Following(std::unique_ptr<client::Client> client, std::unique_ptr<Mirror> mirror)
      : client_(std::move(client)),
        mirror_(std::move(mirror)),
        runner_(*mirror_, [this](const client::WatchOptions& o) { return client_->WatchRecords({}, o); }, {}),
        thread_([this] {
          (void)runner_.Run();
          ended_ = true;
        }) {}

  std::unique_ptr<client::Client> client_;
  std::unique_ptr<Mirror> mirror_;
  client::MirrorRunner runner_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// Closed loop: as soon as a batch is withdrawn the next one is.
class Withdrawals {
 public:
  Withdrawals(const Endpoint& contributor, std::vector<std::string> names) : names_(std::move(names)) {
    for (int i = 0; i < kInFlight; ++i) stubs_.push_back(v1::ExchangeService::NewStub(Connect(contributor)));
  }
  // Returns when all are answered; the first error, also of one record.
  absl::Status Run() {
    under_way_ = kInFlight;
    for (const auto& stub : stubs_) Next(*stub);
    std::unique_lock lock(mutex_);
    all_.wait(lock, [this] { return under_way_ == 0; });
    return status_;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::BatchWithdrawRecordsRequest request;
    v1::BatchWithdrawRecordsResponse response;
  };
  void Next(v1::ExchangeService::Stub& stub) {
    const size_t from = next_.fetch_add(kBatch);
    if (from >= names_.size()) return Ended();
    auto call = std::make_shared<Call>();
    for (size_t i = from; i < std::min(names_.size(), from + kBatch); ++i) call->request.add_names(names_[i]);
    stub.async()->BatchWithdrawRecords(&call->context, &call->request, &call->response,
                                       [this, &stub, call](const grpc::Status& status) {
                                         Check(status, *call);
                                         Next(stub);
                                       });
  }
  void Check(const grpc::Status& status, const Call& call) {
    absl::Status wrong = FromGrpc(status);
    if (status.ok() && call.response.results_size() != call.request.names_size()) {
      wrong = absl::InternalError("a batch of withdrawals was not answered in full");
    }
    for (const v1::TakeBackResult& result : call.response.results()) {
      if (result.status() == v1::TAKE_BACK_STATUS_DONE) continue;
      wrong.Update(absl::InternalError(result.name() + " was not withdrawn: " + result.error().message()));
    }
    const std::lock_guard lock(mutex_);
    status_.Update(wrong);
  }
  void Ended() {
    const std::lock_guard lock(mutex_);
    if (--under_way_ == 0) all_.notify_all();
  }

  const std::vector<std::string> names_;
  std::vector<std::unique_ptr<v1::ExchangeService::Stub>> stubs_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable all_;
  int under_way_ = 0;
  absl::Status status_;
};

std::vector<std::string> SomeNames(const Mirror& mirror, uint64_t count) {
  std::vector<std::string> names;
  const absl::Status all = mirror.ForEachRecord([&](const v1::Record& record) {
    if (names.size() == count) return absl::CancelledError();
    names.push_back(record.name());
    return absl::OkStatus();
  });
  return names;
}

absl::StatusOr<Row> Snapshot(Following& following, Clock::time_point begin) {
  Mirror& mirror = following.mirror();
  if (!WaitFor(kLongest, [&] { return mirror.status().complete || following.ended(); }) ||
      following.ended()) {
    return absl::DeadlineExceededError("the mirror did not become complete");
  }
  const auto records = static_cast<double>(mirror.status().records);
  const double seconds = SecondsSince(begin) * 1e6 / records;
  return Row{.name = "mirror_snapshot",
             .measured = FormatNumber(seconds) + " s",
             .baseline = "",
             .ratio = std::nullopt,
             .target = "<= 60 s",
             .ok = seconds <= 60,
             .note = "for 1,000,000 records to a new mirror, on the disk and complete; measured with " +
                     FormatNumber(records),
             .measured_value = seconds,
             .baseline_value = 0};
}

absl::StatusOr<Row> RetractBulk(const Endpoint& contributor, Following& following) {
  const Mirror& mirror = following.mirror();
  const uint64_t before = mirror.status().records;
  const uint64_t count = std::min(kWithdrawn, before / 2);
  Withdrawals withdrawals(contributor, SomeNames(mirror, count));
  const Clock::time_point begin = Clock::now();
  if (absl::Status status = withdrawals.Run(); !status.ok()) return status;
  const double withdrawn = SecondsSince(begin);
  if (!WaitFor(kLongest, [&] { return mirror.status().records == before - count || following.ended(); }) ||
      following.ended()) {
    return absl::DeadlineExceededError("the mirror did not let go of all of them");
  }
  const double scale = static_cast<double>(kWithdrawn) / static_cast<double>(count);
  const double seconds = SecondsSince(begin) * scale;
  return Row{
      .name = "retract_bulk",
      .measured = FormatNumber(seconds) + " s",
      .baseline = FormatNumber(withdrawn * scale) + " s",
      .ratio = seconds / (withdrawn * scale),
      .target = "<= 10 s",
      .ok = seconds <= 10,
      .note = "for 100,000 records of one contributor, measured with " +
              FormatNumber(static_cast<double>(count)) +
              ": from the first withdrawal's beginning to when a mirror has none of them, on the disk; "
              "baseline: to the last withdrawal's answer; 250 in a call, 4 calls under way at once",
      .measured_value = seconds,
      .baseline_value = withdrawn * scale};
}

}  // namespace

Rows MirrorFeed(Workspace& workspace, const Settings& settings) {
  const auto kept = workspace.HomeWith(settings.records);
  if (!kept.ok()) return kept.status();
  // It is written to.
  const auto home = workspace.CopyHome(*kept, "mirrored");
  if (!home.ok()) return home.status();
  const auto mirror_home = workspace.MakeHome("mirror");
  if (!mirror_home.ok()) return mirror_home.status();
  const auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const Clock::time_point begin = Clock::now();
  const auto following = Following::Start(server->reader, *mirror_home / "mirror");
  if (!following.ok()) return following.status();
  auto snapshot = Snapshot(**following, begin);
  if (!snapshot.ok()) return snapshot.status();
  auto retracted = RetractBulk(server->contributor, **following);
  if (!retracted.ok()) return retracted.status();
  return std::vector<Row>{*std::move(snapshot), *std::move(retracted)};
}

}  // namespace coalition::bench
