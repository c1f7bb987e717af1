// The real process, its signals and streams.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

namespace coalition::cli {
namespace {

// Waits until everything in the pipe has been read: the reader is past the start of its main.
bool WaitUntilRead(int pipe_fd) {
  for (int tries = 0; tries < 2'000; ++tries) {
    int left = 1;
    if (::ioctl(pipe_fd, FIONREAD, &left) == 0 && left == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(InterruptTest, TheFirstCtrlCEndsWhatIsNoImport) {
  int in[2];
  ASSERT_EQ(::pipe(in), 0);
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::dup2(in[0], 0);
    ::close(in[0]);
    ::close(in[1]);
    std::signal(SIGINT, SIG_DFL);  // whoever runs the tests may ignore it
    // Waits for the file on standard input before it connects.
    ::execl(COALITION_TOOL, "coalition", "record", "revise", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "--file", "-",
            "--field", "import", nullptr);
    ::_exit(127);
  }
  EXPECT_EQ(::write(in[1], "{", 1), 1);
  EXPECT_TRUE(WaitUntilRead(in[1]));
  ::kill(pid, SIGINT);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
  ::close(in[0]);
  ::close(in[1]);
}

// Of the tool with standard output to `fd`. `said`: what stderr got.
int ExitCodeWithOutput(int fd, std::string* said) {
  int err[2];
  if (::pipe(err) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(fd, 1);
    ::dup2(err[1], 2);
    ::close(err[0]);
    ::close(err[1]);
    ::execl(COALITION_TOOL, "coalition", "--version", nullptr);
    ::_exit(127);
  }
  ::close(err[1]);
  char buffer[512];
  for (ssize_t n; (n = ::read(err[0], buffer, sizeof(buffer))) > 0;)
    said->append(buffer, static_cast<size_t>(n));
  ::close(err[0]);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

TEST(OutputTest, AReaderThatHasGoneIsNoError) {
  int out[2];
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  ::close(out[0]);
  std::string said;
  EXPECT_EQ(ExitCodeWithOutput(out[1], &said), 141);
  EXPECT_EQ(said, "");
  ::close(out[1]);
}

TEST(OutputTest, AFullDiskIs) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  std::string said;
  EXPECT_EQ(ExitCodeWithOutput(full, &said), 2);
  EXPECT_EQ(said, "error: standard output could not be written\n");
  ::close(full);
}

}  // namespace
}  // namespace coalition::cli
