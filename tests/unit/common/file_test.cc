#include "common/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/textproto.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "coalition-file-XXXXXX";
    dir_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  static unsigned ModeOf(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(stat(path.c_str(), &facts), 0);
    return facts.st_mode & 07777;
  }

  std::string dir_;
};

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST_F(FileTest, WritesAndReadsWhole) {
  const std::string path = dir_ + "/key";
  const std::string contents("a\0b\xff", 4);
  ASSERT_TRUE(WriteFileAtomic(path, contents, 0600).ok());
  EXPECT_EQ(ReadFile(path, 4).value(), contents);
  EXPECT_EQ(ModeOf(path), 0600U);
  ASSERT_TRUE(WriteFileAtomic(path, "", 0644).ok());
  EXPECT_EQ(ReadFile(path, 0).value(), "");
  EXPECT_EQ(ModeOf(path), 0644U);
  // Nothing is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(FileTest, ANewFileReplacesNone) {
  const std::string path = dir_ + "/key";
  ASSERT_TRUE(WriteNewFile(path, "first", 0600).ok());
  EXPECT_EQ(ModeOf(path), 0600U);
  const absl::Status second = WriteNewFile(path, "second", 0644);
  EXPECT_TRUE(absl::IsAlreadyExists(second)) << second;
  EXPECT_THAT(Message(second), StartsWith(path));
  EXPECT_EQ(ReadFile(path, 10).value(), "first");
  EXPECT_EQ(ModeOf(path), 0600U);
  // Nor what a link points to that leads nowhere.
  std::filesystem::create_symlink(dir_ + "/nowhere", dir_ + "/link");
  EXPECT_TRUE(absl::IsAlreadyExists(WriteNewFile(dir_ + "/link", "x", 0600)));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/nowhere"));
  EXPECT_TRUE(absl::IsNotFound(WriteNewFile(dir_ + "/missing/key", "x", 0600)));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 2);
}

TEST_F(FileTest, RemovesAFileOnce) {
  const std::string path = dir_ + "/key";
  ASSERT_TRUE(WriteNewFile(path, "key", 0600).ok());
  EXPECT_TRUE(RemoveFile(path).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  const absl::Status again = RemoveFile(path);
  EXPECT_TRUE(absl::IsNotFound(again)) << again;
  EXPECT_THAT(Message(again), StartsWith("cannot remove " + path));
}

TEST_F(FileTest, SaysWhyItCannotRead) {
  const std::string path = dir_ + "/file";
  EXPECT_EQ(ReadFile(path, 10).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(ReadFile(path, 10).status()), HasSubstr(path));
  ASSERT_TRUE(WriteFileAtomic(path, "12345", 0600).ok());
  EXPECT_EQ(Message(ReadFile(path, 4).status()), path + " is larger than 4 bytes");
  EXPECT_EQ(Message(ReadFile(dir_, 4).status()), dir_ + " is a directory, not a file");
}

TEST_F(FileTest, AFailedWriteLeavesTheOldContents) {
  const std::string path = dir_ + "/target";
  ASSERT_TRUE(MakeDir(path + "/inside", 0700).ok());
  EXPECT_FALSE(WriteFileAtomic(path, "new", 0600).ok());  // a directory cannot be replaced
  EXPECT_TRUE(std::filesystem::is_directory(path + "/inside"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
  EXPECT_EQ(WriteFileAtomic(dir_ + "/absent/file", "x", 0600).code(), absl::StatusCode::kNotFound);
}

TEST_F(FileTest, MakesDirectories) {
  ASSERT_TRUE(MakeDir(dir_ + "/a/b/c", 0700).ok());
  EXPECT_EQ(ModeOf(dir_ + "/a/b/c"), 0700U);
  EXPECT_TRUE(MakeDir(dir_ + "/a/b/c", 0755).ok());
  EXPECT_EQ(ModeOf(dir_ + "/a/b/c"), 0700U);
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/file", "", 0600).ok());
  EXPECT_THAT(Message(MakeDir(dir_ + "/file", 0700)), HasSubstr("is not a directory"));
  EXPECT_FALSE(MakeDir(dir_ + "/file/below", 0700).ok());
  EXPECT_FALSE(MakeDir("", 0700).ok());
}

TEST_F(FileTest, ResolvesRelativeToTheFile) {
  EXPECT_EQ(ResolvePath("/etc/coalition/server.textproto", "ca.pem"), "/etc/coalition/ca.pem");
  EXPECT_EQ(ResolvePath("/etc/coalition/server.textproto", "/ca.pem"), "/ca.pem");
  EXPECT_EQ(ResolvePath("server.textproto", "ca.pem"), "ca.pem");
  EXPECT_EQ(ResolvePath("/etc/x", ""), "");
}

TEST_F(FileTest, ReadsTextproto) {
  const std::string path = dir_ + "/server.textproto";
  ASSERT_TRUE(WriteFileAtomic(path, "listen: \"127.0.0.1:0\"\nlimits { page_size_max: 7 }\n", 0600).ok());
  config::v1::ServerConfig config;
  ASSERT_TRUE(ReadTextproto(path, &config).ok());
  EXPECT_EQ(config.limits().page_size_max(), 7);
  EXPECT_EQ(ReadTextproto(dir_ + "/absent", &config).code(), absl::StatusCode::kNotFound);
}

std::string Mistake(const std::string& text) {
  config::v1::ServerConfig config;
  const absl::Status status = ParseTextproto(text, "server.textproto", &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return Message(status);
}

TEST(Textproto, NamesTheUnknownFieldItsPlaceAndTheNearest) {
  const std::string mistake = Mistake("listen: \"a\"\n  lisen_http: \"b\"\n");
  EXPECT_THAT(mistake, StartsWith("server.textproto:2:"));
  EXPECT_THAT(mistake, HasSubstr("\"lisen_http\""));
  EXPECT_THAT(Mistake("limits { page_size_mx: 7 }"), HasSubstr("did you mean \"page_size_max\"?"));
  EXPECT_THAT(Mistake("lissen: \"b\""), HasSubstr("did you mean \"listen\"?"));
  EXPECT_EQ(Mistake("zzzzzzzzzzzz: 1").find("did you mean"), std::string::npos);
}

TEST(Textproto, NamesTheUnknownEnumValueAndTheNearest) {
  EXPECT_THAT(Mistake("log { format: FORMAT_JSN }"), HasSubstr("did you mean \"FORMAT_JSON\"?"));
  config::v1::Bootstrap bootstrap;
  const absl::Status status =
      ParseTextproto("members { id: \"a\"\n kind: MEMBER_KIND_BRANT }", "b", &bootstrap);
  EXPECT_THAT(Message(status), StartsWith("b:2:"));
  EXPECT_THAT(Message(status), HasSubstr("did you mean \"MEMBER_KIND_BRAND\"?"));
}

TEST(Textproto, RefusesWhatIsNotTextFormat) {
  EXPECT_THAT(Mistake("listen: 7"), StartsWith("server.textproto:1:"));
  EXPECT_THAT(Mistake("listen: \"a\" listen: \"b\""), HasSubstr("listen"));
  EXPECT_THAT(Mistake("limits {"), StartsWith("server.textproto:"));
  EXPECT_THAT(Mistake(std::string("\0\x01\xff", 3)), StartsWith("server.textproto:"));
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "limits {";
  EXPECT_THAT(Mistake(deep), StartsWith("server.textproto:"));
}

TEST(Nearest, FindsSpellingMistakesOnly) {
  const std::vector<std::string> commands = {"screen", "seller", "report"};
  EXPECT_EQ(Nearest("sceen", commands), "screen");
  EXPECT_EQ(Nearest("reprot", commands), "report");
  EXPECT_EQ(Nearest("import", commands), "report");
  EXPECT_EQ(Nearest("xyz", commands), "");
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace coalition
