// The benchmark's coalition on disk: certificates, configuration, stores that are kept from run to run, and
// the servers that run on them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/bootstraps.h"
#include "bench/load.h"
#include "coalition/v1/watch_service.pb.h"
#include "tests/support/certificates.h"
#include "tests/support/process.h"

namespace coalition::bench {

// A home is a directory with everything of one server: configuration, store, keys.
using Home = std::filesystem::path;

// In a home: the public key that its server encrypts backups to. Without it there are none.
inline constexpr const char* kBackupKeyFile = "backup-public.pem";

// A running coalitiond.
struct Server {
  std::unique_ptr<testing::Process> process;
  Endpoint reader;          // as members/bazaar, a MARKETPLACE with the role READER
  Endpoint contributor;     // as members/aurore, a BRAND with the role CONTRIBUTOR
  Endpoint administrator;   // as members/council, with COALITION_ADMIN; of the large coalition alone
  double open_seconds = 0;  // from the start of the process to its first answer
};

// Not thread-safe.
class Workspace {
 public:
  struct Options {
    std::filesystem::path build_dir;  // stores are kept in build_dir/bench-data
    std::string server;               // path of coalitiond
    std::string echo;                 // path of coalition_echo
    bool fresh = false;               // make kept stores anew
  };
  static absl::StatusOr<std::unique_ptr<Workspace>> Open(const Options& options);
  // Removes the temporary directory.
  ~Workspace();

  // A home with an empty store, in the temporary directory.
  absl::StatusOr<Home> MakeHome(const std::string& name);
  // A home whose store holds the first `records` reports: kept, and loaded through a server if it is not
  // there. Servers may read it; whoever writes takes a copy.
  absl::StatusOr<Home> HomeWith(uint64_t records);
  absl::StatusOr<Home> CopyHome(const Home& home, const std::string& name);

  // Returns when the server has answered a call and come to rest. `bootstrap`: one of the two files; without
  // it the small coalition's.
  absl::StatusOr<Server> StartServer(const Home& home);
  absl::StatusOr<Server> StartServer(const Home& home, const std::string& bootstrap);
  // An echo that answers `answer`, and `rare` to every rare_everyth call (0: never).
  absl::StatusOr<Server> StartEcho(const v1::ScreenSellersResponse& answer,
                                   const v1::ScreenSellersResponse& rare, uint64_t rare_every);
  // One whose watches are told `snapshot` so many times, and `tail` after each CreateRecord.
  absl::StatusOr<Server> StartWatchEcho(const v1::WatchRecordsResponse& snapshot, uint64_t copies,
                                        const v1::WatchRecordsResponse& tail);

  // "loaded in 14 s" or "kept from an earlier run", of the last HomeWith.
  const std::string& store_origin() const { return store_origin_; }
  const std::filesystem::path& temporary_dir() const { return temporary_dir_; }
  std::string bootstrap_file() const;
  std::string large_bootstrap_file() const;
  uint64_t StoreBytes(const Home& home) const;

 private:
  Workspace() = default;
  absl::Status OpenCertificates();
  absl::Status FillHome(const Home& home);
  absl::Status Load(const Home& home, uint64_t records);
  std::string Stamp(uint64_t records) const;
  absl::StatusOr<Server> Start(const std::vector<std::string>& command, const std::string& log_file,
                               int port);

  Options options_;
  std::filesystem::path data_dir_, temporary_dir_;
  std::string ca_pem_;
  Credentials credentials_;
  std::string store_origin_;
  int started_ = 0;
};

}  // namespace coalition::bench
