#include "server/server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/sealed.h"
#include "common/strings.h"
#include "server/acceptor.h"
#include "server/background.h"
#include "server/backing_up.h"
#include "server/config.h"
#include "server/descriptor_limit.h"
#include "server/exchange/exchange.h"
#include "server/grpc_endpoint.h"
#include "server/grpc_log.h"
#include "server/http_endpoint.h"
#include "server/key_rotation.h"
#include "server/keys.h"
#include "server/ledger/entries.h"
#include "server/ledger_rooms.h"
#include "server/membership/credentials.h"
#include "server/membership/directory.h"
#include "server/membership/members.h"
#include "server/membership/policies.h"
#include "server/membership/proposals.h"
#include "server/room_options.h"
#include "server/server_metrics.h"
#include "server/service/call_kit.h"
#include "server/service/cut_off.h"
#include "server/service/erasure_service.h"
#include "server/service/exchange_service.h"
#include "server/service/grpc_services.h"
#include "server/service/import_stream.h"
#include "server/service/ledger_erasure.h"
#include "server/service/ledger_service.h"
#include "server/service/membership_service.h"
#include "server/service/policy_service.h"
#include "server/service/proposal_service.h"
#include "server/service/recall_service.h"
#include "server/service/unary.h"
#include "server/service/watch_stream.h"
#include "server/store/commit_lane.h"
#include "server/store/store.h"
#include "server/store_rooms.h"
#include "server/tls_files.h"
#include "server/tls_reloader.h"
#include "server/watching.h"

namespace coalition::server {
namespace {

// Work that waits for a worker: some hundred milliseconds of it.
constexpr size_t kWorkerQueueMax = 4096;
// Of both listeners. A member has one at most (service::Executor), so that none holds the other up.
constexpr int kCutOffWorkers = 2;

}  // namespace

class Server::Impl {
 public:
  explicit Impl(ServerOptions options)
      : config_(std::move(options.config)),
        clock_(options.clock != nullptr ? *options.clock : system_clock_),
        random_(options.random != nullptr ? *options.random : system_random_),
        counting_(std::make_shared<ledger::CountingDisclosureLog>()),
        disclosures_(options.disclosures != nullptr ? options.disclosures : counting_) {}
  ~Impl() { Shutdown(); }

  absl::Status Start();
  void Shutdown();
  absl::Status ReloadTls() { return tls_->Reload(); }
  int port() const { return acceptor_->port(); }
  int admin_port() const { return admin_acceptor_->port(); }
  int http_port() const { return http_ == nullptr ? 0 : http_->port(); }

 private:
  // What /readyz says.
  enum class Phase { kStarting, kReady, kDraining };

  absl::Status StartHttp();
  absl::Status OpenRooms();
  service::DepartureWork DepartureWorkOf();
  void MakeServices();
  absl::Status StartServing();
  void DescribeMetrics();
  std::string NotReady() const;
  std::string Warning() const;
  std::vector<prometheus::MetricFamily> Metrics() const;

  const config::v1::ServerConfig config_;
  const SystemClock system_clock_;
  SystemRandom system_random_;
  const Clock& clock_;
  Random& random_;
  const std::shared_ptr<ledger::CountingDisclosureLog> counting_;
  const std::shared_ptr<ledger::DisclosureLog> disclosures_;
  std::atomic<Phase> phase_{Phase::kStarting};
  Mutex shutdown_mutex_;
  bool shut_down_ ABSL_GUARDED_BY(shutdown_mutex_) = false;

  // In the order in which they are made; they go in the opposite one.
  std::unique_ptr<TlsReloader> tls_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Acceptor> admin_acceptor_;
  std::unique_ptr<StoreRooms> store_rooms_;
  store::Store* store_ = nullptr;  // theirs
  std::unique_ptr<membership::Directory> directory_;
  std::unique_ptr<store::CommitLane> lane_;
  exchange::ExchangeKeys keys_;
  std::shared_ptr<ledger::EntryKeys> entry_keys_;
  std::unique_ptr<exchange::Exchange> exchange_;
  std::unique_ptr<LedgerRooms> ledger_;
  std::unique_ptr<ledger::Entries> entries_;
  std::unique_ptr<Sealer> sealer_;
  service::CallMetrics call_metrics_;
  AskedMetrics room_metrics_;
  std::unique_ptr<membership::Members> members_;
  std::unique_ptr<membership::Credentials> credentials_;
  std::unique_ptr<membership::Policies> policies_;
  std::unique_ptr<membership::Proposals> proposals_;
  service::ImportStreams imports_;
  std::unique_ptr<Watching> watching_;
  std::unique_ptr<BackingUp> backing_up_;
  service::OpenCalls open_calls_;
  std::unique_ptr<service::CutOffs> cut_offs_;
  // The members' and the administration's. Before the timers, which use them.
  std::unique_ptr<service::CallGuard> guard_, admin_guard_;
  std::unique_ptr<service::CallKit> kit_, admin_kit_;
  std::unique_ptr<service::Timers> timers_;
  std::unique_ptr<service::Executor> executor_, admin_executor_, cut_off_executor_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<service::MembershipService> membership_service_;
  std::unique_ptr<service::PolicyService> policy_service_;
  std::unique_ptr<service::ProposalService> proposal_service_;
  std::unique_ptr<service::LedgerService> ledger_service_;
  std::unique_ptr<service::LedgerErasure> ledger_erasure_;
  std::vector<std::unique_ptr<grpc::Service>> services_, admin_services_;
  std::unique_ptr<GrpcEndpoint> endpoint_, admin_endpoint_;
  std::unique_ptr<HttpEndpoint> http_;
};

absl::Status Server::Impl::Start() {
  RequireTls13();
  RouteGrpcLog();
  RaiseDescriptorLimit(config_);
  if (absl::Status status = StartHttp(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<TlsReloader>> tls = TlsReloader::Start(config_.tls(), clock_);
  if (!tls.ok()) return tls.status();
  tls_ = *std::move(tls);
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Bind(
      config_.listen(), config_.limits().connections_max(), config_.limits().connections_per_address_max());
  if (!acceptor.ok()) return acceptor.status();
  acceptor_ = *std::move(acceptor);
  auto admin = Acceptor::Bind(config_.admin_listen(), config_.limits().admin_connections_max(),
                              std::min(config_.limits().admin_connections_max(),
                                       config_.limits().admin_connections_per_address_max()));
  if (!admin.ok()) return admin.status();
  admin_acceptor_ = *std::move(admin);
  if (absl::Status status = OpenRooms(); !status.ok()) return status;
  DescribeMetrics();
  if (absl::Status status = StartServing(); !status.ok()) return status;
  phase_.store(Phase::kReady, std::memory_order_release);
  Log::Info("ready", {{"version", COALITION_VERSION},
                      {"port", port()},
                      {"admin_port", admin_port()},
                      {"http_port", http_port()},
                      {"revision", store_->Head()},
                      {"members", directory_->Current()->PublicMembers().size()}});
  return absl::OkStatus();
}

absl::Status Server::Impl::StartHttp() {
  if (config_.http_listen() == "off") return absl::OkStatus();
  auto http = HttpEndpoint::Start(
      config_.http_listen(),
      {[this] { return NotReady(); }, [this] { return Warning(); }, [this] { return Metrics(); }});
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  return absl::OkStatus();
}

absl::Status Server::Impl::OpenRooms() {
  absl::StatusOr<config::v1::Bootstrap> bootstrap = LoadBootstrap(config_);
  if (!bootstrap.ok()) return bootstrap.status();
  auto rooms = StoreRooms::Open(config_);
  if (!rooms.ok()) return rooms.status();
  store_rooms_ = *std::move(rooms);
  if (absl::Status ended = EndKeyOverlapInTime(config_, clock_.NowS()); !ended.ok()) return ended;
  absl::StatusOr<exchange::ExchangeKeys> keys =
      LoadKeys(config_.key_dir(), store_rooms_->Head() == 0, random_);
  if (!keys.ok()) return keys.status();
  auto entry_keys = ledger::EntryKeys::Load(config_.key_dir(), store_rooms_->Head() == 0, random_);
  if (!entry_keys.ok()) return entry_keys.status();
  entry_keys_ = *std::move(entry_keys);
  if (absl::Status removed = RemoveKeyLeftovers(config_.key_dir()); !removed.ok()) return removed;
  absl::Status held = store_rooms_->HoldAgainstJournal(config_, *bootstrap, *keys->contents, clock_.NowNs());
  if (!held.ok()) return held;
  store_ = &store_rooms_->store();
  keys_ = *keys;
  auto directory = membership::Directory::Open(*store_, *bootstrap, clock_.NowNs(), entry_keys_);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  if (absl::Status marked = MarkStoreBegun(config_.key_dir()); !marked.ok()) return marked;
  lane_ = std::make_unique<store::CommitLane>(*store_);
  executor_ = std::make_unique<service::Executor>(config_.worker_threads(), kWorkerQueueMax);
  admin_executor_ = std::make_unique<service::Executor>(config_.admin_worker_threads(), kWorkerQueueMax);
  cut_off_executor_ = std::make_unique<service::Executor>(kCutOffWorkers, kWorkerQueueMax);
  const auto run_later = [this](uint32_t member, std::function<void()> work) {
    executor_->SubmitAlways(member, std::move(work));
  };
  auto exchange = exchange::Exchange::Open(ExchangeOptionsOf(config_), *keys, *store_, *directory_, *lane_,
                                           random_, run_later);
  if (!exchange.ok()) return exchange.status();
  exchange_ = *std::move(exchange);
  // Not of random_: the ledger draws by the clock, on a thread of its own, and what a test steers is for
  // calls.
  auto ledger = LedgerRooms::Open(config_, {*store_, *lane_, *directory_, keys_, clock_, system_random_,
                                            *disclosures_, run_later, entry_keys_});
  if (!ledger.ok()) return ledger.status();
  ledger_ = *std::move(ledger);
  entries_ = std::make_unique<ledger::Entries>(
      *store_, [this] { return ledger_->sealer().Newest(); }, entry_keys_);
  sealer_ =
      std::make_unique<Sealer>(std::span<const uint8_t, kSealKeyBytes>(
                                   reinterpret_cast<const uint8_t*>(keys->page_token.data()), kSealKeyBytes),
                               random_, keys->page_token_former);
  auto backing_up =
      BackingUp::Open(config_, {*store_, [this] { return ledger_->sealer().Newest().note; }, system_random_});
  if (!backing_up.ok()) return backing_up.status();
  backing_up_ = *std::move(backing_up);
  return absl::OkStatus();
}

service::DepartureWork Server::Impl::DepartureWorkOf() {
  exchange::Departures& departures = exchange_->departures();
  return {[&departures](uint32_t member) { departures.Start(member); },
          [&departures](uint32_t member) { return departures.RecordsDone(member); }};
}

void Server::Impl::MakeServices() {
  const config::v1::Limits& limits = config_.limits();
  guard_ = std::make_unique<service::CallGuard>(*directory_, clock_, MemberLimitsOf(limits));
  admin_guard_ = std::make_unique<service::CallGuard>(*directory_, clock_, AdminLimitsOf(limits),
                                                      service::Listener::kAdministration);
  timers_ = std::make_unique<service::Timers>();
  const auto make_kit = [&](service::CallGuard& guard, service::Executor& executor) {
    return std::make_unique<service::CallKit>(
        service::CallKit{guard, ledger_->shown(), ledger_->refusals(), executor, *cut_off_executor_, *timers_,
                         call_metrics_, open_calls_, DurationsOf(limits)});
  };
  kit_ = make_kit(*guard_, *executor_);
  admin_kit_ = make_kit(*admin_guard_, *admin_executor_);
  watching_ = std::make_unique<Watching>(limits, *store_, *directory_, keys_, *sealer_, ledger_->shown(),
                                         exchange_->expiry());
  cut_offs_ = std::make_unique<service::CutOffs>(
      open_calls_,
      std::vector<service::CutOffStreams*>{&imports_, &watching_->streams(), &backing_up_->streams()},
      *timers_, clock_);
  const service::PageOptions pages{limits.page_size_default(), limits.page_size_max()};
  members_ = std::make_unique<membership::Members>(*directory_, limits.credential_changes_per_day_max());
  credentials_ = std::make_unique<membership::Credentials>(
      *directory_, membership::CredentialLimits{limits.credentials_per_member_max(),
                                                limits.revoked_keys_per_credential_max(),
                                                limits.credential_changes_per_day_max()});
  policies_ = std::make_unique<membership::Policies>(
      *directory_, membership::PolicyOptions{limits.own_policy_changes_per_day_max()});
  proposals_ = std::make_unique<membership::Proposals>(*directory_, limits.proposals_open_max());
  membership_service_ = std::make_unique<service::MembershipService>(
      *directory_, *members_, *credentials_, *cut_offs_, DepartureWorkOf(), *sealer_,
      service::MembershipServiceOptions{pages, COALITION_VERSION});
  policy_service_ = std::make_unique<service::PolicyService>(*policies_, *exchange_, *sealer_, pages);
  proposal_service_ = std::make_unique<service::ProposalService>(*proposals_, *exchange_, *sealer_, pages);
  ledger_service_ = std::make_unique<service::LedgerService>(
      *entries_, watching_->disclosures(),
      [this](const std::string& note) { return ledger_->sealer().AddCosignature(note); }, *sealer_, pages);
  ledger_erasure_ = std::make_unique<service::LedgerErasure>(*directory_, ledger_->eraser(),
                                                             [this] { return entry_keys_->Digest(); });
  services_.push_back(std::make_unique<service::CallbackService>(
      *kit_, service::ExchangeRoutes(*exchange_),
      std::vector<service::StreamRoute>{
          {service::Method::kImportRecords,
           [this](grpc::CallbackServerContext* call) { return imports_.Open(*kit_, *exchange_, call); }}}));
  services_.push_back(std::make_unique<service::CallbackService>(
      *kit_, service::RecallRoutes(watching_->recalls()),
      std::vector<service::StreamRoute>{
          {service::Method::kWatchRecords,
           [this](grpc::CallbackServerContext* call) { return watching_->streams().Open(*kit_, call); }}}));
  for (std::vector<service::Route> routes :
       {service::ExchangeRoutes(*exchange_), service::RecallRoutes(watching_->recalls()),
        service::ErasureRoutes(*exchange_), ledger_erasure_->Routes()}) {
    admin_services_.push_back(std::make_unique<service::BlockingService>(*admin_kit_, std::move(routes)));
  }
  for (std::vector<service::Route> routes : {membership_service_->Routes(), policy_service_->Routes(),
                                             proposal_service_->Routes(), ledger_service_->Routes()}) {
    services_.push_back(std::make_unique<service::CallbackService>(*kit_, routes));
    admin_services_.push_back(std::make_unique<service::BlockingService>(*admin_kit_, std::move(routes)));
  }
  admin_services_.push_back(backing_up_->MakeService(*admin_kit_));
}

absl::Status Server::Impl::StartServing() {
  MakeServices();
  const auto start = [this](const std::vector<std::unique_ptr<grpc::Service>>& owned,
                            std::vector<std::string> names, EndpointThreads threads) {
    std::vector<grpc::Service*> services;
    services.reserve(owned.size());
    for (const auto& service : owned) services.push_back(service.get());
    return GrpcEndpoint::Start(config_, *tls_, services, std::move(names), threads);
  };
  std::vector<std::string> names(service::kServiceNames.begin(), service::kServiceNames.end());
  std::vector<std::string> admin_names = names;
  for (const std::string_view name : service::kAdminServiceNames) admin_names.emplace_back(name);
  auto admin = start(admin_services_, std::move(admin_names), EndpointThreads::kOwn);
  if (!admin.ok()) return admin.status();
  admin_endpoint_ = *std::move(admin);
  auto endpoint = start(services_, std::move(names), EndpointThreads::kShared);
  if (!endpoint.ok()) return endpoint.status();
  endpoint_ = *std::move(endpoint);
  {
    const QuietGrpcLog quiet;
    for (GrpcEndpoint* one : {endpoint_.get(), admin_endpoint_.get()}) {
      absl::Status tls13 = CheckTls13Only([one](int fd) { one->Take(fd); });
      if (!tls13.ok()) return tls13;
    }
  }
  service::CutOffUnreadCalls(*kit_);
  background_ = std::make_unique<Background>(
      config_, Background::Rooms{clock_, *store_, *directory_, *members_, *exchange_, *executor_, *timers_});
  background_->Resume();
  ledger_->sealer().Start();
  endpoint_->SetServing(true);
  admin_endpoint_->SetServing(true);
  absl::Status started = admin_acceptor_->Start([this](int fd) { admin_endpoint_->Take(fd); });
  return started.ok() ? acceptor_->Start([this](int fd) { endpoint_->Take(fd); }) : started;
}

void Server::Impl::DescribeMetrics() {
  AskedMetrics& m = room_metrics_;
  const auto number = [](auto value) { return static_cast<double>(value); };
  m.AddGauge("coalition_store_revision", "The newest durable revision.",
             [=, this] { return number(store_->Head()); });
  m.AddGauge("coalition_store_floor", "The oldest revision that can be read.",
             [=, this] { return number(store_->Floor()); });
  m.AddCounter("coalition_expired_records_removed_total", "Records removed after they expired.",
               [=, this] { return number(exchange_->expiry().removed()); });
  m.AddGauge("coalition_filter_bytes", "Memory of the presence filter.",
             [=, this] { return number(exchange_->stats().filter_bytes); });
  m.AddGauge("coalition_sellers", "Sellers in the presence filter.",
             [=, this] { return number(exchange_->stats().sellers); });
  m.AddGauge("coalition_commit_lane_depth", "Commits that wait.",
             [=, this] { return number(lane_->QueueDepth()); });
  m.AddGauge("coalition_worker_queue_depth", "Calls that wait for a worker.",
             [=, this] { return number(executor_->depth()); });
  m.AddGauge("coalition_calls_in_flight", "Calls and streams under way.",
             [=, this] { return number(guard_->limits().calls_in_flight()); });
  m.AddGauge("coalition_admin_calls_in_flight", "Of the administration's listener: calls under way.",
             [=, this] { return number(admin_guard_->limits().calls_in_flight()); });
  m.AddGauge("coalition_admin_connections", "Of the administration's listener: connections that are open.",
             [=, this] { return number(admin_acceptor_->counts().open); });
  m.AddCounter("coalition_admin_connections_refused_total",
               "Of the administration's listener: connections closed for its limits.", [=, this] {
                 const auto counts = admin_acceptor_->counts();
                 return number(counts.over_limit + counts.over_address_limit);
               });
  m.AddGauge("coalition_import_streams", "Import streams that are open.",
             [=, this] { return number(imports_.open()); });
  m.AddGauge("coalition_watches", "Watches that are open.",
             [=, this] { return number(watching_->streams().open()); });
  m.AddCounter("coalition_ledger_entries_total", "Entries of disclosures written into the ledger.",
               [=, this] { return number(ledger_->entries().appended()); });
  m.AddCounter("coalition_ledger_ticks_total", "Ticks sealed.",
               [=, this] { return number(ledger_->sealer().counts().ticks); });
  m.AddCounter("coalition_ledger_sealed_entries_total", "Entries sealed.",
               [=, this] { return number(ledger_->sealer().counts().entries); });
  m.AddCounter("coalition_ledger_failures_total", "Ticks that failed.",
               [=, this] { return number(ledger_->sealer().counts().failures); });
  m.AddGauge("coalition_ledger_checkpoint_age_seconds", "Since the newest checkpoint was signed.",
             [=, this] { return ledger_->sealer().SecondsSinceCheckpoint(); });
  m.AddCounter("coalition_disclosures_total", "Replies that showed records of others.",
               [=, this] { return number(counting_->counts().disclosures); });
  m.AddCounter("coalition_disclosed_records_total", "Records of others shown.",
               [=, this] { return number(counting_->counts().records); });
  backing_up_->Describe(&m);
  m.AddGauge("coalition_connections", "Connections that are open.",
             [=, this] { return number(acceptor_->counts().open); });
  m.AddCounter("coalition_connections_accepted_total", "Connections taken.",
               [=, this] { return number(acceptor_->counts().accepted); });
  m.AddCounter("coalition_connections_over_limit_total", "Connections closed for limits.connections_max.",
               [=, this] { return number(acceptor_->counts().over_limit); });
  m.AddCounter("coalition_connections_over_address_limit_total",
               "Connections closed for limits.connections_per_address_max.",
               [=, this] { return number(acceptor_->counts().over_address_limit); });
  m.AddCounter("coalition_accept_failures_total", "Failures to accept, mostly out of descriptors.",
               [=, this] { return number(acceptor_->counts().failures); });
  m.AddCounter("coalition_handshakes_refused_total", "TLS handshakes that failed, of this process.",
               [=] { return number(FailedHandshakes()); });
  tls_->Describe(&m);
}

std::string Server::Impl::NotReady() const {
  switch (phase_.load(std::memory_order_acquire)) {
    case Phase::kStarting:
      return "starting";
    case Phase::kDraining:
      return "draining";
    case Phase::kReady:
      break;
  }
  const absl::Status writable = store_rooms_->CheckWritable();
  return writable.ok() ? std::string() : std::string(writable.message());
}

// The old files serve as well as before, so nobody need be sent elsewhere.
std::string Server::Impl::Warning() const {
  std::string warning;
  if (const std::string refusal = tls_->state().refusal; !refusal.empty())
    warning = "the TLS files are refused, older ones served: " + refusal;
  const absl::Status kept = ledger_ == nullptr ? absl::OkStatus() : store_rooms_->JournalHealth();
  if (!kept.ok()) warning += (warning.empty() ? "" : "\n") + std::string(kept.message());
  const absl::Status sealed = ledger_ == nullptr ? absl::OkStatus() : ledger_->sealer().Health();
  if (sealed.ok()) return warning;
  if (!warning.empty()) warning += "\n";
  warning += "the ledger is not sealed: ";
  warning += Std(sealed.message());
  return warning;
}

std::vector<prometheus::MetricFamily> Server::Impl::Metrics() const {
  std::vector<prometheus::MetricFamily> families = call_metrics_.Collect();
  // The rooms are there once the server was ready, and stay until this endpoint has gone.
  if (phase_.load(std::memory_order_acquire) == Phase::kStarting) return families;
  for (prometheus::MetricFamily& family : room_metrics_.Collect()) families.push_back(std::move(family));
  return families;
}

void Server::Impl::Shutdown() {
  MutexLock lock(shutdown_mutex_);
  if (shut_down_) return;
  shut_down_ = true;
  const bool was_ready = phase_.load(std::memory_order_acquire) == Phase::kReady;
  if (was_ready) {
    phase_.store(Phase::kDraining, std::memory_order_release);
    Log::Info("draining");
  }
  // Before the timers hurry, which would have it try again and again.
  if (background_ != nullptr) background_->Drain();
  if (endpoint_ != nullptr) {
    const std::chrono::milliseconds timeout(config_.drain_timeout_ms());
    const auto cancel_at = std::chrono::system_clock::now() + timeout;
    for (GrpcEndpoint* one : {endpoint_.get(), admin_endpoint_.get()}) one->SetServing(false);
    for (Acceptor* one : {acceptor_.get(), admin_acceptor_.get()}) one->Stop();
    for (service::CallGuard* one : {guard_.get(), admin_guard_.get()}) one->StartDraining();
    imports_.Drain();
    watching_->streams().Drain();
    backing_up_->streams().Drain();
    // What waits for a disclosure or a client that is silent ends when gRPC cancels the rest, not at its own
    // time.
    timers_->After(timeout, [this] { timers_->ExpireAll(); });
    // While gRPC's shared threads still run: idle clients in this process hear of it by them.
    admin_endpoint_->Shutdown(cancel_at);
    endpoint_->Shutdown(cancel_at);
  }
  if (watching_ != nullptr) watching_->Stop();
  for (service::Executor* one : {executor_.get(), admin_executor_.get(), cut_off_executor_.get()}) {
    if (one != nullptr) one->Drain();
  }
  if (ledger_ != nullptr) ledger_->sealer().Stop();
  if (lane_ != nullptr) lane_->Drain();
  http_.reset();
  endpoint_.reset();
  admin_endpoint_.reset();
  if (was_ready) Log::Info("stopped");
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (absl::Status started = impl->Start(); !started.ok()) return started;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
int Server::port() const { return impl_->port(); }
int Server::admin_port() const { return impl_->admin_port(); }
int Server::http_port() const { return impl_->http_port(); }
absl::Status Server::ReloadTls() { return impl_->ReloadTls(); }
void Server::Shutdown() { impl_->Shutdown(); }

}  // namespace coalition::server
