#include "daemon/demo.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "front/self_signed.h"
#include "io/socket.h"

namespace floodgate {

absl::StatusOr<std::unique_ptr<Demo>> Demo::Start(CommandLine& line) {
  std::unique_ptr<Demo> demo(new Demo);
  absl::StatusOr<std::unique_ptr<Responder>> responder = Responder::Start();
  if (!responder.ok()) return responder.status();
  demo->responder_ = *std::move(responder);
  if (absl::Status status = demo->WriteCertificate(); !status.ok()) return status;
  std::vector<std::string> sets = {
      "controller.listen=[\"127.0.0.1:0\"]",
      "agent.listen=[\"127.0.0.1:0\"]",
      "admin.listen=127.0.0.1:0",
      absl::StrCat("backend.address=", demo->responder_->address().ToString()),
      absl::StrCat("tls.certificate=", demo->directory_, "/certificate.pem"),
      absl::StrCat("tls.private_key=", demo->directory_, "/key.pem"),
  };
  line.sets.insert(line.sets.begin(), sets.begin(), sets.end());
  return demo;
}

absl::Status Demo::WriteCertificate() {
  std::error_code error;
  std::string path =
      (std::filesystem::temp_directory_path(error) / "floodgate-demo-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    return absl::UnavailableError(absl::StrCat("--demo: cannot make a temporary directory ", path,
                                               ": ", std::strerror(errno), "; set TMPDIR"));
  }
  directory_ = path;  // Of mode 0700, so the key is safe in it.
  absl::StatusOr<SelfSigned> made = MakeSelfSigned("localhost");
  if (!made.ok()) return made.status();
  absl::Status status =
      WriteFileAtomically(absl::StrCat(directory_, "/certificate.pem"), made->certificate_pem);
  if (status.ok()) {
    status = WriteFileAtomically(absl::StrCat(directory_, "/key.pem"), made->private_key_pem);
  }
  return status;
}

Demo::~Demo() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

}  // namespace floodgate
