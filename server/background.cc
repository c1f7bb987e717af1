#include "server/background.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "common/log.h"
#include "common/strings.h"

namespace coalition::server {
namespace {

// In turn with members.
constexpr uint32_t kServer = 0;

store::HistoryOptions HistoryOptionsOf(const config::v1::ServerConfig& config) {
  store::HistoryOptions options;
  options.keep = std::chrono::hours(24) * config.storage().history_days();
  return options;
}

auto After(service::Timers& timers) {
  return [&timers](std::chrono::milliseconds delay, std::function<void()> function) {
    timers.After(delay, std::move(function));
  };
}

}  // namespace

Background::Background(const config::v1::ServerConfig& config, const Rooms& rooms)
    : rooms_(rooms), history_(rooms.store, HistoryOptionsOf(config)) {}

void Background::Resume() {
  ResumeDepartures();
  ResumeExpiry();
  ResumeHistory();
}

void Background::Drain() {
  rooms_.exchange.departures().Drain();
  rooms_.exchange.expiry().Drain();
  history_.Drain();
}

void Background::ResumeDepartures() {
  exchange::DepartureHooks hooks;
  hooks.end = [this](uint32_t member, int64_t now_ns) { return rooms_.members.EndDeparture(member, now_ns); };
  hooks.after = After(rooms_.timers);
  hooks.failed = [this](uint32_t member, const absl::Status& why) {
    Log::Warn("departure_stopped", {{"member", rooms_.directory.Current()->stored().members[member - 1].id()},
                                    {"message", Std(why.message())}});
  };
  rooms_.exchange.departures().Resume(rooms_.clock, std::move(hooks));
}

void Background::ResumeExpiry() {
  exchange::ExpiryHooks hooks;
  hooks.after = After(rooms_.timers);
  hooks.failed = [](const absl::Status& why) {
    Log::Warn("expiry_stopped", {{"message", Std(why.message())}});
  };
  hooks.damaged = [](int records) {
    Log::Warn("expired_records_damaged",
              {{"records", records}, {"message", "they stay in the store, and nobody is shown them"}});
  };
  rooms_.exchange.expiry().Resume(rooms_.clock, std::move(hooks));
}

void Background::ResumeHistory() {
  store::HistoryHooks hooks;
  hooks.run_later = [this](std::function<void()> work) {
    rooms_.executor.SubmitAlways(kServer, std::move(work));
  };
  hooks.after = After(rooms_.timers);
  hooks.failed = [](const absl::Status& why) {
    Log::Warn("history_stopped", {{"message", Std(why.message())}});
  };
  history_.Resume(rooms_.clock, std::move(hooks));
}

}  // namespace coalition::server
