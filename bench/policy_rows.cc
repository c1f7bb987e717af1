// The policy room alone, in this process: neither store nor server.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/cpu_time.h"
#include "bench/policy_cases.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/policy/decide.h"
#include "common/policy/diff.h"

namespace coalition::bench {
namespace {

constexpr uint32_t kMembers = 1000;
constexpr uint32_t kRecords = 100'000;

// The compiler must take `value` for used.
template <class T>
void Use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// CPU time of `work`, in nanoseconds for each of `times`.
template <class Work>
double Nanoseconds(double times, Work work) {
  const double start = ThreadCpuSeconds();
  work();
  return (ThreadCpuSeconds() - start) * 1e9 / times;
}

// Headers of different records, one behind the other in memory. In a scan a value has been copied out of its
// block and its checksum taken just before: the processor has it at hand, and what is new are the records.
class Headers {
 public:
  explicit Headers(const std::vector<uint32_t>& contributors) {
    for (const std::string& header : policy::ManyHeaders(kRecords, contributors)) bytes_ += header;
  }

  template <class Visit>
  void ForEach(Visit visit) const {
    for (std::string_view rest = bytes_; !rest.empty();) {
      const auto header = policy::HeaderView::Parse(rest);
      if (!header) return;
      visit(*header);
      rest.remove_prefix(header->size());
    }
  }

 private:
  std::string bytes_;
};

// As a decision does: every field, every grant and exclusion, and nothing looked up.
uint64_t ReadHeader(const policy::HeaderView& header) {
  uint64_t sum = header.made() + header.contributor() + header.platform() +
                 static_cast<uint64_t>(header.record_class()) + static_cast<uint64_t>(header.label()) +
                 (header.LiveAt(policy::kCaseNow) ? 1 : 0);
  for (int i = 0; i < header.grants_size(); ++i) {
    const policy::HeaderGrant grant = header.grant(i);
    sum += static_cast<uint64_t>(grant.kind) + grant.view + grant.id + grant.attached;
  }
  for (int i = 0; i < header.exclusions_size(); ++i) sum += header.exclusion(i).id;
  return sum;
}

double DecisionNs(const policy::State& state, const Headers& headers, const std::vector<uint32_t>& readers) {
  const auto times = static_cast<double>(readers.size()) * kRecords;
  return Nanoseconds(times, [&] {
    for (const uint32_t reader : readers) {
      headers.ForEach([&](const policy::HeaderView& header) {
        Use(policy::Decide(state, reader, header, policy::kCaseNow));
      });
    }
  });
}

double ReadNs(const Headers& headers, size_t times) {
  return Nanoseconds(static_cast<double>(times) * kRecords, [&] {
    for (size_t i = 0; i < times; ++i) {
      headers.ForEach([&](const policy::HeaderView& header) { Use(ReadHeader(header)); });
    }
  });
}

std::vector<uint32_t> Numbers(uint32_t first, uint32_t last) {
  std::vector<uint32_t> numbers;
  for (uint32_t number = first; number <= last; ++number) numbers.push_back(number);
  return numbers;
}

}  // namespace

Rows PolicyDecide(Workspace& /*workspace*/, const Settings& settings) {
  const policy::State state = policy::MakeState(kMembers);
  const policy::State changed = policy::MakeState(kMembers, policy::ManyChanges());
  const Headers headers(Numbers(1, kMembers)), bound({policy::kContributorBound});
  // Of every kind, one of them the host.
  const std::vector<uint32_t> readers = Numbers(2, 8);
  const std::vector<uint32_t> denied(readers.size(), policy::kReaderDenied);
  std::vector<double> measured, baseline, after_changes;
  for (int round = 0; round < settings.rounds; ++round) {
    measured.push_back(DecisionNs(state, headers, readers));
    baseline.push_back(ReadNs(headers, readers.size()));
    after_changes.push_back(DecisionNs(changed, bound, denied));
  }
  const double value = Median(measured);
  return std::vector<Row>{
      {.name = "policy_decide",
       .measured = FormatRate(measured, " ns"),
       .baseline = FormatRate(baseline, " ns"),
       .ratio = MedianRatio(measured, baseline),
       .target = "<= 50 ns",
       .ok = value <= 50,
       .note = "CPU time of a decision with its header's parsing, 100,000 records' headers in the order of "
               "memory, 1,000 members, 7 readers of all kinds in turn, the built-in policy; "
               "baseline: the same headers parsed and every field read; after 20 versions of the policy "
               "with 3 denials of the reader and 3 versions of the contributor's own " +
               FormatRate(after_changes, " ns"),
       .measured_value = value,
       .baseline_value = Median(baseline)}};
}

Rows WhoCanSee(Workspace& /*workspace*/, const Settings& settings) {
  constexpr uint32_t kAsked = 2000;
  const policy::State state = policy::MakeState(kMembers);
  const std::vector<std::string> headers = policy::ManyHeaders(kAsked, Numbers(1, kMembers));
  uint64_t seen = 0, decided = 0;
  std::vector<double> measured, baseline;
  for (int round = 0; round < settings.rounds; ++round) {
    measured.push_back(Nanoseconds(kAsked * 1e3, [&] {
      for (const std::string& header : headers) {
        policy::WhoCanSee(state, *policy::HeaderView::Parse(header), policy::kCaseNow,
                          [&](uint32_t, const policy::Decision&) { ++seen; });
      }
    }));
    baseline.push_back(Nanoseconds(kAsked * 1e3, [&] {
      for (const std::string& header : headers) {
        const auto view = policy::HeaderView::Parse(header);
        for (const policy::MemberState& member : state.members()) {
          const auto decision = policy::Decide(state, member.number, *view, policy::kCaseNow);
          decided += decision.visible() && !decision.owner ? 1 : 0;
        }
      }
    }));
  }
  if (seen != decided) return absl::DataLossError("who-can-see and decisions differ");
  const double value = Median(measured);
  return std::vector<Row>{{.name = "who_can_see",
                           .measured = FormatRate(measured, " us"),
                           .baseline = FormatRate(baseline, " us"),
                           .ratio = MedianRatio(measured, baseline),
                           .target = "<= 50 us",
                           .ok = value <= 50,
                           .note = "who of 1,000 members sees a record, mean of 2,000 records (seen by " +
                                   FormatNumber(static_cast<double>(seen) / kAsked / settings.rounds) +
                                   " on average); baseline: a thousand decisions, one for each member",
                           .measured_value = value,
                           .baseline_value = Median(baseline)}};
}

Rows PolicyDiff(Workspace& /*workspace*/, const Settings& settings) {
  const policy::State state = policy::MakeState(500);
  const v1::CoalitionPolicy before = policy::Denying(1, 25), after = policy::Denying(26, 25);
  size_t changes = 0;
  std::vector<double> measured, baseline;
  for (int round = 0; round < settings.rounds; ++round) {
    measured.push_back(Nanoseconds(
        1e6, [&] { changes = policy::DiffPolicies(state, before, 1, after).access_changes.size(); }));
    baseline.push_back(Nanoseconds(1e6, [&] {
      policy::ViewNames names;
      Use(policy::CompiledPolicy(before, &names));
      Use(policy::CompiledPolicy(after, &names));
    }));
  }
  if (changes == 0) return absl::DataLossError("two different policies do not differ");
  const double value = Median(measured);
  return std::vector<Row>{
      {.name = "policy_diff",
       .measured = FormatRate(measured, " ms"),
       .baseline = FormatRate(baseline, " ms"),
       .ratio = MedianRatio(measured, baseline),
       .target = "<= 1,000 ms",
       .ok = value <= 1000,
       .note = "DiffPolicies of two policies with 25 denials each, none of them the same, 500 members (" +
               std::to_string(changes) +
               " changes); which records it touches is not counted; baseline: both policies compiled",
       .measured_value = value,
       .baseline_value = Median(baseline)}};
}

}  // namespace coalition::bench
