// Ranges of keys that begin alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coalition::store {

// The smallest key above all that begin with `prefix`; empty: there is none.
inline std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

}  // namespace coalition::store
