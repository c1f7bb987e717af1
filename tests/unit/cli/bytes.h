// Sources of bytes for tests.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "client/cli/line_reader.h"

namespace coalition::cli {

// Hands `text` out in pieces of `piece` bytes.
inline ByteSource FromText(std::string text, size_t piece = 7) {
  auto rest = std::make_shared<std::string>(std::move(text));
  return [rest, piece](char* buffer, size_t size) -> ssize_t {
    const size_t n = std::min({rest->size(), size, piece});
    rest->copy(buffer, n);
    rest->erase(0, n);
    return static_cast<ssize_t>(n);
  };
}

inline std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace coalition::cli
