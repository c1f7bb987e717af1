// An upheld appeal contests the reports that the host acted on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "coalition/v1/record.pb.h"
#include "server/exchange/reader.h"
#include "server/exchange/room.h"
#include "server/store/store.h"

namespace coalition::exchange {

bool SaysUpheld(const v1::Record& record);
// Whether a revision says so anew, or of another notice or report.
bool SaysUpheldAnew(const v1::Record& before, const v1::Record& after);

// Of a commit that makes what it is for.
inline bool MadeAlways(int) { return true; }

// What the outcomes of one commit do to the reports that they refer to, by themselves or through their
// notice. Whoever publishes an outcome perhaps sees no such report and must learn nothing of it: whatever is
// found of it, nothing is answered otherwise. A report that is contested and not confirmed lapses by its
// expiry. Not thread-safe; copyable.
class Contests {
 public:
  // `contents` must outlive it.
  Contests(const Contributor& contributor, const contents::ContentKeys& contents);

  // Finds the reports of an outcome, if it says that an appeal was upheld. `platform`: that of the outcome's
  // header, which the reader's member must hold. `item` tells the commit's records apart. Errors: the
  // store's, but for damage.
  absl::Status Take(const Reader& reader, const v1::Record& outcome, uint32_t platform, int item = 0);

  void AppendReads(std::vector<std::string>* reads) const;
  size_t reads() const { return reports_.size(); }
  // `values` of those reads; `made`: whether the commit makes the item. Contests, once, each report that is
  // active and about the outcome's seller, on the platform that its contributor answers for.
  void AppendWrites(std::span<const std::optional<store::Version>> values, absl::FunctionRef<bool(int)> made,
                    std::vector<store::Write>* writes) const;
  // About how many bytes AppendWrites writes.
  size_t bytes() const { return bytes_; }

 private:
  struct Report {
    std::string key;
    std::string seller_prefix;  // of the outcome's seller; empty: any of the platform
    uint32_t platform = 0;
    int item = 0;
  };
  absl::Status Add(const Reader& reader, const std::string& name, const Report& report);
  bool Fits(const Report& report, const policy::HeaderView& header) const;
  void Contest(const std::string& key, const StoredRecordView& stored,
               std::vector<store::Write>* writes) const;

  const contents::ContentKeys* contents_;
  int64_t now_ns_;
  int64_t days_;
  std::vector<Report> reports_;
  size_t bytes_ = 0;
};

}  // namespace coalition::exchange
