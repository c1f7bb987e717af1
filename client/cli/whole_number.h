// Numbers of versions and epochs on the command line.
#pragma once

#include <cstdint>

#include "CLI/CLI.hpp"

namespace coalition::cli {

// For an option that is a whole number, `least` or more. CLI11's own checks name the largest number there is,
// and let pass what is larger. Thread-safe.
CLI::Validator WholeNumber(int64_t least);

}  // namespace coalition::cli
