#include "bench/load.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "bench/generator.h"

namespace coalition::bench {
namespace {

using Time = std::chrono::steady_clock::time_point;

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

std::shared_ptr<grpc::Channel> Connect(const Endpoint& endpoint) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = endpoint.ca_pem;
  tls.pem_private_key = endpoint.client.key_pem;
  tls.pem_cert_chain = endpoint.client.certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  return grpc::CreateCustomChannel("localhost:" + std::to_string(endpoint.port), grpc::SslCredentials(tls),
                                   arguments);
}

struct ScreenLoad::Call {
  std::optional<grpc::ClientContext> context;
  v1::ScreenSellersRequest request;
  v1::ScreenSellersResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ScreenSellersResponse>> reader;
  Time start;
};

// One connection, its calls and the thread that serves them.
struct ScreenLoad::Lane {
  explicit Lane(uint64_t seed) : random(seed) {}
  std::mt19937_64 random;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::ExchangeService::Stub> stub;
  std::unique_ptr<grpc::CompletionQueue> queue;
  std::vector<std::unique_ptr<Call>> calls;
  uint64_t asked_listed = 0;
};

ScreenLoad::ScreenLoad(const Endpoint& endpoint, const ScreenShape& shape, uint64_t seed) : shape_(shape) {
  for (int i = 0; i < shape.connections; ++i) {
    auto lane = std::make_unique<Lane>(Mix(seed + static_cast<uint64_t>(i)));
    lane->channel = Connect(endpoint);
    lane->channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
    lane->stub = v1::ExchangeService::NewStub(lane->channel);
    for (int j = 0; j < shape.in_flight; ++j) lane->calls.push_back(std::make_unique<Call>());
    lanes_.push_back(std::move(lane));
  }
}

ScreenLoad::~ScreenLoad() = default;

void ScreenLoad::StartCall(Lane* lane, Call* call) {
  const auto threshold = static_cast<uint64_t>(shape_.listed * 0x1p32);
  while (call->request.sellers_size() < shape_.sellers) call->request.add_sellers();
  for (v1::Seller& seller : *call->request.mutable_sellers()) {
    const uint64_t draw = lane->random();
    if ((draw & 0xffffffff) < threshold) {
      SetListedSeller(lane->random() % shape_.records, &seller);
      ++lane->asked_listed;
    } else {
      SetUnlistedSeller(draw, &seller);
    }
  }
  call->context.emplace();
  call->context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  call->start = std::chrono::steady_clock::now();
  call->reader = lane->stub->AsyncScreenSellers(&*call->context, call->request, lane->queue.get());
  call->reader->Finish(&call->response, &call->status, call);
}

void ScreenLoad::RunLane(Lane* lane, Time end, Segment* segment) {
  lane->queue = std::make_unique<grpc::CompletionQueue>();
  lane->asked_listed = 0;
  for (auto& call : lane->calls) StartCall(lane, call.get());
  size_t active = lane->calls.size();
  void* tag = nullptr;
  bool ok = false;
  while (active > 0 && lane->queue->Next(&tag, &ok)) {
    auto* call = static_cast<Call*>(tag);
    const Time now = std::chrono::steady_clock::now();
    segment->latencies_s.push_back(Seconds(now - call->start));
    segment->starts.push_back(call->start);
    ++segment->calls;
    segment->sellers += static_cast<uint64_t>(shape_.sellers);
    if (!call->status.ok() && segment->status.ok()) segment->status = FromGrpc(call->status);
    if (shape_.check) {
      for (const v1::ScreenResult& result : call->response.results()) {
        segment->answered_listed += result.verdict() == v1::VERDICT_LISTED ? 1 : 0;
      }
    }
    if (now < end && segment->status.ok()) {
      StartCall(lane, call);
    } else {
      --active;
    }
  }
  segment->asked_listed = lane->asked_listed;
  lane->queue->Shutdown();
  while (lane->queue->Next(&tag, &ok)) {
  }
}

Segment ScreenLoad::Run(std::chrono::duration<double> duration) {
  const Time start = std::chrono::steady_clock::now();
  const Time end = start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration);
  std::vector<Segment> parts(lanes_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    threads.emplace_back([this, i, end, &parts] { RunLane(lanes_[i].get(), end, &parts[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  Segment all;
  all.seconds = Seconds(std::chrono::steady_clock::now() - start);
  for (const Segment& part : parts) {
    all.calls += part.calls;
    all.sellers += part.sellers;
    all.asked_listed += part.asked_listed;
    all.answered_listed += part.answered_listed;
    all.latencies_s.insert(all.latencies_s.end(), part.latencies_s.begin(), part.latencies_s.end());
    all.starts.insert(all.starts.end(), part.starts.begin(), part.starts.end());
    if (all.status.ok()) all.status = part.status;
  }
  if (all.status.ok() && shape_.check && all.answered_listed != all.asked_listed) {
    all.status = absl::DataLossError("asked for " + std::to_string(all.asked_listed) + " listed sellers, " +
                                     std::to_string(all.answered_listed) +
                                     " were answered as listed; --fresh makes kept stores anew");
  }
  return all;
}

absl::StatusOr<v1::ScreenSellersResponse> ScreenOnce(const Endpoint& endpoint,
                                                     const v1::ScreenSellersRequest& request) {
  const auto stub = v1::ExchangeService::NewStub(Connect(endpoint));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  v1::ScreenSellersResponse response;
  const absl::Status status = FromGrpc(stub->ScreenSellers(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

namespace {

// Counts messages under way on one stream.
class Window {
 public:
  explicit Window(int size) : free_(size) {}
  // false: closed.
  bool Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return free_ > 0 || closed_; });
    if (closed_) return false;
    --free_;
    return true;
  }
  void Give() {
    std::lock_guard lock(mutex_);
    ++free_;
    changed_.notify_one();
  }
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  bool closed_ = false;
};

void CountResults(const v1::ImportRecordsResponse& response, ImportResultCounts* counts) {
  for (const v1::ImportResult& result : response.results()) {
    if (result.status() == v1::IMPORT_STATUS_CREATED) {
      ++counts->created;
    } else if (result.status() == v1::IMPORT_STATUS_UNCHANGED) {
      ++counts->unchanged;
    } else if (counts->status.ok()) {
      counts->status = absl::InternalError("an item was refused: " + result.error().ShortDebugString());
    }
  }
}

ImportResultCounts ImportStream(const Endpoint& endpoint, int window_size,
                                const std::function<const v1::ImportRecordsRequest*()>& next) {
  ImportResultCounts counts;
  const auto stub = v1::ExchangeService::NewStub(Connect(endpoint));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  const auto stream = stub->ImportRecords(&context);
  Window window(window_size);
  std::thread writer([&] {
    while (window.Take()) {
      const v1::ImportRecordsRequest* request = next();
      if (request == nullptr || !stream->Write(*request)) break;
    }
    stream->WritesDone();
  });
  v1::ImportRecordsResponse response;
  while (stream->Read(&response)) {
    CountResults(response, &counts);
    window.Give();
  }
  window.Close();
  writer.join();
  const absl::Status status = FromGrpc(stream->Finish());
  if (!status.ok()) counts.status = status;
  return counts;
}

}  // namespace

ImportResultCounts ImportAll(const Endpoint& endpoint, const ImportShape& shape,
                             const std::function<const v1::ImportRecordsRequest*()>& next) {
  const Time start = std::chrono::steady_clock::now();
  std::vector<ImportResultCounts> parts(static_cast<size_t>(shape.streams));
  std::vector<std::thread> threads;
  for (ImportResultCounts& part : parts) {
    threads.emplace_back([&] { part = ImportStream(endpoint, shape.window, next); });
  }
  for (std::thread& thread : threads) thread.join();
  ImportResultCounts all;
  all.seconds = Seconds(std::chrono::steady_clock::now() - start);
  for (const ImportResultCounts& part : parts) {
    all.created += part.created;
    all.unchanged += part.unchanged;
    if (all.status.ok()) all.status = part.status;
  }
  return all;
}

ImportResultCounts ImportMessages(const Endpoint& endpoint,
                                  const std::vector<v1::ImportRecordsRequest>& messages) {
  std::atomic<size_t> next = 0;
  return ImportAll(endpoint, {}, [&]() -> const v1::ImportRecordsRequest* {
    const size_t at = next.fetch_add(1);
    return at < messages.size() ? &messages[at] : nullptr;
  });
}

ImportResultCounts ImportReports(const Endpoint& endpoint, const ImportShape& shape, uint64_t from,
                                 uint64_t count, const std::atomic<bool>* stop) {
  constexpr uint64_t kItems = 250;
  std::atomic<uint64_t> at = from;
  return ImportAll(endpoint, shape, [&]() -> const v1::ImportRecordsRequest* {
    thread_local v1::ImportRecordsRequest request;
    request.Clear();
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return nullptr;
    const uint64_t begin = at.fetch_add(kItems);
    for (uint64_t i = begin; i < std::min(begin + kItems, from + count); ++i) {
      v1::ImportItem* item = request.add_items();
      item->set_item_id(static_cast<int64_t>(i));
      SetReport(i, item->mutable_record());
    }
    return request.items_size() == 0 ? nullptr : &request;
  });
}

}  // namespace coalition::bench
