// What was sealed with a key that is destroyed nobody opens, with what is left on the disk.
#include "server/ledger/entry_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "tests/support/exchange_world.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::ledger {
namespace {

using ::testing::HasSubstr;
using testing::ScratchDir;
using testing::SeededRandom;

constexpr int64_t kDay = 20'700;
constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;
constexpr size_t kFileBytesMax = size_t{1} << 20;

class EntryKeysTest : public ::testing::Test {
 protected:
  EntryKeysTest() {
    std::filesystem::create_directory(dir());
    auto keys = EntryKeys::Load(dir(), /*may_create=*/true, random_);
    if (!keys.ok()) std::abort();
    keys_ = *std::move(keys);
  }

  std::string dir() const { return scratch_.Sub("keys"); }
  std::string file() const { return dir() + "/" + kEntryKeysFile; }
  std::string Bytes() const { return *ReadFile(file(), kFileBytesMax); }
  EntryKeys::Sealed Seal(int64_t day, std::string_view contents = "contents") {
    std::array<uint8_t, EntryKeys::kChanceBytes> chance;
    random_.Fill(chance);
    return keys_->Seal(day * kDayNs + 1, chance, contents, "bound");
  }
  // With the file as it is.
  std::shared_ptr<EntryKeys> Loaded() {
    auto keys = EntryKeys::Load(dir(), false, random_);
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys.ok() ? *keys : nullptr;
  }
  static absl::StatusOr<std::optional<std::string>> Open(const EntryKeys& keys,
                                                         const EntryKeys::Sealed& sealed) {
    return keys.Open(sealed.key, sealed.bytes, "bound");
  }
  static bool Opens(const EntryKeys& keys, const EntryKeys::Sealed& sealed) {
    const auto opened = Open(keys, sealed);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() && *opened == "contents";
  }

  ScratchDir scratch_;
  SeededRandom random_;
  std::shared_ptr<EntryKeys> keys_;
};

TEST_F(EntryKeysTest, OpensWhatItSealedAndNothingElse) {
  const EntryKeys::Sealed sealed = Seal(kDay);
  EXPECT_EQ(EntryKeys::DayOf(sealed.key), kDay);
  EXPECT_EQ(sealed.bytes.size(), std::string_view("contents").size() + EntryKeys::kSealBytes);
  EXPECT_EQ(sealed.bytes.find("contents"), std::string::npos);
  EXPECT_TRUE(Opens(*Loaded(), sealed)) << "also after a restart";
  EXPECT_TRUE(absl::IsDataLoss(keys_->Open(sealed.key, sealed.bytes, "else").status()));
  EXPECT_TRUE(absl::IsDataLoss(keys_->Open(sealed.key + 1, sealed.bytes, "bound").status()));
  EXPECT_TRUE(absl::IsDataLoss(keys_->Open(sealed.key, "short", "bound").status()));
  std::string changed = sealed.bytes;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_TRUE(absl::IsDataLoss(keys_->Open(sealed.key, changed, "bound").status()));
}

TEST_F(EntryKeysTest, ADestroyedKeyOpensNothingAndTheOthersDo) {
  const EntryKeys::Sealed one = Seal(kDay), other = Seal(kDay), later = Seal(kDay + 1);
  const std::string before = Bytes();
  const Sha256Digest digest = keys_->Digest();
  ASSERT_TRUE(keys_->Destroy(std::vector<uint64_t>{one.key, one.key}).ok());
  EXPECT_NE(keys_->Digest(), digest);
  for (const auto& keys : {keys_, Loaded()}) {
    EXPECT_FALSE(Opens(*keys, one));
    EXPECT_TRUE(keys->IsDestroyed(one.key));
    EXPECT_TRUE(Opens(*keys, other));
    EXPECT_TRUE(Opens(*keys, later));
  }
  const std::string after = Bytes();
  ASSERT_TRUE(keys_->Destroy(std::vector<uint64_t>{one.key}).ok());
  EXPECT_EQ(Bytes(), after) << "it was done before";
  // With the file from before it is opened: it is the keys that are gone.
  ASSERT_TRUE(WriteFileAtomic(file(), before, 0600).ok());
  EXPECT_TRUE(Opens(*Loaded(), one));
}

TEST_F(EntryKeysTest, DaysAreDestroyedAsOne) {
  std::vector<EntryKeys::Sealed> before;
  for (const int64_t day : {int64_t{0}, int64_t{4'095}, int64_t{20'479}, kDay - 1})
    before.push_back(Seal(day));
  const EntryKeys::Sealed erased = Seal(kDay - 1), stays = Seal(kDay);
  ASSERT_TRUE(keys_->Destroy(std::vector<uint64_t>{erased.key}).ok());
  ASSERT_TRUE(keys_->DestroyDaysBefore(kDay).ok());
  for (const auto& keys : {keys_, Loaded()}) {
    for (const EntryKeys::Sealed& each : before)
      EXPECT_FALSE(Opens(*keys, each)) << EntryKeys::DayOf(each.key);
    EXPECT_FALSE(Opens(*keys, erased));
    EXPECT_TRUE(Opens(*keys, stays));
  }
  const std::string bytes = Bytes();
  EXPECT_LT(bytes.size(), 8U << 10);
  ASSERT_TRUE(keys_->DestroyDaysBefore(kDay).ok());
  ASSERT_TRUE(keys_->DestroyDaysBefore(kDay - 5).ok());
  EXPECT_EQ(Bytes(), bytes);
  // What is of such a day all the same has the first keys that there are.
  const EntryKeys::Sealed late = Seal(kDay - 7);
  EXPECT_EQ(EntryKeys::DayOf(late.key), kDay);
  EXPECT_TRUE(Opens(*keys_, late));
}

TEST_F(EntryKeysTest, NothingOfTheOlderFileIsLeft) {
  const std::string before = Bytes();
  // A name of its own for the file as it lies there now, and what a crash would have left.
  std::filesystem::create_hard_link(file(), scratch_.Sub("older"));
  const std::string leftover = file() + ".77.0.tmp";
  std::ofstream(leftover) << before;
  const std::string other = dir() + "/other.tmp";
  std::ofstream(other) << "of somebody else";
  ASSERT_TRUE(keys_->Destroy(std::vector<uint64_t>{Seal(kDay).key}).ok());
  const auto older = ReadFile(scratch_.Sub("older"), kFileBytesMax);
  ASSERT_TRUE(older.ok()) << older.status();
  EXPECT_EQ(*older, std::string(before.size(), '\0'));
  EXPECT_FALSE(std::filesystem::exists(leftover));
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST_F(EntryKeysTest, AFileThatIsMissingOpenOrDamagedIsRefused) {
  ASSERT_EQ(chmod(file().c_str(), 0640), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(EntryKeys::Load(dir(), true, random_).status()));
  std::string bytes = Bytes();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  ASSERT_TRUE(WriteFileAtomic(file(), bytes, 0600).ok());
  const absl::Status damaged = EntryKeys::Load(dir(), true, random_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(damaged)) << damaged;
  EXPECT_THAT(std::string(damaged.message()), HasSubstr("restore it from your newest copy"));
  EXPECT_EQ(Bytes(), bytes);
  ASSERT_TRUE(RemoveFile(file()).ok());
  const absl::Status missing = EntryKeys::Load(dir(), false, random_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(missing));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("is missing"));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("what the ledger's entries say"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace coalition::ledger
