#include "tests/support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace coalition::testing {
namespace {

std::string LogTail(const std::string& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  const std::string all = text.str();
  return all.size() > 2000 ? all.substr(all.size() - 2000) : all;
}

std::string EndOf(int wait_status) {
  if (WIFEXITED(wait_status)) return "ended with " + std::to_string(WEXITSTATUS(wait_status));
  return "was ended by signal " + std::to_string(WTERMSIG(wait_status));
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const std::vector<std::string>& command,
                                                        const std::string& log_file) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::NotFoundError("cannot start " + command[0] + ": " + std::strerror(error));
  return std::unique_ptr<Process>(new Process(pid, log_file));
}

Process::~Process() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &wait_status_, 0);
  }
}

absl::Status Process::Check() {
  if (!ended_ && waitpid(pid_, &wait_status_, WNOHANG) == pid_) ended_ = true;
  if (!ended_) return absl::OkStatus();
  return absl::InternalError("the server " + EndOf(wait_status_) + "; its log ends:\n" + LogTail(log_file_));
}

absl::Status Process::Stop() {
  if (absl::Status running = Check(); !running.ok()) return running;
  kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (waitpid(pid_, &wait_status_, WNOHANG) != pid_) {
    if (std::chrono::steady_clock::now() > deadline) {
      return absl::DeadlineExceededError("the server did not end within 60 s of SIGTERM");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ended_ = true;
  return WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == 0 ? absl::OkStatus() : Check();
}

double Process::CpuSeconds() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(in, text);
  // The name, in parentheses, may hold spaces; utime and stime are fields 14 and 15, the state after the name
  // is 3.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

absl::Status Process::WaitIdle(std::chrono::seconds timeout) {
  constexpr double kIdleShare = 0.03;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  double before = CpuSeconds();
  while (std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (absl::Status running = Check(); !running.ok()) return running;
    const double now = CpuSeconds();
    if (now - before < kIdleShare) return absl::OkStatus();
    before = now;
  }
  return absl::DeadlineExceededError("the server did not come to rest");
}

uint64_t Process::MemoryBytes(const std::string& field) const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stoull(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

absl::StatusOr<int> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) return absl::UnavailableError("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

absl::Status WaitForPort(int port, Process* process, std::chrono::seconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const sockaddr_in address = Loopback(port);
  while (std::chrono::steady_clock::now() < deadline) {
    if (absl::Status running = process->Check(); !running.ok()) return running;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected =
        fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    if (fd >= 0) close(fd);
    if (connected) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return absl::DeadlineExceededError("nothing listens on port " + std::to_string(port));
}

}  // namespace coalition::testing
