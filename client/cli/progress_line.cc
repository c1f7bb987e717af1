#include "client/cli/progress_line.h"

namespace coalition::cli {
namespace {

constexpr char kClearLine[] = "\r\x1b[K";

}  // namespace

void ProgressLine::Show(const std::string& text) const {
  if (!shown_) return;
  // What is over the terminal's width is cut, not wrapped: only one line can be cleared.
  *err_ << kClearLine << "\x1b[?7l" << text << "\x1b[?7h" << std::flush;
}

void ProgressLine::Clear() const {
  if (shown_) *err_ << kClearLine << std::flush;
}

}  // namespace coalition::cli
