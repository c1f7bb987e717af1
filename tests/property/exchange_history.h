// Generated histories of an exchange: who writes what, which part of it one member must never notice, and how
// a history is played on a stage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coalition/v1/record.pb.h"
#include "tests/property/exchange_stage.h"

namespace coalition::testing {

// The member that looks: a payment firm, in the group club.
inline constexpr char kObserver[] = "paylink";
// Those that write beside it.
inline constexpr const char* kOthers[] = {"aurore", "belmont", "corsa", "bazaar", "souk"};
inline constexpr const char* kSellers[] = {"shop-1", "shop-2", "shop-3"};

// One step of a history. Names of records follow from the step's number alone, so that two histories which
// share a step share its record's name.
struct Step {
  enum class Act { kCreate, kImport, kRevise, kWithdraw, kPolicy, kOwnPolicy };
  Act act = Act::kCreate;
  std::string actor;
  v1::Record record;            // of kCreate and kImport; for kRevise the new audience
  std::optional<size_t> about;  // the step whose record is revised, withdrawn, or referred to
  uint32_t policy_bits = 0;     // of kPolicy and kOwnPolicy (exchange_policies.h)

  // What kObserver must not notice, if the exchange keeps its promises:
  // the step,
  bool hidden = false;
  // the values of fields that no view shows it (Altered has others),
  bool veiled = false;
  // and a reference to the record of a hidden step.
  std::optional<size_t> hidden_reference;

  bool makes_record() const { return act == Act::kCreate || act == Act::kImport; }
};

// Each number decides one step. Hidden steps are of others, grant the observer nothing, and say nothing about
// the observer's own records; what is not hidden does not depend on what is, unless the observer itself tries
// to.
std::vector<Step> MakeSteps(const std::vector<uint32_t>& numbers);
// The same, and every fifth step or so the coalition's policy changes, or a member's own; on a stage that
// began with PolicyOf(0). corsa's own policy is hidden: it touches those alone that neither
// write nor look.
std::vector<Step> MakeStepsWithPolicies(const std::vector<uint32_t>& numbers);

// Whether the two variants of the history differ.
bool AnythingToHide(const std::vector<Step>& steps);

// With what the observer must not notice, or without.
enum class Variant { kWhole, kPlain };

// Plays histories on one stage, one after the other.
class Player {
 public:
  explicit Player(Stage& stage) : stage_(stage) {}

  // Plays the steps; answers one for each. Those that are left out have a default answer.
  std::vector<Answer> Play(const std::vector<Step>& steps, Variant variant);
  // The name of the record that a step of the newest history makes, if it makes one. One that was not played
  // has a name too.
  std::string NameOf(size_t step) const;
  // What the step writes, in the newest history.
  v1::Record RecordOf(const std::vector<Step>& steps, size_t i, Variant variant) const;
  // A place in the random numbers that no step has.
  uint64_t seed() const { return begin_ + kStepsMax; }

 private:
  static constexpr uint64_t kStepsMax = 1'000;

  Answer PlayStep(const std::vector<Step>& steps, size_t i, Variant variant);
  Answer Revise(const Step& step, uint64_t seed);
  Answer Withdraw(const std::vector<Step>& steps, size_t i);
  Answer ApplyPolicy(const Step& step, uint64_t seed);
  Answer SetOwnPolicy(const Step& step, uint64_t seed);

  Stage& stage_;
  uint64_t begin_ = 0;  // of the newest history's random numbers
};

}  // namespace coalition::testing
