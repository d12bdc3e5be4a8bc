// The seam to the operating system: all that the gatekeeper and the workers see of it. io_uring and
// epoll implement it here, the simulation's fake kernel elsewhere; one contract test suite runs
// against all of them (tests/io/kernel_contract_test.cc), and what a comment here promises is
// tested there.
//
// One kernel belongs to one thread (create it there or hand it over before first use); only
// Waker::Wake() may be called from others. Handles are plain ints, because the fake kernel's are
// not the process's descriptors: whoever holds one closes it through Kernel::Close or
// Kernel::Reset.
#ifndef FLOODGATE_IO_KERNEL_H_
#define FLOODGATE_IO_KERNEL_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "base/ip.h"
#include "base/time.h"

namespace floodgate {

enum class OpKind : uint8_t {
  // Takes one connection from a listener's queue. Completes with its handle and `peer`, also when
  // the peer has left meanwhile; with -EAGAIN if none waits. Never waits itself: the exact budget
  // is "poll the listener, then submit as many of these as may be taken".
  kAccept,
  // Takes every connection that comes, one completion each (`more` set, `peer` not), until one
  // comes with `more` clear; then it must be submitted again, whatever that one's result. A result
  // >= 0 is a valid handle in either case. Nothing is taken while the owner is not in Wait().
  kAcceptMultishot,
  // Connects a socket from OpenSocket to the endpoint behind `address`. Result 0 or -errno; a unix
  // socket never waits: -EAGAIN when the listener's queue is full.
  kConnect,
  // Receives into a buffer of the kernel's pool, which is taken only once data is there. Result
  // > 0: bytes in Buffer(completion), to be given back by ReleaseBuffer. 0: the peer sent FIN.
  // -ENOBUFS: the pool was empty, and perhaps nothing was there to be received; give buffers back,
  // then submit again.
  kReceive,
  // Sends `size` bytes at `data`, which must stay until the completion. Result: bytes sent, perhaps
  // fewer than asked; -EPIPE and never SIGPIPE.
  kSend,
  // Completes once when any of `poll_events` (POLLIN, POLLOUT, POLLRDHUP; POLLERR and POLLHUP
  // always) holds. Result: the events, as poll(2).
  kPoll,
  // Ends the operation whose token is `target`. Result 0: it was found and its own completion comes
  // with -ECANCELED (or the result that won the race); -ENOENT: it had completed already or never
  // was. The order of the two completions is not promised. Name the target's handle in `fd` if it
  // is
  // known: epoll finds it at once then, and by searching all handles else.
  kCancel,
};

// A socket address in a form that both families fit; made by io/socket.h, opaque to everyone else.
struct SocketAddress {
  alignas(8) std::byte storage[112] = {};
  uint32_t size = 0;
};

struct Op {
  OpKind kind = OpKind::kPoll;
  // kReceive, kSend: the caller knows that it must wait (io_uring then skips the vain first
  // attempt).
  bool expect_wait = false;
  // kSend: a Shutdown or another send follows at once, so these bytes may wait for it (MSG_MORE).
  bool more_follows = false;
  uint16_t poll_events = 0;                // kPoll
  int fd = -1;                             // all; kCancel: the target's, or -1
  uint64_t token = 0;                      // comes back in the completion; see kTokenMax
  const std::byte* data = nullptr;         // kSend
  uint32_t size = 0;                       // kSend
  uint64_t target = 0;                     // kCancel
  const SocketAddress* address = nullptr;  // kConnect; must stay until the completion
};

struct Completion {
  uint64_t token = 0;
  int32_t result = 0;     // >= 0 as the operation says, else -errno
  bool more = false;      // kAcceptMultishot: further completions come
  uint16_t buffer = 0;    // kReceive with result > 0
  PeerAddress peer = {};  // kAccept with result >= 0
};

// The token of the completion by which Wake() shows.
inline constexpr uint64_t kWakeToken = 0;
// Operations carry tokens of 1..kTokenMax; those above are the kernel's own.
inline constexpr uint64_t kTokenMax = 0xfffe'ffff'ffff'ffff;

// What the kernel says of a listener's accept queue.
struct QueueReading {
  uint32_t depth = 0;  // connections waiting now
  uint32_t limit = 0;  // the backlog in force, after clamping to net.core.somaxconn
};

// What the kernel says of an accepted connection.
struct ConnectionReading {
  enum class State : uint8_t {
    kSilent,   // established, nothing received yet
    kTalking,  // established, bytes are there to be read
    kGone,     // the peer has closed, half-closed or reset: nobody waits for an answer
  };
  State state = State::kSilent;
  // Since it was established; zero where the kernel does not tell (unix sockets).
  Duration queued = {};
};

// Wakes the kernel's owner out of Wait. Thread-safe, never blocks, signal-safe. Several wakes
// before the next Wait may show as one completion. Lives as long as its kernel.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void Wake() = 0;
};

class Kernel {
 public:
  virtual ~Kernel() = default;

  // --- Operations that complete later -----------------------------------------------------------
  // Queues an operation. Never blocks, never completes inline. False: the queue is full, nothing
  // was queued; call Wait() first. At most one kReceive (or kPoll for reading, or accept) and one
  // kSend (or kConnect, or kPoll for writing) may be in flight for a handle.
  [[nodiscard]] virtual bool Submit(const Op& op) = 0;
  // Waits until at least one completion is there or `until` has come, then harvests up to
  // out.size() of them; runs no code of ours. `until` not after Now(): submits and harvests without
  // waiting. The clock is read once, at the return.
  virtual size_t Wait(Instant until, absl::Span<Completion> out) = 0;
  // The clock as read by the last Wait (or at creation). Constant between two Waits.
  virtual Instant Now() const = 0;
  virtual Waker& waker() = 0;

  // The bytes of a kReceive; writable, so that they can be decrypted in place. REQUIRES: the buffer
  // has not been released.
  virtual absl::Span<std::byte> Buffer(const Completion& completion) = 0;
  virtual void ReleaseBuffer(uint16_t buffer) = 0;
  // How much one kReceive can deliver at the most.
  virtual size_t buffer_size() const = 0;

  // --- System calls that neither block nor wait -------------------------------------------------
  // Closes a handle. REQUIRES: no operation on
  // it in flight (cancel, reap, then close).
  virtual void Close(int fd) = 0;
  // Closes it with a reset (SO_LINGER 0), discarding what is unsent. REQUIRES: as Close.
  virtual void Reset(int fd) = 0;
  // Another kernel of this process uses the handle from now on (the gatekeeper gives a connection
  // to a worker): this one forgets what it kept about it, so that its events wake nobody here.
  // REQUIRES: as Close.
  virtual void Forget(int /*fd*/) {}
  // shutdown(2). `both`: SHUT_RDWR, which also completes a pending receive with 0; else SHUT_WR.
  virtual void Shutdown(int fd, bool both) = 0;
  // A non-blocking stream socket for kConnect (TCP: TCP_NODELAY set). `speaks_at_once`: bytes are
  // sent as soon as it is connected, so the last packet of TCP's handshake may wait for them and
  // travel with them (tcp(7), TCP_QUICKACK); without them the server learns of the connection up to
  // 200 ms late. The handle, or -errno.
  virtual int OpenSocket(const SocketAddress& address, bool speaks_at_once) = 0;
  // Whether all of the peer's bytes have been received and its FIN is there.
  virtual bool InputEnded(int fd) = 0;
  virtual QueueReading ReadQueue(int listener) = 0;
  virtual ConnectionReading ReadConnection(int fd) = 0;
  // getpeername and getsockname; false if the peer has gone already.
  virtual bool ReadAddresses(int fd, PeerAddress* peer, PeerAddress* local) = 0;
  // listen(2), also again on a live listener with a new backlog (the queue is kept). 0 or -errno.
  virtual int Listen(int fd, int backlog) = 0;

  // A pipe for splicing, both ends non-blocking, of about `capacity` bytes. 0 or -errno. Blocks
  // SIGPIPE for the calling thread from then on, which must be the one that splices.
  virtual int OpenPipe(size_t capacity, int* read_end, int* write_end) = 0;
  // Moves up to `size` bytes without copying them through us (splice(2), non-blocking). Bytes
  // moved; 0 at the end of input; -EAGAIN when either side would wait; -errno.
  virtual int64_t Splice(int from, int to, size_t size) = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_KERNEL_H_
