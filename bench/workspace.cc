#include "bench/workspace.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bench/generator.h"
#include "common/file.h"

namespace coalition::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileBytesMax = size_t{1} << 20;
constexpr std::chrono::seconds kRestMax(1800);
constexpr const char* kSmallBootstrap = "bootstrap.textproto";
constexpr const char* kLargeBootstrap = "large_bootstrap.textproto";
constexpr int64_t kCertificateSeconds = int64_t{365} * 24 * 3600;

absl::Status FromError(const std::error_code& error, const fs::path& path) {
  return error ? absl::InternalError(path.string() + ": " + error.message()) : absl::OkStatus();
}

absl::Status ReadIdentity(const fs::path& dir, const std::string& name, testing::Identity* identity) {
  auto certificate = ReadFile(dir / (name + ".pem"), kFileBytesMax);
  if (!certificate.ok()) return certificate.status();
  auto key = ReadFile(dir / (name + ".key"), kFileBytesMax);
  if (!key.ok()) return key.status();
  identity->certificate_pem = *std::move(certificate);
  identity->key_pem = *std::move(key);
  return absl::OkStatus();
}

absl::Status MakeCertificates(const fs::path& dir) {
  testing::CertificateFactory::Options options;
  options.trust_domain = "bench.example";
  testing::CertificateFactory factory(options);
  const auto issue = [&](const std::string& name, const std::string& member, const std::string& credential) {
    testing::CertificateSpec spec;
    spec.common_name = name;
    spec.ends_in_s = kCertificateSeconds;
    if (member.empty()) {
      spec.server_auth = true;
      spec.dns_names = {"localhost"};
      spec.ip_addresses = {"127.0.0.1"};
    } else {
      spec.uris = {factory.SpiffeUri(member, credential)};
    }
    testing::Identity identity = factory.Make(spec);
    testing::CertificateFactory::Write(identity, dir, name);
    return identity;
  };
  factory.WriteCa(dir);
  issue("server", "", "");
  const Credentials credentials{.reader = issue("reader", "bazaar", "reader"),
                                .contributor = issue("contributor", "aurore", "contributor"),
                                .administrator = issue("administrator", "council", "administrator")};
  absl::Status status = WriteFileAtomic(dir / kSmallBootstrap, SmallBootstrap(credentials), 0644);
  // Last: it says that all of them are there.
  status.Update(WriteFileAtomic(dir / kLargeBootstrap, LargeBootstrap(credentials), 0644));
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Workspace>> Workspace::Open(const Options& options) {
  auto workspace = std::unique_ptr<Workspace>(new Workspace());
  workspace->options_ = options;
  workspace->data_dir_ = options.build_dir / "bench-data";
  workspace->temporary_dir_ = options.build_dir / ("bench-run-" + std::to_string(getpid()));
  for (const fs::path& dir : {workspace->data_dir_, workspace->temporary_dir_}) {
    if (absl::Status made = MakeDir(dir, 0700); !made.ok()) return made;
  }
  if (absl::Status opened = workspace->OpenCertificates(); !opened.ok()) return opened;
  return workspace;
}

Workspace::~Workspace() {
  std::error_code ignored;
  if (!temporary_dir_.empty()) fs::remove_all(temporary_dir_, ignored);
}

absl::Status Workspace::OpenCertificates() {
  // Kept stores know the credentials by their keys, so both go together. Certificates live a year.
  std::error_code error;
  const auto made = fs::last_write_time(large_bootstrap_file(), error);
  const bool old = error || fs::file_time_type::clock::now() - made > std::chrono::hours(24 * 300);
  if (old) {
    fs::remove_all(data_dir_, error);
    if (absl::Status status = MakeDir(data_dir_, 0700); !status.ok()) return status;
    if (absl::Status status = MakeCertificates(data_dir_); !status.ok()) return status;
  }
  auto ca = ReadFile(data_dir_ / "ca.pem", kFileBytesMax);
  if (!ca.ok()) return ca.status();
  ca_pem_ = *std::move(ca);
  absl::Status status = ReadIdentity(data_dir_, "reader", &credentials_.reader);
  status.Update(ReadIdentity(data_dir_, "contributor", &credentials_.contributor));
  status.Update(ReadIdentity(data_dir_, "administrator", &credentials_.administrator));
  return status;
}

absl::Status Workspace::FillHome(const Home& home) {
  std::error_code error;
  fs::remove_all(home, error);
  return MakeDir(home, 0700);
}

absl::StatusOr<Home> Workspace::MakeHome(const std::string& name) {
  const Home home = temporary_dir_ / name;
  if (absl::Status status = FillHome(home); !status.ok()) return status;
  return home;
}

std::string Workspace::Stamp(uint64_t records) const {
  return "generator " + std::to_string(kGeneratorVersion) + "\nrecords " + std::to_string(records) + "\n";
}

absl::StatusOr<Home> Workspace::HomeWith(uint64_t records) {
  const Home home = data_dir_ / ("records-" + std::to_string(records));
  const auto stamp = ReadFile(home / "stamp", kFileBytesMax);
  if (stamp.ok() && *stamp == Stamp(records) && !options_.fresh) {
    store_origin_ = "kept from an earlier run";
    return home;
  }
  const auto start = std::chrono::steady_clock::now();
  std::fprintf(stderr, "loading %llu records\n", static_cast<unsigned long long>(records));
  if (absl::Status status = FillHome(home); !status.ok()) return status;
  if (absl::Status status = Load(home, records); !status.ok()) return status;
  if (absl::Status status = WriteFileAtomic(home / "stamp", Stamp(records), 0644); !status.ok())
    return status;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  store_origin_ =
      "loaded through an import stream in " + std::to_string(static_cast<int>(took.count())) + " s";
  return home;
}

absl::Status Workspace::Load(const Home& home, uint64_t records) {
  auto server = StartServer(home);
  if (!server.ok()) return server.status();
  const ImportResultCounts counts =
      ImportReports(server->contributor, {.streams = 2, .window = 4}, 0, records);
  if (!counts.status.ok()) return counts.status;
  if (counts.created != records) {
    return absl::InternalError("loaded " + std::to_string(counts.created) + " of " + std::to_string(records));
  }
  if (absl::Status rested = server->process->WaitIdle(kRestMax); !rested.ok()) return rested;
  return server->process->Stop();
}

absl::StatusOr<Home> Workspace::CopyHome(const Home& home, const std::string& name) {
  const Home copy = temporary_dir_ / name;
  std::error_code error;
  fs::copy(home, copy, fs::copy_options::recursive, error);
  if (absl::Status status = FromError(error, copy); !status.ok()) return status;
  return copy;
}

std::string Workspace::bootstrap_file() const { return data_dir_ / kSmallBootstrap; }
std::string Workspace::large_bootstrap_file() const { return data_dir_ / kLargeBootstrap; }

absl::StatusOr<Server> Workspace::StartServer(const Home& home) {
  return StartServer(home, bootstrap_file());
}

absl::StatusOr<Server> Workspace::StartServer(const Home& home, const std::string& bootstrap) {
  const auto port = testing::FreePort();
  const auto admin_port = testing::FreePort();
  if (!port.ok() || !admin_port.ok()) return absl::UnavailableError("there is no free port");
  std::string config = "admin_listen: \"127.0.0.1:" + std::to_string(*admin_port) +
                       "\"\nlisten: \"127.0.0.1:" + std::to_string(*port) +
                       "\"\n"
                       // Of the cut-off rows: as many as they have streams.
                       "limits { imports_per_member_max: 1000 watches_per_member_max: 1000 }\n"
                       "http_listen: \"off\"\n"
                       "store_dir: \"store\"\n"
                       "key_dir: \"keys\"\n"
                       "bootstrap_file: \"" +
                       bootstrap +
                       "\"\n"
                       "tls {\n  certificate_file: \"" +
                       (data_dir_ / "server.pem").string() + "\"\n  key_file: \"" +
                       (data_dir_ / "server.key").string() + "\"\n  client_ca_file: \"" +
                       (data_dir_ / "ca.pem").string() + "\"\n}\n";
  std::error_code ignored;
  if (fs::exists(home / kBackupKeyFile, ignored)) {
    config += std::string("backup { recipient_key_file: \"") + kBackupKeyFile + "\" }\n";
  }
  const fs::path config_file = home / "server.textproto";
  if (absl::Status status = WriteFileAtomic(config_file, config, 0644); !status.ok()) return status;
  auto server = Start({options_.server, "--config", config_file}, home / "server.log", *port);
  if (!server.ok()) return server;
  server->administrator.port = *admin_port;
  if (absl::Status rested = server->process->WaitIdle(kRestMax); !rested.ok()) return rested;
  return server;
}

absl::StatusOr<Server> Workspace::StartEcho(const v1::ScreenSellersResponse& answer,
                                            const v1::ScreenSellersResponse& rare, uint64_t rare_every) {
  const auto port = testing::FreePort();
  if (!port.ok()) return port.status();
  const std::string stem = temporary_dir_ / ("echo-" + std::to_string(++started_));
  absl::Status status = WriteFileAtomic(stem + ".answer", answer.SerializeAsString(), 0644);
  status.Update(WriteFileAtomic(stem + ".rare", rare.SerializeAsString(), 0644));
  if (!status.ok()) return status;
  return Start({options_.echo, std::to_string(*port), data_dir_ / "server.pem", data_dir_ / "server.key",
                data_dir_ / "ca.pem", stem + ".answer", stem + ".rare", std::to_string(rare_every)},
               stem + ".log", *port);
}

absl::StatusOr<Server> Workspace::StartWatchEcho(const v1::WatchRecordsResponse& snapshot, uint64_t copies,
                                                 const v1::WatchRecordsResponse& tail) {
  const auto port = testing::FreePort();
  if (!port.ok()) return port.status();
  const std::string stem = temporary_dir_ / ("echo-" + std::to_string(++started_));
  absl::Status status = WriteFileAtomic(stem + ".snapshot", snapshot.SerializeAsString(), 0644);
  status.Update(WriteFileAtomic(stem + ".tail", tail.SerializeAsString(), 0644));
  status.Update(WriteFileAtomic(stem + ".answer", "", 0644));
  if (!status.ok()) return status;
  return Start({options_.echo, std::to_string(*port), data_dir_ / "server.pem", data_dir_ / "server.key",
                data_dir_ / "ca.pem", stem + ".answer", stem + ".answer", "0", stem + ".snapshot",
                std::to_string(copies), stem + ".tail"},
               stem + ".log", *port);
}

absl::StatusOr<Server> Workspace::Start(const std::vector<std::string>& command, const std::string& log_file,
                                        int port) {
  const auto start = std::chrono::steady_clock::now();
  auto process = testing::Process::Start(command, log_file);
  if (!process.ok()) return process.status();
  Server server{.process = *std::move(process),
                .reader = {.port = port, .ca_pem = ca_pem_, .client = credentials_.reader},
                .contributor = {.port = port, .ca_pem = ca_pem_, .client = credentials_.contributor},
                .administrator = {.port = port, .ca_pem = ca_pem_, .client = credentials_.administrator}};
  if (absl::Status status = testing::WaitForPort(port, server.process.get(), std::chrono::seconds(120));
      !status.ok()) {
    return status;
  }
  v1::ScreenSellersRequest request;
  SetUnlistedSeller(0, request.add_sellers());
  if (const auto answer = ScreenOnce(server.reader, request); !answer.ok()) {
    const absl::Status running = server.process->Check();
    return running.ok() ? answer.status() : running;
  }
  server.open_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return server;
}

uint64_t Workspace::StoreBytes(const Home& home) const {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(home / "store", error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

}  // namespace coalition::bench
