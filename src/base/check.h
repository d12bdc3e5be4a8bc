// Assertions on our own state. They stay on in every build: a front end that goes on after its own
// invariants are broken loses connections silently. Never assert on what a peer or the kernel sent.
#ifndef FLOODGATE_BASE_CHECK_H_
#define FLOODGATE_BASE_CHECK_H_

namespace floodgate {

// Prints the condition and its place to standard error and aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace floodgate

#define FG_CHECK(condition)                                     \
  do {                                                          \
    if (!(condition)) [[unlikely]]                              \
      ::floodgate::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)

#endif  // FLOODGATE_BASE_CHECK_H_
