// The directory that --out names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/e2e/child_process.h"
#include "tools/tune/output_directory.h"

namespace floodgate::tune {
namespace {

using testing::HasSubstr;

constexpr uid_t kNobody = 65'534;

// Root may write everywhere: as long as this lives, this process is not root.
class NotRoot {
 public:
  NotRoot() : was_root_(::geteuid() == 0) {
    if (was_root_) {
      EXPECT_EQ(::seteuid(kNobody), 0);
    }
  }
  ~NotRoot() {
    if (was_root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;

 private:
  bool was_root_;
};

TEST(TuneOutputDirectory, IsMadeWithThoseAboveIt) {
  const e2e::TemporaryDirectory directory;
  const std::string path = directory.File("two/more");
  EXPECT_TRUE(MakeDirectory(path).ok());
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_TRUE(MakeDirectory(path).ok());
}

TEST(TuneOutputDirectory, AFileInItsPlaceIsAnError) {
  const e2e::TemporaryDirectory directory;
  e2e::WriteFile(directory.File("file"), "");
  EXPECT_FALSE(MakeDirectory(directory.File("file")).ok());
}

TEST(TuneOutputDirectory, OneInWhichNothingCanBeWrittenIsAnError) {
  const e2e::TemporaryDirectory directory;
  using std::filesystem::perms;
  constexpr perms kReadable = perms::owner_read | perms::owner_exec | perms::group_read |
                              perms::group_exec | perms::others_read | perms::others_exec;
  std::filesystem::permissions(directory.path(), kReadable);
  absl::Status made;
  {
    const NotRoot not_root;
    made = MakeDirectory(directory.path());
  }
  std::filesystem::permissions(directory.path(), perms::owner_all);
  EXPECT_FALSE(made.ok());
  EXPECT_THAT(std::string(made.message()), HasSubstr("--out: "));
  EXPECT_THAT(std::string(made.message()), HasSubstr(directory.path()));
}

}  // namespace
}  // namespace floodgate::tune
