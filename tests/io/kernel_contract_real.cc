// The contract suite on the engines that run on the real kernel.
#include "tests/io/kernel_contract.h"
#include "tests/io/real_harness.h"

namespace floodgate {
namespace {

template <EngineKind kKind>
std::unique_ptr<ContractHarness> MakeReal(const KernelOptions& options) {
  return std::make_unique<RealHarness>(kKind, options);
}

INSTANTIATE_TEST_SUITE_P(Real, KernelContract,
                         ::testing::Values(Implementation{"uring", &MakeReal<EngineKind::kUring>},
                                           Implementation{"epoll", &MakeReal<EngineKind::kEpoll>}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace floodgate
