// What a mirror answers, when it refuses, and how one generation takes the place of another.
#include "client/mirror.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "tests/unit/client/mirror_fixture.h"

namespace coalition::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using MirrorTest = MirrorFixture;

TEST_F(MirrorTest, AnswersWithWhatSpeaksOfTheSellerNewestFirst) {
  const auto mirror = Open();
  v1::Record outcome = MakeReport(2, "shop-1");
  outcome.set_record_class(v1::RECORD_CLASS_TAKEDOWN_OUTCOME);
  outcome.set_label(v1::LABEL_GREEN);
  outcome.set_permitted_action(v1::PERMITTED_ACTION_NONE);
  v1::Record contested = MakeReport(3, "shop-1");
  contested.set_state(v1::RECORD_STATE_CONTESTED);
  Apply(*mirror, Say("1").Upsert(MakeReport(1, "shop-1")).Upsert(contested).Upsert(outcome));
  Apply(*mirror, Say("2").SnapshotComplete().CompleteAt(now()));
  const absl::StatusOr<MirrorAnswer> answer = mirror->Check(" Bazaar.Example ", "\tshop-1");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->verdict, v1::VERDICT_LISTED);
  ASSERT_THAT(answer->matches, SizeIs(3));
  EXPECT_EQ(answer->matches[0].record(), RecordName(3));
  EXPECT_EQ(answer->matches[0].state, v1::RECORD_STATE_CONTESTED);
  EXPECT_EQ(answer->matches[1].record(), RecordName(2));
  EXPECT_EQ(answer->matches[1].record_class, v1::RECORD_CLASS_TAKEDOWN_OUTCOME);
  EXPECT_EQ(answer->matches[1].label, v1::LABEL_GREEN);
  EXPECT_EQ(answer->matches[1].permitted_action, v1::PERMITTED_ACTION_NONE);
  EXPECT_EQ(answer->matches[2].create_time_s, 1'780'000'001);
  const v1::ScreenResult result = answer->ToScreenResult(2);
  EXPECT_EQ(result.verdict(), v1::VERDICT_LISTED);
  ASSERT_EQ(result.matches_size(), 2);
  EXPECT_EQ(result.matches(1).record(), RecordName(2));
  EXPECT_EQ(Verdict(*mirror, "SHOP-1"), "NOT_LISTED");
  EXPECT_EQ(mirror->Check("bazaar.example", "a\nb").status().code(), absl::StatusCode::kInvalidArgument);
}

// As server/exchange/screen.cc decides; tests/integration/cli_mirror_test.cc compares with it.
TEST_F(MirrorTest, TheVerdictIsThatOfScreening) {
  struct Case {
    std::vector<std::string> records;  // of: stands, contested, disputed, both, outcome, notice, opinion
    std::string verdict;
  };
  const std::vector<Case> cases = {
      {{}, "NOT_LISTED"},
      {{"stands"}, "LISTED"},
      {{"contested"}, "DISPUTED"},
      {{"disputed"}, "DISPUTED"},
      {{"both"}, "DISPUTED"},
      {{"contested", "stands"}, "LISTED"},
      {{"stands", "disputed"}, "LISTED"},
      {{"contested", "disputed", "outcome"}, "DISPUTED"},
      {{"outcome"}, "NOT_LISTED"},
      {{"notice"}, "NOT_LISTED"},
      {{"opinion"}, "NOT_LISTED"},
      {{"token"}, "NOT_LISTED"},
      {{"platform alone"}, "NOT_LISTED"},
  };
  const auto mirror = Open();
  Say all("1");
  int number = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    for (const std::string& what : cases[i].records) {
      v1::Record record = MakeReport(++number, "shop-" + std::to_string(i));
      if (what == "contested" || what == "both") record.set_state(v1::RECORD_STATE_CONTESTED);
      if (what == "disputed" || what == "both") record.set_disputed(true);
      if (what == "outcome") record.set_record_class(v1::RECORD_CLASS_TAKEDOWN_OUTCOME);
      if (what == "notice") record.set_record_class(v1::RECORD_CLASS_TAKEDOWN_NOTICE);
      if (what == "opinion") record.set_record_class(v1::RECORD_CLASS_OPINION);
      if (what == "token") record.mutable_seller()->set_seller_id("~" + RecordName(7).substr(8));
      if (what == "platform alone") record.mutable_seller()->clear_seller_id();
      all.Upsert(record);
    }
  }
  Apply(*mirror, all.SnapshotComplete().CompleteAt(now()));
  for (size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(Verdict(*mirror, "shop-" + std::to_string(i)), cases[i].verdict) << i;
  EXPECT_EQ(Verdict(*mirror, "~" + RecordName(7).substr(8)), "NOT_LISTED");
  EXPECT_EQ(mirror->status().records, static_cast<uint64_t>(number));
}

TEST_F(MirrorTest, WhatChangesAndWhatIsRetracted) {
  const auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  v1::Record record = MakeReport(1, "shop-1");
  record.set_disputed(true);
  Apply(*mirror, Say("2").Upsert(record));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "DISPUTED");
  record.mutable_seller()->clear_seller_id();  // as by a policy that shows less
  Apply(*mirror, Say("3").Upsert(record));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "NOT_LISTED");
  EXPECT_EQ(mirror->status().records, 1u);
  EXPECT_EQ(mirror->status().sellers, 0u);
  Apply(*mirror, Say("4").Upsert(MakeReport(1, "shop-2")).Upsert(MakeReport(2, "shop-2")));
  EXPECT_EQ(mirror->status().sellers, 1u);
  Apply(*mirror, Say("5").Retract(1));
  EXPECT_EQ(Verdict(*mirror, "shop-2"), "LISTED");
  Apply(*mirror, Say("6").Retract(2).Retract(2).Retract(9));
  EXPECT_EQ(Verdict(*mirror, "shop-2"), "NOT_LISTED");
  EXPECT_EQ(mirror->status().records, 0u);
  EXPECT_EQ(mirror->cursor(), "6");
}

// Why it went changes nothing, be it a kind of later.
TEST_F(MirrorTest, WhatWasWrongGoesAsWhatIsGoneDoes) {
  auto mirror = Open();
  Apply(*mirror, Say("1")
                     .Upsert(MakeReport(1, "shop-1"))
                     .Upsert(MakeReport(2, "shop-2"))
                     .Upsert(MakeReport(3, "shop-3"))
                     .SnapshotComplete()
                     .CompleteAt(now()));
  Apply(*mirror, Say("2").Retract(1, v1::RETRACTION_KIND_CLEARED));
  Apply(*mirror, Say("3").Retract(2, static_cast<v1::RetractionKind>(7)));
  for (int i = 0; i < 2; ++i) {  // also as it is read again
    EXPECT_EQ(Verdict(*mirror, "shop-1"), "NOT_LISTED");
    EXPECT_EQ(Verdict(*mirror, "shop-2"), "NOT_LISTED");
    EXPECT_EQ(Verdict(*mirror, "shop-3"), "LISTED");
    EXPECT_EQ(mirror->status().records, 1u);
    EXPECT_EQ(mirror->status().sellers, 1u);
    mirror.reset();
    mirror = Open();
  }
  // Told twice: GONE, and later that it was wrong.
  Apply(*mirror, Say("4").Retract(3).Retract(3, v1::RETRACTION_KIND_CLEARED));
  EXPECT_EQ(mirror->status().records, 0u);
  EXPECT_EQ(mirror->status().sellers, 0u);
}

TEST_F(MirrorTest, ManyOfOneSellerComeAndGoInAnyOrder) {
  const auto mirror = Open();
  Say all("1");
  for (int i = 1; i <= 200; ++i) all.Upsert(MakeReport(i, i % 2 == 0 ? "even" : "odd"));
  Apply(*mirror, all.SnapshotComplete().CompleteAt(now()));
  for (int i = 1; i <= 200; ++i) {
    EXPECT_EQ(Verdict(*mirror, "odd"), i < 200 ? "LISTED" : "NOT_LISTED") << i;
    Apply(*mirror, Say("2").Retract(i * 7 % 200 == 0 ? 200 : i * 7 % 200));
  }
  EXPECT_EQ(mirror->status().records, 0u);
  EXPECT_EQ(mirror->status().sellers, 0u);
}

TEST_F(MirrorTest, RefusesUntilTheFirstSnapshotIsComplete) {
  const auto mirror = Open();
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");
  Apply(*mirror, Say("1").Upsert(MakeReport(1, "shop-1")));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");
  EXPECT_EQ(mirror->status().records_coming, 1u);
  Apply(*mirror, Say("2").SnapshotComplete());
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");  // until when is not told yet
  EXPECT_FALSE(mirror->status().complete);
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "UNAVAILABLE");
  Apply(*mirror, Say("3").CompleteAt(now()));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "LISTED");
  EXPECT_TRUE(mirror->status().complete);
  EXPECT_EQ(mirror->status().complete_until_ns, now());
}

// By far more changes under way than a cursor holds, a response has none.
TEST_F(MirrorTest, TheResponseThatCompletesASnapshotMayHaveNoCursor) {
  auto mirror = Open();
  Apply(*mirror, Say("").Upsert(MakeReport(1, "shop-1")).SnapshotComplete());
  ASSERT_TRUE(mirror->Rewind().ok());  // and may not count
  Apply(*mirror, Say("1").CompleteAt(now()));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");
  Apply(*mirror, Say("").Upsert(MakeReport(1, "shop-1")).SnapshotComplete());
  Apply(*mirror, Say("2").CompleteAt(now()));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  mirror.reset();
  EXPECT_EQ(Verdict(*Open(), "shop-1"), "LISTED");
}

TEST_F(MirrorTest, RefusesWhereTheClockWasSetBack) {
  const auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  clock_.Pass(std::chrono::seconds(-10));  // corrected
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  clock_.Pass(std::chrono::seconds(-1));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");
  EXPECT_THAT(std::string(mirror->Check("bazaar.example", "shop-1").status().message()),
              HasSubstr("the clock of this machine was set back"));
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "UNAVAILABLE");
  Apply(*mirror, Say("2").CompleteAt(now()));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
}

TEST_F(MirrorTest, RefusesWhatIsTooOldByEitherClock) {
  options_.max_age = std::chrono::minutes(10);
  const auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  clock_.Pass(std::chrono::minutes(10));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  clock_.Pass(std::chrono::seconds(1));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");
  EXPECT_THAT(std::string(mirror->Check("bazaar.example", "shop-1").status().message()),
              HasSubstr("too old: 10m1s since it was complete, and 10m are allowed"));
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "UNAVAILABLE");
  EXPECT_EQ(Open(true)->ForEachRecord([](const v1::Record&) { return absl::OkStatus(); }).code(),
            absl::StatusCode::kUnavailable);
  // The exchange's clock is an hour ahead: what counts is when it was received.
  Apply(*mirror, Say("2").CompleteAt(now() + 3'600'000'000'000));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  clock_.Pass(std::chrono::minutes(11));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "UNAVAILABLE");
  EXPECT_EQ(mirror->status().age_ns, 660'000'000'000);
}

TEST_F(MirrorTest, ANewGenerationTakesThePlaceOfTheOldAsAWhole) {
  auto mirror = Open();
  Apply(*mirror, Say("1").Upsert(MakeReport(1, "shop-1")).Upsert(MakeReport(2, "shop-2")));
  Apply(*mirror, Say("2").SnapshotComplete().CompleteAt(now()));
  ASSERT_TRUE(mirror->BeginAgain().ok());
  EXPECT_EQ(mirror->cursor(), "");
  const auto only_the_old = [&] {
    EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
    EXPECT_EQ(Verdict(*mirror, "shop-2"), "LISTED");
    EXPECT_EQ(Verdict(*mirror, "shop-3"), "NOT_LISTED");
    EXPECT_EQ(Verdict(*Open(true), "shop-2"), "LISTED");
  };
  Apply(*mirror, Say("a").Upsert(MakeReport(1, "shop-1")));
  only_the_old();
  mirror.reset();
  mirror = Open();  // both are found again
  EXPECT_EQ(mirror->cursor(), "a");
  only_the_old();
  Apply(*mirror, Say("b").Upsert(MakeReport(3, "shop-3")).SnapshotComplete());
  only_the_old();
  Apply(*mirror, Say("c").CompleteAt(now()));
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  EXPECT_EQ(Verdict(*mirror, "shop-2"), "NOT_LISTED");  // it did not come again
  EXPECT_EQ(Verdict(*mirror, "shop-3"), "LISTED");
  EXPECT_THAT(Files(), UnorderedElementsAre("lock", "generation-2"));
  EXPECT_EQ(mirror->status().records, 2u);
}

TEST_F(MirrorTest, ARetractionIsTakenFromTheOldGenerationToo) {
  auto mirror = Open();
  Apply(*mirror, Say("1").Upsert(MakeReport(1, "shop-1")).Upsert(MakeReport(2, "shop-2")));
  Apply(*mirror, Say("2").SnapshotComplete().CompleteAt(now()));
  ASSERT_TRUE(mirror->BeginAgain().ok());
  Apply(*mirror, Say("a").Upsert(MakeReport(1, "shop-1")).Upsert(MakeReport(3, "shop-3")));
  Apply(*mirror, Say("").Retract(1));
  const auto as_it_is = [](const Mirror& of) {
    EXPECT_EQ(Verdict(of, "shop-1"), "NOT_LISTED");
    EXPECT_EQ(Verdict(of, "shop-2"), "LISTED");
    EXPECT_EQ(Verdict(of, "shop-3"), "NOT_LISTED") << "it has not come in yet";
  };
  as_it_is(*mirror);
  as_it_is(*Open(true));
  mirror.reset();
  mirror = Open();
  as_it_is(*mirror);
  EXPECT_EQ(mirror->cursor(), "a");
}

TEST_F(MirrorTest, AGenerationThatComesInMayBeginAgainToo) {
  auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  ASSERT_TRUE(mirror->BeginAgain().ok());
  Apply(*mirror, Say("a").Upsert(MakeReport(2, "shop-2")));
  ASSERT_TRUE(mirror->BeginAgain().ok());
  EXPECT_EQ(mirror->cursor(), "");
  EXPECT_EQ(mirror->status().records_coming, 0u);
  mirror.reset();
  mirror = Open();
  EXPECT_EQ(mirror->cursor(), "1");  // the exchange will say again that it is too old
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
}

TEST_F(MirrorTest, WipedItAnswersNobodyAndHasNothing) {
  auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  const auto reader = Open(true);
  ASSERT_TRUE(mirror->Wipe("your member is\nsuspended").ok());
  for (int again = 0; again < 2; ++again) {
    const absl::Status refused = mirror->Check("bazaar.example", "shop-1").status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("wiped at 2026-09-21T14:13:20Z: your member is"));
    EXPECT_EQ(mirror->cursor(), "");
    EXPECT_EQ(mirror->status().records, 0u);
    EXPECT_EQ(mirror->status().wiped.time_ns, now());
    EXPECT_THAT(Files(), UnorderedElementsAre("lock", "wiped"));
    EXPECT_EQ(Verdict(*Open(true), "shop-1"), "FAILED_PRECONDITION");
    mirror.reset();
    mirror = Open();
  }
  Fill(*mirror, 2, "shop-2", "a");  // it was let in again
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "NOT_LISTED");
  EXPECT_EQ(Verdict(*mirror, "shop-2"), "LISTED");
  EXPECT_THAT(Files(), UnorderedElementsAre("lock", "generation-1"));
}

TEST_F(MirrorTest, AFilterKeepsWhatItCanNotKnowFromBeingAnswered) {
  options_.filter.add_record_classes(v1::RECORD_CLASS_TAKEDOWN_OUTCOME);
  Fill(*Open(), 1, "shop-1", "1");
  EXPECT_EQ(Verdict(*Open(), "shop-1"), "FAILED_PRECONDITION");
  options_.directory += "-2";
  options_.filter.add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
  options_.filter.mutable_seller()->set_platform("Souk.example");
  Fill(*Open(), 1, "shop-1", "1");
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "FAILED_PRECONDITION");
  EXPECT_EQ(Open(true)->Check("souk.example", "s-1")->verdict, v1::VERDICT_NOT_LISTED);
  options_.filter.mutable_seller()->set_platform("bazaar.example");
  EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kFailedPrecondition);  // another filter
}

TEST_F(MirrorTest, WithoutActiveRecordsNobodyCouldBeListed) {
  options_.filter.add_states(v1::RECORD_STATE_CONTESTED);
  Fill(*Open(), 1, "shop-1", "1");
  EXPECT_EQ(Verdict(*Open(), "shop-1"), "FAILED_PRECONDITION");
  options_.directory += "-2";
  options_.filter.add_states(v1::RECORD_STATE_ACTIVE);
  Fill(*Open(), 1, "shop-1", "1");
  EXPECT_EQ(Verdict(*Open(), "shop-1"), "LISTED");
}

TEST_F(MirrorTest, OneProcessWritesOthersLook) {
  EXPECT_EQ(TryOpen(true).status().code(), absl::StatusCode::kNotFound);
  const auto mirror = Open();
  EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kFailedPrecondition);
  Fill(*mirror, 1, "shop-1", "1");
  const auto reader = Open(true);
  Apply(*mirror, Say("2").Retract(1));
  EXPECT_EQ(Verdict(*reader, "shop-1"), "LISTED");  // as it was
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "NOT_LISTED");
  EXPECT_EQ(reader->Apply(Say("3")).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(MirrorTest, IsItsOwnersAlone) {
  ::umask(0);
  const auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  const auto mode = [](const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0);
    return facts.st_mode & 0777;
  };
  EXPECT_EQ(mode(options_.directory), 0700u);
  EXPECT_EQ(mode(Path("generation-1")), 0600u);
  EXPECT_EQ(mode(Path("lock")), 0600u);
  ASSERT_TRUE(mirror->Wipe("so").ok());
  EXPECT_EQ(mode(Path("wiped")), 0600u);
  ::umask(022);
}

TEST_F(MirrorTest, ADirectoryWithOtherFilesIsNotTouched) {
  std::filesystem::create_directories(options_.directory);
  Write(Path("diary"), "dear diary");
  EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Files(), ElementsAre("diary"));
}

TEST_F(MirrorTest, WhatItDoesNotUnderstandIsNotApplied) {
  const auto mirror = Open();
  Fill(*mirror, 1, "shop-1", "1");
  v1::WatchRecordsResponse unknown = Say("2").Retract(1);
  unknown.add_events();
  EXPECT_EQ(mirror->Apply(unknown).code(), absl::StatusCode::kInvalidArgument);
  // What comes after it would pass over it.
  EXPECT_EQ(mirror->Apply(Say("3")).code(), absl::StatusCode::kInvalidArgument);
  v1::WatchRecordsResponse unnamed = Say("2");
  unnamed.add_events()->mutable_retract()->set_name("records/short");
  options_.directory += "-2";
  EXPECT_EQ(Open()->Apply(unnamed).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Verdict(*mirror, "shop-1"), "LISTED");
  EXPECT_EQ(mirror->cursor(), "1");
}

TEST_F(MirrorTest, RecordsAreThereWholeAlsoBehindAClearing) {
  options_.compact_bytes = 4'096;
  const auto mirror = Open();
  v1::Record record = MakeReport(1, "shop-1");
  record.mutable_offender_report()->set_comment(std::string(500, 'x'));
  Apply(*mirror,
        Say("1").Upsert(record).Upsert(MakeReport(2, "shop-2")).SnapshotComplete().CompleteAt(now()));
  const auto reader = Open(true);
  for (int i = 0; i < 100; ++i) {
    record.set_etag(std::to_string(i));
    Apply(*mirror, Say(std::to_string(i)).Upsert(record));
  }
  Apply(*mirror, Say("end").Retract(2));
  EXPECT_LT(Read(Path(Files()[0] == "lock" ? Files()[1] : Files()[0])).size(), 10'000u);
  EXPECT_THAT(Files(), SizeIs(2));
  const auto all = [](const Mirror& of) {
    std::vector<std::string> etags;
    EXPECT_TRUE(of.ForEachRecord([&](const v1::Record& seen) {
                    etags.push_back(seen.etag());
                    return absl::OkStatus();
                  }).ok());
    return etags;
  };
  EXPECT_THAT(all(*mirror), ElementsAre("99"));
  EXPECT_THAT(all(*Open(true)), ElementsAre("99"));
  EXPECT_THAT(all(*reader), UnorderedElementsAre("", ""));  // its file has gone meanwhile
  EXPECT_EQ(Verdict(*Open(true), "shop-1"), "LISTED");
  EXPECT_EQ(Verdict(*Open(true), "shop-2"), "NOT_LISTED");
}

TEST_F(MirrorTest, ReadersMeetNothingHalfDone) {
  const auto mirror = Open();
  v1::Record disputed = MakeReport(2, "disputed");
  disputed.set_disputed(true);
  Apply(*mirror,
        Say("1").Upsert(MakeReport(1, "always")).Upsert(disputed).SnapshotComplete().CompleteAt(now()));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        EXPECT_EQ(Verdict(*mirror, "always"), "LISTED");
        EXPECT_EQ(Verdict(*mirror, "never"), "NOT_LISTED");
        EXPECT_EQ(Verdict(*mirror, "disputed"), "DISPUTED");
        (void)mirror->status();
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(mirror->BeginAgain().ok());
    Apply(*mirror, Say("a").Upsert(MakeReport(1, "always")).Upsert(disputed));
    Say more("b");
    for (int i = 10; i < 400; ++i) more.Upsert(MakeReport(i, "shop-" + std::to_string(i)));
    Apply(*mirror, more.SnapshotComplete().CompleteAt(now()));
    for (int i = 10; i < 40; ++i) Apply(*mirror, Say("c").Retract(i).Upsert(MakeReport(i, "always")));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace coalition::client
