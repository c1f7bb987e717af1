// What a backup takes from the members while it runs, and how fast it is beside them.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "coalition/v1/backup_service.grpc.pb.h"
#include "common/file.h"
#include "common/random.h"
#include "common/x25519.h"

namespace coalition::bench {
namespace {

// Takes one backup after the other, on a thread of its own, until it is destroyed.
class Backups {
 public:
  explicit Backups(const Endpoint& administrator)
      : stub_(v1::BackupService::NewStub(Connect(administrator))), thread_([this] { Run(); }) {}
  ~Backups() { Stop(); }

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  uint64_t bytes() const { return bytes_; }
  // That came whole.
  int taken() const { return taken_; }
  bool ended() const { return ended_; }
  // When it has ended.
  const absl::Status& status() const { return status_; }

 private:
  void Run() {
    while (!stop_ && status_.ok()) status_ = TakeOne();
    ended_ = true;
  }

  absl::Status TakeOne() {
    grpc::ClientContext context;
    const auto stream = stub_->CreateBackup(&context, v1::CreateBackupRequest());
    v1::CreateBackupResponse response;
    bool whole = false;
    while (stream->Read(&response)) {
      bytes_ += response.data().size();
      whole = whole || response.has_summary();
      if (stop_) context.TryCancel();
    }
    const grpc::Status status = stream->Finish();
    taken_ += whole ? 1 : 0;
    return stop_ ? absl::OkStatus() : FromGrpc(status);
  }

  const std::unique_ptr<v1::BackupService::Stub> stub_;
  std::atomic<bool> stop_{false}, ended_{false};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<int> taken_{0};
  absl::Status status_;
  std::thread thread_;  // last
};

// Round by round: calls a second alone and beside a backup, and its megabytes a second.
struct BesideBackup {
  std::vector<double> alone, beside, megabytes;
  int taken = 0;
};

absl::Status RunRound(const Server& server, ScreenLoad* load, double seconds, BesideBackup* found) {
  const Segment alone = load->Run(std::chrono::duration<double>(seconds));
  if (!alone.status.ok()) return alone.status;
  Backups backups(server.administrator);
  // It has begun when its first bytes come.
  while (backups.bytes() == 0 && !backups.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const uint64_t before = backups.bytes();
  const Segment beside = load->Run(std::chrono::duration<double>(seconds));
  const uint64_t after = backups.bytes();
  backups.Stop();
  if (!backups.status().ok()) return backups.status();
  if (!beside.status.ok()) return beside.status;
  found->alone.push_back(alone.calls_per_s());
  found->beside.push_back(beside.calls_per_s());
  found->megabytes.push_back(static_cast<double>(after - before) / 1e6 / beside.seconds);
  found->taken += backups.taken();
  return absl::OkStatus();
}

absl::StatusOr<Server> StartWithRecords(Workspace& workspace, const Home& home, uint64_t records) {
  SystemRandom random;
  const auto key = X25519Key::Generate(random);
  if (!key.ok()) return key.status();
  const absl::Status written = WriteX25519PublicKeyFile(home / kBackupKeyFile, key->public_key());
  if (!written.ok()) return written;
  // The coalition that has an administrator.
  auto server = workspace.StartServer(home, workspace.large_bootstrap_file());
  if (!server.ok()) return server.status();
  const ImportResultCounts counts = ImportReports(server->contributor, {}, 0, records);
  if (!counts.status.ok()) return counts.status;
  return server;
}

}  // namespace

Rows BackupRate(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("backup");
  if (!home.ok()) return home.status();
  const auto server = StartWithRecords(workspace, *home, settings.import_records);
  if (!server.ok()) return server.status();
  ScreenLoad load(server->reader, {.records = settings.import_records}, 1);
  load.Run(std::chrono::seconds(1));
  BesideBackup found;
  for (int round = 0; round < settings.rounds; ++round) {
    if (absl::Status ran = RunRound(*server, &load, settings.seconds, &found); !ran.ok()) return ran;
  }
  const double rate = Median(found.megabytes);
  const double left = MedianRatio(found.beside, found.alone);
  const std::string shape =
      "beside full load of screenings (1 % listed, 4 connections x 32), client on the same cores; store of " +
      FormatNumber(static_cast<double>(workspace.StoreBytes(*home)) / 1e6) + " MB, " +
      std::to_string(found.taken) + " backups taken whole";
  return std::vector<Row>{{.name = "backup_rate",
                           .measured = FormatRate(found.megabytes, " MB/s"),
                           .baseline = "",
                           .ratio = std::nullopt,
                           .target = ">= 50 MB/s",
                           .ok = rate >= 50,
                           .note = "bytes of backups as they come over mutual TLS, " + shape,
                           .measured_value = rate,
                           .baseline_value = 0},
                          {.name = "backup_load",
                           .measured = FormatRate(found.beside, "/s"),
                           .baseline = FormatRate(found.alone, "/s"),
                           .ratio = left,
                           .target = ">= 0.8",
                           .ok = left >= 0.8,
                           .note = "the screenings meanwhile; baseline: without a backup. Lost: " +
                                   FormatNumber(100 * (1 - left)) + " %",
                           .measured_value = Median(found.beside),
                           .baseline_value = Median(found.alone)}};
}

}  // namespace coalition::bench
