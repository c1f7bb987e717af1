#include "tests/fault/feed_watches.h"

#include <gtest/gtest.h>

#include <utility>

#include "common/file.h"

namespace coalition::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kPatience{5};
constexpr milliseconds kBetweenTending{10};
constexpr size_t kShownMax = 4'000;

std::string MustRead(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

}  // namespace

bool Await(const std::function<bool()>& condition, milliseconds between) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(between);
  }
  return true;
}

std::vector<std::string> Differences(const Records& has, const Records& listed) {
  std::vector<std::string> differences;
  for (const auto& [name, bytes] : listed) {
    const auto one = has.find(name);
    if (one == has.end() || one->second.empty()) {
      differences.push_back("lacks " + name);
    } else if (one->second != bytes) {
      differences.push_back("has other bytes than are listed of " + name);
    }
  }
  for (const auto& [name, bytes] : has) {
    if (!bytes.empty() && !listed.contains(name)) differences.push_back("has what is not listed: " + name);
  }
  return differences;
}

Records Listed(const ServerProcess& server, const std::string& member) {
  Records listed;
  const auto client = server.Connect(member);
  EXPECT_TRUE(client.ok()) << client.status();
  if (!client.ok()) return listed;
  for (const auto& record : (*client)->ListRecords({}, 1000)) {
    EXPECT_TRUE(record.ok()) << record.status();
    if (record.ok()) listed[record->name()] = record->SerializeAsString();
  }
  return listed;
}

Told::Told(std::string who, int64_t keeps_every, bool forgets)
    : who_(std::move(who)), keeps_every_(keeps_every), forgets_(forgets) {}

void Told::Take(const v1::WatchRecordsResponse& response) {
  const MutexLock lock(mutex_);
  ++counts_.received;
  for (const v1::WatchEvent& event : response.events()) TakeEvent(event);
  if (response.snapshot_complete() && std::exchange(snapshot_complete_, true)) {
    Wrong("is told twice that the snapshot is complete");
  }
  if (responses_++ % keeps_every_ == 0 && !response.cursor().empty()) {
    cursor_ = response.cursor();
    then_.clear();
    snapshot_complete_then_ = snapshot_complete_;
  }
  const auto& until = response.complete_until();
  if (listed_ == nullptr || until.seconds() * 1'000'000'000 + until.nanos() <= end_ns_) return;
  for (const std::string& difference : Differences(has_, *std::exchange(listed_, nullptr))) Wrong(difference);
  counts_.compared = true;
}

void Told::TakeEvent(const v1::WatchEvent& event) {
  const bool upsert = event.has_upsert();
  const std::string& name = upsert ? event.upsert().name() : event.retract().name();
  std::string bytes = upsert ? event.upsert().SerializeAsString() : "";
  std::string& has = has_[name];
  then_.try_emplace(name, has);
  if (upsert && has == bytes) Wrong("is told what it has: " + name);
  if (!upsert && has.empty()) Wrong("is told that what it does not have is gone: " + name);
  if (counts_.compared) Wrong("is told after it was complete: " + name);
  has = std::move(bytes);
  const bool cleared = event.retract().kind() == v1::RETRACTION_KIND_CLEARED;
  ++(upsert ? counts_.upserts : cleared ? counts_.cleared : counts_.gone);
}

void Told::Cut() {
  const MutexLock lock(mutex_);
  ++counts_.cuts;
  counts_.received = 0;
  if (!forgets_) return;
  for (const auto& [name, bytes] : then_) has_[name] = bytes;
  counts_.undone += static_cast<int>(then_.size());
  then_.clear();
  snapshot_complete_ = snapshot_complete_then_;
}

void Told::Expect(int64_t end_ns, const Records* listed) {
  const MutexLock lock(mutex_);
  end_ns_ = end_ns;
  listed_ = listed;
}

void Told::Note(const std::string& what) {
  const MutexLock lock(mutex_);
  Wrong(what);
}

Told::Counts Told::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

std::string Told::wrong() const {
  const MutexLock lock(mutex_);
  return wrong_;
}

std::string Told::cursor() const {
  const MutexLock lock(mutex_);
  return cursor_;
}

void Told::Wrong(const std::string& what) { wrong_ += who_ + " " + what + "\n"; }

std::unique_ptr<v1::WatchService::Stub> ConnectToWatch(ServerProcess& server, const std::string& member) {
  const std::string stem = server.directory() + "/" + member + "-backend";
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = server.certificates().ca_pem();
  tls.pem_cert_chain = MustRead(stem + ".pem");
  tls.pem_private_key = MustRead(stem + ".key");
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  return v1::WatchService::NewStub(grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments));
}

WatchStream::WatchStream(v1::WatchService::Stub& stub, Told& told) : told_(told) {
  context_.set_wait_for_ready(true);
  start_.mutable_start()->set_cursor(told.cursor());
  stub.async()->WatchRecords(&context_, this);
  StartRead(&response_);
  StartWrite(&start_);
  StartCall();
}

WatchStream::~WatchStream() {
  Cancel();
  while (!done()) std::this_thread::sleep_for(milliseconds(1));
}

void WatchStream::OnReadDone(bool ok) {
  if (!ok) return;
  told_.Take(response_);
  StartRead(&response_);
  Acknowledge(1, false);
}

void WatchStream::OnWriteDone(bool ok) {
  if (ok) Acknowledge(0, true);
}

void WatchStream::OnDone(const grpc::Status& end) {
  end_ = end;
  done_.store(true);  // now this may go
}

// One write at a time: what is read meanwhile is acknowledged by the next.
void WatchStream::Acknowledge(int64_t read, bool written) {
  {
    const MutexLock lock(mutex_);
    read_ += read;
    if (written) writing_ = false;
    if (writing_ || read_ == acknowledged_) return;
    writing_ = true;
    acknowledged_ = read_;
    acknowledgement_.mutable_acknowledgement()->set_responses(read_);
  }
  StartWrite(&acknowledgement_);
}

Watches::Watch::Watch(std::string of, size_t number, int64_t keeps_every, v1::WatchService::Stub& where)
    : member(std::move(of)),
      told("watch " + std::to_string(number) + " of " + member, keeps_every),
      stub(where) {}

Watches::Watches(ServerProcess& server, const std::vector<std::string>& members, size_t connections,
                 size_t watches) {
  for (size_t i = 0; i < connections; ++i)
    stubs_.push_back(ConnectToWatch(server, members[i % members.size()]));
  for (size_t i = 0; i < watches; ++i) {
    const size_t connection = i % connections;
    const auto keeps_every = static_cast<int64_t>(1 + i / connections % 4);
    watches_.emplace_back(members[connection % members.size()], i, keeps_every, *stubs_[connection]);
  }
  tender_ = std::jthread([this](const std::stop_token& stop) {
    for (; !stop.stop_requested(); std::this_thread::sleep_for(kBetweenTending)) {
      for (Watch& watch : watches_) Tend(watch);
    }
  });
}

Watches::~Watches() {
  tender_.request_stop();
  tender_.join();
  for (const Watch& watch : watches_) {
    if (watch.stream != nullptr) watch.stream->Cancel();
  }
}

void Watches::Tend(Watch& watch) {
  if (watch.stream != nullptr && watch.stream->done()) {
    const grpc::Status end = watch.stream->end();
    watch.stream.reset();
    watch.told.Cut();
    watch.ended = end.error_code() != grpc::StatusCode::UNAVAILABLE;
    if (watch.ended) {
      watch.told.Note("has ended with " + std::to_string(end.error_code()) + ", " + end.error_message());
    }
  }
  if (watch.stream == nullptr && !watch.ended) {
    watch.stream = std::make_unique<WatchStream>(watch.stub, watch.told);
  }
}

std::string Watches::AwaitEach(const std::function<bool(const Told::Counts&)>& condition) const {
  std::string wrong, late;
  const bool in_time = Await([&] {
    wrong.clear();
    late.clear();
    for (const Watch& watch : watches_) {
      wrong += watch.told.wrong();
      if (!condition(watch.told.counts())) late += watch.told.who() + " is not so far\n";
    }
    return !wrong.empty() || late.empty();
  });
  return (in_time ? wrong : late).substr(0, kShownMax);
}

void Watches::Expect(int64_t end_ns, const std::map<std::string, Records>& listed) {
  for (Watch& watch : watches_) watch.told.Expect(end_ns, &listed.at(watch.member));
}

Told::Counts Watches::Sum() const {
  Told::Counts sum;
  for (const Watch& watch : watches_) {
    const Told::Counts one = watch.told.counts();
    sum.undone += one.undone;
    sum.upserts += one.upserts;
    sum.gone += one.gone;
    sum.cleared += one.cleared;
  }
  return sum;
}

}  // namespace coalition::testing
