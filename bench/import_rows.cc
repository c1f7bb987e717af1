#include <filesystem>

#include "bench/engine.h"
#include "bench/replay.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/textproto.h"

namespace coalition::bench {
namespace {

namespace fs = std::filesystem;

// An empty directory for one measurement; the last one's is removed.
std::string NewDir(const Workspace& workspace, const std::string& name) {
  const fs::path dir = workspace.temporary_dir() / name;
  fs::remove_all(dir);
  fs::create_directory(dir);
  return dir;
}

absl::StatusOr<double> MeasureEngine(const Workspace& workspace, const Messages& messages,
                                     leveldb::Env* env) {
  config::v1::Bootstrap bootstrap;
  if (absl::Status read = ReadTextproto(workspace.bootstrap_file(), &bootstrap); !read.ok()) return read;
  auto engine = Engine::Open(NewDir(workspace, "engine"), bootstrap, env);
  if (!engine.ok()) return engine.status();
  return (*engine)->Import(messages);
}

absl::StatusOr<double> MeasureServer(Workspace& workspace, const Messages& messages) {
  const auto home = workspace.MakeHome("import");
  if (!home.ok()) return home.status();
  auto server = workspace.StartServer(*home);
  if (!server.ok()) return server.status();
  const ImportResultCounts counts = ImportMessages(server->contributor, messages);
  if (!counts.status.ok()) return counts.status;
  if (absl::Status stopped = server->process->Stop(); !stopped.ok()) return stopped;
  return static_cast<double>(counts.created) / counts.seconds;
}

Row ImportRow(const std::string& name, const std::vector<double>& measured,
              const std::vector<double>& baseline, double target, const std::string& note) {
  const double ratio = MedianRatio(measured, baseline);
  return {.name = name,
          .measured = FormatRate(measured, "/s"),
          .baseline = FormatRate(baseline, "/s"),
          .ratio = ratio,
          .target = ">= " + FormatNumber(target),
          .ok = ratio >= target,
          .note = note,
          .measured_value = Median(measured),
          .baseline_value = Median(baseline)};
}

}  // namespace

Rows ImportDurable(Workspace& workspace, const Settings& settings) {
  const Messages messages = MakeMessages(settings.import_records);
  CapturingEnv env;
  if (const auto captured = MeasureEngine(workspace, messages, &env); !captured.ok())
    return captured.status();
  auto batches = env.Batches();
  if (!batches.ok()) return batches.status();
  double bytes = 0;
  for (const leveldb::WriteBatch& batch : *batches) bytes += static_cast<double>(batch.ApproximateSize());

  const auto records = static_cast<double>(settings.import_records);
  std::vector<double> engine, server, baseline;
  for (int round = 0; round < settings.rounds; ++round) {
    const auto a = MeasureEngine(workspace, messages, nullptr);
    if (!a.ok()) return a.status();
    const auto b = Replay(*batches, NewDir(workspace, "replay"));
    if (!b.ok()) return b.status();
    const auto c = MeasureServer(workspace, messages);
    if (!c.ok()) return c.status();
    engine.push_back(*a);
    baseline.push_back(records / *b);
    server.push_back(*c);
  }
  const std::string baseline_note =
      "baseline: the batches that it wrote (" + std::to_string(batches->size()) + " synchronous ones, " +
      FormatNumber(bytes / records) + " bytes a record) into an empty LevelDB of equal options";
  return std::vector<Row>{
      ImportRow("import_durable", engine, baseline, 0.5,
                FormatNumber(records) + " records with all indexes into an empty store, in process; " +
                    baseline_note),
      ImportRow(
          "import_durable_mtls", server, baseline, 0.35,
          "the same through coalitiond, two import streams over mTLS, the client on the same cores; the same "
          "baseline")};
}

}  // namespace coalition::bench
