// Bytes, FIN and reset.
#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "sim/network.h"

namespace floodgate::sim {

bool Network::HasEnded(const End& end) const {
  return end.input_stopped || IsReset(end) || (end.fin_arrived && InputComplete(end));
}

size_t Network::Room(const End& end) const {
  if (end.peer < 0) return options_.window;
  const End& peer = At(end.peer);
  return options_.window - std::min(options_.window, peer.in.size() - peer.head);
}

size_t Network::received_unread(int fd) const {
  const End& end = At(fd);
  return end.arrived - end.head;
}

std::string Network::Receive(int fd, size_t max) {
  End& end = At(fd);
  const size_t size = std::min<size_t>(max, end.arrived - end.head);
  std::string bytes;
  if (size == 0) return bytes;
  if (size == end.in.size()) {
    bytes.swap(end.in);
    end.arrived = 0;
  } else {
    bytes = end.in.substr(end.head, size);
    end.head += static_cast<uint32_t>(size);
    if (end.head == end.in.size()) {
      std::string().swap(end.in);
      end.head = end.arrived = 0;
    } else if (end.head > end.in.size() / 2) {
      end.in.erase(0, end.head);
      end.arrived -= end.head;
      end.head = 0;
    }
  }
  if (end.peer >= 0) {
    End& sender = At(end.peer);
    if (sender.blocked && Room(sender) >= options_.window / 3) {
      sender.blocked = false;
      Schedule(sender.one_way, Happening::kLook, end.peer);
    }
  }
  return bytes;
}

int64_t Network::Send(int fd, absl::string_view bytes) {
  End& end = At(fd);
  if (end.state == State::kSynSent) return 0;
  if (end.state != State::kEstablished || end.finished || IsReset(end)) return -EPIPE;
  const size_t size = std::min(Room(end), bytes.size());
  if (size < bytes.size()) end.blocked = true;
  if (size == 0) return 0;
  if (end.peer < 0) {
    SendToNobody(fd);
  } else {
    At(end.peer).in.append(bytes.data(), size);
    Schedule(end.one_way, Happening::kBytesArrive, end.peer, static_cast<uint32_t>(size));
  }
  return static_cast<int64_t>(size);
}

void Network::WantRoom(int fd) {
  End& end = At(fd);
  if (end.state == State::kEstablished && Room(end) == 0) end.blocked = true;
}

// What comes for a connection that does not exist is answered by a reset.
void Network::SendToNobody(int fd) {
  End& end = At(fd);
  if (end.reset_coming) return;
  end.reset_coming = true;
  Schedule(end.one_way * 2, Happening::kResetArrives, fd);
}

void Network::OnBytes(int fd, uint32_t bytes) {
  End& end = At(fd);
  if (end.reset_arrived && IsReset(end)) return;
  if (end.state == State::kRequest && !Enter(fd)) {
    if (!Exists(fd)) return;
    end.dropped += bytes;
    return SendAgainLater(fd);
  }
  AdmitDropped(end);
  end.arrived += bytes;
  end.received = true;
  FG_CHECK(end.arrived <= end.in.size());
  Notify(fd);
}

void Network::OnFin(int fd) {
  End& end = At(fd);
  if (end.reset_arrived && IsReset(end)) return;
  if (end.state == State::kRequest && !Enter(fd)) {
    if (!Exists(fd)) return;
    end.fin_dropped = true;
    return SendAgainLater(fd);
  }
  AdmitDropped(end);
  end.fin_arrived = true;
  Notify(fd);
}

void Network::SendAgainLater(int fd) {
  End& end = At(fd);
  if (end.again_due) return;
  end.again_due = true;
  Schedule(options_.data_timeout * (int64_t{1} << end.data_tries), Happening::kBytesAgain, fd);
  ++end.data_tries;
}

void Network::OnBytesAgain(int fd) {
  End& end = At(fd);
  end.again_due = false;
  if (end.dropped == 0 && !end.fin_dropped) return;
  if (end.state == State::kRequest && !Enter(fd)) {
    if (Exists(fd)) SendAgainLater(fd);
    return;
  }
  AdmitDropped(end);
  Notify(fd);
}

void Network::AdmitDropped(End& end) {
  if (end.dropped > 0) {
    end.arrived += end.dropped;
    end.dropped = 0;
    end.received = true;
  }
  if (end.fin_dropped) {
    end.fin_dropped = false;
    end.fin_arrived = true;
  }
}

void Network::OnReset(int fd) {
  End& end = At(fd);
  if (end.state == State::kRequest) {
    if (end.peer >= 0) At(end.peer).peer = -1;
    return Free(fd);
  }
  if (end.reset_arrived) return;
  // What was dropped is never sent again.
  end.in.erase(end.arrived, end.dropped);
  end.dropped = 0;
  end.reset_arrived = true;
  end.error = ECONNRESET;
  Notify(fd);
}

void Network::Finish(int fd) {
  End& end = At(fd);
  if (end.state != State::kEstablished || end.finished || IsReset(end)) return;
  end.finished = true;
  if (end.peer >= 0) Schedule(end.one_way, Happening::kFinArrives, end.peer);
}

void Network::StopInput(int fd) {
  At(fd).input_stopped = true;
}

void Network::Close(int fd) {
  End& end = At(fd);
  --open_ends_;
  if (end.state == State::kListener) return CloseListener(fd);
  // RFC 1122 section 4.2.2.13: the peer learns that its bytes were not read.
  Leave(fd, /*abort=*/end.arrived > end.head);
}

void Network::Reset(int fd) {
  --open_ends_;
  if (At(fd).state == State::kListener) return CloseListener(fd);
  Leave(fd, /*abort=*/true);
}

void Network::Break(int fd) {
  End& end = At(fd);
  if (end.state != State::kEstablished || end.reset_arrived) return;
  if (end.peer >= 0) {
    At(end.peer).peer = -1;
    Schedule(end.one_way, Happening::kResetArrives, end.peer);
  }
  end.peer = -1;
  // A FIN that has overtaken the bytes before it is lost with them.
  if (!InputComplete(end)) end.fin_arrived = false;
  end.in.resize(end.arrived);
  end.dropped = 0;
  end.reset_arrived = true;
  end.error = ECONNRESET;
  // Whoever waits on this end for something else than what broke it is told, too.
  Schedule({}, Happening::kLook, fd);
}

// Frees the number; the peer hears of it one way later.
void Network::Leave(int fd, bool abort) {
  End& end = At(fd);
  const int peer = end.peer;
  if (peer >= 0) {
    At(peer).peer = -1;
    if (end.state == State::kSynSent) {
      // The SYN-ACK, which is under way, finds nobody.
      Schedule(end.one_way * 2, Happening::kResetArrives, peer);
    } else if (!IsReset(end)) {
      if (abort) {
        Schedule(end.one_way, Happening::kResetArrives, peer);
      } else {
        if (!end.finished) Schedule(end.one_way, Happening::kFinArrives, peer);
        // Bytes that are under way to us will find nobody.
        if (!InputComplete(end)) SendToNobody(peer);
      }
    }
  }
  Free(fd);
}

}  // namespace floodgate::sim
