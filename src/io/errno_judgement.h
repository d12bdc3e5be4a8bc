// Every errno that accept can give, judged in one place, each with its reason. Pure.
#ifndef FLOODGATE_IO_ERRNO_JUDGEMENT_H_
#define FLOODGATE_IO_ERRNO_JUDGEMENT_H_

#include <cstdint>

namespace floodgate {

enum class AcceptVerdict : uint8_t {
  kNone,   // No connection waits now: wait for the listener to be readable.
  kSkip,   // That one connection is lost, the listener is fine: go on with the next.
  kPause,  // The process or the host is short of something: retrying at once would spin. Try again
           // when a descriptor is freed or a timer fires; the queue keeps what waits.
  kRebuild,  // The listener itself is broken: say so, close it and bind it anew.
};

// `error` is a positive errno, as accept(2) and its io_uring form give it.
AcceptVerdict JudgeAccept(int error);

}  // namespace floodgate

#endif  // FLOODGATE_IO_ERRNO_JUDGEMENT_H_
