// The tests that a policy carries: each is one decision in a made-up coalition.
#pragma once

#include <string>
#include <vector>

#include "coalition/v1/policy.pb.h"

namespace coalition::policy {

struct PolicyTestResult {
  std::string name;
  bool passed = false;
  std::string message;  // what the reader sees instead; empty if it passed
};

// Runs every policy_test of a policy that CheckPolicy finds nothing wrong with, in order. Each test has a
// coalition of its own: the reader, the contributor, and whoever else is named in the test or in the policy,
// as members of a kind of which nothing is said. Named audiences are the policy's own. Thread-safe.
std::vector<PolicyTestResult> RunPolicyTests(const v1::CoalitionPolicy& policy);

}  // namespace coalition::policy
