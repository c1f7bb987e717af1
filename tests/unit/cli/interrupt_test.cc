// The real process and Ctrl-C.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
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

}  // namespace
}  // namespace coalition::cli
