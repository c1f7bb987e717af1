// What a decision and a projection cost. Target: a decision takes at most 50 ns.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/policy_cases.h"
#include "common/policy/decide.h"
#include "common/policy/default_policy.h"
#include "common/policy/diff.h"
#include "common/policy/explain.h"
#include "common/policy/fields.h"
#include "common/policy/header.h"
#include "common/policy/project.h"
#include "common/policy/state.h"

namespace coalition::policy {
namespace {

constexpr uint32_t kMembers = 200;
constexpr int64_t kNow = kCaseNow;

void ParseHeader(benchmark::State& run) {
  const auto headers = TypicalHeaders();
  size_t i = 0;
  for (auto _ : run) benchmark::DoNotOptimize(HeaderView::Parse(headers[i++ % headers.size()]));
}
BENCHMARK(ParseHeader);

void DecideTypical(benchmark::State& run) {
  const State state = MakeState(kMembers);
  const auto headers = TypicalHeaders();
  std::vector<HeaderView> views;
  views.reserve(headers.size());
  for (const std::string& bytes : headers) views.push_back(*HeaderView::Parse(bytes));
  uint32_t i = 0;
  for (auto _ : run) {
    ++i;
    benchmark::DoNotOptimize(Decide(state, 1 + i * 31 % kMembers, views[i % views.size()], kNow));
  }
}
BENCHMARK(DecideTypical);

void ParseAndDecideTypical(benchmark::State& run) {
  const State state = MakeState(kMembers);
  const auto headers = TypicalHeaders();
  uint32_t i = 0;
  for (auto _ : run) {
    ++i;
    const auto view = HeaderView::Parse(headers[i % headers.size()]);
    benchmark::DoNotOptimize(Decide(state, 1 + i * 31 % kMembers, *view, kNow));
  }
}
BENCHMARK(ParseAndDecideTypical);

// A long audience, all of it walked.
void DecideLongAudience(benchmark::State& run) {
  const State state = MakeState(kMembers);
  Header header = Report();
  for (uint32_t i = 0; i < 64; ++i)
    header.grants.push_back({SubjectKind::kGroup, kViewFull, 1 + i % 20, 100});
  for (uint32_t i = 0; i < 16; ++i) header.exclusions.push_back({SubjectKind::kMember, 150 + i});
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  for (auto _ : run) benchmark::DoNotOptimize(Decide(state, 21, *view, kNow));
}
BENCHMARK(DecideLongAudience);

void DecideAfterManyChanges(benchmark::State& run) {
  const State state = MakeState(kMembers, ManyChanges());
  Header header = Report();
  header.grants = {{SubjectKind::kMember, kViewFull, kReaderDenied, 100}};
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  for (auto _ : run) benchmark::DoNotOptimize(Decide(state, kReaderDenied, *view, kNow));
}
BENCHMARK(DecideAfterManyChanges);

void ExplainAfterManyChanges(benchmark::State& run) {
  const State state = MakeState(kMembers, ManyChanges());
  Header header = Report();
  header.grants = {{SubjectKind::kMember, kViewFull, kReaderDenied, 100}};
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  for (auto _ : run) benchmark::DoNotOptimize(Explain(state, kReaderDenied, *view, kNow));
}
BENCHMARK(ExplainAfterManyChanges);

void ExplainTypical(benchmark::State& run) {
  const State state = MakeState(kMembers);
  const auto headers = TypicalHeaders();
  const auto view = HeaderView::Parse(headers[2]);
  for (auto _ : run) benchmark::DoNotOptimize(Explain(state, 9, *view, kNow));
}
BENCHMARK(ExplainTypical);

// Target: at most 50 us a record.
void WhoCanSeeOfAThousand(benchmark::State& run) {
  const State state = MakeState(1000);
  const auto headers = TypicalHeaders();
  size_t i = 0, seen = 0;
  for (auto _ : run) {
    const auto view = HeaderView::Parse(headers[i++ % headers.size()]);
    WhoCanSee(state, *view, kNow, [&](uint32_t, const Decision&) { ++seen; });
  }
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(WhoCanSeeOfAThousand);

// Of five hundred members, of which denials name fifty. Target: at most a second.
void DiffOfFiveHundred(benchmark::State& run) {
  const State state = MakeState(500);
  const v1::CoalitionPolicy before = Denying(1, 25), after = Denying(26, 25);
  for (auto _ : run) benchmark::DoNotOptimize(DiffPolicies(state, before, 1, after));
}
BENCHMARK(DiffOfFiveHundred)->Unit(benchmark::kMillisecond);

View DefaultView(v1::RecordClass record_class, ViewId id) {
  return DefaultRules().policies.back().policy->views().At(record_class, id);
}

class ShortTokens final : public ProjectionContext {
 public:
  std::string Token(std::string_view, std::string_view) const override { return "0123456789abcdef"; }
  bool CanSee(std::string_view) const override { return true; }
};

v1::Record TypicalReport() {
  v1::Record record;
  record.set_external_id("case-2026-000123");
  record.set_contributor("members/aurore");
  record.set_label(v1::LABEL_AMBER);
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-4711");
  record.mutable_create_time()->set_seconds(kNow);
  record.mutable_update_time()->set_seconds(kNow);
  record.mutable_expire_time()->set_seconds(kNow + 1);
  v1::OffenderReport& report = *record.mutable_offender_report();
  report.set_seller_display_name("Bags for less");
  report.add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  report.set_product_category("handbags");
  v1::Right& right = *report.add_rights();
  right.set_type("TRADEMARK");
  right.set_office("EUIPO");
  right.set_registration_number("018012345");
  for (int i = 0; i < 3; ++i) {
    report.add_listings()->set_url("https://bazaar.example/listing/" + std::to_string(i));
    v1::Evidence& evidence = *report.add_evidence();
    evidence.set_type("TEST_PURCHASE");
    evidence.set_hash("sha256:" + std::string(64, 'a'));
  }
  report.mutable_first_observed_time()->set_seconds(kNow - 1);
  report.set_human_reviewed(true);
  return record;
}

void ProjectReport(benchmark::State& run, View view) {
  const v1::Record record = TypicalReport();
  for (auto _ : run) {
    v1::Record out;
    Project(record, view, ShortTokens(), &out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK_CAPTURE(ProjectReport, owner, FullView(v1::RECORD_CLASS_OFFENDER_REPORT));
BENCHMARK_CAPTURE(ProjectReport, full, DefaultView(v1::RECORD_CLASS_OFFENDER_REPORT, kViewFull));
BENCHMARK_CAPTURE(ProjectReport, notice, DefaultView(v1::RECORD_CLASS_OFFENDER_REPORT, kViewNotice));

// For comparison: what copying the record costs.
void CopyReport(benchmark::State& run) {
  const v1::Record record = TypicalReport();
  for (auto _ : run) {
    v1::Record out = record;
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(CopyReport);

}  // namespace
}  // namespace coalition::policy

BENCHMARK_MAIN();
