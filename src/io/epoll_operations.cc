// What each operation does in the epoll kernel.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"
#include "io/epoll_loop.h"
#include "io/socket.h"

namespace floodgate {

bool EpollLoop::Start(Op& op, EpollOutput& out) {
  switch (op.kind) {
    case OpKind::kAccept:
      Accept(op, out);
      return true;
    case OpKind::kCancel:
      return Cancel(op, out);
    case OpKind::kReceive:
    case OpKind::kAcceptMultishot: {
      EpollHandle& handle = handles_.At(op.fd);
      Park(handle.reader, op);
      if (op.expect_wait && !handle.registered) handle.readable = false;
      RunReader(op.fd, handle, out);
      return true;
    }
    case OpKind::kSend:
    case OpKind::kConnect: {
      EpollHandle& handle = handles_.At(op.fd);
      Park(handle.writer, op);
      if (op.kind == OpKind::kConnect) {
        const auto* address = reinterpret_cast<const sockaddr*>(op.address->storage);
        const int result = connect(op.fd, address, op.address->size);
        if (result == 0 || errno != EINPROGRESS) {
          Complete(handle.writer, result == 0 ? 0 : -errno, out);
        } else {
          handle.writable = false;
          EnsureRegistered(op.fd, handle, handle.writer, out);
        }
        return true;
      }
      if (op.expect_wait && !handle.registered) handle.writable = false;
      RunWriter(op.fd, handle, out);
      return true;
    }
    case OpKind::kPoll: {
      EpollHandle& handle = handles_.At(op.fd);
      EpollParked& slot = op.poll_events == POLLOUT ? handle.writer : handle.reader;
      Park(slot, op);
      // The registration itself makes epoll report how things stand.
      if (!handle.registered) {
        EnsureRegistered(op.fd, handle, slot, out);
      } else {
        RunPoll(op.fd, slot, out);
      }
      return true;
    }
  }
  FG_CHECK(false);
}

void EpollLoop::Park(EpollParked& slot, const Op& op) {
  FG_CHECK(!slot.active);
  slot = {.active = true,
          .more_follows = op.more_follows,
          .kind = op.kind,
          .poll_events = op.poll_events,
          .size = op.size,
          .token = op.token,
          .data = op.data};
}

void EpollLoop::Complete(EpollParked& slot, int32_t result, EpollOutput& out) {
  slot.active = false;
  out.Add(slot.token, result);
}

void EpollLoop::EnsureRegistered(int fd, EpollHandle& handle, EpollParked& slot, EpollOutput& out) {
  if (handle.registered) return;
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = (uint64_t{handle.generation} << 32) | static_cast<uint32_t>(fd);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 &&
      (errno != EEXIST || epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)) {
    Complete(slot, -errno, out);
    return;
  }
  handle.registered = true;
}

void EpollLoop::Accept(const Op& op, EpollOutput& out) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  int fd = -1;
  do {
    fd = accept4(op.fd, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  Completion& completion = out.Add(op.token, fd < 0 ? -errno : fd);
  if (fd < 0) return;
  completion.peer = ToPeerAddress(reinterpret_cast<const sockaddr*>(&address), size);
  handles_.StartAfresh(fd);
}

bool EpollLoop::Cancel(Op& op, EpollOutput& out) {
  // Second step of one that found its target when there was room for a single completion.
  if (op.target == kWakeToken) {
    out.Add(op.token, 0);
    return true;
  }
  EpollParked* target = handles_.Find(op.fd, op.target);
  if (target == nullptr) {
    out.Add(op.token, -ENOENT);
    return true;
  }
  Complete(*target, target->done > 0 ? static_cast<int32_t>(target->done) : -ECANCELED, out);
  op.target = kWakeToken;
  if (out.full()) return false;
  out.Add(op.token, 0);
  return true;
}

void EpollLoop::RunReader(int fd, EpollHandle& handle, EpollOutput& out) {
  switch (handle.reader.kind) {
    case OpKind::kReceive:
      return RunReceive(fd, handle, out);
    case OpKind::kAcceptMultishot:
      return RunAcceptMultishot(fd, handle, out);
    default:
      return RunPoll(fd, handle.reader, out);
  }
}

void EpollLoop::RunWriter(int fd, EpollHandle& handle, EpollOutput& out) {
  switch (handle.writer.kind) {
    case OpKind::kSend:
      return RunSend(fd, handle, out);
    case OpKind::kConnect:
      return RunConnect(fd, handle, out);
    default:
      return RunPoll(fd, handle.writer, out);
  }
}

void EpollLoop::RunReceive(int fd, EpollHandle& handle, EpollOutput& out) {
  EpollParked& slot = handle.reader;
  if (handle.readable) {
    if (free_buffers_.empty()) return Complete(slot, -ENOBUFS, out);
    const uint16_t buffer = free_buffers_.back();
    std::byte* data = buffers_.data() + size_t{buffer} * buffer_size_;
    ssize_t size = 0;
    do {
      size = recv(fd, data, buffer_size_, MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size > 0) {
      free_buffers_.pop_back();
      // epoll(7): a short read of a stream means that it is empty, unless its end has come too.
      if (static_cast<size_t>(size) < buffer_size_ && !handle.hung_up) handle.readable = false;
      slot.active = false;
      out.Add(slot.token, static_cast<int32_t>(size)).buffer = buffer;
      return;
    }
    if (size == 0) return Complete(slot, 0, out);
    if (errno != EAGAIN) return Complete(slot, -errno, out);
    handle.readable = false;
  }
  EnsureRegistered(fd, handle, slot, out);
}

void EpollLoop::RunAcceptMultishot(int fd, EpollHandle& handle, EpollOutput& out) {
  const uint64_t token = handle.reader.token;
  while (handle.readable) {
    if (out.full() || accept_budget_ == 0) return Queue(fd, handle);
    const int taken = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (taken >= 0) {
      --accept_budget_;
      out.Add(token, taken).more = true;
      handles_.StartAfresh(taken);
    } else if (errno == EAGAIN) {
      handle.readable = false;
    } else if (errno != EINTR) {
      return Complete(handle.reader, -errno, out);
    }
  }
  EnsureRegistered(fd, handle, handle.reader, out);
}

void EpollLoop::RunSend(int fd, EpollHandle& handle, EpollOutput& out) {
  EpollParked& slot = handle.writer;
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (slot.more_follows ? MSG_MORE : 0);
  while (handle.writable && slot.active) {
    const ssize_t size = send(fd, slot.data + slot.done, slot.size - slot.done, flags);
    if (size >= 0) {
      slot.done += static_cast<uint32_t>(size);
      if (slot.done == slot.size) Complete(slot, static_cast<int32_t>(slot.size), out);
    } else if (errno == EAGAIN) {
      handle.writable = false;
    } else if (errno != EINTR) {
      // What went out before is told first; the error comes back at the next attempt.
      Complete(slot, slot.done > 0 ? static_cast<int32_t>(slot.done) : -errno, out);
    }
  }
  if (slot.active) EnsureRegistered(fd, handle, slot, out);
}

void EpollLoop::RunConnect(int fd, EpollHandle& handle, EpollOutput& out) {
  if (!handle.writable) return;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  Complete(handle.writer, -error, out);
}

void EpollLoop::RunPoll(int fd, EpollParked& slot, EpollOutput& out) {
  pollfd waiting = {.fd = fd, .events = static_cast<int16_t>(slot.poll_events), .revents = 0};
  const int result = poll(&waiting, 1, 0);
  if (result > 0) Complete(slot, waiting.revents, out);
}

}  // namespace floodgate
