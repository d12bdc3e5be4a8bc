# Flags, packages and the functions that make a room, a test, a benchmark and a fuzzer.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# For tests that start programs and look at them from outside: nothing that is under test is compiled
# into them, and most of the time that a build takes is spent on them.
add_library(floodgate_outside_flags INTERFACE)
target_compile_options(floodgate_outside_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -O0 -g1)
target_include_directories(floodgate_outside_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)

# For everything else.
add_library(floodgate_flags INTERFACE)
target_compile_options(floodgate_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -fno-omit-frame-pointer)
target_include_directories(floodgate_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(FLOODGATE_SANITIZE STREQUAL "address")
  # Not vptr: it opens a pipe to see whether memory can be read, and calls every object bad where the
  # descriptors have run out.
  target_compile_options(floodgate_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(FLOODGATE_SANITIZE STREQUAL "thread")
  # gcc's TSan does not model atomic_thread_fence; the code uses none, and -Wtsan would say so.
  target_compile_options(floodgate_flags INTERFACE -fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(NOT FLOODGATE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "FLOODGATE_SANITIZE is '${FLOODGATE_SANITIZE}'; it must be address, thread or empty")
endif()
if(FLOODGATE_BUILD_FUZZERS)
  target_compile_options(floodgate_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(absl REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(BPF REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
if(FLOODGATE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(FLOODGATE_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

# What the sanitizer for threads is run on, and the fuzzers: to be built without the rest.
add_custom_target(threaded_tests)
add_custom_target(fuzzers)

# One room of the house (docs/DESIGN.md): a static library that links only the rooms it may know.
#   floodgate_room(NAME SOURCES a.cc ... DEPS target ...)
function(floodgate_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS" ${ARGN})
  add_library(floodgate_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(floodgate_${name} PUBLIC ${ROOM_DEPS} PRIVATE floodgate_flags)
  target_include_directories(floodgate_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
endfunction()

# One test program, each of its cases a ctest of its own.
#   floodgate_test(NAME SOURCES a_test.cc ... DEPS target ... [OUTSIDE] [LABEL threads|e2e]
#     [TIMEOUT seconds])
# OUTSIDE: what it tests runs as a process of its own. Either label is for the thread sanitizer too.
function(floodgate_test name)
  cmake_parse_arguments(TEST "OUTSIDE" "TIMEOUT;LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 60)
  endif()
  if(TEST_OUTSIDE)
    set(flags floodgate_outside_flags)
  else()
    set(flags floodgate_flags)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_DEPS} ${flags} GTest::gmock GTest::gtest_main)
  if(TEST_LABEL)
    add_dependencies(threaded_tests ${name})
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120
    PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABEL}")
endfunction()

# One benchmark program; every test run starts it with a tiny run time so that none rots.
function(floodgate_bench name)
  cmake_parse_arguments(BENCH "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${BENCH_SOURCES})
  target_link_libraries(${name} PRIVATE ${BENCH_DEPS} floodgate_flags benchmark::benchmark_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  if(FLOODGATE_BUILD_TESTS)
    add_test(NAME bench.${name} COMMAND ${name} --benchmark_min_time=0.001)
    set_tests_properties(bench.${name} PROPERTIES LABELS bench TIMEOUT 300)
  endif()
endfunction()

# One fuzzer with its corpus in tests/fuzz/corpus/NAME. Without libFuzzer it is not built.
function(floodgate_fuzzer name)
  cmake_parse_arguments(FUZZ "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT FLOODGATE_BUILD_FUZZERS)
    return()
  endif()
  add_executable(${name} ${FUZZ_SOURCES})
  add_dependencies(fuzzers ${name})
  target_link_libraries(${name} PRIVATE ${FUZZ_DEPS} floodgate_flags)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  # The committed corpus is only read; what is found meanwhile stays in the build tree.
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/corpus_${name})
  add_test(NAME fuzz.${name} COMMAND ${name} -max_total_time=20 -timeout=5 -rss_limit_mb=2048
    ${CMAKE_CURRENT_BINARY_DIR}/corpus_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
