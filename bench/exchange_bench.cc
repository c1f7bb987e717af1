// exchange_bench: screening in this process, without gRPC: from the bytes of a request to the bytes of its
// answer.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine.h"
#include "bench/generator.h"
#include "google/protobuf/arena.h"

namespace coalition::bench {
namespace {

constexpr uint64_t kRecords = 200'000;
constexpr int kBatches = 16;

config::v1::Bootstrap SomeMembers() {
  config::v1::Bootstrap bootstrap;
  bootstrap.set_trust_domain("bench.example");
  const auto add = [&](const char* id, v1::MemberKind kind, const char* credential, v1::Role role) {
    config::v1::BootstrapMember* member = bootstrap.add_members();
    member->set_id(id);
    member->set_display_name(id);
    member->set_kind(kind);
    config::v1::BootstrapCredential* added = member->add_credentials();
    added->set_id(credential);
    added->add_roles(role);
    added->set_purpose("benchmark");
    added->set_public_key_sha256(std::string(63, '0') + std::to_string(bootstrap.members_size()));
  };
  add("aurore", v1::MEMBER_KIND_BRAND, "contributor", v1::ROLE_CONTRIBUTOR);
  add("bazaar", v1::MEMBER_KIND_MARKETPLACE, "reader", v1::ROLE_READER);
  return bootstrap;
}

// An engine with records, in a directory that goes with it.
class Filled {
 public:
  Filled() {
    std::string name = std::filesystem::temp_directory_path() / "coalition-exchange-bench-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    dir_ = name;
    auto opened = Engine::Open(dir_ / "store", SomeMembers(), nullptr);
    if (!opened.ok() || !(*opened)->Import(MakeMessages(kRecords)).ok()) std::abort();
    // Opened again: what was in memory is in tables, as after a restart.
    opened->reset();
    opened = Engine::Open(dir_ / "store", SomeMembers(), nullptr);
    if (!opened.ok()) std::abort();
    engine_ = *std::move(opened);
  }
  ~Filled() {
    engine_.reset();
    std::filesystem::remove_all(dir_);
  }
  Filled(const Filled&) = delete;
  Filled& operator=(const Filled&) = delete;

  Engine& engine() { return *engine_; }

 private:
  std::filesystem::path dir_;
  std::unique_ptr<Engine> engine_;
};

std::vector<std::string> Requests(int sellers, int listed_percent) {
  std::vector<std::string> requests;
  uint64_t draw = 0;
  for (int i = 0; i < kBatches; ++i) {
    v1::ScreenSellersRequest request;
    for (int j = 0; j < sellers; ++j) {
      if (static_cast<int>(Mix(++draw) % 100) < listed_percent) {
        SetListedSeller(Mix(draw) % kRecords, request.add_sellers());
      } else {
        SetUnlistedSeller(draw, request.add_sellers());
      }
    }
    requests.push_back(request.SerializeAsString());
  }
  return requests;
}

void Screen(benchmark::State& run) {
  static Filled filled;  // shared by all, removed at the end
  const auto context = filled.engine().Context("bazaar", "reader");
  if (!context.ok()) std::abort();
  const auto sellers = static_cast<int>(run.range(0));
  const std::vector<std::string> requests = Requests(sellers, static_cast<int>(run.range(1)));
  size_t at = 0;
  for (auto _ : run) {
    google::protobuf::Arena arena;
    auto* request = google::protobuf::Arena::CreateMessage<v1::ScreenSellersRequest>(&arena);
    auto* response = google::protobuf::Arena::CreateMessage<v1::ScreenSellersResponse>(&arena);
    ledger::Disclosure disclosure;
    if (!request->ParseFromString(requests[at++ % requests.size()])) std::abort();
    if (!filled.engine().exchange().Screen(*context, *request, response, &disclosure).ok()) std::abort();
    benchmark::DoNotOptimize(response->SerializeAsString());
  }
  run.SetItemsProcessed(run.iterations() * sellers);
}
BENCHMARK(Screen)
    ->ArgNames({"sellers", "listed"})
    ->Args({1, 0})
    ->Args({1, 100})
    ->Args({1000, 0})
    ->Args({1000, 1})
    ->Args({1000, 10});

}  // namespace
}  // namespace coalition::bench

BENCHMARK_MAIN();
