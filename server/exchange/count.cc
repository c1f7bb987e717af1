#include "server/exchange/count.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "common/ids.h"
#include "server/exchange/access.h"
#include "server/exchange/row_source.h"

namespace coalition::exchange {
namespace {

constexpr int kCountedRecordsMax = 10'000;

// The header of a record like it that is made, and granted, at `revision`.
std::string MadeAt(const policy::HeaderView& header, store::Revision revision) {
  policy::Header anew = header.ToHeader();
  anew.made = revision;
  for (policy::HeaderGrant& grant : anew.grants) grant.attached = revision;
  return policy::EncodeHeader(anew);
}

// Calls `count` for the newest records of the asker's member, as many as one question may be about.
absl::Status EachOwnRecord(const Reader& reader, absl::FunctionRef<void(const SeenRecord&)> count,
                           int64_t* looked_at, bool* truncated) {
  const Asker& asker = reader.asker();
  const auto rows = IndexRows(reader.store(), reader.at(), OwnerPrefix(asker.member), std::nullopt);
  for (*looked_at = 0;;) {
    auto row = rows->Next();
    if (!row.ok()) return row.status();
    if (!row->has_value()) return absl::OkStatus();
    if (*looked_at == kCountedRecordsMax) {
      *truncated = true;
      return absl::OkStatus();
    }
    if (absl::Status watched = asker.Look(); !watched.ok()) return watched;
    const auto seen = reader.FindByKey(std::move((*row)->record_key));
    if (!seen.ok()) return seen.status();
    if (!seen->has_value()) continue;
    ++*looked_at;
    count(**seen);
  }
}

// What one member would see: how many records, and through which views.
struct Seen {
  int64_t records = 0;
  std::map<std::string, int64_t> views;

  void Add(const policy::Decision& decision, const policy::ViewNames& names) {
    ++records;
    for (const std::string_view view : names.NamesOf(decision.view_ids)) ++views[std::string(view)];
  }
  void WriteTo(v1::ImpactCount* count) const {
    count->set_records(records);
    for (const auto& [view, number] : views) {
      v1::ViewCount& shown = *count->add_views();
      shown.set_view(view);
      shown.set_records(number);
    }
    std::stable_sort(count->mutable_views()->begin(), count->mutable_views()->end(),
                     [](const auto& a, const auto& b) { return a.records() > b.records(); });
  }
};

void CountAffectedRecord(const Asker& asker, const policy::State& before, const policy::State& after,
                         const policy::HeaderView& header, v1::OwnRecordCounts* counts) {
  // As if its contributor had accepted all: made in the next moment.
  const std::string bytes = MadeAt(header, policy::kStill - 1);
  const auto anew = policy::HeaderView::Parse(bytes);
  bool narrowed = false, widened = false, if_accepted = false;
  for (const policy::MemberState& member : before.members()) {
    if (member.number == asker.member || header.grants_size() == 0) continue;
    const policy::View was = policy::Decide(before, member.number, header, asker.now_s).view;
    const policy::View is = policy::Decide(after, member.number, header, asker.now_s).view;
    narrowed = narrowed || policy::Meet(was, is) != was;
    widened = widened || policy::Meet(was, is) != is;
    const policy::View was_anew = policy::Decide(before, member.number, *anew, asker.now_s).view;
    const policy::View is_anew = policy::Decide(after, member.number, *anew, asker.now_s).view;
    if_accepted = if_accepted || policy::Meet(was_anew, is_anew) != is_anew;
    if (narrowed && widened && if_accepted) break;
  }
  if (narrowed) counts->set_narrowed(counts->narrowed() + 1);
  if (widened) counts->set_widened(counts->widened() + 1);
  if (if_accepted) counts->set_widened_if_accepted(counts->widened_if_accepted() + 1);
}

}  // namespace

absl::Status CountAffectedRecords(const Reader& reader, const policy::State& before,
                                  const policy::State& after, v1::OwnRecordCounts* counts) {
  int64_t looked_at = 0;
  bool truncated = false;
  absl::Status status = EachOwnRecord(
      reader,
      [&](const SeenRecord& record) {
        CountAffectedRecord(reader.asker(), before, after, record.stored.header, counts);
      },
      &looked_at, &truncated);
  counts->set_looked_at(looked_at);
  counts->set_truncated(truncated);
  return status;
}

absl::Status CountImpactOnRecords(const Reader& reader, const policy::State& before,
                                  const policy::State& after, const std::vector<uint32_t>& gainers,
                                  store::Revision made_after, v1::ProposalImpact* impact) {
  const Asker& asker = reader.asker();
  std::vector<Seen> existing(gainers.size()), future(gainers.size());
  int64_t looked_at = 0;
  bool truncated = false;
  const auto count = [&](const SeenRecord& record) {
    const policy::HeaderView& header = record.stored.header;
    const std::string bytes = MadeAt(header, made_after);
    const auto anew = policy::HeaderView::Parse(bytes);
    for (size_t i = 0; i < gainers.size(); ++i) {
      if (gainers[i] == asker.member) continue;
      const policy::Decision is = policy::Decide(after, gainers[i], header, asker.now_s);
      const policy::Decision was = policy::Decide(before, gainers[i], header, asker.now_s);
      if (is.visible() && policy::Meet(was.view, is.view) != is.view) existing[i].Add(is, after.view_names());
      const policy::Decision later = policy::Decide(after, gainers[i], *anew, asker.now_s);
      if (later.visible()) future[i].Add(later, after.view_names());
    }
  };
  if (absl::Status status = EachOwnRecord(reader, count, &looked_at, &truncated); !status.ok()) return status;
  impact->set_looked_at(looked_at);
  impact->set_truncated(truncated);
  for (size_t i = 0; i < gainers.size(); ++i) {
    v1::MemberImpact& member = *impact->add_gains();
    member.set_member(FormatMemberName(after.member(gainers[i])->id));
    existing[i].WriteTo(member.mutable_existing());
    future[i].WriteTo(member.mutable_future());
  }
  return absl::OkStatus();
}

}  // namespace coalition::exchange
