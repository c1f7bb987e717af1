// What keeps a mirror in step: generations on the disk and in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/internal/mirror_directory.h"
#include "client/internal/mirror_log.h"
#include "client/internal/mirror_view.h"
#include "client/mirror.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace coalition::client::internal {

// Not thread-safe, but for CurrentPath. As of Mirror, whose words these are.
class MirrorWriter {
 public:
  // References must outlive it.
  MirrorWriter(MirrorDirectory directory, const MirrorOptions& options, const Clock& clock, MirrorView& view);

  absl::Status Load();
  std::string cursor() const;
  absl::Status Apply(const v1::WatchRecordsResponse& response);
  absl::Status Rewind();
  absl::Status BeginAgain();
  absl::Status Wipe(const std::string& reason);
  // The file of what is answered from; empty: there is none.
  std::string CurrentPath() const;

 private:
  struct Generation {
    uint64_t number = 0;
    std::unique_ptr<MirrorLogWriter> log;
    MirrorLogFacts facts;
    // Has responses behind the last one with a cursor, of which one said that the snapshot was complete.
    bool ends_without_cursor = false;
    bool snapshot_complete_waits = false;
    uint64_t synced_bytes = 0;
    // What it had after the last clearing.
    uint64_t base_bytes = 0;
  };

  absl::Status LoadGeneration(uint64_t number);
  absl::Status Adopt(uint64_t number, const MirrorLogContents& contents, std::optional<Generation>* into);
  absl::Status RemoveAll();
  absl::Status BeginGeneration();
  absl::Status Write(const v1::WatchRecordsResponse& response, int64_t now_ns, Generation* generation);
  // Also from what is answered from while a generation comes in.
  absl::Status TakeFromCurrent(const v1::WatchRecordsResponse& response, int64_t now_ns);
  absl::Status Promote();
  absl::Status CompactIfDue();
  absl::Status WriteCompacted(uint64_t number, std::unique_ptr<MirrorLogWriter>* log);
  void SetCurrent(uint64_t number);
  // Whose responses come.
  std::optional<Generation>& Fed() { return coming_ ? coming_ : current_; }
  MirrorIndex& IndexOfFed() { return coming_ ? view_.other() : view_.published(); }

  const MirrorDirectory directory_;
  const MirrorOptions options_;
  const Clock& clock_;
  MirrorView& view_;
  std::optional<Generation> current_;
  std::optional<Generation> coming_;
  bool begins_again_ = false;
  // A write has failed: what is on the disk is not known.
  absl::Status broken_;
  bool wiped_ = false;
  mutable Mutex mutex_;
  uint64_t current_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Makes one change of an index.
void ApplyTo(MirrorIndex& index, const v1::WatchEvent& event);

}  // namespace coalition::client::internal
