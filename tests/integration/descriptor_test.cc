// Out of descriptors and back: gRPC 1.51's own listener would never accept again (CVE-2023-4785).
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"

namespace coalition::testing {
namespace {

// A connection that says nothing; the caller closes it.
int Connect(int fd, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

// For a moment the process has no descriptor left, while connections wait for the server to take them.
void TakeAllDescriptors(const TestServer& server, std::chrono::milliseconds moment) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  // The client's end is made first; then every descriptor is taken, so that the server has none for its own
  // end.
  // Several: another connection of this process may end meanwhile and leave its descriptor to one of them.
  std::vector<int> waiting(16);
  for (int& fd : waiting) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(waiting.back()) + 64;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> taken;
  for (int fd = open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0;
       fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    taken.push_back(fd);
  }
  for (const int fd : waiting) EXPECT_EQ(Connect(fd, server.port()), 0);  // into the backlog
  std::this_thread::sleep_for(moment);
  for (const int fd : taken) close(fd);
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const int fd : waiting) close(fd);
}

TEST(DescriptorTest, TheServerGoesOnAfterItHadNone) {
  TestServer server;
  ASSERT_TRUE(server.WhoAmI(server.IdentityOf("aurore")).ok());
  // Where the server's thread did not run in that moment, for longer ones.
  std::chrono::milliseconds moment(100);
  EXPECT_TRUE(Eventually([&] {
    moment = std::min(moment * 2, std::chrono::milliseconds(5000));
    TakeAllDescriptors(server, moment);
    return Metric(server, "coalition_accept_failures_total") > 0;
  }));
  const auto who = server.WhoAmI(server.IdentityOf("aurore"));
  EXPECT_TRUE(who.ok()) << who.status();
}

}  // namespace
}  // namespace coalition::testing
