#include "tests/support/tool_run.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "common/mutex.h"

namespace coalition::testing {
namespace {

void Must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::abort();
}

// What comes out of a pipe. Thread-safe.
class Output {
 public:
  // Until its end.
  void Drain(int fd) {
    char buffer[4096];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof(buffer))) > 0;) {
      const MutexLock lock(mutex_);
      text_.append(buffer, static_cast<size_t>(n));
    }
    ::close(fd);
  }
  std::string text() const {
    const MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

void Wait(pid_t pid, ToolResult* result) {
  int status = 0;
  struct rusage usage {};
  Must(::wait4(pid, &status, 0, &usage) == pid, "wait4");
  result->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result->resident_kib = usage.ru_maxrss;
}

}  // namespace

Tool::Tool(std::string home) : environment_({"HOME=" + home, "PATH=/usr/bin:/bin"}) {
  std::signal(SIGPIPE, SIG_IGN);
}

Tool& Tool::Environment(const std::string& variable) {
  environment_.push_back(variable);
  return *this;
}

Tool& Tool::With(const std::vector<std::string>& arguments) {
  before_.insert(before_.end(), arguments.begin(), arguments.end());
  return *this;
}

Tool& Tool::Connect(const std::string& server, const std::string& ca_file, const Identity& identity,
                    const std::string& directory) {
  static int number = 0;
  const IdentityFiles files = CertificateFactory::Write(
      identity, directory, "tool-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
  return With({"--server", server, "--ca", ca_file, "--cert", files.certificate, "--key", files.key});
}

ToolResult Tool::Run(const std::vector<std::string>& arguments, const std::string& input) const {
  return RunFed(arguments, [&](int fd, pid_t) {
    size_t written = 0;
    while (written < input.size()) {
      const ssize_t n = ::write(fd, input.data() + written, input.size() - written);
      if (n <= 0) return;  // the process did not want it
      written += static_cast<size_t>(n);
    }
  });
}

pid_t Tool::Start(const std::vector<std::string>& arguments, int in, int out, int err) const {
  std::vector<std::string> words = {COALITION_TOOL};
  words.insert(words.end(), before_.begin(), before_.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables = environment_;
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);

  const pid_t pid = ::fork();
  Must(pid >= 0, "fork");
  if (pid != 0) return pid;
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  if (::isatty(0) == 1) {  // Ctrl-C is for whoever's own terminal it is
    std::signal(SIGINT, SIG_DFL);
    ::setsid();
    ::ioctl(0, TIOCSCTTY, 0);
  }
  ::execve(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

ToolResult Tool::RunWhile(const std::vector<std::string>& arguments, const Act& act) const {
  int in[2], out[2], err[2];
  Must(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0 && ::pipe2(err, O_CLOEXEC) == 0, "pipe");
  const pid_t pid = Start(arguments, in[0], out[1], err[1]);
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  Output said, complained;
  std::thread read_out([&] { said.Drain(out[0]); });
  std::thread read_err([&] { complained.Drain(err[0]); });
  act(in[1], pid, [&] { return said.text(); });
  ::close(in[1]);
  read_out.join();
  read_err.join();
  ToolResult result;
  result.out = said.text();
  result.err = complained.text();
  Wait(pid, &result);
  return result;
}

ToolResult Tool::RunFed(const std::vector<std::string>& arguments,
                        const std::function<void(int fd, pid_t pid)>& feed) const {
  return RunWhile(arguments, [&](int in, pid_t pid, const std::function<std::string()>&) { feed(in, pid); });
}

ToolResult Tool::RunSeen(
    const std::vector<std::string>& arguments,
    const std::function<void(const std::function<std::string()>& seen, pid_t pid)>& act) const {
  return RunWhile(arguments,
                  [&](int, pid_t pid, const std::function<std::string()>& seen) { act(seen, pid); });
}

ToolResult Tool::RunAtTerminal(const std::vector<std::string>& arguments, const std::string& question,
                               const std::string& typed) const {
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  Must(screen >= 0 && ::grantpt(screen) == 0 && ::unlockpt(screen) == 0, "terminal");
  const int terminal = ::open(::ptsname(screen), O_RDWR | O_NOCTTY | O_CLOEXEC);
  int out[2];
  Must(terminal >= 0 && ::pipe2(out, O_CLOEXEC) == 0, "terminal");
  const pid_t pid = Start(arguments, terminal, out[1], terminal);
  ::close(terminal);
  ::close(out[1]);
  ToolResult result;
  Output said;
  std::thread read_out([&] { said.Drain(out[0]); });
  bool answered = false;
  char buffer[4096];
  // Until nobody has the terminal any more, which is an error.
  for (ssize_t n; (n = ::read(screen, buffer, sizeof(buffer))) > 0;) {
    result.err.append(buffer, static_cast<size_t>(n));
    if (answered || result.err.find(question) == std::string::npos) continue;
    answered = true;
    Must(::write(screen, typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()), "typing");
  }
  read_out.join();
  result.out = said.text();
  ::close(screen);
  Wait(pid, &result);
  return result;
}

}  // namespace coalition::testing
