// What the user that the daemon became may not read is told by name, with the remedy.
#include "daemon/reload_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floodgate {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ReloadAccessTest, NamesEachFileThatCannotBeRead) {
  Options options;
  EXPECT_THAT(UnreadableAtReload("", options), IsEmpty());
  EXPECT_THAT(UnreadableAtReload("/dev/null", options), IsEmpty());
  options.runtime.user = "floodgate";
  options.controller.emplace();
  options.controller->client_ca = "/nowhere/ca.pem";
  options.tls.emplace();
  options.tls->certificate = "/dev/null";
  options.tls->private_key = "/nowhere/key.pem";
  EXPECT_THAT(
      UnreadableAtReload("/nowhere/floodgate.toml", options),
      ElementsAre(AllOf(HasSubstr("the configuration, /nowhere/floodgate.toml, cannot be read by "
                                  "'floodgate': No such file or directory"),
                        HasSubstr("chgrp")),
                  HasSubstr("tls.private_key, /nowhere/key.pem, "),
                  HasSubstr("controller.client_ca, /nowhere/ca.pem, ")));
}

}  // namespace
}  // namespace floodgate
