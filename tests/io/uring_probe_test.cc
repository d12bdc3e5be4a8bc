// The probe tells the truth: it succeeds where io_uring works, and names the cause where it does
// not.
#include <errno.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "io/errno_judgement.h"
#include "io/uring_kernel.h"

namespace floodgate {
namespace {

// From now on system call `number` fails with `error`, as under a container's seccomp profile.
bool Forbid(uint32_t number, uint32_t error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {.len = 4, .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What the probe says in a process where `number` is forbidden.
std::string ProbeWithout(uint32_t number, uint32_t error) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (!Forbid(number, error)) _exit(1);
    const absl::Status status = ProbeUring();
    const std::string text(status.message());
    const ssize_t written = write(ends[1], text.data(), text.size());
    _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  char some[512];
  ssize_t size = 0;
  while ((size = read(ends[0], some, sizeof(some))) > 0) {
    said.append(some, static_cast<size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return said;
}

TEST(ProbeUring, SucceedsHereAndAgain) {
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = ProbeUring();
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST(ProbeUring, NamesAnAbsentRing) {
  const std::string said = ProbeWithout(SYS_io_uring_setup, ENOSYS);
  EXPECT_NE(said.find("io_uring cannot be used: io_uring_setup failed"), std::string::npos) << said;
  EXPECT_NE(said.find("ENOSYS"), std::string::npos) << said;
  EXPECT_NE(said.find("no io_uring"), std::string::npos) << said;
}

TEST(ProbeUring, NamesASeccompProfile) {
  const std::string said = ProbeWithout(SYS_io_uring_setup, EPERM);
  EXPECT_NE(said.find("EPERM"), std::string::npos) << said;
  EXPECT_NE(said.find("seccomp"), std::string::npos) << said;
}

TEST(ProbeUring, NamesAForbiddenRegistration) {
  const std::string said = ProbeWithout(SYS_io_uring_register, EPERM);
  EXPECT_NE(said.find("buffer ring"), std::string::npos) << said;
}

TEST(JudgeAccept, EveryErrnoOfTheManualPage) {
  for (const int error : {EAGAIN, EWOULDBLOCK, ECANCELED}) {
    EXPECT_EQ(JudgeAccept(error), AcceptVerdict::kNone) << error;
  }
  for (const int error : {ECONNABORTED, EPROTO, EINTR, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
                          ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT, ECONNRESET}) {
    EXPECT_EQ(JudgeAccept(error), AcceptVerdict::kSkip) << error;
  }
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    EXPECT_EQ(JudgeAccept(error), AcceptVerdict::kPause) << error;
  }
  for (const int error : {EBADF, EINVAL, ENOTSOCK, EFAULT, EIO, 4095}) {
    EXPECT_EQ(JudgeAccept(error), AcceptVerdict::kRebuild) << error;
  }
}

}  // namespace
}  // namespace floodgate
