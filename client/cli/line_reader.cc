#include "client/cli/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coalition::cli {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

}  // namespace

absl::StatusOr<ByteSource> OpenSource(const std::string& file, ByteSource standard_input) {
  if (file == "-") return standard_input;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const std::string message = absl::StrCat(file, ": ", std::strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(message);
    if (errno == EACCES) return absl::PermissionDeniedError(message);
    return absl::UnknownError(message);
  }
  std::shared_ptr<int> owned(new int(fd), [](int* open_fd) {
    ::close(*open_fd);
    delete open_fd;
  });
  return ByteSource([owned](char* buffer, size_t size) { return ::read(*owned, buffer, size); });
}

LineReader::LineReader(ByteSource source, size_t line_bytes_max)
    : source_(std::move(source)), line_bytes_max_(line_bytes_max) {}

bool LineReader::Fill() {
  if (ended_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  const ssize_t n = source_(buffer_.data() + size, kReadBytes);
  const int error = errno;
  buffer_.resize(size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
  if (n > 0) return true;
  ended_ = true;
  if (n < 0 && error == EINTR) interrupted_ = true;
  if (n < 0 && error != EINTR) status_ = absl::UnknownError(absl::StrCat("reading: ", std::strerror(error)));
  // What an interruption cut off is not a line.
  if (n < 0) buffer_.clear();
  return false;
}

bool LineReader::Next(Line* line) {
  size_t searched = begin_;
  size_t size = 0;
  bool whole = true;
  for (;;) {
    const size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos && end + 1 - begin_ <= line_bytes_max_) {
      size = end + 1 - begin_;
      break;
    }
    if (buffer_.size() - begin_ > line_bytes_max_) {
      size = line_bytes_max_;
      whole = false;
      break;
    }
    searched = buffer_.size() - begin_;
    if (!Fill()) {
      if (buffer_.size() == begin_) return false;
      size = buffer_.size() - begin_;
      break;
    }
  }
  line->text.assign(buffer_, begin_, size);
  begin_ += size;
  line->continued = in_line_;
  line->partial = !whole;
  if (!in_line_) ++number_;
  line->number = number_;
  in_line_ = !whole;
  return true;
}

}  // namespace coalition::cli
