// What a watch prints, when it ends, and what it keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/errors.h"
#include "tests/support/fake_watch.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::coalition::testing::FakeWatchServer;
using ::coalition::testing::WatchResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kHeader[] = "coalition watch cursor 1\n";

class WatchConnection final : public client::Connection {
 public:
  absl::StatusOr<std::unique_ptr<client::WatchCall>> WatchRecords() override { return server.Open(); }
  FakeWatchServer server;
};

class WatchVerbTest : public VerbsFixture<WatchConnection> {
 protected:
  WatchVerbTest() {
    std::string pattern = ::testing::TempDir() + "/watch-verb-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    directory_ = pattern;
    file_ = directory_ + "/cursor";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // One stream that ends with an error of its own, for watches that would go on.
  void Say(std::vector<v1::WatchRecordsResponse> responses) {
    connection_->server.Add({std::move(responses), absl::DataLossError("the end")});
  }
  int Watch(std::vector<std::string> flags) {
    flags.insert(flags.begin(), "watch");
    return Run(flags);
  }
  static v1::WatchRecordsResponse Retraction(const std::string& name, v1::RetractionKind kind,
                                             const std::string& cursor) {
    v1::WatchRecordsResponse response = WatchResponse({}, cursor);
    response.add_events()->mutable_retract()->set_name(name);
    response.mutable_events(0)->mutable_retract()->set_kind(kind);
    return response;
  }
  static v1::WatchRecordsResponse Complete(const std::string& cursor, int64_t seconds) {
    v1::WatchRecordsResponse response = WatchResponse({}, cursor);
    response.mutable_complete_until()->set_seconds(seconds);
    return response;
  }
  static v1::WatchRecordsResponse SnapshotComplete(const std::vector<std::string>& records,
                                                   const std::string& cursor) {
    v1::WatchRecordsResponse response = WatchResponse(records, cursor);
    response.set_snapshot_complete(true);
    return response;
  }
  void WriteFile(const std::string& contents) const { std::ofstream(file_, std::ios::binary) << contents; }

  std::string directory_;
  std::string file_;
};

constexpr int kTheEnd = 64 + static_cast<int>(absl::StatusCode::kDataLoss);

TEST_F(WatchVerbTest, OneObjectForEachEvent) {
  v1::WatchRecordsResponse full = WatchResponse({"records/a"}, "1");
  v1::Record& record = *full.mutable_events(0)->mutable_upsert();
  record.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  record.mutable_seller()->set_platform("bazaar.example");
  v1::WatchRecordsResponse both = Complete("5", 1'790'000'000);
  both.set_snapshot_complete(true);
  both.mutable_complete_until()->set_nanos(500'000'000);
  Say({full, Retraction("records/a", v1::RETRACTION_KIND_GONE, "2"),
       Retraction("records/b", v1::RETRACTION_KIND_CLEARED, ""), SnapshotComplete({}, "4"), both});
  EXPECT_EQ(Watch({"-o", "jsonl"}), kTheEnd);
  EXPECT_EQ(out_.str(),
            "{\"event\":\"UPSERT\",\"record\":{\"name\":\"records/a\",\"recordClass\":"
            "\"RECORD_CLASS_OFFENDER_REPORT\",\"seller\":{\"platform\":\"bazaar.example\"}}}\n"
            "{\"event\":\"RETRACT\",\"name\":\"records/a\",\"kind\":\"GONE\"}\n"
            "{\"event\":\"RETRACT\",\"name\":\"records/b\",\"kind\":\"CLEARED\"}\n"
            "{\"event\":\"CHECKPOINT\",\"snapshot_complete\":true}\n"
            "{\"event\":\"CHECKPOINT\",\"complete_until\":\"2026-09-21T14:13:20.500Z\","
            "\"snapshot_complete\":true}\n");
  EXPECT_THAT(err_.str(), HasSubstr("the end"));
}

TEST_F(WatchVerbTest, OneLineForEachEventForPeople) {
  v1::WatchRecordsResponse upsert = WatchResponse({"records/aaaaaaaaaaaaaaaaaaaaaaaaaa"}, "1");
  v1::Record& record = *upsert.mutable_events(0)->mutable_upsert();
  record.set_record_class(v1::RECORD_CLASS_TAKEDOWN_OUTCOME);
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("a\x1b[2J");
  record.set_view("full");
  Say({upsert, Retraction("records/b", v1::RETRACTION_KIND_CLEARED, "2"), Complete("3", 1)});
  EXPECT_EQ(Watch({}), kTheEnd);
  EXPECT_THAT(
      out_.str(),
      MatchesRegex("RECEIVED              EVENT    RECORD                              CLASS             "
                   "SELLER                            VIEW\n"
                   "20[-0-9T:]+Z  UPSERT   records/aaaaaaaaaaaaaaaaaaaaaaaaaa  takedown-outcome  "
                   "bazaar.example/a\\\\x1b\\[2J           full\n"
                   "20[-0-9T:]+Z  CLEARED  records/b\n"));
}

TEST_F(WatchVerbTest, KindsAndEventsOfLaterServers) {
  v1::WatchRecordsResponse unknown = Retraction("records/a", static_cast<v1::RetractionKind>(7), "1");
  unknown.add_events();
  unknown.add_events();
  Say({unknown});
  EXPECT_EQ(Watch({"-o", "jsonl"}), kTheEnd);
  EXPECT_EQ(out_.str(), "{\"event\":\"RETRACT\",\"name\":\"records/a\",\"kind\":\"7\"}\n");
  const size_t warned = err_.str().find("warning: ");
  EXPECT_NE(warned, std::string::npos);
  EXPECT_EQ(err_.str().find("warning: ", warned + 1), std::string::npos);
}

TEST_F(WatchVerbTest, OtherFormatsAreRefused) {
  for (const char* format : {"json", "csv"}) {
    EXPECT_EQ(Watch({"-o", format}), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("-o jsonl"));
  }
  EXPECT_EQ(Watch({"--seller", "Not A Host"}), kExitUsage);
  EXPECT_EQ(Watch({"--count", "0"}), kExitUsage);
  EXPECT_EQ(Watch({"--count", "-1"}), kExitUsage);
  EXPECT_THAT(connection_->server.starts(), IsEmpty());
}

TEST_F(WatchVerbTest, TheFilterIsThatOfAList) {
  Say({});
  EXPECT_EQ(Watch({"--class", "report", "--class", "outcome", "--contributor", "aurore"}), kTheEnd);
  const v1::RecordFilter filter = connection_->server.starts()[0].filter();
  EXPECT_THAT(filter.record_classes(),
              ElementsAre(v1::RECORD_CLASS_OFFENDER_REPORT, v1::RECORD_CLASS_TAKEDOWN_OUTCOME));
  EXPECT_EQ(filter.contributor(), "members/aurore");
}

TEST_F(WatchVerbTest, CountsEventsAndNotResponses) {
  Say({WatchResponse({"records/a", "records/b"}, "1"), WatchResponse({"records/c", "records/d"}, "2")});
  EXPECT_EQ(Watch({"-o", "jsonl", "--count", "3"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("records/c"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("records/d")));
}

TEST_F(WatchVerbTest, WithAResumeFileACountEndsBehindAResponse) {
  Say({WatchResponse({"records/a", "records/b"}, "1"), WatchResponse({"records/c"}, "2")});
  EXPECT_EQ(Watch({"-o", "jsonl", "--count", "1", "--resume", file_}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("records/b"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("records/c")));
  EXPECT_EQ(ReadWhole(file_), std::string(kHeader) + "1\n");
}

TEST_F(WatchVerbTest, ASnapshotEndsWhenItIsComplete) {
  Say({WatchResponse({"records/a"}, "1"), SnapshotComplete({"records/b"}, "2"), Complete("3", 1)});
  EXPECT_EQ(Watch({"-o", "jsonl", "--snapshot", "--resume", file_}), kExitOk);
  EXPECT_THAT(out_.str(), ::testing::EndsWith("{\"event\":\"CHECKPOINT\",\"snapshot_complete\":true}\n"));
  EXPECT_EQ(ReadWhole(file_), std::string(kHeader) + "2\n");
  // From then on: what has changed since. Nothing says any more that a snapshot is complete.
  Say({WatchResponse({"records/c"}, "3"), Complete("4", 1), WatchResponse({"records/d"}, "5")});
  EXPECT_EQ(Watch({"-o", "jsonl", "--snapshot", "--resume", file_}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("records/c"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("records/d")));
  EXPECT_EQ(ReadWhole(file_), std::string(kHeader) + "4\n");
  EXPECT_EQ(connection_->server.starts()[1].cursor(), "2");
}

TEST_F(WatchVerbTest, TheCursorIsKeptFromResponseToResponse) {
  Say({WatchResponse({"records/a"}, "1"), WatchResponse({"records/b"}, "")});
  EXPECT_EQ(Watch({"--resume", file_}), kTheEnd);
  EXPECT_EQ(ReadWhole(file_), std::string(kHeader) + "1\n");
  struct stat facts {};
  ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  Say({});
  EXPECT_EQ(Watch({"--resume", file_}), kTheEnd);
  EXPECT_EQ(connection_->server.starts()[1].cursor(), "1");
  EXPECT_THAT(std::filesystem::directory_iterator(directory_),
              ::testing::Truly([](auto it) { return std::distance(it, {}) == 1; }));
}

TEST_F(WatchVerbTest, WhatCanNotBeWrittenComesAgain) {
  Say({WatchResponse({"records/a"}, "1")});
  std::ostringstream full;
  full.setstate(std::ios::badbit);
  Io io{full, err_, FromText("")};
  App app;
  ASSERT_EQ(app.Parse({"watch", "-o", "jsonl", "--resume", file_}, out_, err_), kExitOk);
  Session session(app.globals(), io);
  session.SetClient(std::make_unique<client::Client>(connection_, client::ClientOptions(), random_));
  EXPECT_EQ(app.action()(session), kExitOk);  // main has the code of a broken output
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(WatchVerbTest, AFileThatIsSomethingElseStaysAsItIs) {
  for (const std::string& contents :
       {std::string("dear diary\n"), std::string(), std::string(kHeader), std::string(kHeader) + "\n",
        std::string(kHeader) + "cut", std::string(kHeader) + "two\nlines\n", std::string(kHeader) + "\xff\n",
        std::string(100'000, 'x')}) {
    WriteFile(contents);
    EXPECT_EQ(Watch({"--resume", file_}), kExitUsage) << contents.substr(0, 50);
    EXPECT_THAT(err_.str(), HasSubstr(file_));
    EXPECT_EQ(ReadWhole(file_), contents);
  }
  EXPECT_EQ(Watch({"--resume", directory_}), kExitUsage);
  EXPECT_THAT(connection_->server.starts(), IsEmpty());
}

TEST_F(WatchVerbTest, APlaceThatCanNotBeWrittenToIsFoundBeforeConnecting) {
  WriteFile(std::string(kHeader) + "1\n");
  for (const std::string& file :
       {directory_ + "/no/such/cursor", file_ + "/cursor", std::string("/proc/cursor")}) {
    EXPECT_EQ(Watch({"--resume", file}), kExitUsage) << file;
    EXPECT_THAT(err_.str(), HasSubstr(file));
  }
  EXPECT_THAT(connection_->server.starts(), IsEmpty());
}

TEST_F(WatchVerbTest, AFileThatCanNoLongerBeWrittenEndsIt) {
  Say({WatchResponse({"records/a"}, "1"), WatchResponse({"records/b"}, "2")});
  class GoneAfterwards final : public std::stringbuf {
   public:
    explicit GoneAfterwards(std::string directory) : directory_(std::move(directory)) {}
    int sync() override {
      if (!str().empty()) std::filesystem::remove_all(directory_);
      return 0;
    }

   private:
    const std::string directory_;
  } buffer(directory_);
  std::ostream out(&buffer);
  Io io{out, err_, FromText("")};
  App app;
  ASSERT_EQ(app.Parse({"watch", "-o", "jsonl", "--resume", file_}, out_, err_), kExitOk);
  Session session(app.globals(), io);
  session.SetClient(std::make_unique<client::Client>(connection_, client::ClientOptions(), random_));
  EXPECT_EQ(app.action()(session), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr(file_));
  EXPECT_THAT(buffer.str(), Not(HasSubstr("records/b")));
}

TEST_F(WatchVerbTest, ACursorThatIsTooOldSaysWhatToDo) {
  WriteFile(std::string(kHeader) + "1\n");
  connection_->server.Add({{}, Error(v1::ERROR_REASON_CURSOR_TOO_OLD, "the history is gone")});
  EXPECT_EQ(Watch({"--resume", file_}), 64 + static_cast<int>(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(err_.str(), HasSubstr("Delete the file of --resume"));
  EXPECT_EQ(ReadWhole(file_), std::string(kHeader) + "1\n");
}

TEST_F(WatchVerbTest, CtrlCEndsItWithWhatWasShownKept) {
  std::atomic<bool> pressed = false;
  io_.interrupted = [&] {
    if (connection_->server.waiting() > 0) pressed = true;  // everything said is shown
    return pressed.load();
  };
  connection_->server.Add({{WatchResponse({"records/a"}, "1")}, std::nullopt});
  EXPECT_EQ(Watch({"-o", "jsonl", "--resume", file_}), kExitInterrupted);
  EXPECT_EQ(catches_, 1);
  EXPECT_THAT(out_.str(), HasSubstr("records/a"));
  EXPECT_EQ(ReadWhole(file_), std::string(kHeader) + "1\n");
  EXPECT_EQ(err_.str(), "Interrupted. Run it again to go on.\n");
}

TEST_F(WatchVerbTest, TheRateIsForTerminals) {
  Say({WatchResponse({"records/a"}, "1"), Complete("2", 1'790'000'000)});
  EXPECT_EQ(Watch({"-o", "jsonl"}), kTheEnd);
  EXPECT_THAT(err_.str(), Not(HasSubstr("\x1b")));
  io_.err_shows_progress = true;
  Say({WatchResponse({"records/a"}, "1"), Complete("2", 1'790'000'000)});
  EXPECT_EQ(Watch({"-o", "jsonl"}), kTheEnd);
  EXPECT_THAT(err_.str(),
              ::testing::StartsWith("\r\x1b[K\r\x1b[K\x1b[?7l1 event\x1b[?7h\r\x1b[K\x1b[?7l1 event, "
                                    "complete until 2026-09-21T14:13:20Z\x1b[?7h\r\x1b[Kerror: "));
}

}  // namespace
}  // namespace coalition::cli
