// A mirror that was cut off anywhere, and one whose files were damaged.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/mirror.h"
#include "tests/support/failing_sync.h"
#include "tests/unit/client/mirror_fixture.h"

namespace coalition::client {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kFile[] = "generation-1";
constexpr size_t kHeadBytes = 24;

class MirrorCrashTest : public MirrorFixture {
 protected:
  std::vector<v1::WatchRecordsResponse> Script() const {
    return {Say("1").Upsert(MakeReport(1, "shop-1")),
            Say("").Upsert(MakeReport(2, "shop-2")),
            Say("2").Upsert(MakeReport(3, "shop-3")),
            Say("3").SnapshotComplete().CompleteAt(now()),
            Say("4").Retract(1),
            Say("").Upsert(MakeReport(4, "shop-1")).Retract(2),
            Say("5").Upsert(MakeReport(1, "shop-4")).CompleteAt(now()),
            Say("").Retract(3),
            Say("6").CompleteAt(now())};
  }
  // Its cursor, and what it says of each seller.
  static std::string State(const Mirror& mirror, const std::string& cursor) {
    std::string state = cursor;
    for (const char* seller : {"shop-1", "shop-2", "shop-3", "shop-4"})
      state += " " + Verdict(mirror, seller);
    return state;
  }
  static std::string State(const Mirror& mirror) { return State(mirror, mirror.cursor()); }
  // As the exchange does: what comes behind the cursor.
  static void GoOn(Mirror& mirror, const std::vector<v1::WatchRecordsResponse>& script) {
    bool behind = mirror.cursor().empty();
    for (const v1::WatchRecordsResponse& response : script) {
      if (behind) Apply(mirror, response);
      behind = behind || response.cursor() == mirror.cursor();
    }
  }
  void Put(const std::string& bytes) const {
    std::filesystem::remove_all(options_.directory);
    std::filesystem::create_directories(options_.directory);
    Write(Path("lock"), "");
    Write(Path(kFile), bytes);
  }
};

TEST_F(MirrorCrashTest, CutOffAtAnyByteItIsAsItWasAtTheLastCursor) {
  const std::vector<v1::WatchRecordsResponse> script = Script();
  // Behind each response: the file, and what it is when it is opened again.
  std::vector<std::string> files, states;
  auto mirror = Open();
  for (const v1::WatchRecordsResponse& response : script) {
    Apply(*mirror, response);
    files.push_back(Read(Path(kFile)));
    states.push_back(response.cursor().empty() ? states.back() : State(*mirror));
  }
  mirror.reset();
  for (size_t k = 1; k < script.size(); ++k) {
    // The head is written last.
    const std::string whole = files[k - 1].substr(0, kHeadBytes) + files[k].substr(kHeadBytes);
    for (size_t size = files[k - 1].size(); size <= whole.size(); ++size) {
      SCOPED_TRACE(::testing::Message() << "response " << k << ", byte " << size);
      const std::string& expected = states[size == whole.size() ? k : k - 1];
      Put(whole.substr(0, size) + std::string(whole.size() - size, '\0'));
      EXPECT_EQ(State(*Open(true), expected.substr(0, expected.find(' '))), expected);
      Put(whole.substr(0, size));
      mirror = Open();
      EXPECT_EQ(State(*mirror), expected);
      if (size % 5 == 0) {
        GoOn(*mirror, script);
        EXPECT_EQ(State(*mirror), states.back());
        mirror.reset();
        mirror = Open();
        EXPECT_EQ(State(*mirror), states.back());
      }
      mirror.reset();
    }
  }
}

TEST_F(MirrorCrashTest, ABreakUndoesWhatCameWithoutACursor) {
  const auto mirror = Open();
  EXPECT_TRUE(mirror->Rewind().ok());
  Apply(*mirror, Say("").Upsert(MakeReport(5, "shop-4")));
  EXPECT_TRUE(mirror->Rewind().ok());
  EXPECT_EQ(mirror->status().records_coming, 0u);
  Apply(*mirror, Say("1").Upsert(MakeReport(1, "shop-1")).SnapshotComplete().CompleteAt(now()));
  Apply(*mirror, Say("").Upsert(MakeReport(2, "shop-2")).Retract(1));
  EXPECT_EQ(State(*mirror), "1 NOT_LISTED LISTED NOT_LISTED NOT_LISTED");
  EXPECT_TRUE(mirror->Rewind().ok());
  EXPECT_EQ(State(*mirror), "1 LISTED NOT_LISTED NOT_LISTED NOT_LISTED");
  Apply(*mirror, Say("2").Upsert(MakeReport(3, "shop-3")));  // the other has gone meanwhile
  const std::string expected = "2 LISTED NOT_LISTED LISTED NOT_LISTED";
  EXPECT_EQ(State(*mirror), expected);
  EXPECT_EQ(State(*Open(true), "2"), expected);
}

TEST_F(MirrorCrashTest, BetweenTwoFiles) {
  auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  const std::string old = Read(Path(kFile));
  ASSERT_TRUE(mirror->BeginAgain().ok());
  Fill(*mirror, 2, "shop-2", "2");
  mirror.reset();
  // It was complete, and the old one was still there.
  Write(Path(kFile), old);
  Write(Path("generation-3.tmp"), "half");
  Write(Path("generation-4.123.0.tmp"), "half");
  EXPECT_EQ(State(*Open(true), "2"), "2 NOT_LISTED LISTED NOT_LISTED NOT_LISTED");
  mirror = Open();
  EXPECT_EQ(State(*mirror), "2 NOT_LISTED LISTED NOT_LISTED NOT_LISTED");
  EXPECT_THAT(Files(), UnorderedElementsAre("lock", "generation-2"));
  // It was to be wiped, and some of it was still there.
  ASSERT_TRUE(mirror->Wipe("so").ok());
  mirror.reset();
  Write(Path(kFile), old);
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "FAILED_PRECONDITION");
  EXPECT_EQ(Verdict(*Open(), "shop-1"), "FAILED_PRECONDITION");
  EXPECT_THAT(Files(), UnorderedElementsAre("lock", "wiped"));
}

// A clearing that fails at any sync leaves nothing that is newer than what is answered from.
TEST_F(MirrorCrashTest, AClearingThatFailsLeavesTheOldFileAlone) {
  options_.compact_bytes = 4'096;
  const auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "0");
  const auto seller = [](int i) { return "seller-" + std::to_string(i); };
  int failed = 0;
  for (int i = 1; i < 60; ++i) {
    v1::Record record = MakeReport(2, seller(i));
    record.mutable_offender_report()->set_comment(std::string(4'000, 'x'));
    const int fails = i % 4;  // the file's, its directory's, and the directory's once more
    coalition::testing::fsync_fails = fails;
    Apply(*mirror, Say(std::to_string(i)).Upsert(record));
    failed += coalition::testing::fsync_fails.exchange(0) == 0 && fails != 0 ? 1 : 0;
    ASSERT_THAT(Files(), SizeIs(2)) << i;
    ASSERT_EQ(Verdict(*Open(true), seller(i)), "LISTED");
    ASSERT_EQ(Verdict(*Open(true), seller(i - 1)), "NOT_LISTED") << i;
  }
  EXPECT_GT(failed, 2);
}

// One seller is listed at a time, and the cursor says which.
void FeedForEver(const MirrorOptions& options, int64_t now) {
  auto mirror = Mirror::Open(options);
  if (!mirror.ok()) ::_exit(1);
  int last = (*mirror)->cursor().empty() ? 0 : std::stoi((*mirror)->cursor());
  for (;; ++last) {
    Say next(std::to_string(last + 1));
    const v1::Record record = MakeReport(last + 1, "shop-" + std::to_string(last + 1));
    bool ok = true;
    if (last == 0 || last % 20 == 0) {
      ok = (*mirror)->BeginAgain().ok();
      next.Upsert(record).SnapshotComplete();
    } else {
      // The retraction may come without a cursor, and again.
      if (last % 3 == 0) ok = (*mirror)->Apply(Say("").Retract(last)).ok();
      next.Retract(last).Upsert(record);
    }
    if (!ok || !(*mirror)->Apply(next.CompleteAt(now)).ok()) ::_exit(1);
  }
}

TEST_F(MirrorCrashTest, KilledAtAnyTimeItGoesOn) {
  options_.compact_bytes = 2'048;
  int reached = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) FeedForEver(options_, now());
    ::usleep(20'000 + static_cast<useconds_t>(round) * 3'001);
    ::kill(child, SIGKILL);
    int how = 0;
    ASSERT_EQ(::waitpid(child, &how, 0), child);
    ASSERT_TRUE(WIFSIGNALED(how));
    const auto mirror = Open();
    const std::string cursor = mirror->cursor();
    if (cursor.empty()) continue;
    const int at = std::stoi(cursor);
    EXPECT_GE(at, reached);
    reached = at;
    EXPECT_EQ(mirror->status().records, 1u);
    EXPECT_EQ(Verdict(*mirror, "shop-" + cursor), "LISTED");
    EXPECT_EQ(Verdict(*mirror, "shop-" + std::to_string(at - 1)), "NOT_LISTED");
  }
  EXPECT_GT(reached, 25);
}

TEST_F(MirrorCrashTest, NoDamageIsServed) {
  auto mirror = Open();
  for (const v1::WatchRecordsResponse& response : Script()) Apply(*mirror, response);
  mirror.reset();
  const std::string sound = Read(Path(kFile));
  const auto expect_refused = [&](const std::string& bytes) {
    Put(bytes);
    for (const bool read_only : {true, false}) {
      const absl::Status refused = TryOpen(read_only).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
      EXPECT_THAT(std::string(refused.message()), HasSubstr("remove its directory and run the mirror again"));
    }
    EXPECT_EQ(Read(Path(kFile)), bytes);
  };
  for (size_t i = 0; i < sound.size(); ++i) {
    SCOPED_TRACE(::testing::Message() << "byte " << i);
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    expect_refused(damaged);
    expect_refused(sound.substr(0, i));
  }
  Put(sound);
  EXPECT_EQ(Open()->cursor(), "6");
}

TEST_F(MirrorCrashTest, ADamagedNoteIsNoPermission) {
  auto mirror = Open();
  ASSERT_TRUE(mirror->Wipe("so").ok());
  mirror.reset();
  const std::string sound = Read(Path("wiped"));
  for (size_t i = 0; i < sound.size(); ++i) {
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    Write(Path("wiped"), damaged);
    EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kDataLoss) << i;
  }
}

}  // namespace
}  // namespace coalition::client
