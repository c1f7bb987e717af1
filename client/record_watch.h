// The records that one may see, and every change of them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/options.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/watch_service.pb.h"

namespace coalition::client {

// First what there is, then what changes, response by response. Made by Client::WatchRecords.
//
//   auto watch = client.WatchRecords(filter, {.cursor = kept});
//   for (;;) {
//     absl::StatusOr<v1::WatchRecordsResponse> response = watch->Next();
//     if (!response.ok()) return response.status();
//     Apply(*response);
//     Keep(watch->cursor());
//   }
//
// Acknowledges by itself, from a thread of its own: a response counts as dealt with when Next is called
// again, and the server knows it 10 ms later, or with 16 of them at once. A caller that takes its time makes
// the server wait; if it takes too long, the stream falls behind.
//
// A stream that broke (UNAVAILABLE, or CANCELLED by a server that stops), was refused for now
// (RESOURCE_EXHAUSTED with a RetryInfo) or fell behind
// (ABORTED, WATCH_BEHIND) is opened again, and goes on right behind the last cursor: with the waits of the
// client's retry policy, until its budget has passed since the break; the number of tries counts only where
// it is one. Nothing is left out then, and nothing comes twice. It is not opened again while the newest
// response had no cursor, which the server does only to a watch that is far behind: then what came behind the
// last cursor is to be undone, and another watch begun from there.
//
// What came and the cursor are to be kept in one step. A crash between the two loses the retraction of what
// appeared in between and was gone before the next watch.
//
// Errors are final: every later call returns the same. After OUT_OF_RANGE, CURSOR_TOO_OLD, start another
// watch without a cursor, and let go of every record that does not come before its `snapshot_complete`.
//
// Used by one thread at a time, but for Cancel and the destructor.
class RecordWatch {
 public:
  using Open = std::function<absl::StatusOr<std::unique_ptr<WatchCall>>()>;

  // For Client and for tests; opens nothing yet.
  RecordWatch(Open open, const v1::RecordFilter& filter, const WatchOptions& options,
              const RetryPolicy& retry);
  // Cancels, and waits for a Next that is under way on another thread.
  ~RecordWatch();
  RecordWatch(const RecordWatch&) = delete;
  RecordWatch& operator=(const RecordWatch&) = delete;

  // Waits for the next response, without end; once in a second one comes at least while the stream stands.
  absl::StatusOr<v1::WatchRecordsResponse> Next();
  // Makes the Next under way, and every later one, return CANCELLED. From any thread.
  void Cancel();
  // The last cursor that Next returned, before that the one of the options: where the next watch goes on.
  const std::string& cursor() const { return cursor_; }

 private:
  class Stream;

  absl::Status Begin();
  // What Next returns for good.
  absl::Status Fail(absl::Status status);
  bool MayReconnect(const absl::Status& status) const;

  const Open open_;
  const v1::RecordFilter filter_;
  const WatchOptions options_;
  const RetryPolicy retry_;
  std::string cursor_;
  bool ahead_of_cursor_ = false;
  absl::Status error_;
  const std::unique_ptr<Stream> stream_;
};

}  // namespace coalition::client
