// What the journal keeps, and what it says of a file that is torn, damaged or can't be written.
#include "server/denials/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "common/file.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::denials {
namespace {

using storage::v1::StoredDenials;
using ::testing::HasSubstr;
using testing::ScratchDir;

StoredDenials Frame(store::Revision revision, const std::string& key, const std::string& value) {
  StoredDenials frame;
  frame.set_revision(revision);
  storage::v1::DeniedRow& row = *frame.add_rows();
  row.set_revision(revision);
  row.set_key(key);
  row.set_value(value);
  storage::v1::DeniedRecord& record = *frame.add_records();
  record.set_revision(revision);
  record.set_id("record of " + key);
  return frame;
}

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> Open() {
    auto journal = Journal::Open({dir_.Sub("head"), sync_});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }
  absl::Status OpenStatus() { return Journal::Open({dir_.Sub("head")}).status(); }
  std::string Bytes() const { return *ReadFile(file_, size_t{1} << 30); }
  unsigned Mode() const { return static_cast<unsigned>(std::filesystem::status(file_).permissions()); }
  void Write(const std::string& bytes) { ASSERT_TRUE(WriteFileAtomic(file_, bytes, 0600).ok()); }

  ScratchDir dir_;
  const std::string file_ = Journal::FileIn(dir_.Sub("head"));
  std::function<int(int)> sync_;
};

TEST_F(JournalTest, KeepsTheNewestOfEachAndTheMark) {
  EXPECT_TRUE(Open()->is_new());
  {
    const auto journal = Open();
    EXPECT_FALSE(journal->is_new());
    ASSERT_TRUE(journal->Append(Frame(3, "a", "1")).ok());
    ASSERT_TRUE(journal->Append(Frame(7, "b", "1")).ok());
    ASSERT_TRUE(journal->Append(Frame(9, "a", "2")).ok());
  }
  auto journal = Open();
  EXPECT_EQ(journal->denied().revision, 9U);
  ASSERT_EQ(journal->denied().rows.size(), 2U);
  EXPECT_EQ(journal->denied().rows.at("a").value(), "2");
  EXPECT_EQ(journal->denied().records.at("record of a").revision(), 9U);
  journal->Release();
  ASSERT_TRUE(journal->Append(Frame(12, "c", "1")).ok());
  journal.reset();
  EXPECT_EQ(Open()->denied().rows.size(), 3U);
}

TEST_F(JournalTest, AFrameThatIsCutShortIsCutOffWhereverThatIs) {
  ASSERT_TRUE(Open()->Append(Frame(3, "a", "1")).ok());
  const std::string before = Bytes();
  ASSERT_TRUE(Open()->Append(Frame(9, "a", "2")).ok());
  const std::string whole = Bytes();
  for (size_t size = before.size() + 1; size < whole.size(); ++size) {
    // And what a file system leaves that had made room for it.
    for (const std::string& torn :
         {whole.substr(0, size), whole.substr(0, size) + std::string(whole.size() - size, '\0')}) {
      if (torn == whole) continue;
      Write(torn);
      const auto journal = Open();
      ASSERT_NE(journal, nullptr) << size;
      EXPECT_EQ(journal->denied().revision, 3U) << size;
      EXPECT_EQ(Bytes(), before);
      ASSERT_TRUE(journal->Append(Frame(9, "a", "2")).ok());
      EXPECT_EQ(Bytes(), whole);
    }
  }
}

TEST_F(JournalTest, DamageBeforeTheEndIsRefused) {
  ASSERT_TRUE(Open()->Append(Frame(3, "a", "1")).ok());
  const size_t first = Bytes().size();
  ASSERT_TRUE(Open()->Append(Frame(9, "b", "2")).ok());
  const std::string whole = Bytes();
  for (size_t at = 0; at < first; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    Write(damaged);
    const absl::Status status = OpenStatus();
    EXPECT_TRUE(absl::IsDataLoss(status)) << at << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr("Restore it from your copy"));
    EXPECT_EQ(Bytes(), damaged) << "nothing is changed";
  }
  Write(whole);
  EXPECT_TRUE(OpenStatus().ok()) << "positive control";
}

// A disk that is full: the kernel refuses to let the file grow.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(JournalTest, AFullDiskIsSaidAndWhatWasWrittenOfAFrameGoes) {
  auto journal = Open();
  ASSERT_TRUE(journal->Append(Frame(3, "a", "1")).ok());
  {
    const FileLimit full(Bytes().size() + 10);
    const absl::Status status = journal->Append(Frame(9, "a", "2"));
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(file_));
  }
  EXPECT_EQ(journal->denied().revision, 3U);
  ASSERT_TRUE(journal->Append(Frame(9, "a", "2")).ok());
  journal.reset();
  EXPECT_EQ(Open()->denied().revision, 9U);
}

TEST_F(JournalTest, WhatIsNotDurableIsNotKept) {
  int error = EIO;
  sync_ = [&error](int) { return error; };
  auto journal = Open();
  EXPECT_TRUE(absl::IsUnavailable(journal->Append(Frame(3, "a", "1"))));
  EXPECT_EQ(journal->denied().revision, 0U);
  error = 0;
  EXPECT_TRUE(journal->Append(Frame(3, "a", "1")).ok());
  journal.reset();
  EXPECT_EQ(Open()->denied().revision, 3U);
}

TEST_F(JournalTest, AFileThatWasRemovedMeanwhileIsMissed) {
  const auto journal = Open();
  std::filesystem::remove(file_);
  const absl::Status status = journal->Append(Frame(3, "a", "1"));
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(status.message(), HasSubstr("was removed"));
}

TEST_F(JournalTest, ADirectoryThatIsNoneIsSaid) {
  ASSERT_TRUE(WriteFileAtomic(dir_.Sub("head"), "a file", 0600).ok());
  EXPECT_FALSE(OpenStatus().ok());
}

TEST_F(JournalTest, IsRewrittenWithoutWhatWasSuperseded) {
  {
    const auto journal = Open();
    for (store::Revision revision = 1; revision <= 40; ++revision)
      ASSERT_TRUE(
          journal->Append(Frame(revision, revision % 2 == 0 ? "a" : "b", std::string(20'000, 'x'))).ok());
  }
  const size_t before = Bytes().size();
  auto journal = Open();
  EXPECT_LT(Bytes().size(), before / 10);
  EXPECT_EQ(journal->denied().revision, 40U);
  ASSERT_TRUE(journal->Append(Frame(41, "c", "1")).ok());
  journal.reset();
  const auto again = Open();
  EXPECT_EQ(again->denied().revision, 41U);
  EXPECT_EQ(again->denied().rows.at("a").revision(), 40U);
  EXPECT_EQ(again->denied().rows.at("b").revision(), 39U);
  EXPECT_EQ(again->denied().rows.size(), 3U);
  EXPECT_EQ(Mode(), 0600U);
}

TEST_F(JournalTest, WhereItCannotBeRewrittenItIsTakenAsItIs) {
  {
    const auto journal = Open();
    for (store::Revision revision = 1; revision <= 40; ++revision)
      ASSERT_TRUE(journal->Append(Frame(revision, "a", std::string(20'000, 'x'))).ok());
  }
  const std::string before = Bytes();
  auto journal = [&] {
    const FileLimit full(1'000);
    return Open();
  }();
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(journal->denied().revision, 40U);
  EXPECT_EQ(Bytes(), before);
  ASSERT_TRUE(journal->Append(Frame(41, "b", "1")).ok());
  journal.reset();
  journal = Open();
  EXPECT_EQ(journal->denied().revision, 41U);
  EXPECT_LT(Bytes().size(), before.size() / 10) << "positive control: it was to be rewritten";
}

TEST_F(JournalTest, OneAtATimeHasIt) {
  auto journal = Open();
  const absl::Status second = OpenStatus();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  EXPECT_THAT(second.message(), HasSubstr("another server or a restore has"));
  journal.reset();
  EXPECT_TRUE(OpenStatus().ok()) << "positive control";
}

TEST_F(JournalTest, WhoeverOnlyReadsItChangesNothing) {
  const std::string head = dir_.Sub("head");
  const auto none = Journal::Read(head);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE((*none)->is_new());
  EXPECT_EQ((*none)->denied().revision, 0U);
  EXPECT_FALSE(std::filesystem::exists(head));

  const auto journal = Open();
  ASSERT_TRUE(journal->Append(Frame(3, "a", "1")).ok());
  ASSERT_TRUE(journal->Append(Frame(9, "a", "2")).ok());
  const std::string whole = Bytes(), torn = whole.substr(0, whole.size() - 1);
  const auto read = Journal::Read(head);
  ASSERT_TRUE(read.ok()) << "while another has it open: " << read.status();
  EXPECT_FALSE((*read)->is_new());
  EXPECT_EQ((*read)->denied().revision, 9U);
  EXPECT_EQ((*read)->denied().rows.at("a").value(), "2");
  Write(torn);
  const auto cut = Journal::Read(head);
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_EQ((*cut)->denied().revision, 3U);
  EXPECT_EQ(Bytes(), torn) << "Open would cut it off";
  std::string damaged = whole;
  damaged[whole.find("DNY1") + 30] ^= 1;
  Write(damaged);
  EXPECT_TRUE(absl::IsDataLoss(Journal::Read(head).status()));
}

TEST_F(JournalTest, OthersMayNotReadIt) {
  ASSERT_TRUE(OpenStatus().ok());
  EXPECT_EQ(Mode(), 0600U) << "as it is made";
  std::filesystem::permissions(file_, std::filesystem::perms(0640));
  const absl::Status open = OpenStatus();
  EXPECT_TRUE(absl::IsFailedPrecondition(open)) << open;
  EXPECT_THAT(open.message(), HasSubstr("chmod 600 " + file_));
}

}  // namespace
}  // namespace coalition::denials
