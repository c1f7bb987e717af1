// Generated histories of an exchange, and everything that one member can observe of one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/exchange_world.h"

namespace coalition::testing {

// The member that looks: a payment firm, in the group club.
inline constexpr char kObserver[] = "paylink";

// One step of a history. Names of records follow from the step's number alone, so that two histories which
// share a step share its record's name.
struct Step {
  enum class Act { kCreate, kRevise, kWithdraw, kPolicy, kOwnPolicy };
  Act act = Act::kCreate;
  std::string actor;
  v1::Record record;            // of kCreate; for kRevise the new audience
  std::optional<size_t> about;  // the step whose record is revised, withdrawn, or referred to
  // Not observable by kObserver, if the exchange keeps its promises.
  bool hidden = false;
  uint32_t policy_bits = 0;  // of kPolicy and kOwnPolicy (exchange_policies.h)
};

// Each number decides one step. Hidden steps are of others, grant the observer nothing, and say nothing about
// the observer's own records; what is not hidden does not depend on what is, unless the observer itself tries
// to.
std::vector<Step> MakeSteps(const std::vector<uint32_t>& numbers);
// The same, and every fifth step or so the coalition's policy changes, or a member's own; in a PolicyWorld.
std::vector<Step> MakeStepsWithPolicies(const std::vector<uint32_t>& numbers);

// The name of the record that a step makes, if it makes one.
std::string NameOfStep(size_t step);

// Runs the steps, in a world that begins with none. Without `hidden_too` hidden steps are left out. Answers
// to the observer, serialised, are appended to `answers`.
void RunSteps(World& world, const std::vector<Step>& steps, bool hidden_too,
              std::vector<std::string>* answers);

// Answers, serialised, to all that the observer asks: each record by name, listings by page size and filter,
// screenings and profiles. Page tokens count by their length. `context`: as whom, by which state of the
// coalition.
std::vector<std::string> Observe(World& world, const exchange::CallContext& context, size_t steps);

// A plain model of who sees what, from the steps that succeeded. Knows no indexes, headers or views.
class Model {
 public:
  Model(World& world, const std::vector<Step>& steps);
  // Names that the member sees, newest first.
  std::vector<std::string> Visible(const std::string& member) const;

 private:
  struct Kept {
    std::string owner;
    v1::Record record;
    bool live = true;
  };
  bool Sees(const std::string& member, size_t step) const;

  World& world_;
  std::map<size_t, Kept> kept_;
};

}  // namespace coalition::testing
