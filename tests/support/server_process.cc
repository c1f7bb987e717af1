#include "tests/support/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include "common/file.h"

namespace coalition::testing {
namespace {

constexpr std::chrono::seconds kStartTimeout{60};

[[noreturn]] void Abort(const absl::Status& why) {
  std::fprintf(stderr, "%s\n", why.ToString().c_str());
  std::abort();
}

void MustWrite(const std::string& path, const std::string& text) {
  if (absl::Status status = WriteFileAtomic(path, text, 0600); !status.ok()) Abort(status);
}

// A port of 127.0.0.1 that was free a moment ago.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) {
    Abort(absl::InternalError("no free port"));
  }
  close(fd);
  return ntohs(address.sin_port);
}

bool Accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool accepted = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return accepted;
}

std::string MemberText(const std::string& id, const std::string& kind, const std::string& key_sha256) {
  return "members { id: \"" + id + "\" display_name: \"" + id + "\" kind: " + kind +
         " credentials { id: \"backend\" roles: ROLE_READER roles: ROLE_CONTRIBUTOR purpose: \"tests\" "
         "public_key_sha256: \"" +
         key_sha256 + "\" } }\n";
}

}  // namespace

ServerProcess::ServerProcess(std::string directory, std::string binary)
    : directory_(std::move(directory)), binary_(std::move(binary)) {
  WriteCoalition();
}

ServerProcess::~ServerProcess() { Kill(); }

void ServerProcess::WriteCoalition() {
  certificates_.WriteCa(directory_);
  CertificateFactory::Write(certificates_.Server(), directory_, "server");
  std::string bootstrap = "trust_domain: \"" + certificates_.trust_domain() + "\"\n";
  for (const auto& [id, kind] : {std::pair{"aurore", "MEMBER_KIND_BRAND"},
                                 {"belmont", "MEMBER_KIND_BRAND"},
                                 {"bazaar", "MEMBER_KIND_MARKETPLACE"}}) {
    const Identity identity = certificates_.Member(id, "backend");
    CertificateFactory::Write(identity, directory_, id);
    bootstrap += MemberText(id, kind, identity.spki_sha256_hex);
  }
  MustWrite(directory_ + "/bootstrap.textproto",
            bootstrap + "platforms { id: \"bazaar.example\" holder: \"bazaar\" }\n");
  // One port for the life of the directory, so that a client finds the next server where the last one was.
  port_ = FreePort();
  MustWrite(directory_ + "/server.textproto",
            "listen: \"127.0.0.1:" + std::to_string(port_) +
                "\"\nhttp_listen: \"off\"\nstore_dir: \"store\"\n"
                "bootstrap_file: \"bootstrap.textproto\"\nkey_dir: \"keys\"\n"
                "tls { certificate_file: \"server.pem\" key_file: "
                "\"server.key\" client_ca_file: \"ca.pem\" }\n");
}

absl::Status ServerProcess::Start() {
  const std::string config = directory_ + "/server.textproto", log = directory_ + "/log";
  pid_ = fork();
  if (pid_ == 0) {
    const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execl(binary_.c_str(), binary_.c_str(), "--config", config.c_str(), nullptr);
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (!Accepts(port_)) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return absl::InternalError("coalitiond ended while starting: " + LogTail());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return absl::DeadlineExceededError("coalitiond does not accept connections: " + LogTail());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return absl::OkStatus();
}

void ServerProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int ServerProcess::Stop() {
  if (pid_ <= 0) return -1;
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

absl::StatusOr<std::unique_ptr<client::Client>> ServerProcess::Connect(const std::string& member) const {
  client::ClientOptions options;
  options.server = "127.0.0.1:" + std::to_string(port_);
  options.tls.ca_file = directory_ + "/ca.pem";
  options.tls.certificate_file = directory_ + "/" + member + ".pem";
  options.tls.key_file = directory_ + "/" + member + ".key";
  options.retry.attempts_max = 1;
  return client::Client::Make(options);
}

std::string ServerProcess::LogTail() const {
  auto log = ReadFile(directory_ + "/log", size_t{64} << 20);
  if (!log.ok()) return log.status().ToString();
  return log->size() <= 2000 ? *log : log->substr(log->size() - 2000);
}

}  // namespace coalition::testing
