#include "server/store/commit_lane.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace coalition::store {
namespace {

// A store that counts, and stops in CommitAll while its gate is shut.
class GatedStore final : public Store {
 public:
  std::vector<absl::StatusOr<Revision>> CommitAll(std::span<const Commit> commits) override {
    std::unique_lock<std::mutex> lock(mutex_);
    groups_.push_back(commits.size());
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    std::vector<absl::StatusOr<Revision>> results;
    for (const Commit& commit : commits) {
      auto writes = commit.build(head_ + 1, {});
      if (writes.ok()) {
        results.emplace_back(++head_);
        for (const Write& write : *writes) written_.emplace_back(head_, write.key);
      } else {
        results.emplace_back(writes.status());
      }
    }
    return results;
  }
  Revision Head() const override { return head_; }
  Revision Floor() const override { return 0; }
  absl::StatusOr<std::vector<std::optional<Version>>> Read(std::span<const std::string>,
                                                           Revision) const override {
    return absl::UnimplementedError("not asked");
  }
  absl::StatusOr<Page<Entry>> Scan(std::string_view, std::string_view, Revision, Limit) const override {
    return absl::UnimplementedError("not asked");
  }
  absl::Status ScanEach(std::string_view, std::string_view, Revision, const Visitor&) const override {
    return absl::UnimplementedError("not asked");
  }
  absl::StatusOr<std::vector<Change>> ReadLog(Revision, Limit) const override {
    return absl::UnimplementedError("not asked");
  }
  Revision WaitPast(Revision, std::chrono::milliseconds) const override { return head_; }
  absl::StatusOr<size_t> RaiseFloor(Revision, Limit) override { return 0; }

  void SetOpen(bool open) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void AwaitGroups(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return groups_.size() >= count; });
  }
  std::vector<size_t> groups() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return groups_;
  }
  std::vector<std::pair<Revision, std::string>> written() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return written_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::atomic<Revision> head_{0};
  std::vector<size_t> groups_;
  std::vector<std::pair<Revision, std::string>> written_;
};

Commit Answering(absl::Status status) {
  return {.reads = {},
          .build = [status](Revision,
                            std::span<const std::optional<Version>>) -> absl::StatusOr<std::vector<Write>> {
            if (!status.ok()) return status;
            return std::vector<Write>();
          }};
}

TEST(CommitLane, AnswersEachWithItsOwnResultInOrder) {
  GatedStore store;
  std::vector<absl::StatusOr<Revision>> answers;
  {
    CommitLane lane(store);
    for (int i = 0; i < 100; ++i) {
      const absl::Status status = i % 10 == 3 ? absl::AbortedError(std::to_string(i)) : absl::OkStatus();
      lane.Submit(Answering(status),
                  [&answers](absl::StatusOr<Revision> answer) { answers.push_back(std::move(answer)); });
    }
  }
  ASSERT_EQ(answers.size(), 100U);
  Revision expected = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (i % 10 == 3) {
      EXPECT_EQ(answers[i].status(), absl::AbortedError(std::to_string(i)));
    } else {
      ASSERT_TRUE(answers[i].ok());
      EXPECT_EQ(*answers[i], ++expected);
    }
  }
}

TEST(CommitLane, WhatWaitsSharesACommitUpToTheLimits) {
  GatedStore store;
  store.SetOpen(false);
  CommitLane lane(store, {.group_max = 4, .group_bytes_max = 100});
  const auto ignore = [](const absl::StatusOr<Revision>&) {};
  lane.Submit(Answering(absl::OkStatus()), ignore);
  store.AwaitGroups(1);
  for (int i = 0; i < 6; ++i) lane.Submit(Answering(absl::OkStatus()), ignore, 10);
  for (const size_t bytes : {60, 60, 500, 1}) lane.Submit(Answering(absl::OkStatus()), ignore, bytes);
  EXPECT_EQ(lane.QueueDepth(), 10U);
  store.SetOpen(true);
  lane.Drain();
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 4, 3, 1, 1, 1})) << "1; 4 by count; 2+60; 60; 500; 1";
  EXPECT_EQ(lane.QueueDepth(), 0U);
}

// A commit between them stays between them: what it reads is what was written before.
TEST(CommitLane, WritesThatWaitOneBehindTheOtherAreOneCommit) {
  GatedStore store;
  store.SetOpen(false);
  CommitLane lane(store, {.group_max = 2});
  std::vector<Revision> answers;
  const auto keep = [&answers](const absl::StatusOr<Revision>& answer) { answers.push_back(answer.value()); };
  const auto write = [&](const std::string& key) {
    lane.SubmitWrites(
        [key](Revision revision, uint32_t place) {
          const std::string at = key + " " + std::to_string(revision) + "." + std::to_string(place);
          return std::vector<Write>{{at + " one", ""}, {at + " two", ""}};
        },
        keep);
  };
  lane.Submit(Answering(absl::OkStatus()), keep);
  store.AwaitGroups(1);
  write("a");
  write("b");
  lane.Submit(Answering(absl::OkStatus()), keep);
  write("c");
  write("d");
  write("e");  // of the next group
  store.SetOpen(true);
  lane.Drain();
  EXPECT_EQ(answers, (std::vector<Revision>{1, 2, 2, 3, 4, 4, 5}));
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 3, 1}));
  const std::vector<std::pair<Revision, std::string>> written = {
      {2, "a 2.0 one"}, {2, "a 2.0 two"}, {2, "b 2.1 one"}, {2, "b 2.1 two"}, {4, "c 4.0 one"},
      {4, "c 4.0 two"}, {4, "d 4.1 one"}, {4, "d 4.1 two"}, {5, "e 5.0 one"}, {5, "e 5.0 two"}};
  EXPECT_EQ(store.written(), written);
}

TEST(CommitLane, AFullQueueRefusesAtOnceAndRecovers) {
  GatedStore store;
  store.SetOpen(false);
  CommitLane lane(store, {.queue_max = 8, .queue_bytes_max = 400});
  std::atomic<int> made{0};
  const auto count = [&made](const absl::StatusOr<Revision>& answer) { made += answer.ok() ? 1 : 0; };
  lane.Submit(Answering(absl::OkStatus()), count);
  store.AwaitGroups(1);
  lane.Submit(Answering(absl::OkStatus()), count, 1000);  // larger than its owner's hundred, but alone
  absl::Status refused;
  const auto keep = [&refused](const absl::StatusOr<Revision>& answer) { refused = answer.status(); };
  lane.Submit(Answering(absl::OkStatus()), keep, 1);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << "by bytes";
  store.SetOpen(true);
  while (made < 2) std::this_thread::yield();

  store.SetOpen(false);
  lane.Submit(Answering(absl::OkStatus()), count);
  store.AwaitGroups(3);
  lane.Submit(Answering(absl::OkStatus()), count);
  lane.Submit(Answering(absl::OkStatus()), count);
  refused = absl::OkStatus();
  lane.Submit(Answering(absl::OkStatus()), keep);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << "by count";
  store.SetOpen(true);
  lane.Drain();
  EXPECT_EQ(made, 5);
}

TEST(CommitLane, OwnersTakeTurnsAndNoneFillsTheQueue) {
  GatedStore store;
  store.SetOpen(false);
  CommitLane lane(store, {.queue_max = 8, .queue_bytes_max = 400});
  std::vector<uint32_t> answered;
  std::vector<uint32_t> refused;
  const auto submit = [&](uint32_t owner, size_t bytes = 0) {
    lane.Submit(
        Answering(absl::OkStatus()),
        [&, owner](const absl::StatusOr<Revision>& answer) {
          (answer.ok() ? answered : refused).push_back(owner);
        },
        bytes, owner);
  };
  submit(9);
  store.AwaitGroups(1);
  for (int i = 0; i < 3; ++i) submit(1);  // two may wait
  submit(2, 90);
  submit(2, 20);  // a hundred bytes may wait
  for (const uint32_t owner : {3U, 4U}) {
    submit(owner, 80);
    submit(owner, 20);
  }
  submit(5, 1000);  // none of its own waits
  submit(5);
  EXPECT_EQ(refused, (std::vector<uint32_t>{1, 2, 5}));
  store.SetOpen(true);
  lane.Drain();
  EXPECT_EQ(answered, (std::vector<uint32_t>{9, 1, 2, 3, 4, 5, 1, 3, 4}));
}

TEST(CommitLane, DrainAnswersWhatWaitsAndRefusesTheRest) {
  GatedStore store;
  store.SetOpen(false);
  CommitLane lane(store);
  std::atomic<int> made{0};
  const auto count = [&made](const absl::StatusOr<Revision>& answer) { made += answer.ok() ? 1 : 0; };
  for (int i = 0; i < 10; ++i) lane.Submit(Answering(absl::OkStatus()), count);
  auto drained = std::async(std::launch::async, [&lane] { lane.Drain(); });
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  store.SetOpen(true);
  drained.get();
  EXPECT_EQ(made, 10);
  absl::Status refused;
  lane.Submit(Answering(absl::OkStatus()),
              [&](const absl::StatusOr<Revision>& answer) { refused = answer.status(); });
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  lane.Drain();
}

TEST(CommitLane, ManySubmittersAreAllAnswered) {
  GatedStore store;
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  {
    CommitLane lane(store);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          lane.Submit(Answering(absl::OkStatus()), [&](const absl::StatusOr<Revision>&) { ++answered; });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(answered, 2000);
  EXPECT_EQ(store.Head(), 2000U);
}

}  // namespace
}  // namespace coalition::store
