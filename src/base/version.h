// The version of this build, the same for every program: project(VERSION) in CMakeLists.txt.
#ifndef FLOODGATE_BASE_VERSION_H_
#define FLOODGATE_BASE_VERSION_H_

namespace floodgate {

// "0.1.0". Lives as long as the program.
const char* Version();

}  // namespace floodgate

#endif  // FLOODGATE_BASE_VERSION_H_
