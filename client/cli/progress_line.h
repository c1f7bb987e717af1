// How far something is, on one line that is written over and over: for terminals.
#pragma once

#include <ostream>
#include <string>

namespace coalition::cli {

// Not thread-safe.
class ProgressLine {
 public:
  // `err` must outlive it. Not `shown`: nothing is ever written.
  ProgressLine(std::ostream* err, bool shown) : err_(err), shown_(shown) {}

  // In place of what stood there. `text` is printable.
  void Show(const std::string& text) const;
  // Before anything else is written to the terminal, and at the end.
  void Clear() const;

 private:
  std::ostream* const err_;
  const bool shown_;
};

}  // namespace coalition::cli
