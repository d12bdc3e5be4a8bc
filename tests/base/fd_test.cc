#include "base/fd.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <utility>

#include "gtest/gtest.h"

namespace floodgate {
namespace {

int MakeDescriptor() {
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  EXPECT_GE(fd, 0);
  return fd;
}

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(OwnedFdTest, OwnsNoneUntilItIsGivenOne) {
  OwnedFd none;
  EXPECT_FALSE(none.valid());
  EXPECT_EQ(none.get(), -1);
}

TEST(OwnedFdTest, ClosesAtTheEnd) {
  const int fd = MakeDescriptor();
  {
    OwnedFd owned(fd);
    EXPECT_TRUE(owned.valid());
    EXPECT_EQ(owned.get(), fd);
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(OwnedFdTest, DescriptorZeroIsOneLikeAnyOther) {
  // Never opened by this test: only asked for, then given back unclosed.
  OwnedFd zero(0);
  EXPECT_TRUE(zero.valid());
  EXPECT_EQ(zero.Release(), 0);
}

TEST(OwnedFdTest, MovingHandsItOver) {
  const int fd = MakeDescriptor();
  OwnedFd from(fd);
  OwnedFd to(std::move(from));
  EXPECT_EQ(to.get(), fd);
  EXPECT_FALSE(from.valid());
  EXPECT_TRUE(IsOpen(fd));
}

TEST(OwnedFdTest, AssigningClosesWhatWasOwned) {
  const int first = MakeDescriptor();
  const int second = MakeDescriptor();
  OwnedFd owned(first);
  owned = OwnedFd(second);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_TRUE(IsOpen(second));
  EXPECT_EQ(owned.get(), second);
}

TEST(OwnedFdTest, AssigningToItselfKeepsIt) {
  const int fd = MakeDescriptor();
  OwnedFd owned(fd);
  OwnedFd& same = owned;
  owned = std::move(same);
  EXPECT_EQ(owned.get(), fd);
  EXPECT_TRUE(IsOpen(fd));
}

TEST(OwnedFdTest, ReleaseGivesItAway) {
  const int fd = MakeDescriptor();
  {
    OwnedFd owned(fd);
    EXPECT_EQ(owned.Release(), fd);
    EXPECT_FALSE(owned.valid());
  }
  EXPECT_TRUE(IsOpen(fd));
  OwnedFd closer(fd);
}

TEST(OwnedFdTest, ResetClosesAndTakesOver) {
  const int first = MakeDescriptor();
  const int second = MakeDescriptor();
  OwnedFd owned(first);
  owned.Reset(second);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_EQ(owned.get(), second);
  owned.Reset();
  EXPECT_FALSE(IsOpen(second));
  EXPECT_FALSE(owned.valid());
  owned.Reset();
  EXPECT_FALSE(owned.valid());
}

}  // namespace
}  // namespace floodgate
