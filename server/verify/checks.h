// What is checked of a store's rows. Each reads all rows of some kinds, and what belongs to them, and adds
// what is wrong to the findings.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/keyed_hash.h"
#include "server/contents/contents.h"
#include "server/ledger/entry_keys.h"
#include "server/membership/stored_state.h"
#include "server/verify/rows.h"

namespace coalition::verify {

// Who is in the coalition.
class Known {
 public:
  // nullopt: that can't be read, and all names are taken for known.
  explicit Known(std::optional<membership::StoredState> state) : state_(std::move(state)) {}
  bool IsMember(uint64_t number) const { return Has(number, &membership::StoredState::members); }
  bool IsGroup(uint64_t number) const { return Has(number, &membership::StoredState::groups); }
  // nullptr: it is not known, or nobody is.
  const storage::v1::StoredMember* Member(uint32_t number) const {
    return state_ && number != 0 && IsMember(number) ? &state_->members[number - 1] : nullptr;
  }
  const storage::v1::StoredPlatform* Platform(uint32_t number) const {
    return state_ && number != 0 && number <= state_->platforms.size() ? &state_->platforms[number - 1]
                                                                       : nullptr;
  }
  // members/{member}/credentials/{credential}
  bool IsCredentialName(const std::string& name) const;
  const std::optional<membership::StoredState>& state() const { return state_; }

 private:
  template <class List>
  bool Has(uint64_t number, List membership::StoredState::*list) const {
    return !state_ || (number != 0 && number <= ((*state_).*list).size());
  }

  const std::optional<membership::StoredState> state_;
};

struct Counts {
  uint64_t records = 0;
  uint64_t entries = 0;
  uint64_t ticks = 0;
};

// m/…: that the coalition is whole, and that each row is under the key that it says.
Known CheckCoalition(Rows& rows);

// r: that each record agrees with itself, can be read and has every row by which it is found. `seller_hash`:
// nullptr, which sellers are present is not checked.
void CheckRecords(Rows& rows, const Known& known, const contents::ContentKeys& contents,
                  const KeyedHash* seller_hash, Counts* counts);
// a b e i o x: that each of them is a record's, in its place.
void CheckIndexes(Rows& rows, const Known& known, const contents::ContentKeys& contents);
// c d h p q t z: what is remembered of records that are gone, of requests and of departures; and that the
// keys of what is erased are destroyed, or noted as to be.
void CheckMemory(Rows& rows, const Known& known, const contents::ContentKeys& contents);
// k: that each is one that the exchange writes, or one of `beside`, and has the value that it can have.
void CheckFacts(Rows& rows, std::span<const std::string> beside);
// u: who was shown what.
void CheckShown(Rows& rows, const Known& known);

// l e, l t, l b, l h, l f: that the entries say what they are committed to and lead to the ticks, and these
// to the tiles and to the checkpoint; and that each party is led to what it may open.
void CheckTicks(Rows& rows, const Known& known, const ledger::EntryKeys& entry_keys, Counts* counts);
// l p: that no party is led to more.
void CheckParties(Rows& rows);
// l c, l d, l r, l z: what is noted beside them; and that keys which were destroyed are.
void CheckLedgerNotes(Rows& rows, const ledger::EntryKeys& entry_keys);

// Of a row that says so.
inline constexpr char kKeyIsThere[] =
    "is erased, and its key is there: a file of keys from before was put back, or a crash came in between; "
    "the next start destroys it";

// That there is no row of another kind.
void CheckKinds(Rows& rows);

}  // namespace coalition::verify
