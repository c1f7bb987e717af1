#include "common/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace coalition {
namespace {

// The thread's page is gone: what else goes with the thread may still draw.
thread_local bool page_is_gone = false;

struct Page {
  std::array<uint8_t, 4096> bytes;
  size_t left = 0;  // at the beginning
  ~Page() {
    OPENSSL_cleanse(bytes.data(), bytes.size());
    page_is_gone = true;
  }
};

}  // namespace

void SystemRandom::Fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const size_t count = std::min<size_t>(out.size(), INT_MAX);
    if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) {
      // Predictable ids and keys are worse than no server.
      std::fputs("fatal: the system has no randomness\n", stderr);
      std::abort();
    }
    out = out.subspan(count);
  }
}

void PagedRandom::Fill(std::span<uint8_t> out) {
  thread_local Page page;
  if (page_is_gone || out.size() > page.bytes.size()) return SystemRandom().Fill(out);
  if (out.size() > page.left) {
    SystemRandom().Fill(page.bytes);
    page.left = page.bytes.size();
  }
  page.left -= out.size();
  std::copy_n(page.bytes.data() + page.left, out.size(), out.data());
  OPENSSL_cleanse(page.bytes.data() + page.left, out.size());
}

}  // namespace coalition
