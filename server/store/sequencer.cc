#include "server/store/sequencer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "leveldb/options.h"

namespace coalition::store {
namespace {

constexpr std::chrono::milliseconds kThrottleStep(1);
constexpr int kThrottleStepsPerFile = 2;
constexpr int kThrottleStepsMax = 10;

}  // namespace

Sequencer::Sequencer(const LevelDbOptions& options, Rooms rooms) : options_(options), rooms_(rooms) {}

std::vector<absl::StatusOr<Revision>> Sequencer::CommitAll(std::span<const Commit> commits) {
  if (commits.empty()) return {};
  Request request;
  request.commits = commits;
  request.results.resize(commits.size(), Revision{0});
  if (WaitForTurn(request)) LeadUntilDone(request);
  return std::move(request.results);
}

// True: this caller is to lead. False: another one has done its commits.
bool Sequencer::WaitForTurn(Request& request) {
  MutexLock lock(queue_mutex_);
  queue_.push_back(&request);
  while (!request.done && queue_.front() != &request) lock.Wait(request.wake);
  return !request.done;
}

// The leader stays at the front of the queue until its own commits are done, then leads the next one in.
void Sequencer::LeadUntilDone(Request& request) {
  std::vector<Request*> waiting;
  while (true) {
    {
      const MutexLock lock(queue_mutex_);
      waiting.assign(queue_.begin(), queue_.end());
    }
    RunGroup(waiting);
    const MutexLock lock(queue_mutex_);
    while (!queue_.empty() && queue_.front()->judged == queue_.front()->commits.size()) {
      Request* const finished = queue_.front();
      queue_.pop_front();
      finished->done = true;
      // Under the lock: the request is gone as soon as its caller sees `done`.
      if (finished != &request) finished->wake.notify_one();
    }
    if (!request.done) continue;
    if (!queue_.empty()) queue_.front()->wake.notify_one();
    return;
  }
}

void Sequencer::RunGroup(const std::vector<Request*>& waiting) {
  Throttle();
  CommitGroup group(rooms_.reader, options_, rooms_.marks.head());
  for (Request* request : waiting) {
    for (; request->judged < request->commits.size() && !group.full(); ++request->judged) {
      group.Judge(request->commits[request->judged], request->results[request->judged]);
    }
  }
  if (group.empty()) return;
  if (absl::Status status = WriteBatch(group.batch(), /*sync=*/true); !status.ok()) {
    group.Fail(status);
    return;
  }
  rooms_.marks.PublishHead(group.head());
  rooms_.pool.Clear();
}

absl::Status Sequencer::WriteBatch(leveldb::WriteBatch& batch, bool sync) {
  if (absl::Status status = CheckWritable(); !status.ok()) return status;
  leveldb::WriteOptions write_options;
  write_options.sync = sync;
  const leveldb::Status status = rooms_.db.Write(write_options, &batch);
  if (status.ok()) {
    rooms_.probe.AfterWrite(batch.ApproximateSize());
    return absl::OkStatus();
  }
  // LevelDB would go on after a torn record; what it then says is durable might not be found again.
  const std::string cause = status.ToString();
  const MutexLock lock(failure_mutex_);
  failure_ =
      absl::UnavailableError(absl::StrCat("store ", options_.dir, " takes no writes since one failed (",
                                          cause, "); repair the disk and restart the server"));
  return absl::UnknownError(absl::StrCat("store ", options_.dir,
                                         ": it is not known whether the write happened (", cause,
                                         "); ask again after a restart"));
}

absl::Status Sequencer::CheckWritable() const {
  {
    const MutexLock lock(failure_mutex_);
    if (!failure_.ok()) return failure_;
  }
  if (options_.free_bytes_min == 0) return absl::OkStatus();
  const absl::StatusOr<uint64_t> free = options_.free_bytes();
  if (!free.ok()) return free.status();
  if (*free >= options_.free_bytes_min) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the disk of the store, ", options_.dir, ", is full: ", *free,
                                             " bytes are free and ", options_.free_bytes_min,
                                             " are kept in reserve; nothing was written, make room"));
}

// Better a few milliseconds for each group than LevelDB's own brake, which stops everybody for up to a
// second. Only those who wait for a commit wait here.
void Sequencer::Throttle() const {
  const auto level0_files = [this] {
    std::string text;
    int files = 0;
    if (!rooms_.db.GetProperty("leveldb.num-files-at-level0", &text) || !absl::SimpleAtoi(text, &files))
      return 0;
    return files;
  };
  const int above = level0_files() - options_.throttle_level0_files + 1;
  const int steps = std::min(above * kThrottleStepsPerFile, kThrottleStepsMax);
  for (int step = 0; step < steps; ++step) {
    std::this_thread::sleep_for(kThrottleStep);
    if (level0_files() < options_.throttle_level0_files) return;
  }
}

}  // namespace coalition::store
