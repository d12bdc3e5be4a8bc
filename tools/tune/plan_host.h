// What a plan says of the host that it is carried out on.
#ifndef FLOODGATE_TOOLS_TUNE_PLAN_HOST_H_
#define FLOODGATE_TOOLS_TUNE_PLAN_HOST_H_

#include "tools/tune/records.h"

namespace floodgate::tune {

// Fills in version, kernel, processor, started (now), somaxconn and host_cores. What cannot be read
// stays empty.
void DescribeHost(Plan& plan);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_PLAN_HOST_H_
