// Keeps a mirror in step.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "client/mirror.h"
#include "client/options.h"
#include "client/record_watch.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/mutex.h"

namespace coalition::client {

struct MirrorRunnerOptions {
  // The waits between tries. The budget bounds them only until the first response: who has never reached the
  // exchange is told, who has lost it goes on trying. The number of tries does not count.
  RetryPolicy retry{};
  // After each response that was applied. May be null, as the other; both are called from Run's thread.
  std::function<void(const v1::WatchRecordsResponse&)> on_response{};
  // The watch has ended with this, and will be opened again.
  std::function<void(const absl::Status&)> on_break{};
};

//   auto mirror = Mirror::Open({.directory = "/var/lib/shop/mirror"});
//   MirrorRunner runner(**mirror, [&](const WatchOptions& options) { return client.WatchRecords({}, options);
//   }); std::jthread thread([&] { Report(runner.Run()); }); …
//   (*mirror)->Check("bazaar.example", "shop-4711");
//
// Each response is applied before the next is asked for, which is what acknowledges it: the exchange never
// takes a retraction for dealt with that the mirror could still lose.
class MirrorRunner {
 public:
  // With the filter of the mirror.
  using Watch = std::function<std::unique_ptr<RecordWatch>(const WatchOptions&)>;

  // `mirror` must outlive it.
  MirrorRunner(Mirror& mirror, Watch watch, MirrorRunnerOptions options);
  ~MirrorRunner();
  MirrorRunner(const MirrorRunner&) = delete;
  MirrorRunner& operator=(const MirrorRunner&) = delete;

  // Until Stop, CANCELLED, or an error for good, the exchange's or the mirror's. Goes on by itself after a
  // break, and from the beginning after CURSOR_TOO_OLD, while the mirror answers from what it has. Where the
  // exchange says that the member is suspended or has left (MEMBER_NOT_ACTIVE) the mirror is wiped; where it
  // says something else of credential or rights, it stays, and answers until its max_age. By one thread.
  absl::Status Run();
  // Whether that was an error of the mirror: the disk's, or of a response that can't be applied.
  bool mirror_failed() const { return mirror_failed_; }
  // From any thread, also before Run.
  void Stop();

 private:
  enum class Next { kGoOn, kWait, kEnd };

  // Applies what comes until it ends, or until the mirror fails.
  absl::Status Follow(RecordWatch& watch);
  // What follows from how a watch has ended. kEnd: `status` may have become an error of the mirror.
  Next AfterEnd(absl::Status* status);
  // False: stopped.
  bool SetWatch(RecordWatch* watch);
  bool Wait(std::chrono::milliseconds wait);

  Mirror& mirror_;
  const Watch make_watch_;
  const MirrorRunnerOptions options_;
  bool mirror_failed_ = false;
  bool reached_ = false;   // ever
  bool received_ = false;  // since the last watch was opened
  Mutex mutex_;
  std::condition_variable changed_;
  RecordWatch* watch_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace coalition::client
