// Decisions on stored records: one rule more than policy::Decide, that of an opinion and its subject. Pure.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "common/policy/decide.h"
#include "common/policy/state.h"
#include "server/exchange/exchange.h"
#include "server/exchange/stored_record.h"

namespace coalition::exchange {

// Whom a decision is for, by which state, of records at which revision, at what time.
struct Asker {
  const policy::State& state;  // must outlive the asker
  store::Revision at = 0;
  uint32_t member = 0;
  int64_t now_s = 0;
  ReadWatch* watch = nullptr;
  // Set when a record that has expired took part; may be null.
  bool* met_expired = nullptr;

  // Before another record is looked at for the asker; not OK: no more of them.
  absl::Status Look() const { return watch == nullptr ? absl::OkStatus() : watch->Look(); }
};

// What the asker may see of a record that is no opinion.
policy::Decision Judge(const Asker& asker, const policy::HeaderView& header);

// What the asker may see of an opinion, met with what it may see of the opinion's subject (nullptr: the
// subject is not there). The opinion's author sees it whole, but for the seller: that is the subject's, and
// the author may have lost sight of it, or never have seen it.
policy::Decision JudgeOpinion(const Asker& asker, const policy::HeaderView& opinion,
                              const policy::HeaderView* subject);

// Whether the view shows platform and seller_id as they are: only then does a record answer a question about
// a seller.
bool ShowsSeller(v1::RecordClass record_class, const policy::View& view);
// Whether it shows the platform as it is.
bool ShowsPlatform(v1::RecordClass record_class, const policy::View& view);
// Whether it shows anything of the seller.
bool ShowsAnyOfSeller(v1::RecordClass record_class, const policy::View& view);
// Whether the asker is told what the opinion says: only then does it count for the asker.
bool ShowsVerdict(const policy::View& opinion_view);

// Counts opinions about one record.
struct Tally {
  bool confirmed = false;
  bool denied = false;
  void Add(v1::OpinionVerdict verdict);
  // Some confirm the record and some deny it.
  bool disputed() const { return confirmed && denied; }
};

}  // namespace coalition::exchange
