// Watches that are all behind by the same changes, and how fast they are told of them.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "bench/watch_load.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWatchesOfEach = 8;
constexpr uint64_t kChanges = 20'000;
constexpr std::chrono::seconds kOpening(60), kLongest(120);
// Of the records that are written while it is measured: no others are like them.
constexpr uint64_t kFirstWritten = 700'000'000;

// Watches of one member.
struct Member {
  Endpoint endpoint;
  uint64_t records = 0;  // that each is told
  std::string cursor;    // where all of them go on
  v1::WatchRecordsResponse largest;
};
using Members = std::vector<Member>;

absl::Status FindCursor(Member* member) {
  WatchLoad load(member->endpoint, {.notes = true});
  Told& told = load.told();
  if (!WaitFor(kOpening, [&] { return told.complete == 1; })) {
    return absl::DeadlineExceededError("the snapshot of nothing was not completed");
  }
  const std::lock_guard lock(told.mutex);
  member->cursor = told.cursor;
  return absl::OkStatus();
}

// Records a second that all watches together are told, from when the first is opened, on connections that are
// there, to when each has all. The members' cursors are those behind that then.
absl::StatusOr<double> Drain(Members* members) {
  std::vector<std::unique_ptr<WatchLoad>> loads;
  uint64_t records = 0;
  for (const Member& member : *members) {
    loads.push_back(std::make_unique<WatchLoad>(member.endpoint, WatchShape{.watches = kWatchesOfEach,
                                                                            .connections = kWatchesOfEach,
                                                                            .cursor = member.cursor,
                                                                            .waits = true,
                                                                            .notes = true}));
    records += kWatchesOfEach * member.records;
  }
  const Clock::time_point begin = Clock::now();
  for (const auto& load : loads) load->Start();
  for (size_t i = 0; i < loads.size(); ++i) {
    Told& told = loads[i]->told();
    const uint64_t all = kWatchesOfEach * (*members)[i].records;
    WaitFor(kLongest, [&] { return told.upserts >= all || told.ended > 0; });
    if (told.upserts != all) return absl::InternalError("a watch was not told of all changes");
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  for (size_t i = 0; i < loads.size(); ++i) {
    Told& told = loads[i]->told();
    const std::lock_guard lock(told.mutex);
    (*members)[i].cursor = told.cursor;
    (*members)[i].largest = told.largest;
  }
  return static_cast<double>(records) / took.count();
}

// More that nobody was ever shown.
absl::StatusOr<double> DrainNew(const Server& server, uint64_t from, Members* members) {
  const ImportResultCounts counts =
      ImportReports(server.contributor, {.streams = 2, .window = 4}, kFirstWritten + from, kChanges);
  if (!counts.status.ok()) return counts.status;
  if (counts.created != kChanges) return absl::InternalError("not every record was written");
  if (absl::Status rested = server.process->WaitIdle(kLongest); !rested.ok()) return rested;
  return Drain(members);
}

// For each member an echo, that tells its watches about as much in responses like that member's.
struct Echoes {
  std::vector<Server> servers;
  Members members;
};

absl::StatusOr<Echoes> StartEchoes(Workspace& workspace, const Members& members) {
  Echoes echoes;
  for (const Member& member : members) {
    const auto events = static_cast<uint64_t>(member.largest.events_size());
    if (events == 0) return absl::InternalError("a watch was told nothing");
    const uint64_t copies = (kChanges + events - 1) / events;
    auto echo = workspace.StartWatchEcho(member.largest, copies, {});
    if (!echo.ok()) return echo.status();
    echoes.members.push_back(
        {.endpoint = echo->reader, .records = copies * events, .cursor = {}, .largest = {}});
    echoes.servers.push_back(*std::move(echo));
  }
  return echoes;
}

std::string SizesOf(const Members& members) {
  std::string sizes;
  for (const Member& member : members) {
    sizes += (sizes.empty() ? "" : ", and ") + std::to_string(member.largest.events_size()) + " records in " +
             std::to_string(member.largest.ByteSizeLong()) + " bytes";
  }
  return sizes;
}

}  // namespace

Rows FeedDeliveryTail(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("delivery_tail");
  if (!home.ok()) return home.status();
  const auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  Members members;
  for (const Endpoint& endpoint : {server->reader, server->contributor}) {
    members.push_back({.endpoint = endpoint, .records = kChanges, .cursor = {}, .largest = {}});
    if (absl::Status found = FindCursor(&members.back()); !found.ok()) return found;
  }
  // Unmeasured: what the responses are like.
  if (const auto first = DrainNew(*server, 0, &members); !first.ok()) return first.status();
  auto echoes = StartEchoes(workspace, members);
  if (!echoes.ok()) return echoes.status();
  std::vector<double> measured, baseline;
  for (int round = 1; round <= settings.rounds; ++round) {
    const auto rate = DrainNew(*server, static_cast<uint64_t>(round) * kChanges, &members);
    if (!rate.ok()) return rate.status();
    measured.push_back(*rate);
    for (Member& member : echoes->members) member.cursor.clear();
    const auto bare = Drain(&echoes->members);
    if (!bare.ok()) return bare.status();
    baseline.push_back(*bare);
  }
  const double ratio = MedianRatio(measured, baseline);
  return std::vector<Row>{
      {.name = "feed_delivery_tail",
       .measured = FormatRate(measured, "/s"),
       .baseline = FormatRate(baseline, "/s"),
       .ratio = ratio,
       .target = ">= 0.6",
       .ok = ratio >= 0.6,
       .note =
           "records that 16 watches are told, 8 of a marketplace and 8 of the contributor, each on a "
           "connection of its own, which all go on from before " +
           std::to_string(kChanges) +
           " records were written that nobody was shown before; baseline: an echo for each of the two, with "
           "as many watches, that sends one response like its member's again and again (" +
           SizesOf(echoes->members) + ")",
       .measured_value = Median(measured),
       .baseline_value = Median(baseline)}};
}

}  // namespace coalition::bench
