// The backend of `floodgated --demo`: answers every HTTP request with what the PROXY header said of
// its client. A real backend in small, for a first look and for the demo; not for production.
#ifndef FLOODGATE_DAEMON_RESPONDER_H_
#define FLOODGATE_DAEMON_RESPONDER_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/slot_pool.h"
#include "io/kernel.h"

namespace floodgate {

class Responder {
 public:
  // Listens on an abstract unix socket of a name of its own and answers on a thread of its own.
  static absl::StatusOr<std::unique_ptr<Responder>> Start();
  ~Responder();

  const Endpoint& address() const { return address_; }

 private:
  struct Client {
    int fd = -1;
    bool introduced = false;  // the PROXY header has been read
    bool sending = false;
    bool ended = false;  // its input
    std::string name;    // as the PROXY header tells
    std::string input;
    std::string output;
  };

  Responder() = default;
  void Run();
  void Dispatch(const Completion& completion);
  void Accept(int fd);
  void OnReceived(SlotHandle handle, Client& client, const Completion& completion);
  void Answer(SlotHandle handle, Client& client);
  void Receive(SlotHandle handle, const Client& client);
  void Close(SlotHandle handle, Client& client);
  void Submit(const Op& op);

  Endpoint address_;
  std::unique_ptr<Kernel> kernel_;
  int listener_ = -1;
  SlotPool<Client> clients_;
  std::atomic<bool> exit_{false};
  std::thread thread_;
};

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_RESPONDER_H_
