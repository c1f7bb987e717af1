// The coalitions that the benchmark's servers are started with, as bootstrap files.
#pragma once

#include <string>

#include "tests/support/certificates.h"

namespace coalition::bench {

struct Credentials {
  testing::Identity reader;         // members/bazaar/credentials/reader
  testing::Identity contributor;    // members/aurore/credentials/contributor
  testing::Identity administrator;  // members/council/credentials/administrator, of the large coalition alone
};

inline constexpr int kLargeCoalition = 1000;

// Three members, the built-in policy.
std::string SmallBootstrap(const Credentials& credentials);
// kLargeCoalition members, each in three of twenty groups: those three, the council, and member-5 and so on.
// The policy is the built-in one, but a widening needs nobody's approval.
std::string LargeBootstrap(const Credentials& credentials);

}  // namespace coalition::bench
