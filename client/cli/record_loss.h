// What is lost with a record that is taken back.
#pragma once

#include <string>
#include <vector>

#include "coalition/v1/record.pb.h"

namespace coalition::cli {

// In lines below one that says what is done: what the record is, with whom it is shared, and what goes with
// it.
std::vector<std::string> LostWith(const v1::Record& record);

}  // namespace coalition::cli
