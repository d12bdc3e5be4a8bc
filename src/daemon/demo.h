// What `floodgated --demo` brings along: a backend and a certificate, so that no file is needed.
#ifndef FLOODGATE_DAEMON_DEMO_H_
#define FLOODGATE_DAEMON_DEMO_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/command_line.h"
#include "daemon/responder.h"

namespace floodgate {

class Demo {
 public:
  // Starts the backend, writes a self-signed certificate to a temporary directory, and puts
  // settings that use both in front of those of `line`, which therefore win.
  static absl::StatusOr<std::unique_ptr<Demo>> Start(CommandLine& line);
  // Ends the backend and removes the directory.
  ~Demo();

 private:
  Demo() = default;
  absl::Status WriteCertificate();

  std::unique_ptr<Responder> responder_;
  std::string directory_;
};

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_DEMO_H_
