#include "client/cli/contexts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "tests/unit/cli/bytes.h"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;

class ContextsTest : public ::testing::Test {
 protected:
  ContextsTest() {
    std::string pattern = ::testing::TempDir() + "/contexts-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    globals_.config = directory_ + "/sub/config.textproto";
  }
  ~ContextsTest() override { std::filesystem::remove_all(directory_); }

  void Save() {
    config::v1::ClientConfig config;
    config.set_current_context("work");
    for (const char* name : {"work", "lab"}) {
      config::v1::Context& context = *config.add_contexts();
      context.set_name(name);
      context.set_server(std::string(name) + ".example:7443");
      context.set_ca_file("ca.pem");
      context.set_certificate_file("/etc/me.pem");
      context.set_key_file("me.key");
      context.set_timeout_ms(2'500);
    }
    ASSERT_EQ(SaveConfig(globals_.config, config), absl::OkStatus());
  }

  std::string directory_;
  Globals globals_;
};

TEST_F(ContextsTest, TheFileIsForItsOwnerAlone) {
  Save();
  struct stat info {};
  ASSERT_EQ(::stat(globals_.config.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat((directory_ + "/sub").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(ContextsTest, TheCurrentContextIsUsedAndItsPathsAreRelativeToTheFile) {
  Save();
  const auto options = ResolveOptions(globals_);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->server, "work.example:7443");
  EXPECT_EQ(options->tls.ca_file, directory_ + "/sub/ca.pem");
  EXPECT_EQ(options->tls.certificate_file, "/etc/me.pem");
  EXPECT_EQ(options->timeout.count(), 2'500);
}

TEST_F(ContextsTest, FlagsOverrideTheContextOneByOne) {
  Save();
  globals_.context = "lab";
  globals_.key = "other.key";
  globals_.timeout = "0.5";
  const auto options = ResolveOptions(globals_);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->server, "lab.example:7443");
  EXPECT_EQ(options->tls.key_file, "other.key");
  EXPECT_EQ(options->timeout.count(), 500);
}

TEST_F(ContextsTest, FlagsAloneNeedNoFile) {
  globals_.server = "a:1";
  globals_.ca = globals_.certificate = globals_.key = "x";
  EXPECT_TRUE(ResolveOptions(globals_).ok());
}

TEST_F(ContextsTest, WhatIsMissingOrWrongIsSaid) {
  EXPECT_TRUE(absl::IsFailedPrecondition(ResolveOptions(globals_).status()));
  Save();
  globals_.context = "wrok";
  const absl::Status unknown = ResolveOptions(globals_).status();
  EXPECT_TRUE(absl::IsNotFound(unknown));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("did you mean \"work\""));
  globals_.context = "work";
  for (const char* timeout : {"0", "-1", "ten", "nan", "1e9"}) {
    globals_.timeout = timeout;
    EXPECT_TRUE(absl::IsInvalidArgument(ResolveOptions(globals_).status())) << timeout;
  }
  std::ofstream(globals_.config) << "contxts {}";
  EXPECT_THAT(std::string(LoadConfig(globals_.config).status().message()), HasSubstr("contxts"));
}

TEST_F(ContextsTest, NamesOfContextsAreIds) {
  EXPECT_TRUE(CheckContextName("work-2").ok());
  for (const char* name : {"", "Work", "a b", "-x", "../x"})
    EXPECT_FALSE(CheckContextName(name).ok()) << name;
}

}  // namespace
}  // namespace coalition::cli
