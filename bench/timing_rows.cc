// Whether the time of an answer tells apart what is hidden and what is not there.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/engine.h"
#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/ids.h"
#include "common/random.h"

namespace coalition::bench {
namespace {

constexpr uint64_t kHidden = 20'000;  // records
constexpr double kKept = 0.9;         // share of the calls, the fastest, that the trimmed t is of
constexpr double kTellsApart = 4.5;   // |t| from which on two distributions count as different

// One timed call about the thing of that number, an error unless it is answered as hidden and absent things
// are.
using Ask = std::function<absl::StatusOr<double>(bool hidden, size_t number)>;

// Microseconds.
struct Timings {
  std::vector<double> hidden, absent;
};

Timings Trimmed(const Timings& timings) {
  std::vector<double> all = timings.hidden;
  all.insert(all.end(), timings.absent.begin(), timings.absent.end());
  const double limit = Quantile(std::move(all), kKept);
  Timings kept = timings;
  std::erase_if(kept.hidden, [limit](double us) { return us > limit; });
  std::erase_if(kept.absent, [limit](double us) { return us > limit; });
  return kept;
}

// The same test on absent things alone, each at random on one side: what it says when nothing can be told
// apart.
double ControlT(const Timings& timings) {
  std::mt19937 random(2);
  Timings split;
  for (const double us : timings.absent) (random() % 2 == 0 ? split.hidden : split.absent).push_back(us);
  const Timings kept = Trimmed(split);
  return WelchT(kept.hidden, kept.absent);
}

absl::StatusOr<Timings> Measure(int calls, const Ask& ask) {
  std::mt19937 random(1);
  Timings timings;
  for (int i = -calls / 20; i < calls; ++i) {  // the first are to warm up
    const bool hidden = random() % 2 == 0;
    const auto us = ask(hidden, random() % kHidden);
    if (!us.ok()) return us.status();
    if (i >= 0) (hidden ? timings.hidden : timings.absent).push_back(*us);
  }
  return timings;
}

Row TimingRow(const std::string& name, const std::string& what, const Timings& timings) {
  const Timings kept = Trimmed(timings);
  const double t = WelchT(kept.hidden, kept.absent);
  const double hidden = Median(timings.hidden), absent = Median(timings.absent);
  return {.name = name,
          .measured = FormatNumber(hidden) + " us",
          .baseline = FormatNumber(absent) + " us",
          .ratio = hidden / absent,
          .target = "|t| < 4.5",
          .ok = std::abs(t) < kTellsApart,
          .note = what + ", one at a time in random order, " +
                  FormatNumber(static_cast<double>(timings.hidden.size() + timings.absent.size())) +
                  " calls; medians of what is hidden and (baseline) of what is not there, which differ by " +
                  FormatNumber(hidden - absent) + " us; Welch's t of the fastest 90 % " + FormatNumber(t) +
                  ", of all " + FormatNumber(WelchT(timings.hidden, timings.absent)) +
                  ", of what is not there against itself " + FormatNumber(ControlT(timings)) +
                  (std::abs(t) < kTellsApart ? ": so many calls cannot tell the two apart"
                                             : ": they can be told apart"),
          .measured_value = hidden,
          .baseline_value = absent};
}

// Of one connection as members/bazaar.
class Caller {
 public:
  explicit Caller(const Endpoint& endpoint) : stub_(v1::ExchangeService::NewStub(Connect(endpoint))) {}

  absl::StatusOr<double> Get(const std::string& name) {
    v1::GetRecordRequest request;
    request.set_name(name);
    v1::GetRecordResponse response;
    grpc::ClientContext context;
    const auto start = std::chrono::steady_clock::now();
    const grpc::Status status = stub_->GetRecord(&context, request, &response);
    const double us = MicrosecondsSince(start);
    if (status.error_code() != grpc::StatusCode::NOT_FOUND)
      return absl::DataLossError("what is hidden or absent was answered: " + status.error_message());
    return us;
  }

  absl::StatusOr<double> Screen(const v1::Seller& seller) {
    v1::ScreenSellersRequest request;
    *request.add_sellers() = seller;
    v1::ScreenSellersResponse response;
    grpc::ClientContext context;
    const auto start = std::chrono::steady_clock::now();
    const grpc::Status status = stub_->ScreenSellers(&context, request, &response);
    const double us = MicrosecondsSince(start);
    if (!status.ok()) return FromGrpc(status);
    if (response.results(0).verdict() != v1::VERDICT_NOT_LISTED)
      return absl::DataLossError("a seller that is hidden or unknown was answered as listed");
    return us;
  }

 private:
  static double MicrosecondsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  }

  std::unique_ptr<v1::ExchangeService::Stub> stub_;
};

// The first kHidden reports are shown to members/comptoir alone.
Messages PartlyHidden(uint64_t records) {
  Messages messages = MakeMessages(kHidden + records);
  uint64_t i = 0;
  for (v1::ImportRecordsRequest& message : messages) {
    for (v1::ImportItem& item : *message.mutable_items()) {
      if (i++ >= kHidden) return messages;
      item.mutable_record()->mutable_audience()->mutable_grants(0)->mutable_subject()->set_member(
          "members/comptoir");
    }
  }
  return messages;
}

// The names of the records that only their contributor and comptoir see.
absl::StatusOr<std::vector<std::string>> HiddenNames(const Endpoint& contributor) {
  const auto stub = v1::ExchangeService::NewStub(Connect(contributor));
  v1::ListRecordsRequest request;
  request.set_page_size(1000);
  std::vector<std::string> names;
  do {
    grpc::ClientContext context;
    v1::ListRecordsResponse response;
    const absl::Status listed = FromGrpc(stub->ListRecords(&context, request, &response));
    if (!listed.ok()) return listed;
    for (const v1::Record& record : response.records()) {
      if (record.audience().grants(0).subject().member() == "members/comptoir")
        names.push_back(record.name());
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (names.size() != kHidden)
    return absl::DataLossError(std::to_string(names.size()) + " records are hidden");
  return names;
}

std::vector<std::string> AbsentNames() {
  SystemRandom random;
  std::vector<std::string> names;
  for (uint64_t i = 0; i < kHidden; ++i) names.push_back(FormatRecordName(NewRecordId(random)));
  return names;
}

}  // namespace

Rows HiddenTiming(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("timing");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const ImportResultCounts imported =
      ImportMessages(server->contributor, PartlyHidden(settings.records_small));
  if (!imported.status.ok()) return imported.status;
  // Started again: what was in memory is in tables.
  if (absl::Status stopped = server->process->Stop(); !stopped.ok()) return stopped;
  server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const auto hidden = HiddenNames(server->contributor);
  if (!hidden.ok()) return hidden.status();
  const std::vector<std::string> absent = AbsentNames();

  Caller caller(server->reader);
  const auto get = Measure(settings.timing_calls, [&](bool is_hidden, size_t number) {
    return caller.Get(is_hidden ? (*hidden)[number] : absent[number]);
  });
  if (!get.ok()) return get.status();
  const auto screen = Measure(settings.timing_calls, [&](bool is_hidden, size_t number) {
    v1::Seller seller;
    if (is_hidden) {
      SetListedSeller(number, &seller);
    } else {
      SetUnlistedSeller(number, &seller);
    }
    return caller.Screen(seller);
  });
  if (!screen.ok()) return screen.status();
  return std::vector<Row>{TimingRow("hidden_timing", "GetRecord", *get),
                          TimingRow("hidden_timing_screen", "ScreenSellers, one seller a call", *screen)};
}

}  // namespace coalition::bench
