// The policy of a coalition that has not written its own.
#pragma once

#include <string_view>

#include "coalition/v1/policy.pb.h"

namespace coalition::policy {

// Brands, payment firms, carriers, authorities and agencies see what they are granted; a marketplace that
// hosts the seller sees of reports and opinions only what it needs to act; observers see notices; the
// secretariat sees nothing. As text (default_policy.cc), and as the message. The same object for the life of
// the process.
std::string_view DefaultPolicyText();
const v1::CoalitionPolicy& DefaultPolicy();

}  // namespace coalition::policy
