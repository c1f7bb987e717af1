// A directory of a test's own, removed with everything in it. In memory where the machine has such a place:
// these tests are about what is synced, not about how long that takes.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace coalition::testing {

class ScratchDir {
 public:
  ScratchDir() {
    constexpr const char* kMemory = "/dev/shm";
    std::error_code ignored;
    const bool in_memory = std::filesystem::is_directory(kMemory, ignored);
    const std::filesystem::path parent = in_memory ? kMemory : std::filesystem::temp_directory_path();
    std::string name = (parent / "coalition-store-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // A directory inside that is not there yet.
  std::string Sub(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace coalition::testing
