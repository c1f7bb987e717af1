// Members, credentials and what was done to them, as cells and sentences.
#pragma once

#include <string>
#include <vector>

#include "client/cli/output.h"
#include "coalition/v1/membership_service.pb.h"
#include "coalition/v1/proposal.pb.h"

namespace coalition::cli {

std::string StandingText(v1::Standing standing);
std::string RoleText(v1::Role role);

// member, name, kind, standing, groups, control_group. Lists inside a cell are separated by "; ".
const std::vector<std::string>& MemberColumns();
std::vector<std::string> MemberCells(const v1::Member& member);
// The same, and since when and why the standing is, and the cut-off of certificates.
Facts MemberFacts(const v1::Member& member);

// credential, roles, purpose, state, key, unconfirmed_key, previous_key, previous_key_until, revoked,
// revocation_reason. `state`: "in-use", "waits-for-confirmation" (no key before it), "revoked" or "no-key".
const std::vector<std::string>& CredentialColumns();
std::vector<std::string> CredentialCells(const v1::Credential& credential);
Facts CredentialFacts(const v1::Credential& credential);

// "3 calls and 200 streams were cut"; "nothing was under way".
std::string CutOffText(const v1::CutOff& cut_off);
Facts CutOffFacts(const v1::CutOff& cut_off);

Facts DepartureFacts(const v1::Departure& departure);

// "members/souk (souk, marketplace) is admitted into groups/watch": one sentence.
std::string ChangeText(const v1::ProposedChange& change);
// proposal, state, change, proposed_by, created, expires, approvals.
const std::vector<std::string>& ProposalColumns();
std::vector<std::string> ProposalCells(const v1::Proposal& proposal);
// All of it, the digest too.
Facts ProposalFacts(const v1::Proposal& proposal);
// What it shows of one's own records, in sentences; at least one.
std::vector<std::string> ImpactSentences(const v1::ProposalImpact& impact);

}  // namespace coalition::cli
