// Lines of input of any size, in bounded memory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coalition::cli {

// As read(2): bytes read, 0 at the end, -1 with errno.
using ByteSource = std::function<ssize_t(char* buffer, size_t size)>;

// A file, or `standard_input` for "-". NOT_FOUND, PERMISSION_DENIED…: names the file.
absl::StatusOr<ByteSource> OpenSource(const std::string& file, ByteSource standard_input);

struct Line {
  // Byte for byte, its end (LF or CRLF) included. The last line of the input may have none.
  std::string text;
  // Counted from 1.
  uint64_t number = 0;
  // The line is longer than the limit: this is a piece of it and more pieces follow.
  bool partial = false;
  // A further piece of the line before.
  bool continued = false;
};

// Not thread-safe.
class LineReader {
 public:
  // Lines over `line_bytes_max` arrive in pieces of that size.
  LineReader(ByteSource source, size_t line_bytes_max);

  // False: the end, an error, or an interruption. A final line without an end is a line.
  bool Next(Line* line);
  // OK also at the end and after an interruption (EINTR).
  const absl::Status& status() const { return status_; }
  bool interrupted() const { return interrupted_; }

 private:
  // False: no more input.
  bool Fill();

  const ByteSource source_;
  const size_t line_bytes_max_;
  std::string buffer_;
  size_t begin_ = 0;  // of what is unread in buffer_
  uint64_t number_ = 0;
  bool in_line_ = false;
  bool ended_ = false;
  bool interrupted_ = false;
  absl::Status status_;
};

}  // namespace coalition::cli
