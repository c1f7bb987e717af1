// What a verification has found.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coalition::verify {

// What a finding is about; docs/operations.md says of each what it means.
enum class Subject {
  kDisk,       // bytes are not those that were written
  kHistory,    // a commit, or what it wrote, is missing
  kRow,        // a row is in no form that it could have
  kRecord,     // a record contradicts itself or what it names
  kIndex,      // an index and its records do not go together
  kCoalition,  // members, policies or what is noted of them
  kLedger,     // entries, ticks, tiles and the checkpoint do not lead to each other
  kHead,       // the store is not the one that the head was written beside, or the keys are from before
  kShown,      // who was shown what names nobody
};
std::string_view NameOf(Subject subject);
// What to do about it, in a sentence.
std::string_view RemedyOf(Subject subject);

struct Finding {
  Subject subject = Subject::kDisk;
  std::string what;
  // The row's, with what is not printable in hex. Empty: it is no row's.
  std::string key;
};

// Not thread-safe.
class Findings {
 public:
  explicit Findings(size_t max) : max_(max) {}

  // `key`: as it is stored. What comes when it is full is passed over.
  void Add(Subject subject, std::string what, std::string_view key = {});
  // There was more than is kept: it is enough.
  bool full() const { return more_; }
  std::vector<Finding> Take() { return std::move(found_); }

 private:
  const size_t max_;
  bool more_ = false;
  std::vector<Finding> found_;
};

}  // namespace coalition::verify
