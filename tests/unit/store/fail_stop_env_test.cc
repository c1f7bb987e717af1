#include "server/store/fail_stop_env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/store/fault_env.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::store {
namespace {

using leveldb::Status;
using testing::FaultEnv;
using ::testing::HasSubstr;

class FailStopEnvTest : public ::testing::Test {
 protected:
  std::unique_ptr<leveldb::WritableFile> Make(const std::string& name) {
    leveldb::WritableFile* file = nullptr;
    EXPECT_TRUE(env_.NewWritableFile(dir_.Sub(name), &file).ok());
    return std::unique_ptr<leveldb::WritableFile>(file);
  }
  void FailNext(const std::string& cause) {
    disk_.FailAt(disk_.operations(), FaultEnv::Mode::kFailOnce, cause);
  }

  testing::ScratchDir dir_;
  FaultEnv disk_;
  FailStopEnv env_{&disk_};
};

TEST_F(FailStopEnvTest, AfterAFailedWriteNothingIsWritten) {
  const auto log = Make("log"), table = Make("table");
  ASSERT_TRUE(log->Append("before").ok());
  ASSERT_TRUE(log->Sync().ok());
  FailNext("the first");
  ASSERT_FALSE(table->Sync().ok());
  const int64_t operations = disk_.operations();

  leveldb::WritableFile* made = nullptr;
  for (const Status& status :
       {log->Append("after"), log->Flush(), log->Sync(), table->Append("after"), table->Close(), log->Close(),
        env_.NewWritableFile(dir_.Sub("new"), &made), env_.NewAppendableFile(dir_.Sub("log"), &made),
        env_.RenameFile(dir_.Sub("table"), dir_.Sub("other")), env_.RemoveFile(dir_.Sub("table"))}) {
    EXPECT_THAT(status.ToString(), HasSubstr("the first"));
  }
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(disk_.operations(), operations) << "the disk was asked";
  EXPECT_EQ(std::filesystem::file_size(dir_.Sub("log")), 6U);
  EXPECT_TRUE(std::filesystem::exists(dir_.Sub("table")));

  leveldb::SequentialFile* read = nullptr;
  EXPECT_TRUE(env_.NewSequentialFile(dir_.Sub("log"), &read).ok()) << "reading goes on";
  delete read;
}

// LevelDB ignores what these answer.
TEST_F(FailStopEnvTest, WhatFailsWithoutHarmStopsNothing) {
  EXPECT_FALSE(env_.RenameFile(dir_.Sub("LOG"), dir_.Sub("LOG.old")).ok());
  EXPECT_FALSE(env_.RemoveFile(dir_.Sub("not there")).ok());
  EXPECT_TRUE(Make("log")->Append("goes on").ok());
}

TEST_F(FailStopEnvTest, AFileThatCannotBeMadeOrRenamedStops) {
  FailNext("no descriptor");
  leveldb::WritableFile* made = nullptr;
  EXPECT_FALSE(env_.NewWritableFile(dir_.Sub("new"), &made).ok());
  EXPECT_FALSE(env_.NewWritableFile(dir_.Sub("new"), &made).ok());

  FailStopEnv another(&disk_);
  EXPECT_FALSE(another.RenameFile(dir_.Sub("1.dbtmp"), dir_.Sub("CURRENT")).ok());
  EXPECT_FALSE(another.NewWritableFile(dir_.Sub("new"), &made).ok());
}

}  // namespace
}  // namespace coalition::store
