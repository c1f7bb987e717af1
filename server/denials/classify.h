// What of a commit is journalled. Every function is thread-safe and without state.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "coalition/storage/v1/denial.pb.h"
#include "server/ledger/keys.h"
#include "server/store/store.h"

namespace coalition::denials {

// All rows of governance lie under it, and others.
inline constexpr std::string_view kGovernancePrefix = "m/";

// Whether it is a key of what decides who may see what: members with their standing and credentials, groups,
// platforms, policies, members' own policies, proposals, approvals, epochs. Not of audiences that a member
// keeps, whose versions never change, nor of events, which are told afterwards.
bool IsGovernance(std::string_view key);
// Whether it is a key of a row that is journalled as it is written: of governance, or that says of an entry
// of the ledger that its contents were erased.
bool IsJournalled(std::string_view key);
// All of these keys begin with one of them.
inline constexpr std::array<std::string_view, 2> kJournalledPrefixes = {kGovernancePrefix,
                                                                        ledger::kErasedPrefix};

// The value of a key before the commit. nullopt: there was none, or it is not known.
using Before = std::function<std::optional<std::string_view>(std::string_view key)>;

// Appends what the writes of that revision deny, and the revision, if they do: each journalled row, as it is
// written; and each record that is taken back, or whose decision header changes (state, audience, label,
// expiry, contributor), in whichever direction, so that the newest entry says what holds; and each that is
// erased, also long after it was taken back. What is new denies nothing, nor does a change of a record's
// contents alone; and what has expired is gone from every copy of the store by itself. What is not known
// counts as a denial.
void AppendDenials(store::Revision revision, std::span<const store::Write> writes, const Before& before,
                   storage::v1::StoredDenials* to);

// One of those rows.
void AppendRow(store::Revision revision, const store::Write& write, storage::v1::StoredDenials* to);

inline bool IsEmpty(const storage::v1::StoredDenials& denials) {
  return denials.rows().empty() && denials.records().empty();
}

}  // namespace coalition::denials
