// Randomness is passed in, so that a test can repeat itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace coalition {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  // Fills `out` with bytes fit for keys and ids.
  virtual void Fill(std::span<uint8_t> out) = 0;

  std::string Bytes(size_t count) {
    std::string bytes(count, '\0');
    Fill({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
    return bytes;
  }
};

// OpenSSL's generator.
class SystemRandom final : public Random {
 public:
  void Fill(std::span<uint8_t> out) override;
};

// The same, which each thread asks for a page at a time: for salts and nonces, of which there are a hundred
// thousand a second, and each draw takes most of a microsecond. What has been given is wiped; what has not
// lies in the memory of the process meanwhile, so it is not for keys that are kept. A process that
// forks would give the same bytes twice: it must not.
class PagedRandom final : public Random {
 public:
  void Fill(std::span<uint8_t> out) override;
};

}  // namespace coalition
