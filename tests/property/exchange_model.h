// A plain model of who sees what under the built-in policy. Knows no indexes, headers or views.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "coalition/config/v1/bootstrap.pb.h"
#include "tests/property/exchange_history.h"

namespace coalition::testing {

class Model {
 public:
  // Of the steps of the player's newest history that succeeded, by the answers that they were given. It was
  // played as Variant::kWhole; no policy is changed in it.
  Model(const Player& player, const std::vector<Step>& steps, const std::vector<Answer>& answers);
  // Names that the member sees, newest first.
  std::vector<std::string> Visible(const std::string& member) const;

 private:
  struct Kept {
    std::string name;
    std::string owner;
    v1::Record record;
    bool live = true;
  };
  bool Sees(const config::v1::BootstrapMember& member, size_t step) const;

  const config::v1::Bootstrap coalition_;
  std::map<size_t, Kept> kept_;
};

}  // namespace coalition::testing
