// Watches over gRPC that outlive the server: what they were told, and what of that was wrong.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coalition/v1/watch_service.grpc.pb.h"
#include "common/mutex.h"
#include "tests/support/server_process.h"

namespace coalition::testing {

// Asks until it is so. False: it was not for five minutes, far longer than anything that works takes.
bool Await(const std::function<bool()>& condition,
           std::chrono::milliseconds between = std::chrono::milliseconds(5));

// By record name, the record serialised; empty: there is none.
using Records = std::map<std::string, std::string>;

// What one has against what is listed for it, a line for each difference.
std::vector<std::string> Differences(const Records& has, const Records& listed);
// What ListRecords has for the member now.
Records Listed(const ServerProcess& server, const std::string& member);

// What one watch was told. Thread-safe.
class Told {
 public:
  struct Counts {
    int cuts = 0;
    int received = 0;  // responses since the last cut
    int undone = 0;    // records that cuts have set back
    int upserts = 0;
    int gone = 0;
    int cleared = 0;
    bool compared = false;
  };

  // Keeps the cursor of its first response and of every `keeps_every`th after that. `forgets`: with a cut,
  // what came behind the last cursor that it has kept; who does not is wrong.
  explicit Told(std::string who, int64_t keeps_every = 1, bool forgets = true);

  void Take(const v1::WatchRecordsResponse& response);
  // The stream has ended: the next one begins at the cursor.
  void Cut();
  // The last write ended at `end_ns`, and this is what there is now: as soon as the watch says that it is
  // complete until later, it must have just that. `listed` must outlive this.
  void Expect(int64_t end_ns, const Records* listed);
  // Something is wrong that events do not tell.
  void Note(const std::string& what);

  const std::string& who() const { return who_; }
  Counts counts() const;
  // A line for each thing; empty: nothing.
  std::string wrong() const;
  std::string cursor() const;

 private:
  void TakeEvent(const v1::WatchEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wrong(const std::string& what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string who_;
  const int64_t keeps_every_;
  const bool forgets_;
  mutable Mutex mutex_;
  Records has_ ABSL_GUARDED_BY(mutex_);
  bool snapshot_complete_ ABSL_GUARDED_BY(mutex_) = false;
  std::string cursor_ ABSL_GUARDED_BY(mutex_);
  // As it was at the cursor: what has changed since.
  Records then_ ABSL_GUARDED_BY(mutex_);
  bool snapshot_complete_then_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t responses_ ABSL_GUARDED_BY(mutex_) = 0;
  const Records* listed_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int64_t end_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  std::string wrong_ ABSL_GUARDED_BY(mutex_);
};

// As the member's backend, over a connection of its own, which is made again as long as there are calls that
// wait for it.
std::unique_ptr<v1::WatchService::Stub> ConnectToWatch(ServerProcess& server, const std::string& member);

// One stream of a watch, from its cursor on. Cancels, and waits for the end, when destroyed.
class WatchStream final : public grpc::ClientBidiReactor<v1::WatchRecordsRequest, v1::WatchRecordsResponse> {
 public:
  // Both must outlive it.
  WatchStream(v1::WatchService::Stub& stub, Told& told);
  ~WatchStream() override;

  void Cancel() { context_.TryCancel(); }
  bool done() const { return done_.load(); }
  const grpc::Status& end() const { return end_; }  // once it is done

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& end) override;

 private:
  void Acknowledge(int64_t read, bool written);

  Told& told_;
  grpc::ClientContext context_;
  v1::WatchRecordsRequest start_, acknowledgement_;
  v1::WatchRecordsResponse response_;
  Mutex mutex_;
  int64_t read_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;  // the start
  grpc::Status end_;
  std::atomic<bool> done_{false};
};

// Many, which go on from their cursors whenever they are cut, until this is destroyed. That a watch ends with
// anything but UNAVAILABLE is wrong.
class Watches {
 public:
  // `members` share the connections, and these the watches, in turn. A quarter of the watches keeps every
  // cursor, one every second, one every third, one every fourth.
  Watches(ServerProcess& server, const std::vector<std::string>& members, size_t connections, size_t watches);
  ~Watches();
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  // Empty when it is so of each. Else what is wrong, at once, or who is not so far in the end.
  std::string AwaitEach(const std::function<bool(const Told::Counts&)>& condition) const;
  // `listed`, by member, must outlive this.
  void Expect(int64_t end_ns, const std::map<std::string, Records>& listed);
  Told::Counts Sum() const;

 private:
  struct Watch {
    Watch(std::string of, size_t number, int64_t keeps_every, v1::WatchService::Stub& where);

    const std::string member;
    Told told;
    v1::WatchService::Stub& stub;
    // The tender's, both.
    std::unique_ptr<WatchStream> stream;
    bool ended = false;
  };
  static void Tend(Watch& watch);

  std::vector<std::unique_ptr<v1::WatchService::Stub>> stubs_;
  std::deque<Watch> watches_;
  std::jthread tender_;  // last: uses the others
};

}  // namespace coalition::testing
