// The events of a watch, as they come.
#pragma once

#include <ostream>

#include "client/cli/output.h"
#include "coalition/v1/watch_service.pb.h"

namespace coalition::cli {

// Table or jsonl. Not thread-safe.
//
//   table   one line each in columns of fixed width: when it came, UPSERT, GONE or CLEARED, record, class,
//           seller, view; control characters are escaped
//   jsonl   {"event":"UPSERT","record":{…}}, {"event":"RETRACT","name":"records/…","kind":"GONE"} and
//           {"event":"CHECKPOINT","complete_until":"…","snapshot_complete":false}, where complete_until may
//           be absent
class WatchPrinter {
 public:
  // Writes the header of a table. `out` must outlive it.
  WatchPrinter(Format format, std::ostream& out);
  // False: an event of a kind that this program does not know, which is not written.
  bool Event(const v1::WatchEvent& event);
  // How far `response` says that the watch is, where it does and the format has that.
  void Checkpoint(const v1::WatchRecordsResponse& response);

 private:
  void Upsert(const v1::Record& record);
  void Retract(const v1::Retraction& retraction);

  const Format format_;
  std::ostream& out_;
};

}  // namespace coalition::cli
