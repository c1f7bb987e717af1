// Listing in this process: what deciding adds to it.
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/cpu_time.h"
#include "bench/engine.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/textproto.h"
#include "server/exchange/reader.h"
#include "server/exchange/row_source.h"

namespace coalition::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kPageSize = 1000;
constexpr int kPagesOfRound = 21;
constexpr size_t kPageBytesMax = size_t{1} << 20;  // of Exchange::List

// Granted to marketplaces, everyone, bazaar and a group that bazaar is in, a quarter each.
Messages GrantedMessages(uint64_t records) {
  Messages messages = MakeMessages(records);
  uint64_t i = 0;
  for (v1::ImportRecordsRequest& message : messages) {
    for (v1::ImportItem& item : *message.mutable_items()) {
      if (i++ % 4 != 3) continue;
      item.mutable_record()->set_label(v1::LABEL_AMBER);
      item.mutable_record()->mutable_audience()->mutable_grants(0)->mutable_subject()->set_group(
          "groups/group-2");
    }
  }
  return messages;
}

// An engine with the records in tables, as after a restart.
absl::StatusOr<std::unique_ptr<Engine>> OpenFilled(const Workspace& workspace, uint64_t records) {
  config::v1::Bootstrap bootstrap;
  if (absl::Status read = ReadTextproto(workspace.large_bootstrap_file(), &bootstrap); !read.ok())
    return read;
  const fs::path dir = workspace.temporary_dir() / "list";
  auto engine = Engine::Open(dir, bootstrap, nullptr);
  if (!engine.ok()) return engine.status();
  if (const auto imported = (*engine)->Import(GrantedMessages(records)); !imported.ok())
    return imported.status();
  engine->reset();
  return Engine::Open(dir, bootstrap, nullptr);
}

// One caller's listing from the newest record on, page by page.
class Listing {
 public:
  Listing(Engine& engine, const exchange::CallContext& context) : engine_(engine), context_(context) {
    request_.set_page_size(kPageSize);
  }

  // The next page, serialised; from the first again behind the last.
  absl::StatusOr<std::string> Next() {
    v1::ListRecordsResponse response;
    ledger::Disclosure disclosure;
    if (absl::Status listed = engine_.exchange().List(context_, request_, &response, &disclosure);
        !listed.ok())
      return listed;
    request_.set_page_token(response.next_page_token());
    response.clear_next_page_token();
    return response.SerializeAsString();
  }

 private:
  Engine& engine_;
  const exchange::CallContext& context_;
  v1::ListRecordsRequest request_;
};

// Where a listing that decides nothing finds its rows.
enum class Source {
  kOneIndex,    // that of their contributor, as if there were no audiences
  kByAudience,  // the indexes that the caller's own listing merges
};

// Lists as Listing does, but what is shown is fixed beforehand: every record by the view "notice". Reads,
// parsing, projection, etag and disclosure are the same.
class ListingUndecided {
 public:
  ListingUndecided(Engine& engine, const exchange::CallContext& context, Source source)
      : engine_(engine), context_(context), source_(source) {
    const policy::State& state = context.snapshot->policy_state();
    shown_.view =
        state.newest_policy().policy->views().At(v1::RECORD_CLASS_OFFENDER_REPORT, policy::kViewNotice);
    shown_.view_ids = policy::SetOf(policy::kViewNotice);
  }

  absl::StatusOr<std::string> Next() {
    const exchange::Reader reader(engine_.store(), engine_.keys(),
                                  {.state = context_.snapshot->policy_state(),
                                   .at = context_.at,
                                   .member = context_.caller.member_number,
                                   .now_s = context_.now_s()});
    const auto rows = RowsFor(reader);
    v1::ListRecordsResponse response;
    ledger::Disclosure disclosure;
    size_t bytes = 0;
    for (;;) {
      auto row = rows->Next();
      if (!row.ok()) return row.status();
      if (!row->has_value()) after_.reset();
      if (!row->has_value() || response.records_size() == kPageSize) return response.SerializeAsString();
      after_ = (*row)->position;
      v1::Record record;
      const absl::Status shown = Show(reader, std::move((*row)->record_key), &record, &disclosure);
      if (!shown.ok()) return shown;
      bytes += record.ByteSizeLong();
      if (bytes > kPageBytesMax) return absl::InternalError("a page has too many bytes");
      *response.add_records() = std::move(record);
    }
  }

 private:
  std::unique_ptr<exchange::RowSource> RowsFor(const exchange::Reader& reader) const {
    const policy::State& state = context_.snapshot->policy_state();
    const policy::MemberState& member = *state.member(context_.caller.member_number);
    std::vector<std::unique_ptr<exchange::RowSource>> sources;
    const auto add = [&](std::string prefix) {
      sources.push_back(exchange::IndexRows(reader.store(), reader.at(), std::move(prefix), after_));
    };
    if (source_ == Source::kOneIndex) {
      add(exchange::OwnerPrefix(state.FindMember("aurore")->number));
      return std::move(sources[0]);
    }
    add(exchange::OwnerPrefix(member.number));
    add(exchange::AudiencePrefix(policy::SubjectKind::kMember, member.number));
    for (const policy::GroupHeld& group : member.groups)
      add(exchange::AudiencePrefix(policy::SubjectKind::kGroup, group.group));
    add(exchange::AudiencePrefix(policy::SubjectKind::kKind, static_cast<uint32_t>(member.kind)));
    add(exchange::AudiencePrefix(policy::SubjectKind::kEveryone, 0));
    return exchange::MergedRows(std::move(sources));
  }

  absl::Status Show(const exchange::Reader& reader, std::string key, v1::Record* out,
                    ledger::Disclosure* disclosure) const {
    auto read = reader.store().Read({&key, 1}, reader.at());
    if (!read.ok()) return read.status();
    const auto id = exchange::IdOfRecordKey(key);
    if (!id || !(*read)[0].has_value()) return absl::DataLossError("an index names no record");
    auto value = std::make_unique<const std::string>(std::move((*read)[0]->value));
    const auto stored = exchange::ParseStoredRecord(*value);
    if (!stored) return absl::DataLossError("a record does not parse");
    const exchange::SeenRecord seen{
        *id, std::move(key), (*read)[0]->revision, std::move(value), *stored, shown_, {}};
    return reader.Show(seen, out, disclosure);
  }

  Engine& engine_;
  const exchange::CallContext& context_;
  const Source source_;
  policy::Decision shown_;
  std::optional<exchange::Position> after_;
};

// Thread CPU time, in microseconds a record, of one page listed in three ways.
struct ListCosts {
  double decided = 0, one_index = 0, by_audience = 0;
};

class Comparison {
 public:
  Comparison(Engine& engine, const exchange::CallContext& context)
      : decided_(engine, context),
        one_index_(engine, context, Source::kOneIndex),
        by_audience_(engine, context, Source::kByAudience) {}

  // An error also when two pages are not the same bytes.
  absl::StatusOr<ListCosts> NextPage() {
    ListCosts costs;
    std::array<std::string, 3> pages;
    absl::Status status;
    // Each is the first to touch a page as often as the others.
    for (int i = 0; i < 3; ++i) {
      const int turn = (turn_ + i) % 3;
      if (turn == 0) status.Update(Page(decided_, &costs.decided, &pages[0]));
      if (turn == 1) status.Update(Page(one_index_, &costs.one_index, &pages[1]));
      if (turn == 2) status.Update(Page(by_audience_, &costs.by_audience, &pages[2]));
    }
    turn_ = (turn_ + 1) % 3;
    if (!status.ok()) return status;
    if (pages[0] != pages[1] || pages[0] != pages[2])
      return absl::DataLossError("the listings show different pages");
    bytes_ = pages[0].size();
    return costs;
  }

  size_t page_bytes() const { return bytes_; }

 private:
  template <class Of>
  static absl::Status Page(Of& listing, double* us, std::string* page) {
    const double start = ThreadCpuSeconds();
    auto listed = listing.Next();
    *us = (ThreadCpuSeconds() - start) * 1e6 / kPageSize;
    if (!listed.ok()) return listed.status();
    *page = *std::move(listed);
    return absl::OkStatus();
  }

  Listing decided_;
  ListingUndecided one_index_, by_audience_;
  int turn_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

Rows ListOverhead(Workspace& workspace, const Settings& settings) {
  const auto engine = OpenFilled(workspace, settings.records_small);
  if (!engine.ok()) return engine.status();
  const auto context = (*engine)->Context("bazaar", "reader");
  if (!context.ok()) return context.status();
  Comparison comparison(**engine, *context);
  if (const auto warm = comparison.NextPage(); !warm.ok()) return warm.status();
  std::vector<double> measured, one_index, by_audience;
  for (int page = 0; page < settings.rounds * kPagesOfRound; ++page) {
    const auto costs = comparison.NextPage();
    if (!costs.ok()) return costs.status();
    measured.push_back(costs->decided);
    one_index.push_back(costs->one_index);
    by_audience.push_back(costs->by_audience);
  }
  const double ratio = MedianRatio(measured, one_index);
  return std::vector<Row>{
      {.name = "list_overhead",
       .measured = FormatRate(measured, " us"),
       .baseline = FormatRate(one_index, " us"),
       .ratio = ratio,
       .target = "<= 1.05",
       .ok = ratio <= 1.05,
       .note = "CPU time of Exchange::List and serialising, for each record of pages of " +
               std::to_string(kPageSize) + " (" + std::to_string(comparison.page_bytes()) + " bytes), " +
               FormatNumber(static_cast<double>(settings.records_small)) +
               " records, a quarter each granted to a kind, everyone, a member and a group, 1,000 members; "
               "baseline: the same records from one index, shown by a fixed view, the same bytes; against "
               "the same merged indexes without decisions the ratio is " +
               FormatNumber(MedianRatio(measured, by_audience)),
       .measured_value = Median(measured),
       .baseline_value = Median(one_index)}};
}

}  // namespace coalition::bench
