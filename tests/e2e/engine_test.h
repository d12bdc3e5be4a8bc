// The base of the end-to-end tests: each runs once on every engine that this host has.
#ifndef FLOODGATE_TESTS_E2E_ENGINE_TEST_H_
#define FLOODGATE_TESTS_E2E_ENGINE_TEST_H_

#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/certificates.h"
#include "tests/e2e/client.h"
#include "tests/e2e/daemon_process.h"
#include "tests/e2e/test_backend.h"
#include "tests/e2e/tls_client.h"
#include "tests/e2e/wait.h"

namespace floodgate::e2e {

class EngineTest : public ::testing::TestWithParam<std::string> {
 protected:
  EngineTest() { RaiseDescriptorLimit(); }

  // A controller and an agent port on loopback, no TLS, no limit of rate, and a gate that opens 10
  // ms after a signal of the peer grouper.
  Config PlainConfig(const std::string& backend) const {
    Config config;
    config.Set("controller.listen", "[\"127.0.0.1:0\"]")
        .Set("agent.listen", "[\"127.0.0.1:0\"]")
        .SetText("gate.open_delay", "10ms")
        .Set("limits.source_rate", "0")
        .SetText("backend.address", backend)
        .SetText("runtime.engine", GetParam())
        .SetText("runtime.log", "debug")
        .SetText("runtime.drain_timeout", "5s")
        .Set("runtime.workers", "2");
    return config;
  }
  Config PlainConfig(const TestBackend& backend) const { return PlainConfig(backend.address()); }

  // The same with TLS, by a certificate for "floodgate.test".
  Config TlsConfig(const TestBackend& backend, KeyKind kind = KeyKind::kEcdsa) {
    const Certificate certificate = MakeCertificate("floodgate.test", kind);
    const CertificateFiles files = WriteCertificate(certificate, files_.path(), "server");
    return PlainConfig(backend)
        .SetText("tls.certificate", files.certificate)
        .SetText("tls.private_key", files.key);
  }

  // The same in one phase: the agent port is open from the start.
  static Config OnePhase(Config config) { return config.RemoveSection("controller"); }

  const TemporaryDirectory& files() const { return files_; }

 private:
  TemporaryDirectory files_;
};

}  // namespace floodgate::e2e

// Must stand in the namespace of the suite.
#define FLOODGATE_ON_EVERY_ENGINE(suite)              \
  INSTANTIATE_TEST_SUITE_P(                           \
      Engines, suite, ::testing::ValuesIn(Engines()), \
      [](const ::testing::TestParamInfo<std::string>& engine) { return engine.param; })

#endif  // FLOODGATE_TESTS_E2E_ENGINE_TEST_H_
