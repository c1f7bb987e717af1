#include "client/cli/verb.h"

#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace coalition::cli {

VerbOption& VerbOption::Required(bool required) {
  option_->required(required);
  return *this;
}

VerbOption& VerbOption::OnePerFlag() {
  option_->allow_extra_args(false);
  return *this;
}

// CLI11's own checks name the largest number there is, and let pass what is larger.
VerbOption& VerbOption::AtLeast(int64_t least) {
  const auto mistake = [least](const std::string& text) {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= least) return std::string();
    return absl::StrCat(Quoted(text), " is not a whole number from ", least, " on");
  };
  option_->check(mistake);
  return *this;
}

VerbOption& VerbOption::Between(int64_t least, int64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

VerbOption& VerbOption::Among(std::vector<std::string> values) {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

VerbOption& VerbOption::Given(bool* given) {
  option_->each([given](const std::string&) { *given = true; });
  return *this;
}

VerbOption Verb::AddOption(const std::string& name, std::string& value, const std::string& help) const {
  return VerbOption(app_->add_option(name, value, help));
}
VerbOption Verb::AddOption(const std::string& name, std::vector<std::string>& value,
                           const std::string& help) const {
  return VerbOption(app_->add_option(name, value, help));
}
VerbOption Verb::AddOption(const std::string& name, int& value, const std::string& help) const {
  return VerbOption(app_->add_option(name, value, help));
}
VerbOption Verb::AddOption(const std::string& name, int64_t& value, const std::string& help) const {
  return VerbOption(app_->add_option(name, value, help));
}
VerbOption Verb::AddOption(const std::string& name, std::optional<int64_t>& value,
                           const std::string& help) const {
  return VerbOption(app_->add_option(name, value, help));
}
VerbOption Verb::AddOption(const std::string& name, size_t& value, const std::string& help) const {
  return VerbOption(app_->add_option(name, value, help));
}
void Verb::AddFlag(const std::string& name, bool& value, const std::string& help) const {
  app_->add_flag(name, value, help);
}

}  // namespace coalition::cli
