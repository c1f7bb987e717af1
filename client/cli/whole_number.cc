#include "client/cli/whole_number.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace coalition::cli {

CLI::Validator WholeNumber(int64_t least) {
  const auto mistake = [least](const std::string& text) {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= least) return std::string();
    return absl::StrCat(Quoted(text), " is not a whole number from ", least, " on");
  };
  return {mistake, ""};
}

}  // namespace coalition::cli
