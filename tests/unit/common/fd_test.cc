#include "common/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace coalition {
namespace {

int Open() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(FdTest, ClosesWhatItOwns) {
  const int fd = Open();
  {
    const Fd owner(fd);
    EXPECT_EQ(owner.get(), fd);
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
  const Fd none(-1);
}

TEST(FdTest, WhoeverWasMovedFromOwnsNothing) {
  const int fd = Open();
  Fd first(fd);
  {
    const Fd second(std::move(first));
    EXPECT_EQ(second.get(), fd);
  }
  EXPECT_FALSE(IsOpen(fd));
  EXPECT_EQ(first.get(), -1);  // NOLINT(bugprone-use-after-move): that is what is promised
}

TEST(FdTest, WhatIsReleasedStaysOpen) {
  const int fd = Open();
  { EXPECT_EQ(Fd(fd).release(), fd); }
  EXPECT_TRUE(IsOpen(fd));
  ::close(fd);
}

}  // namespace
}  // namespace coalition
