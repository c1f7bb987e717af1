// Why a member sees of a record what it sees: each clause that took part, and what would be without it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coalition/v1/exchange_service.pb.h"
#include "common/policy/decide.h"
#include "common/policy/header.h"
#include "common/policy/state.h"

namespace coalition::policy {

struct Cause {
  v1::AccessCause::Layer layer = v1::AccessCause::LAYER_UNSPECIFIED;
  // Which clause, for people and logs, as AccessCause has it: "audience grants every BRAND \"full\"",
  // "policies/1,3..4 denies no-hosts".
  std::string clause;
  std::string text;  // for people
  // The versions of the policy that have the clause, ascending: the coalition's of LAYER_CEILING and
  // LAYER_DENY, the contributor's own of LAYER_MEMBER_CEILING and LAYER_MEMBER_EXCLUSION.
  std::vector<int64_t> versions = {};
  // Whom the clause names, of grants, exclusions and denials; nullopt also where that is unknown.
  std::optional<v1::Subject> subject = std::nullopt;
  std::string view = {};     // of LAYER_GRANT
  std::string deny_id = {};  // of LAYER_DENY
  // What the member would see if this clause were gone and nothing else.
  View without = {};
};

struct Explanation {
  Decision decision;  // exactly that of Decide
  v1::Relation relation = v1::RELATION_UNSPECIFIED;
  // Most decisive first: what hides, what bounds, what shows.
  std::vector<Cause> causes;
};

// Explains Decide(state, member, header, now_s). Thread-safe; allocates, and takes a few microseconds.
// `member` must be one of the state's; of another one nothing is known and nothing is said.
Explanation Explain(const State& state, uint32_t member, const HeaderView& header, int64_t now_s);

// The same of an opinion, which is met with its subject (MeetWithSubject): `subject` is what the member sees
// of that.
Explanation ExplainOpinion(const State& state, uint32_t member, const HeaderView& opinion,
                           const Decision& subject, int64_t now_s);

// As the API says it. `with_others`: also causes beside the grants that matched, which are the contributor's
// affair.
v1::MemberAccess ToMemberAccess(const State& state, uint32_t member, v1::RecordClass record_class,
                                const Explanation& explanation, bool with_others);

}  // namespace coalition::policy
