// What a decision and a projection cost. Target: a decision takes at most 50 ns.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

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
constexpr int64_t kNow = 1'767'225'600;

// Two hundred members of all kinds, each in three of twenty groups, every tenth with a sibling under common
// control.
State MakeState(uint32_t count = kMembers, Rules rules = DefaultRules()) {
  std::vector<MemberState> members;
  for (uint32_t number = 1; number <= count; ++number) {
    MemberState member;
    member.number = number;
    member.id = "member-" + std::to_string(number);
    member.kind = static_cast<v1::MemberKind>(1 + number % 7);
    member.standing = v1::STANDING_ACTIVE;
    member.kind_held = {{1, 5}, {7, kStill}};
    for (uint32_t group = 0; group < 3; ++group)
      member.groups.push_back({1 + (number + 7 * group) % 20, {{8, kStill}}});
    if (number % 10 < 2) member.control_group = "holding-" + std::to_string(number / 10);
    members.push_back(std::move(member));
  }
  std::vector<GroupState> groups;
  for (uint32_t number = 1; number <= 20; ++number)
    groups.push_back({number, "group-" + std::to_string(number), true});
  return {1,
          std::move(members),
          std::move(groups),
          {{1, "bazaar.example", {{1, {1, 90}}, {8, {90, kStill}}}}},
          std::move(rules)};
}

Header Report() {
  Header header;
  header.record_class = v1::RECORD_CLASS_OFFENDER_REPORT;
  header.label = v1::LABEL_GREEN;
  header.permitted_action = v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION;
  header.contributor = 7;
  header.platform = 1;
  header.made = 100;
  header.expire_time_s = kNow + 1;
  return header;
}

// The headers that a screening meets: to a kind, to everyone but one, to two groups and a member, and to
// nobody.
std::vector<std::string> TypicalHeaders() {
  Header kind = Report(), everyone = Report(), groups = Report();
  kind.grants = {{SubjectKind::kKind, kViewFull, 2, 100}};
  everyone.grants = {{SubjectKind::kEveryone, kViewNotice, 0, 100}};
  everyone.exclusions = {{SubjectKind::kMember, 3}};
  groups.grants = {{SubjectKind::kGroup, kViewFull, 4, 100},
                   {SubjectKind::kGroup, kViewNotice, 11, 100},
                   {SubjectKind::kMember, kViewFull, 9, 100}};
  groups.exclusions = {{SubjectKind::kKind, 7}};
  return {EncodeHeader(kind), EncodeHeader(everyone), EncodeHeader(groups), EncodeHeader(Report())};
}

void ParseHeader(benchmark::State& run) {
  const auto headers = TypicalHeaders();
  size_t i = 0;
  for (auto _ : run) benchmark::DoNotOptimize(HeaderView::Parse(headers[i++ % headers.size()]));
}
BENCHMARK(ParseHeader);

void DecideTypical(benchmark::State& run) {
  const State state = MakeState();
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
  const State state = MakeState();
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
  const State state = MakeState();
  Header header = Report();
  for (uint32_t i = 0; i < 64; ++i)
    header.grants.push_back({SubjectKind::kGroup, kViewFull, 1 + i % 20, 100});
  for (uint32_t i = 0; i < 16; ++i) header.exclusions.push_back({SubjectKind::kMember, 150 + i});
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  for (auto _ : run) benchmark::DoNotOptimize(Decide(state, 21, *view, kNow));
}
BENCHMARK(DecideLongAudience);

v1::CoalitionPolicy Denying(uint32_t first, uint32_t count) {
  v1::CoalitionPolicy policy = DefaultPolicy();
  for (uint32_t i = 0; i < count; ++i) {
    v1::Deny& deny = *policy.add_denies();
    deny.set_id("deny-" + std::to_string(i));
    deny.mutable_subject()->set_member("members/member-" + std::to_string(first + i));
    deny.add_labels(static_cast<v1::Label>(1 + i % 3));
  }
  return policy;
}

// Twenty versions of the policy, of which the last three name the reader; three of the contributor's own.
Rules ManyChanges() {
  Rules rules = DefaultRules();
  for (uint32_t i = 2; i <= 20; ++i) {
    v1::CoalitionPolicy policy = Denying(21, i > 17 ? 3 : 0);
    for (v1::Deny& deny : *policy.mutable_denies()) deny.mutable_subject()->set_member("members/member-21");
    policy.mutable_ceilings()->DeleteSubrange(static_cast<int>(i % 4), 1);
    auto compiled = std::make_shared<const CompiledPolicy>(policy, &rules.view_names);
    rules.policies.push_back({i, i, 10 * i, std::move(compiled)});
  }
  for (uint32_t i = 1; i <= 3; ++i) {
    v1::MemberPolicy own;
    *own.mutable_ceilings() = DefaultPolicy().ceilings();
    own.add_exclusions()->set_member("members/member-" + std::to_string(30 + i));
    own.set_version(i);
    rules.member_policies.push_back({7, 50 * i, own});
  }
  return rules;
}

void DecideAfterManyChanges(benchmark::State& run) {
  const State state = MakeState(kMembers, ManyChanges());
  Header header = Report();
  header.grants = {{SubjectKind::kMember, kViewFull, 21, 100}};
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  for (auto _ : run) benchmark::DoNotOptimize(Decide(state, 21, *view, kNow));
}
BENCHMARK(DecideAfterManyChanges);

void ExplainAfterManyChanges(benchmark::State& run) {
  const State state = MakeState(kMembers, ManyChanges());
  Header header = Report();
  header.grants = {{SubjectKind::kMember, kViewFull, 21, 100}};
  const std::string bytes = EncodeHeader(header);
  const auto view = HeaderView::Parse(bytes);
  for (auto _ : run) benchmark::DoNotOptimize(Explain(state, 21, *view, kNow));
}
BENCHMARK(ExplainAfterManyChanges);

void ExplainTypical(benchmark::State& run) {
  const State state = MakeState();
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
