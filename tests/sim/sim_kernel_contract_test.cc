// The contract suite of the seam on the simulation's kernel.
#include "tests/io/kernel_contract.h"
#include "tests/sim/sim_harness.h"

namespace floodgate {
namespace {

std::unique_ptr<ContractHarness> MakeSimulated(const KernelOptions& options) {
  return std::make_unique<sim::SimHarness>(options);
}

INSTANTIATE_TEST_SUITE_P(Simulated, KernelContract,
                         ::testing::Values(Implementation{"simulated", &MakeSimulated}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace floodgate
