// Checks records as they come from a contributor and brings them into the form that is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/audience.h"
#include "common/policy/header.h"
#include "common/policy/state.h"
#include "server/exchange/exchange.h"
#include "server/exchange/keys.h"

namespace coalition::exchange {

// Another record that a record names.
struct Reference {
  const char* field;  // "takedown_outcome.notice"
  RecordId target;
  // What the target must be; UNSPECIFIED: anything but an opinion.
  v1::RecordClass must_be;
};

// `attached` of a grant that gets the revision of the commit that makes it.
inline constexpr uint64_t kAttachedNow = ~uint64_t{0};

// Finds what an audience includes by name.
class AudienceFinder {
 public:
  virtual ~AudienceFinder() = default;
  // Sets `audience` and the name with the version that was found ("audiences/brands@3"). OK, INVALID_ARGUMENT
  // with a message for the field, or an error of the store.
  virtual absl::Status Find(const std::string& name, v1::Audience* audience, std::string* pinned) const = 0;
};

// Sets `whole` to what the audience says itself and all that it includes, in this order, so that the places
// of problems in what it says stay; and its includes to the names with the versions that were found.
// `problem` is told each name that there is not, by its path. LIMIT_EXCEEDED: more than `max` names; else an
// error of the store.
absl::Status AddIncluded(const AudienceFinder& finder, int max, v1::Audience* audience, v1::Audience* whole,
                         absl::FunctionRef<void(const std::string& path, const absl::Status& why)> problem);

struct CheckRules {
  const ExchangeOptions& options;
  const AudienceFinder& audiences;
  const policy::State& state;
  uint32_t member = 0;
  int64_t now_s = 0;
  // When the record was created: now, for a new one.
  int64_t created_s = 0;
  // The record as it is, for a revision: grants that stay keep their attachment, who gave its platform up may
  // still correct what it said, and limits that were lowered since do not keep it from being narrowed.
  // nullptr: a new record.
  const policy::Header* before = nullptr;
  size_t bytes_before = 0;
  // Of a revision: the longest life counts from now.
  bool new_evidence = false;
};

// Whether it is a report with evidence that has a hash, one that was not among those of `before`.
bool HasNewEvidence(const v1::Record& before, const v1::Record& after);

struct CheckedRecord {
  // Normalised, with defaults for label and permitted action, without the fields that the server sets: equal
  // contents are equal bytes.
  v1::Record contents;
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
  policy::CompiledAudience audience;
  // contents' own, or the default of the coalition's policy or the server.
  int64_t expire_time_s = 0;
  // 0: not a registered platform.
  uint32_t platform = 0;
  std::vector<Reference> references;
};

// `checked` is set only on OK. INVALID_ARGUMENT: INVALID_FIELD with every field at fault
// ("record.seller.platform"), LIMIT_EXCEEDED, LABEL_FORBIDS_AUDIENCE. PERMISSION_DENIED: PLATFORM_NOT_HELD.
// References are parsed, not resolved.
absl::Status CheckRecord(const v1::Record& record, const CheckRules& rules, CheckedRecord* checked);

}  // namespace coalition::exchange
