#include "client/internal/mirror_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "google/protobuf/util/message_differencer.h"

namespace coalition::client::internal {
namespace {

// Of a generation that comes in: what is lost of it in a power cut is sent again.
constexpr uint64_t kUnsyncedBytesMax = uint64_t{4} << 20;
constexpr int kEventsPerFrame = 200;

// Before anything of it is kept.
absl::Status CheckResponse(const v1::WatchRecordsResponse& response) {
  for (const v1::WatchEvent& event : response.events()) {
    if (!event.has_upsert() && !event.has_retract()) {
      return absl::InvalidArgumentError(
          "the exchange sent an event of a kind that this program does not know: it is older than the "
          "exchange");
    }
    const std::string& name = event.has_upsert() ? event.upsert().name() : event.retract().name();
    if (!IdOfRecordName(name))
      return absl::InvalidArgumentError(absl::StrCat(Absl(Quoted(name)), " is not the name of a record"));
  }
  return absl::OkStatus();
}

bool Retracts(const v1::WatchRecordsResponse& response) {
  return std::any_of(response.events().begin(), response.events().end(),
                     [](const v1::WatchEvent& event) { return event.has_retract(); });
}

}  // namespace

void ApplyTo(MirrorIndex& index, const v1::WatchEvent& event) {
  const std::string& name = event.has_upsert() ? event.upsert().name() : event.retract().name();
  const std::optional<RecordIdBytes> id = IdOfRecordName(name);
  if (!id) return;
  if (event.has_upsert()) {
    index.Put(*id, event.upsert());
  } else {
    index.Remove(*id);
  }
}

MirrorWriter::MirrorWriter(MirrorDirectory directory, const MirrorOptions& options, const Clock& clock,
                           MirrorView& view)
    : directory_(std::move(directory)), options_(options), clock_(clock), view_(view) {}

void MirrorWriter::SetCurrent(uint64_t number) {
  const MutexLock lock(mutex_);
  current_number_ = number;
}

std::string MirrorWriter::CurrentPath() const {
  const MutexLock lock(mutex_);
  return current_number_ == 0 ? "" : directory_.PathOf(current_number_);
}

absl::Status MirrorWriter::Load() {
  const absl::StatusOr<std::optional<MirrorWiping>> wiping = directory_.Wiped();
  if (!wiping.ok()) return wiping.status();
  if (*wiping) {
    wiped_ = true;
    view_.SetWiped(**wiping);
    return RemoveAll();
  }
  const absl::StatusOr<std::vector<uint64_t>> generations = directory_.Generations();
  if (!generations.ok()) return generations.status();
  for (const uint64_t number : *generations) {
    absl::Status status = current_ ? directory_.Remove(number) : LoadGeneration(number);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status MirrorWriter::LoadGeneration(uint64_t number) {
  const absl::StatusOr<std::unique_ptr<MirrorLog>> log = MirrorLog::Open(directory_.PathOf(number));
  if (!log.ok()) return log.status();
  // The newest may be one that comes in; a complete one without any is published at once.
  MirrorIndex& index = coming_ ? view_.published() : view_.other();
  const auto contents = (*log)->Read([&index](const v1::WatchEvent& event) { ApplyTo(index, event); });
  if (!contents.ok()) return contents.status();
  if (!google::protobuf::util::MessageDifferencer::Equals(contents->filter, options_.filter)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the mirror in ", options_.directory,
                     " was made with another filter: use that one, or another directory"));
  }
  const MirrorLogFacts& facts = contents->facts;
  if (!facts.complete && (coming_ || facts.cursor.empty())) {
    index.Clear();
    return directory_.Remove(number);
  }
  if (absl::Status status = Adopt(number, *contents, facts.complete ? &current_ : &coming_); !status.ok())
    return status;
  if (!facts.complete) {
    view_.SetComing(true);
    return absl::OkStatus();
  }
  if (!coming_) view_.Publish();
  SetCurrent(number);
  view_.SetFresh(facts.complete_until_ns, facts.received_ns);
  return absl::OkStatus();
}

absl::Status MirrorWriter::Adopt(uint64_t number, const MirrorLogContents& contents,
                                 std::optional<Generation>* into) {
  auto log = MirrorLogWriter::GoOn(directory_.PathOf(number), contents.end);
  if (!log.ok()) return log.status();
  Generation generation;
  generation.number = number;
  generation.log = *std::move(log);
  generation.facts = contents.facts;
  generation.base_bytes = contents.facts.snapshot_bytes;
  if (contents.ends_without_cursor) {
    if (absl::Status status = generation.log->Append(FrameKind::kRewind, ""); !status.ok()) return status;
  }
  if (absl::Status status = generation.log->Sync(); !status.ok()) return status;
  generation.synced_bytes = generation.log->size();
  *into = std::move(generation);
  return absl::OkStatus();
}

absl::Status MirrorWriter::RemoveAll() {
  const absl::StatusOr<std::vector<uint64_t>> generations = directory_.Generations();
  if (!generations.ok()) return generations.status();
  for (const uint64_t number : *generations) {
    if (absl::Status status = directory_.Remove(number); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string MirrorWriter::cursor() const {
  if (coming_) return coming_->facts.cursor;
  return current_ && !begins_again_ ? current_->facts.cursor : "";
}

absl::Status MirrorWriter::Apply(const v1::WatchRecordsResponse& response) {
  if (!broken_.ok()) return broken_;
  // What was refused is not to be passed over: it may retract something.
  if (broken_ = CheckResponse(response); !broken_.ok()) return broken_;
  if (!coming_ && (!current_ || begins_again_)) {
    if (absl::Status status = BeginGeneration(); !status.ok()) return status;
  }
  const int64_t now_ns = clock_.NowNs();
  Generation& fed = *Fed();
  if (broken_ = Write(response, now_ns, &fed); !broken_.ok()) return broken_;
  if (broken_ = TakeFromCurrent(response, now_ns); !broken_.ok()) return broken_;
  MirrorIndex& index = IndexOfFed();
  for (const v1::WatchEvent& event : response.events()) ApplyTo(index, event);
  fed.ends_without_cursor = response.cursor().empty();
  fed.snapshot_complete_waits |= response.snapshot_complete();
  if (fed.ends_without_cursor) return absl::OkStatus();
  fed.facts.Take(now_ns, response, std::exchange(fed.snapshot_complete_waits, false), fed.log->size());
  if (coming_) return fed.facts.complete ? Promote() : absl::OkStatus();
  view_.SetFresh(fed.facts.complete_until_ns, fed.facts.received_ns);
  return CompactIfDue();
}

absl::Status MirrorWriter::BeginGeneration() {
  if (wiped_) {
    // What could not be removed when it was wiped.
    if (absl::Status status = RemoveAll(); !status.ok()) return status;
    if (absl::Status status = directory_.RemoveNote(); !status.ok()) return status;
    wiped_ = false;
    view_.SetNotWiped();
  }
  Generation generation;
  generation.number = current_ ? current_->number + 1 : 1;
  auto log = MirrorLogWriter::Create(directory_.PathOf(generation.number), options_.filter);
  if (!log.ok()) return log.status();
  generation.log = *std::move(log);
  generation.synced_bytes = generation.log->size();
  view_.other().Clear();
  view_.SetComing(true);
  coming_ = std::move(generation);
  begins_again_ = false;
  return absl::OkStatus();
}

absl::Status MirrorWriter::Write(const v1::WatchRecordsResponse& response, int64_t now_ns,
                                 Generation* generation) {
  MirrorLogWriter& log = *generation->log;
  if (absl::Status status = log.AppendResponse(now_ns, response); !status.ok()) return status;
  const bool may_wait = coming_ && !Retracts(response) && !response.has_complete_until() &&
                        log.size() - generation->synced_bytes < kUnsyncedBytesMax;
  if (may_wait) return absl::OkStatus();
  if (absl::Status status = log.Sync(); !status.ok()) return status;
  generation->synced_bytes = log.size();
  return absl::OkStatus();
}

absl::Status MirrorWriter::TakeFromCurrent(const v1::WatchRecordsResponse& response, int64_t now_ns) {
  if (!coming_ || !current_ || !Retracts(response)) return absl::OkStatus();
  v1::WatchRecordsResponse retractions;
  retractions.set_cursor(current_->facts.cursor);
  for (const v1::WatchEvent& event : response.events()) {
    if (event.has_retract()) *retractions.add_events() = event;
  }
  MirrorLogWriter& log = *current_->log;
  if (absl::Status status = log.AppendResponse(now_ns, retractions); !status.ok()) return status;
  if (absl::Status status = log.Sync(); !status.ok()) return status;
  for (const v1::WatchEvent& event : retractions.events()) ApplyTo(view_.published(), event);
  return absl::OkStatus();
}

absl::Status MirrorWriter::Promote() {
  const uint64_t before = current_ ? current_->number : 0;  // 0: none
  coming_->base_bytes = coming_->facts.snapshot_bytes;
  current_ = std::exchange(coming_, std::nullopt);
  view_.SetComing(false);
  view_.Publish();
  // First what is read by whoever then learns that it is fresh.
  SetCurrent(current_->number);
  view_.SetFresh(current_->facts.complete_until_ns, current_->facts.received_ns);
  return before != 0 ? directory_.Remove(before) : absl::OkStatus();
}

absl::Status MirrorWriter::Rewind() {
  if (!broken_.ok()) return broken_;
  if (!Fed() || !Fed()->ends_without_cursor) return absl::OkStatus();
  Generation& fed = *Fed();
  if (broken_ = fed.log->Append(FrameKind::kRewind, ""); !broken_.ok()) return broken_;
  if (broken_ = fed.log->Sync(); !broken_.ok()) return broken_;
  fed.synced_bytes = fed.log->size();
  const absl::StatusOr<std::unique_ptr<MirrorLog>> log = MirrorLog::Open(directory_.PathOf(fed.number));
  if (!log.ok()) return broken_ = log.status();
  MirrorIndex& index = view_.other();
  index.Clear();
  const auto contents = (*log)->Read([&index](const v1::WatchEvent& event) { ApplyTo(index, event); });
  if (!contents.ok()) return broken_ = contents.status();
  fed.ends_without_cursor = fed.snapshot_complete_waits = false;
  if (!coming_) view_.Publish();
  return absl::OkStatus();
}

absl::Status MirrorWriter::BeginAgain() {
  if (absl::Status status = Rewind(); !status.ok()) return status;
  begins_again_ = true;
  if (!coming_) return absl::OkStatus();
  const uint64_t number = coming_->number;
  coming_.reset();
  view_.SetComing(false);
  view_.other().Clear();
  return directory_.Remove(number);
}

absl::Status MirrorWriter::Wipe(const std::string& reason) {
  const MirrorWiping wiping{.time_ns = clock_.NowNs(), .reason = reason};
  SetCurrent(0);
  view_.SetWiped(wiping);
  current_.reset();
  coming_.reset();
  begins_again_ = false;
  broken_ = absl::OkStatus();
  wiped_ = true;
  return directory_.Wipe(wiping);
}

absl::Status MirrorWriter::CompactIfDue() {
  const uint64_t size = current_->log->size();
  if (begins_again_ || size < options_.compact_bytes || size < 2 * current_->base_bytes)
    return absl::OkStatus();
  const uint64_t before = current_->number;
  std::unique_ptr<MirrorLogWriter> log;
  absl::Status status = WriteCompacted(before + 1, &log);
  if (status.ok()) status = directory_.Publish(before + 1);
  if (!status.ok()) {
    // Half of it takes room, and all of it would be taken for newer.
    if (broken_ = directory_.Discard(before + 1); !broken_.ok()) return broken_;
    // The disk may be full: the old one is as good, and is left for a while.
    current_->base_bytes = size;
    return absl::IsDataLoss(status) ? broken_ = status : absl::OkStatus();
  }
  current_->number = before + 1;
  current_->log = std::move(log);
  current_->base_bytes = current_->synced_bytes = current_->log->size();
  SetCurrent(before + 1);
  return directory_.Remove(before);
}

absl::Status MirrorWriter::WriteCompacted(uint64_t number, std::unique_ptr<MirrorLogWriter>* log) {
  const auto from = MirrorLog::Open(directory_.PathOf(current_->number));
  if (!from.ok()) return from.status();
  auto to = MirrorLogWriter::Create(directory_.TemporaryPathOf(number), options_.filter);
  if (!to.ok()) return to.status();
  const MirrorLogFacts& facts = current_->facts;
  v1::WatchRecordsResponse response;
  response.set_cursor(facts.cursor);
  absl::Status read = (*from)->ReadRecords([&](const v1::Record& record) {
    *response.add_events()->mutable_upsert() = record;
    if (response.events_size() < kEventsPerFrame) return absl::OkStatus();
    absl::Status status = (*to)->AppendResponse(facts.received_ns, response);
    response.clear_events();
    return status;
  });
  if (!read.ok()) return read;
  response.set_snapshot_complete(true);
  response.mutable_complete_until()->set_seconds(facts.complete_until_ns / 1'000'000'000);
  response.mutable_complete_until()->set_nanos(static_cast<int32_t>(facts.complete_until_ns % 1'000'000'000));
  if (absl::Status status = (*to)->AppendResponse(facts.received_ns, response); !status.ok()) return status;
  if (absl::Status status = (*to)->Sync(); !status.ok()) return status;
  *log = *std::move(to);
  return absl::OkStatus();
}

}  // namespace coalition::client::internal
