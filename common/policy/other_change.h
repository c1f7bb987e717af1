// A difference between two policies that is none of what readers see. For use within this room.
#pragma once

#include <string>

#include "coalition/v1/policy_service.pb.h"

namespace coalition::policy {

inline v1::OtherChange MakeChange(v1::Direction direction, const std::string& path, const std::string& before,
                                  const std::string& after, const std::string& sentence) {
  v1::OtherChange change;
  change.set_direction(direction);
  change.set_path(path);
  change.set_before(before);
  change.set_after(after);
  change.set_sentence(sentence);
  return change;
}

}  // namespace coalition::policy
