// Destroying keys on a disk: durable, nothing left in the directory, and all as it was where the disk
// refuses.
#include "common/key_tree_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "common/fd.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/random.h"
#include "tests/support/failing_sync.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition {
namespace {

using testing::fdatasync_fails;
using testing::fsync_fails;
using ::testing::HasSubstr;

constexpr unsigned kBits = 48;
constexpr uint64_t kGone = uint64_t{1} << 40, kStays = uint64_t{2} << 40;
constexpr char kName[] = "keys";

class KeyTreeFileTest : public ::testing::Test {
 protected:
  KeyTreeFileTest() : keys_(Load(/*may_create=*/true)) {
    gone_ = keys_->Leaf(kGone)->bytes;
    stays_ = keys_->Leaf(kStays)->bytes;
  }
  ~KeyTreeFileTest() override { fsync_fails = fdatasync_fails = 0; }

  std::string FileBytes() const { return ReadFile(file_, 1 << 20).value_or("none"); }
  absl::StatusOr<PuncturedTree> Tree(bool may_create = false) {
    return LoadKeyTree(file_, kBits, may_create, "nobody can test", random_);
  }
  // With the file as it is.
  std::unique_ptr<KeyTreeFile> Load(bool may_create = false) {
    auto tree = Tree(may_create);
    EXPECT_TRUE(tree.ok()) << tree.status();
    return std::make_unique<KeyTreeFile>(file_, *std::move(tree));
  }
  absl::Status Destroy(const std::vector<uint64_t>& indices = {kGone}) {
    return keys_->DestroyLeaves(indices);
  }
  void ExpectGone(const KeyTreeFile& keys) const {
    EXPECT_FALSE(keys.Leaf(kGone));
    ASSERT_TRUE(keys.Leaf(kStays));
    EXPECT_EQ(keys.Leaf(kStays)->bytes, stays_);
  }
  void ExpectWhole(const KeyTreeFile& keys) const {
    ASSERT_TRUE(keys.Leaf(kGone) && keys.Leaf(kStays));
    EXPECT_EQ(keys.Leaf(kGone)->bytes, gone_);
    EXPECT_EQ(keys.Leaf(kStays)->bytes, stays_);
  }
  void ExpectRefused(bool may_create, const std::string& what) {
    const absl::Status refused = Tree(may_create).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(what));
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  // Of a file that may have no name any more.
  static std::string BytesOf(const Fd& fd) {
    std::string bytes(1 << 20, '\0');
    const ssize_t count = pread(fd.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return bytes;
  }

  testing::ScratchDir scratch_;
  const std::string file_ = scratch_.Sub(kName);
  SystemRandom random_;
  std::unique_ptr<KeyTreeFile> keys_;
  PuncturedTree::Key gone_, stays_;
};

TEST_F(KeyTreeFileTest, IsDurableAndTheFileFromBeforeIsWhatOpened) {
  const std::string before = FileBytes();
  const Sha256Digest digest = keys_->Digest();
  EXPECT_EQ(digest, Sha256(before));
  ASSERT_TRUE(Destroy().ok());
  ExpectGone(*keys_);
  ExpectGone(*Load());
  EXPECT_EQ(keys_->Digest(), Sha256(FileBytes()));
  EXPECT_NE(keys_->Digest(), digest);
  struct stat facts {};
  ASSERT_EQ(stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  // Whoever has a copy of it from before reads on: that is what the copies are to be destroyed for.
  ASSERT_TRUE(WriteFileAtomic(file_, before, 0600).ok());
  ExpectWhole(*Load());
}

TEST_F(KeyTreeFileTest, WhatTheFileWasIsOverwritten) {
  const Fd former(open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_GE(former.get(), 0);
  const std::string before = BytesOf(former);
  ASSERT_EQ(before, FileBytes());
  ASSERT_TRUE(Destroy().ok());
  EXPECT_EQ(BytesOf(former), std::string(before.size(), '\0'));
  EXPECT_EQ(Names(), std::vector<std::string>{kName});
}

TEST_F(KeyTreeFileTest, WhatIsDestroyedAlreadyIsPassedOver) {
  ASSERT_TRUE(Destroy().ok());
  const std::string once = FileBytes();
  ASSERT_TRUE(Destroy().ok());
  EXPECT_EQ(FileBytes(), once);
  ASSERT_TRUE(Destroy({kGone, kGone + 1}).ok());
  EXPECT_NE(FileBytes(), once);
  EXPECT_FALSE(Load()->Leaf(kGone + 1));
  ExpectGone(*Load());
}

TEST_F(KeyTreeFileTest, WhatIsLeftIsWhatWasAskedFor) {
  const std::string before = FileBytes();
  ASSERT_TRUE(keys_->Destroy([](const PuncturedTree&) { return std::nullopt; }).ok());
  EXPECT_EQ(FileBytes(), before);
  ASSERT_TRUE(keys_->Destroy([](const PuncturedTree& tree) { return tree.WithoutBelow(kGone, 2); }).ok());
  EXPECT_FALSE(Load()->Leaf(kGone + 1));
  ExpectGone(*Load());
}

TEST_F(KeyTreeFileTest, WhereTheDiskRefusesAllIsAsItWas) {
  const std::string before = FileBytes();
  const Fd former(open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  // Of the directory, which may have leftovers, and of the new file.
  for (const int which : {1, 2}) {
    fsync_fails = which;
    const absl::Status refused = Destroy();
    EXPECT_FALSE(refused.ok()) << which;
    EXPECT_EQ(fsync_fails, 0) << which;
    ExpectWhole(*keys_);
    EXPECT_EQ(FileBytes(), before) << which;
    EXPECT_EQ(BytesOf(former), before) << which;
  }
  ASSERT_TRUE(Destroy().ok());
  ExpectGone(*Load());
}

// It has its name then, but may lose it to the one from before, which must still be whole.
TEST_F(KeyTreeFileTest, WhileTheNewFileMayBeLostTheFormerOneStays) {
  const std::string before = FileBytes();
  const Fd former(open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  fsync_fails = 3;
  EXPECT_FALSE(Destroy().ok());
  EXPECT_EQ(fsync_fails, 0);
  EXPECT_EQ(BytesOf(former), before);
  ExpectWhole(*keys_);
  ASSERT_TRUE(Destroy().ok());
  ExpectGone(*keys_);
  ExpectGone(*Load());
}

// Of a program that ended before that was durable, another one says so only when it is.
TEST_F(KeyTreeFileTest, WhatIsPassedOverIsMadeDurableToo) {
  ASSERT_TRUE(Destroy().ok());
  fsync_fails = 1;
  EXPECT_FALSE(Destroy().ok());
  EXPECT_EQ(fsync_fails, 0);
  EXPECT_TRUE(Destroy().ok());
}

TEST_F(KeyTreeFileTest, WhatCouldNotBeOverwrittenIsSaidAndIsGoneAllTheSame) {
  fdatasync_fails = 1;
  const absl::Status said = Destroy();
  EXPECT_FALSE(said.ok());
  EXPECT_THAT(std::string(said.message()), HasSubstr("cannot overwrite"));
  ExpectGone(*keys_);
  ExpectGone(*Load());
  EXPECT_TRUE(Destroy().ok());
}

TEST_F(KeyTreeFileTest, WhatAnInterruptedOneHasLeftIsOverwrittenAndGoes) {
  const std::string leftover = file_ + ".4711.0.tmp";
  const std::string another = scratch_.Sub("keys_of_mine.tmp");
  for (const bool is_gone : {false, true}) {
    ASSERT_TRUE(WriteNewFile(leftover, FileBytes(), 0600).ok());
    if (!is_gone) {
      ASSERT_TRUE(WriteNewFile(another, "mine", 0600).ok());
    }
    const Fd left(open(leftover.c_str(), O_RDONLY | O_CLOEXEC));
    const size_t size = BytesOf(left).size();
    ASSERT_GT(size, 0u);
    ASSERT_TRUE(Destroy().ok());
    EXPECT_EQ(BytesOf(left), std::string(size, '\0'));
    EXPECT_FALSE(std::filesystem::exists(leftover));
    EXPECT_EQ(ReadFile(another, 10).value_or("none"), "mine");
  }
  ExpectGone(*Load());
}

// Or else another program that is about to rename it would put zeros in the file's place.
TEST_F(KeyTreeFileTest, WhatIsLeftLosesItsNameBeforeItIsOverwritten) {
  const std::string leftover = file_ + ".4711.0.tmp";
  const std::string before = FileBytes();
  ASSERT_TRUE(WriteNewFile(leftover, before, 0600).ok());
  const Fd left(open(leftover.c_str(), O_RDONLY | O_CLOEXEC));
  fsync_fails = 1;
  EXPECT_FALSE(Destroy().ok());
  EXPECT_EQ(BytesOf(left), before);
  EXPECT_FALSE(std::filesystem::exists(leftover));
  EXPECT_EQ(FileBytes(), before);
  ExpectWhole(*keys_);
}

TEST_F(KeyTreeFileTest, NothingIsOverwrittenThatLiesElsewhere) {
  const std::string mine = scratch_.Sub("mine");
  ASSERT_TRUE(WriteNewFile(mine, "mine", 0600).ok());
  std::filesystem::create_symlink(mine, file_ + ".4711.0.tmp");
  EXPECT_FALSE(RemoveLeftovers(file_).ok());
  EXPECT_EQ(ReadFile(mine, 10).value_or("none"), "mine");
}

TEST_F(KeyTreeFileTest, ManyAtOnceAreOneFile) {
  std::vector<uint64_t> indices;
  for (uint64_t first = 0; first < 250; ++first) {
    if (first << 40 != kStays) indices.push_back(first << 40);
  }
  ASSERT_TRUE(Destroy(indices).ok());
  const auto again = Load();
  for (const uint64_t index : indices) EXPECT_FALSE(again->Leaf(index)) << index;
  ExpectGone(*again);
}

TEST_F(KeyTreeFileTest, IsMadeOnceAndOnlyWhereItMayBe) {
  ExpectWhole(*Load(/*may_create=*/true));
  ASSERT_TRUE(RemoveFile(file_).ok());
  ExpectRefused(/*may_create=*/false, file_ + " is missing");
  ExpectRefused(/*may_create=*/false, "Without it nobody can test; what to do");
  EXPECT_TRUE(Names().empty());
  EXPECT_NE(Load(/*may_create=*/true)->Leaf(kStays)->bytes, stays_);
}

TEST_F(KeyTreeFileTest, OpenOrDamagedItIsRefusedAndKept) {
  const std::string whole = FileBytes();
  ASSERT_EQ(chmod(file_.c_str(), 0640), 0);
  ExpectRefused(/*may_create=*/true, "chmod 600 " + file_);
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  for (const std::string& damaged : {whole.substr(0, whole.size() - 1), flipped, std::string(),
                                     PuncturedTree::Make(kBits - 4, random_).Encode()}) {
    ASSERT_TRUE(WriteFileAtomic(file_, damaged, 0600).ok());
    ExpectRefused(/*may_create=*/true, file_ + ": ");
    ExpectRefused(/*may_create=*/true, "restore it from your newest copy");
    EXPECT_EQ(FileBytes(), damaged);
  }
}

TEST_F(KeyTreeFileTest, AKeyThatGoesIsWiped) {
  alignas(LeafKey) unsigned char memory[sizeof(LeafKey)];
  auto* const key = new (memory) LeafKey(gone_);
  ASSERT_EQ(std::memcmp(memory, gone_.data(), gone_.size()), 0);
  key->~LeafKey();
  const PuncturedTree::Key zeros = {};
  EXPECT_EQ(std::memcmp(memory, zeros.data(), zeros.size()), 0);
}

}  // namespace
}  // namespace coalition
