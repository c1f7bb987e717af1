// The access rules a second time, written from the design's text to be obviously right: names, sets and
// loops over the policies as they were written; no bit planes, no tables, nothing shared with the engine but
// the types of its inputs. The engine is held against it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/policy/header.h"
#include "common/policy/state.h"

namespace coalition::reference {

// Each rule can be switched off, to show that a test would notice.
struct Guards {
  bool live = true;
  bool standing = true;
  bool ceiling = true;
  bool relation = true;  // off: everybody is OTHER
  bool exclusions = true;
  bool control_groups = true;  // off: an exclusion matches whom it names alone
  bool since_attached = true;  // off: a grant matches whoever holds what it names now
  bool since_made = true;      // off: an exclusion matches only whoever holds what it names now
  bool lost_groups = true;     // off: who lost a group with its standing has left it
  bool grant_subject = true;   // off: every grant is to everyone
  bool versions = true;        // off: of the coalition's ceilings and denials only the newest version counts
  bool view_meet = true;       // off: a granted view is what the newest version says
  bool denies = true;
  bool deny_scope = true;  // off: a denial covers every record
  bool accepts = true;     // off: nobody has accepted a later version
  bool member_ceiling = true;
  bool member_exclusions = true;
  bool suspended = true;        // off: the policy hides no records of suspended contributors
  bool member_versions = true;  // off: of a contributor's own policy only the newest version counts
};

// What a member sees: "seller.seller_id" -> "FULL", "TOKEN" or "COARSE". Hidden fields are absent; empty: the
// record is hidden.
struct Answer {
  std::map<std::string, std::string> fields;
  bool owner = false;
  std::set<std::string> views;  // names of the grants' views that took part
  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer Judge(const policy::State& state, uint32_t member, const policy::Header& header, int64_t now_s,
             const Guards& guards = {});

// Whether the grant, or an exclusion, of a record applies to the member.
bool GrantMatches(const policy::MemberState& member, const policy::HeaderGrant& grant,
                  const Guards& guards = {});
bool Excluded(const policy::State& state, const policy::MemberState& member, const policy::Header& header,
              const Guards& guards = {});

}  // namespace coalition::reference
