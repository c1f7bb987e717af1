// What is lost with records that are taken back.
#pragma once

#include <string>
#include <vector>

#include "coalition/v1/record.pb.h"

namespace coalition::cli {

// In lines below one that says what is done: what the record is, with whom it is shared, and what goes with
// it.
std::vector<std::string> LostWith(const v1::Record& record);

// One of many, in one such line; and the lines below all of them.
std::string LossLine(const v1::Record& record);
std::vector<std::string> LostWithAny();

}  // namespace coalition::cli
