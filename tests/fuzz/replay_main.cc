// Runs a fuzz target without libFuzzer: every seed as it is, then a fixed series of mutations of the seeds.
// The series depends on nothing but its length and the seeds, so a failure repeats.
//
//   NAME RUNS [SEED_DIRECTORY]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kBytesMax = size_t{1} << 16;

void RunOne(const std::string& input) {
  // A copy of its own on the heap, so that AddressSanitizer sees a read past its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::vector<std::string> ReadSeeds(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> seeds;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string Next() {
    std::string input = Seed();
    for (size_t changes = 1 + Below(8); changes > 0; --changes) Change(input);
    if (input.size() > kBytesMax) input.resize(kBytesMax);
    return input;
  }

 private:
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const std::string& Seed() { return seeds_[Below(seeds_.size())]; }
  char Byte() {
    static constexpr char kTelling[] = {'\0', '\1', '\x7f', '\x80', '\xff', '\n', '\r',
                                        '"',  ',',  '/',    '.',    ' ',    '{',  '%'};
    return Below(2) == 0 ? static_cast<char>(random_()) : kTelling[Below(sizeof kTelling)];
  }

  void Change(std::string& input) {
    const size_t at = Below(input.size() + 1);
    const size_t count = 1 + Below(Below(4) == 0 ? 64 : 8);
    switch (Below(8)) {
      case 0:  // flip one bit
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = Byte();
        break;
      case 2:
        input.insert(at, 1, Byte());
        break;
      case 3:
        input.insert(at, count, Byte());
        break;
      case 4:
        input.erase(at, count);
        break;
      case 5:  // cut off
        input.resize(at);
        break;
      case 6:  // repeat a part
        input.insert(at, input.substr(Below(input.size() + 1), count));
        break;
      default: {  // go on with another seed
        const std::string& other = Seed();
        input = input.substr(0, at) + other.substr(Below(other.size() + 1));
        break;
      }
    }
  }

  const std::vector<std::string>& seeds_;
  std::mt19937_64 random_{20260101};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s RUNS [SEED_DIRECTORY]\n", argv[0]);
    return 2;
  }
  const long runs = std::strtol(argv[1], nullptr, 10);
  std::vector<std::string> seeds;
  if (argc > 2) seeds = ReadSeeds(argv[2]);
  for (const std::string& seed : seeds) RunOne(seed);
  const size_t seed_count = seeds.size();
  seeds.emplace_back();
  RunOne(seeds.back());
  Mutator mutator(seeds);
  for (long run = 0; run < runs; ++run) RunOne(mutator.Next());
  std::printf("%zu seeds and %ld mutations of them\n", seed_count, runs);
  return 0;
}
