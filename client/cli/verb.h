// A verb of the command line and its flags, parsed by CLI11.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// All of CLI11 is inline code: verb.cc and app.cc alone include it, so that it is compiled twice and not with
// every verb.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace coalition::cli {

// A flag with a value, or a positional argument.
class VerbOption {
 public:
  explicit VerbOption(CLI::Option* option) : option_(option) {}

  VerbOption& Required(bool required = true);
  // Of a list: one value after each flag, so that positional arguments can follow.
  VerbOption& OnePerFlag();
  // A whole number from there on, without an end.
  VerbOption& AtLeast(int64_t least);
  // A number, both included.
  VerbOption& Between(int64_t least, int64_t most);
  VerbOption& Among(std::vector<std::string> values);
  // `*given` becomes true where it is said.
  VerbOption& Given(bool* given);

 private:
  CLI::Option* option_;
};

// Refers to what an App holds. `value` is set by parsing and must live until then.
class Verb {
 public:
  Verb() = default;
  explicit Verb(CLI::App* app) : app_(app) {}

  // `name`: "-y,--yes", or "MEMBER" for a positional argument.
  VerbOption AddOption(const std::string& name, std::string& value, const std::string& help) const;
  VerbOption AddOption(const std::string& name, std::vector<std::string>& value,
                       const std::string& help) const;
  VerbOption AddOption(const std::string& name, int& value, const std::string& help) const;
  VerbOption AddOption(const std::string& name, int64_t& value, const std::string& help) const;
  VerbOption AddOption(const std::string& name, std::optional<int64_t>& value, const std::string& help) const;
  VerbOption AddOption(const std::string& name, size_t& value, const std::string& help) const;
  void AddFlag(const std::string& name, bool& value, const std::string& help) const;

  CLI::App* app() const { return app_; }

 private:
  CLI::App* app_ = nullptr;
};

}  // namespace coalition::cli
