// Every bit of a store's files that changes an answer is found: one random bit of each byte of a small store
// is changed, and either that is found, or nobody reads the byte, and every answer is as it was.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/file.h"
#include "tests/unit/verify/verify_world.h"

namespace coalition::verify {
namespace {

using testing::VerifyWorld;

constexpr uint64_t kSeed = 1;

// What LevelDB calls its files, without their numbers; "head" is the ledger's.
std::string KindOf(const std::string& name) {
  if (name.ends_with(".ldb")) return "table";
  if (name.ends_with(".log")) return "log";
  return name.substr(0, name.find('-'));
}

struct Counts {
  size_t found = 0;
  size_t unread = 0;
  std::string ranges;  // of bytes that nobody reads
};

class BitFlips {
 public:
  explicit BitFlips(VerifyWorld::In in) : world_(2, in), answers_(world_.MustDump()) {}

  // Of every file, by its kind.
  std::map<std::string, Counts> Run() {
    EXPECT_TRUE(world_.Verify()->findings.empty());
    FlipAll(world_.store_dir());
    FlipAll(world_.head_dir());
    for (const auto& [kind, counts] : counts_) {
      std::printf("%-9s %6zu bytes found, %6zu that nobody reads%s\n", kind.c_str(), counts.found,
                  counts.unread, counts.ranges.c_str());
    }
    return counts_;
  }

 private:
  // Whether it is found that the byte is another one.
  bool Finds(const std::string& path, size_t at, char right) {
    const char wrong = static_cast<char>(right ^ (1 << random_() % 8));
    const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(pwrite(file.get(), &wrong, 1, static_cast<off_t>(at)), 1);
    const auto report = world_.Verify(/*findings_max=*/1);
    const bool found = !report.ok() || !report->findings.empty();
    EXPECT_TRUE(found || world_.Dump() == answers_) << path << ", byte " << at;
    EXPECT_EQ(pwrite(file.get(), &right, 1, static_cast<off_t>(at)), 1);
    return found;
  }

  void FlipAll(const std::string& dir) {
    for (const auto& file : std::filesystem::directory_iterator(dir)) {
      const std::string kind = KindOf(file.path().filename());
      const std::string bytes = *ReadFile(file.path(), size_t{16} << 20);
      Counts& counts = counts_[kind];
      // What LevelDB says of itself, in words, and never reads.
      const bool said = kind == "LOG" || kind == "LOG.old";
      size_t unread_from = 0;
      for (size_t at = 0; at <= bytes.size(); ++at) {
        const bool found = at == bytes.size() || (!said && Finds(file.path(), at, bytes[at]));
        if (found && unread_from < at) {
          counts.unread += at - unread_from;
          counts.ranges += " [" + std::to_string(unread_from) + ", " + std::to_string(at) + ")";
        }
        if (found) unread_from = at + 1;
        if (found && at < bytes.size()) ++counts.found;
      }
    }
  }

  const VerifyWorld world_;
  const std::map<std::string, std::string> answers_;
  std::map<std::string, Counts> counts_;
  std::mt19937_64 random_{kSeed};
};

TEST(BitFlipTest, EveryBitThatChangesAnAnswerIsFound) {
  std::map<std::string, Counts> counts = BitFlips(VerifyWorld::In::kTable).Run();
  for (const char* kind : {"CURRENT", "MANIFEST", "head"}) EXPECT_EQ(counts[kind].unread, 0) << kind;
  // The filter, which is left out if it fails its own checksum, and what fills up the end of a table.
  EXPECT_GT(counts["table"].found, 10'000);
  EXPECT_LT(counts["table"].unread, 500);
}

TEST(BitFlipTest, AlsoWhereNothingIsInATableYet) {
  std::map<std::string, Counts> counts = BitFlips(VerifyWorld::In::kLog).Run();
  EXPECT_GT(counts["log"].found, 10'000);
  EXPECT_EQ(counts["log"].unread, 0);
}

}  // namespace
}  // namespace coalition::verify
