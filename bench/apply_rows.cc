// A policy applied while everybody screens.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "bench/generator.h"
#include "bench/policy_cases.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "coalition/v1/policy_service.grpc.pb.h"

namespace coalition::bench {
namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds kMargin(50);  // behind an application: what it still delays
constexpr std::chrono::milliseconds kPause(300);  // before the next one

struct Window {
  Time begin, end;
};

// Two policies, applied in turn: with 25 denials each, of other members, so that each widens and narrows.
class Administrator {
 public:
  explicit Administrator(const Endpoint& endpoint) : stub_(v1::PolicyService::NewStub(Connect(endpoint))) {
    for (const uint32_t first : {101, 126}) {
      policies_.push_back(policy::Denying(first, 25));
      policies_.back().mutable_limits()->mutable_widening()->set_approvals(0);
    }
  }

  // The difference of the next policy, reviewed; before ApplyNext.
  absl::Status Review() {
    v1::DiffPolicyRequest request;
    *request.mutable_policy() = policies_[next_];
    v1::DiffPolicyResponse response;
    grpc::ClientContext context;
    absl::Status status = FromGrpc(stub_->DiffPolicy(&context, request, &response));
    if (!status.ok()) return status;
    *apply_.mutable_policy() = policies_[next_];
    apply_.set_expected_epoch(response.diff().epoch());
    apply_.set_diff_digest(response.diff().digest());
    return absl::OkStatus();
  }
  absl::Status ApplyNext() {
    next_ = 1 - next_;
    v1::ApplyPolicyResponse response;
    grpc::ClientContext context;
    return FromGrpc(stub_->ApplyPolicy(&context, apply_, &response));
  }

 private:
  std::unique_ptr<v1::PolicyService::Stub> stub_;
  std::vector<v1::CoalitionPolicy> policies_;
  size_t next_ = 0;
  v1::ApplyPolicyRequest apply_;
};

// Pairs of windows of equal length: with an application, and just before it, without one.
struct Applications {
  std::vector<Window> with, without;
  std::vector<double> took_ms;
  absl::Status status;
};

void ApplyUntil(Administrator* administrator, Time end, Applications* applications) {
  for (;;) {
    std::this_thread::sleep_for(kPause);
    const Time before = std::chrono::steady_clock::now();
    if (before + kPause > end) return;
    absl::Status status = administrator->Review();
    const Time begin = std::chrono::steady_clock::now();
    status.Update(administrator->ApplyNext());
    const Time applied = std::chrono::steady_clock::now();
    applications->status.Update(status);
    if (!status.ok()) return;
    applications->with.push_back({begin, applied + kMargin});
    applications->without.push_back({before - (applied + kMargin - begin), before});
    applications->took_ms.push_back(std::chrono::duration<double, std::milli>(applied - begin).count());
    std::this_thread::sleep_for(kMargin);
  }
}

// In milliseconds, of the calls that were under way at some time in the window.
double Slowest(const Segment& segment, const Window& window) {
  double slowest = 0;
  for (size_t i = 0; i < segment.starts.size(); ++i) {
    const std::chrono::duration<double> took(segment.latencies_s[i]);
    if (segment.starts[i] < window.end && segment.starts[i] + took > window.begin)
      slowest = std::max(slowest, segment.latencies_s[i] * 1e3);
  }
  return slowest;
}

// Of each window, and of all calls.
struct Delays {
  std::vector<double> with, without, took_ms;
  double slowest_of_all = 0;
  uint64_t calls = 0;
};

absl::Status MeasureRound(ScreenLoad& load, Administrator& administrator, double seconds, Delays* delays) {
  const std::chrono::duration<double> duration(seconds);
  const Time end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration);
  Applications applications;
  std::thread applier([&] { ApplyUntil(&administrator, end, &applications); });
  const Segment segment = load.Run(duration);
  applier.join();
  if (!segment.status.ok()) return segment.status;
  if (!applications.status.ok()) return applications.status;
  for (const Window& window : applications.with) delays->with.push_back(Slowest(segment, window));
  for (const Window& window : applications.without) delays->without.push_back(Slowest(segment, window));
  delays->took_ms.insert(delays->took_ms.end(), applications.took_ms.begin(), applications.took_ms.end());
  delays->slowest_of_all = std::max(delays->slowest_of_all, Quantile(segment.latencies_s, 1) * 1e3);
  delays->calls += segment.calls;
  return absl::OkStatus();
}

std::string Milliseconds(double value) { return FormatNumber(value) + " ms"; }

Row ApplyRow(const Delays& delays) {
  const double value = Quantile(delays.with, 1), baseline = Quantile(delays.without, 1);
  return {.name = "policy_apply",
          .measured = Milliseconds(value),
          .baseline = Milliseconds(baseline),
          .ratio = value / baseline,
          .target = "<= 50 ms",
          .ok = value <= 50,
          .note = "slowest of the calls under way while a policy was applied, or up to 50 ms later, " +
                  std::to_string(delays.with.size()) +
                  " times, 1,000 members, load as of screen_unary; baseline: in windows of the same length "
                  "without; medians of the windows' slowest " +
                  Milliseconds(Median(delays.with)) + " and " + Milliseconds(Median(delays.without)) +
                  "; an application took " + Milliseconds(Median(delays.took_ms)) + ", the longest " +
                  Milliseconds(Quantile(delays.took_ms, 1)) + "; of all " +
                  FormatNumber(static_cast<double>(delays.calls)) +
                  " calls none failed, and the slowest, also beside the differences, took " +
                  Milliseconds(delays.slowest_of_all),
          .measured_value = value,
          .baseline_value = baseline};
}

}  // namespace

Rows PolicyApply(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("apply");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home, workspace.large_bootstrap_file());
  if (!server.ok()) return server.status();
  const ImportResultCounts imported = ImportReports(server->contributor, {}, 0, settings.records_small);
  if (!imported.status.ok()) return imported.status;

  const ScreenShape shape{.records = settings.records_small};
  ScreenLoad load(server->reader, shape, 1);
  Administrator administrator(server->administrator);
  load.Run(std::chrono::seconds(1));
  Delays delays;
  for (int round = 0; round < settings.rounds; ++round) {
    const absl::Status status = MeasureRound(load, administrator, settings.seconds, &delays);
    if (!status.ok()) return status;
  }
  if (delays.with.empty()) return absl::InvalidArgumentError("--seconds is too short to apply a policy");
  return std::vector<Row>{ApplyRow(delays)};
}

}  // namespace coalition::bench
