// The mirror alone: how fast it answers, and what it keeps of a seller.
#include <malloc.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "client/mirror.h"
#include "common/ids.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;
using client::Mirror;

constexpr size_t kLookups = 1'000'000;
constexpr uint64_t kEventsOfAResponse = 5'000;
// The target's 40 bytes, and the 14 of the generator's seller ids.
constexpr double kBytesMax = 54;
// As much as the mirror has, about.
constexpr size_t kReadBytes = size_t{48} << 20;

double NsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

// This process's anonymous memory, without what was given back to the allocator.
double AnonymousBytes() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  std::string field;
  while (status >> field) {
    if (field != "RssAnon:") continue;
    double kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

void SetRecord(uint64_t index, int64_t now_s, v1::Record* record) {
  SetReport(index, record);
  record->clear_audience();
  record->set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  record->set_state(v1::RECORD_STATE_ACTIVE);
  record->mutable_create_time()->set_seconds(now_s);
  std::string id;
  for (const uint64_t half : {Mix(index + 1), Mix(~index)}) {
    id.append(reinterpret_cast<const char*>(&half), sizeof(half));
  }
  record->set_name(FormatRecordName(RecordIdFromBytes(id)));
}

absl::Status Fill(uint64_t records, Mirror& mirror) {
  const int64_t now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  v1::WatchRecordsResponse response;
  for (uint64_t at = 0; at < records;) {
    response.Clear();
    for (uint64_t i = 0; i < kEventsOfAResponse && at < records; ++i, ++at) {
      SetRecord(at, now_s, response.add_events()->mutable_upsert());
    }
    response.set_cursor(std::to_string(at));
    response.set_snapshot_complete(at == records);
    if (at == records) response.mutable_complete_until()->set_seconds(now_s);
    if (absl::Status status = mirror.Apply(response); !status.ok()) return status;
  }
  return absl::OkStatus();
}

struct Question {
  v1::Seller seller;
  bool listed = false;
};

// Half of them listed, in no order that a processor could learn.
std::vector<Question> Questions(uint64_t records) {
  std::mt19937_64 random(1);
  std::vector<Question> questions(kLookups);
  for (Question& question : questions) {
    question.listed = random() % 2 == 0;
    if (question.listed) {
      SetListedSeller(random() % records, &question.seller);
    } else {
      SetUnlistedSeller(random(), &question.seller);
    }
  }
  return questions;
}

// Nanoseconds of each.
absl::StatusOr<std::vector<double>> LookUp(const Mirror& mirror, const std::vector<Question>& questions) {
  std::vector<double> took;
  took.reserve(questions.size());
  std::string platform, seller_id;
  for (const Question& question : questions) {
    // Whoever asks has just read whom it asks about.
    platform = question.seller.platform();
    seller_id = question.seller.seller_id();
    const Clock::time_point begin = Clock::now();
    const auto answer = mirror.Check(platform, seller_id);
    took.push_back(NsSince(begin));
    if (!answer.ok()) return answer.status();
    if ((answer->verdict == v1::VERDICT_LISTED) != question.listed ||
        answer->matches.empty() == question.listed)
      return absl::InternalError("the mirror's answer is wrong");
  }
  return took;
}

std::vector<double> ClockAlone() {
  std::vector<double> took(kLookups);
  for (double& one : took) {
    const Clock::time_point begin = Clock::now();
    one = NsSince(begin);
  }
  return took;
}

// One read each, anywhere in memory that no cache holds, with the clock's: no table of that size does
// without.
std::vector<double> MemoryAlone() {
  constexpr size_t kHugePageBytes = size_t{2} << 20;
  const std::unique_ptr<char, decltype(&std::free)> memory(
      static_cast<char*>(std::aligned_alloc(kHugePageBytes, kReadBytes)), &std::free);
  std::vector<double> took(kLookups);
  if (memory == nullptr) return took;
  (void)::madvise(memory.get(), kReadBytes, MADV_HUGEPAGE);
  std::memset(memory.get(), 1, kReadBytes);
  std::mt19937_64 random(2);
  for (double& one : took) {
    const volatile char* at = memory.get() + random() % kReadBytes;
    const Clock::time_point begin = Clock::now();
    (void)*at;
    one = NsSince(begin);
  }
  return took;
}

// "0.03 us at the median and 0.04 at the p99"
std::string MedianAndP99(const std::vector<double>& took) {
  return FormatNumber(Median(took) / 1e3) + " us at the median and " +
         FormatNumber(Quantile(took, 0.99) / 1e3) + " at the p99";
}

Row LookupRow(const std::vector<double>& took, uint64_t records) {
  const double p99 = Quantile(took, 0.99) / 1e3;
  return {.name = "mirror_lookup",
          .measured = FormatNumber(p99) + " us",
          .baseline = FormatNumber(Median(took) / 1e3) + " us",
          .ratio = std::nullopt,
          .target = "<= 0.5 us",
          .ok = p99 <= 0.5,
          .note = "p99 of " + std::to_string(took.size()) + " questions about random sellers, of " +
                  std::to_string(records) +
                  ", half of them listed; baseline: the median; the clock, which is in both, took " +
                  MedianAndP99(ClockAlone()) + ", with one read of memory that is in no cache " +
                  MedianAndP99(MemoryAlone()),
          .measured_value = p99,
          .baseline_value = Median(took) / 1e3};
}

}  // namespace

Rows MirrorAlone(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("mirror-alone");
  if (!home.ok()) return home.status();
  const std::vector<Question> questions = Questions(settings.records);
  const double before = AnonymousBytes();
  const auto mirror = Mirror::Open({.directory = *home / "mirror"});
  if (!mirror.ok()) return mirror.status();
  if (absl::Status filled = Fill(settings.records, **mirror); !filled.ok()) return filled;
  const double bytes = (AnonymousBytes() - before) / static_cast<double>((*mirror)->status().sellers);
  const auto took = LookUp(**mirror, questions);
  if (!took.ok()) return took.status();
  return std::vector<Row>{LookupRow(*took, settings.records),
                          {.name = "mirror_memory",
                           .measured = FormatNumber(bytes) + " B",
                           .baseline = "",
                           .ratio = std::nullopt,
                           .target = "<= 54 B",
                           .ok = bytes <= kBytesMax,
                           .note = "anonymous memory for each of " + std::to_string(settings.records) +
                                   " sellers of one record each: 40 bytes, and the 14 of the seller's id",
                           .measured_value = bytes,
                           .baseline_value = 0}};
}

}  // namespace coalition::bench
