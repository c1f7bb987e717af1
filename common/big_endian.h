// Unsigned integers as bytes, the most significant first: their order is that of the bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coalition {

template <std::unsigned_integral T>
void AppendBigEndian(T number, std::string* to) {
  char bytes[sizeof(T)];
  for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(number >> (8 * (sizeof(T) - 1 - i)));
  to->append(bytes, sizeof(T));
}

// Of the first sizeof(T) bytes, which must be there.
template <std::unsigned_integral T>
T ReadBigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(T); ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return static_cast<T>(number);
}

}  // namespace coalition
