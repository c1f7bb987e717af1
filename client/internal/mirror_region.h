// Much memory that is zero, in huge pages where the system has them.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace coalition::client::internal {

class MirrorRegion {
 public:
  MirrorRegion() = default;
  explicit MirrorRegion(size_t bytes) : mapped_bytes_(bytes + kHugePageBytes) {
    mapped_ = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) std::abort();  // as new does without exceptions
    const size_t past = reinterpret_cast<uintptr_t>(mapped_) % kHugePageBytes;
    data_ = static_cast<char*>(mapped_) + (kHugePageBytes - past) % kHugePageBytes;
    // Without them it is only slower. What is less than one of them takes no more than it needs.
    (void)::madvise(data_, bytes / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
  }
  ~MirrorRegion() {
    if (mapped_ != nullptr) ::munmap(mapped_, mapped_bytes_);
  }
  MirrorRegion(MirrorRegion&& other) noexcept { *this = std::move(other); }
  MirrorRegion& operator=(MirrorRegion&& other) noexcept {
    std::swap(mapped_, other.mapped_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
    std::swap(data_, other.data_);
    std::swap(given_back_, other.given_back_);
    return *this;
  }

  // Aligned to a huge page.
  char* data() const { return data_; }
  // What is before `end` is not looked at any more.
  void GiveBackUntil(const void* end) {
    const size_t whole = static_cast<size_t>(static_cast<const char*>(end) - data_) / kHugePageBytes;
    const size_t until = whole * kHugePageBytes;
    if (until <= given_back_) return;
    (void)::madvise(data_ + given_back_, until - given_back_, MADV_DONTNEED);
    given_back_ = until;
  }

 private:
  static constexpr size_t kHugePageBytes = size_t{2} << 20;

  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  char* data_ = nullptr;
  size_t given_back_ = 0;
};

}  // namespace coalition::client::internal
