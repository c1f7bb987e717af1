#include "server/service/watch_stream.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/service/advancing.h"
#include "server/service/messages.h"
#include "server/service/sent_responses.h"
#include "server/service/watch_errors.h"

namespace coalition::service {
namespace {

using Bytes = grpc::ByteBuffer;
using SteadyTime = std::chrono::steady_clock::time_point;

const MethodInfo& Info() { return InfoOf(Method::kWatchRecords); }

}  // namespace

// What reads the store is done on a worker, one step of the feed at a time, and only when
// there is room in both windows for what it may find: so each response is judged when it is sent.
class WatchStream final : public StreamReactor, public MemberWindows::Waiter, public Advancing<WatchStream> {
 public:
  WatchStream(CallKit& kit, WatchStreams& streams, grpc::CallbackServerContext* call, Admission admission,
              MemberLimits::Permit watch, SteadyTime start)
      : kit_(kit),
        streams_(streams),
        options_(streams.options_),
        call_(call),
        connection_(absl::HashOf(call->peer())),
        admission_(std::move(admission)),
        watch_(std::move(watch)),
        start_(start),
        last_acknowledged_(start) {}

  void Begin() {
    ArmTimer();
    Advance();
  }
  void Wake();
  void Drain() { EndWith(ShuttingDown(), false); }
  // As ImportStream::CutOff.
  bool CutOff(bool now);
  bool BelongsTo(const CutOffGates& gates) const { return gates.contains(admission_.context.caller.gate); }
  size_t connection() const { return connection_; }
  void RoomAgain() override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override { EndWith(absl::CancelledError("The client has gone."), false); }
  void OnDone() override;

 private:
  friend class Advancing<WatchStream>;
  enum class Action { kNone, kRead, kStep, kWrite, kCancel, kFinish };

  absl::Status Take(v1::WatchRecordsRequest request, SentResponses::Freed* freed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Perform(Action action);
  // On a worker.
  void Step();
  absl::Status Find(ledger::Disclosure* disclosure);
  void Found(const absl::Status& status);
  void Write();
  void GiveBack(const WindowSize& size);
  void FinishStream();
  void EndWith(absl::Status status, bool cancel);
  void ArmTimer();
  void OnTimer();
  int64_t NowS() const { return kit_.guard.clock().NowNs() / 1'000'000'000; }
  int64_t room_needed() const {
    return static_cast<int64_t>(streams_.feeds_.limits.bytes) + 2 * options_.record_bytes_max;
  }

  CallKit& kit_;
  WatchStreams& streams_;
  const WatchOptions& options_;
  grpc::CallbackServerContext* const call_;  // until Finish
  const size_t connection_;                  // the same for all on one
  const Admission admission_;
  const MemberLimits::Permit watch_;
  const SteadyTime start_;

  Bytes in_;   // gRPC's while reading_
  Bytes out_;  // of the response that is ready, and gRPC's while writing_

  // Of the step under way, which is one at a time: no lock.
  std::optional<watch::Feed> feed_;
  exchange::CallContext judged_by_;
  int64_t complete_ns_ = 0;  // until when it is, if it is caught up
  bool caught_up_ = false;

  std::optional<v1::WatchStart> start_request_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);  // why the stream ends
  SentResponses sent_ ABSL_GUARDED_BY(mutex_);
  std::vector<ledger::Recall> recalls_ ABSL_GUARDED_BY(mutex_);  // of the response that is ready
  // Of the member's window: for the step under way, or the response that is ready.
  WindowSize taken_ ABSL_GUARDED_BY(mutex_);
  SteadyTime last_acknowledged_ ABSL_GUARDED_BY(mutex_);
  Timers::Handle timer_ ABSL_GUARDED_BY(mutex_);
  bool wake_ ABSL_GUARDED_BY(mutex_) = true;         // there may be something to find
  bool checkpoint_ ABSL_GUARDED_BY(mutex_) = false;  // it is to be told until when it is complete
  // And that is not known before something is new, or until the next one.
  bool checkpoint_waits_ ABSL_GUARDED_BY(mutex_) = false;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;  // for room in the member's window
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool working_ ABSL_GUARDED_BY(mutex_) = false;  // a step is under way, or what it found is being recorded
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;    // there is a response to be written
  bool tells_completeness_ ABSL_GUARDED_BY(mutex_) = false;  // and it does
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancel_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

WatchStream::Action WatchStream::Decide() {
  if (finished_) return Action::kNone;
  if (cancel_) {
    cancel_ = false;
    return Action::kCancel;
  }
  if (half_closed_ && !end_) end_ = absl::OkStatus();
  if (end_) {
    if (working_ || writing_) return Action::kNone;
    finished_ = true;
    return Action::kFinish;
  }
  if (ready_ && !writing_) {
    ready_ = false;
    writing_ = true;
    return Action::kWrite;
  }
  if (MayStep()) {
    working_ = true;
    wake_ = false;
    return Action::kStep;
  }
  if (!reading_) {
    reading_ = true;
    return Action::kRead;
  }
  return Action::kNone;
}

bool WatchStream::MayStep() {
  if (!started_ || working_ || ready_ || writing_ || waiting_) return false;
  if (!wake_ && (!checkpoint_ || checkpoint_waits_)) return false;
  if (!Fits(sent_.used(), options_.window, room_needed())) return false;
  const uint32_t member = admission_.context.caller.member_number;
  waiting_ = !streams_.windows_.Take(member, room_needed(), shared_from_this());
  if (!waiting_) taken_ = {1, room_needed()};
  return !waiting_;
}

void WatchStream::Perform(Action action) {
  switch (action) {
    case Action::kNone:
      break;
    case Action::kRead:
      StartRead(&in_);
      break;
    case Action::kStep:
      kit_.executor.SubmitAlways(admission_.context.caller.member_number,
                                 [self = shared_from_this()] { self->Step(); });
      break;
    case Action::kWrite:
      Write();
      break;
    case Action::kCancel:
      call_->TryCancel();
      break;
    case Action::kFinish:
      FinishStream();
      break;
  }
}

void WatchStream::Step() {
  ledger::Disclosure disclosure;
  absl::Status found = Find(&disclosure);
  if (!found.ok() || disclosure.records.empty()) return Found(found);
  disclosure.member = judged_by_.caller.member_number;
  disclosure.credential = judged_by_.caller.credential;
  disclosure.method = Info().name;
  disclosure.epoch = judged_by_.snapshot->policy_state().epoch();
  disclosure.state_revision = judged_by_.snapshot->stored().revision;
  disclosure.time_ns = judged_by_.now_ns;
  kit_.disclosures.Record(std::move(disclosure), [self = shared_from_this()](const absl::Status& s) {
    self->Found(exchange::FromStore(s));
  });
}

absl::Status WatchStream::Find(ledger::Disclosure* disclosure) {
  // Before the moment: what was written by then is in it.
  complete_ns_ = std::min(kit_.guard.clock().NowNs(), streams_.expiry_.done_until_ns());
  if (absl::Status may = kit_.guard.Renew(Info(), admission_, &judged_by_); !may.ok()) return may;
  if (!feed_) {
    std::optional<v1::WatchStart> start;
    {
      const MutexLock lock(mutex_);
      start = std::move(start_request_);
    }
    auto feed = watch::Feed::Start(streams_.feeds_, judged_by_, *start);
    if (!feed.ok()) return feed.status();
    feed_ = *std::move(feed);
  }
  const auto progress = feed_->Next(judged_by_, disclosure);
  if (!progress.ok()) return progress.status();
  caught_up_ = *progress == watch::Feed::Progress::kCaughtUp;
  return absl::OkStatus();
}

// The step is over: what it found is recorded and can be sent, if there is anything.
void WatchStream::Found(const absl::Status& status) {
  const bool tells =
      status.ok() && (feed_->response().events_size() > 0 || feed_->response().snapshot_complete());
  v1::WatchRecordsResponse added;
  WindowSize back;
  {
    const MutexLock lock(mutex_);
    working_ = false;
    if (!status.ok() && !end_) end_ = status;
    wake_ = wake_ || !caught_up_;
    if (checkpoint_ && caught_up_ && judged_by_.settled == judged_by_.at && complete_ns_ > 0) {
      *added.mutable_complete_until() = ToTimestamp(complete_ns_);
    }
    checkpoint_waits_ = caught_up_;
    if (!end_) ready_ = tells || added.has_complete_until();
    if (ready_) {
      checkpoint_ = checkpoint_ && !added.has_complete_until();
      tells_completeness_ = added.has_complete_until();
      const std::array<grpc::Slice, 2> parts = {SliceOf(feed_->Bytes()),
                                                grpc::Slice(added.SerializeAsString())};
      out_ = Bytes(parts.data(), tells_completeness_ ? 2 : 1);
      recalls_ = feed_->recalls();
    } else if (!end_) {
      feed_->Sent();
    }
    const auto size = static_cast<int64_t>(ready_ ? out_.Length() : 0);
    back = {ready_ ? 0 : 1, taken_.bytes - size};
    taken_ = {ready_ ? 1 : 0, size};
  }
  GiveBack(back);
  Advance();
}

// Sends the response if the member may still have it, and by the state that it was judged by.
void WatchStream::Write() {
  identity::Gate::Pass pass;
  absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass);
  const bool judged_now = may.ok() && kit_.guard.StillDecides(judged_by_);
  WindowSize back;
  std::vector<ledger::Recall> told;
  {
    const MutexLock lock(mutex_);
    if (judged_now) {
      feed_->Sent();
      if (sent_.empty()) last_acknowledged_ = std::chrono::steady_clock::now();
      told = recalls_;
      sent_.Push(taken_.bytes, std::move(recalls_));
    } else {
      writing_ = false;
      if (!may.ok() && !end_) end_ = std::move(may);
      wake_ = true;  // the feed begins this step again
      checkpoint_ = checkpoint_ || tells_completeness_;
      back = taken_;
    }
    taken_ = {};
  }
  if (judged_now) {
    // Before whatever is shown by a later response, which may be the same records again.
    streams_.recalls_.Told(admission_.context.caller.member_number, told, NowS());
    kit_.metrics.Sent(Method::kWatchRecords);
    StartWrite(&out_);
  }
  pass.Leave();
  GiveBack(back);
}

void WatchStream::GiveBack(const WindowSize& size) {
  if (size.responses == 0 && size.bytes == 0) return;
  streams_.windows_.Give(admission_.context.caller.member_number, size);
}

void WatchStream::FinishStream() {
  absl::Status end;
  {
    const MutexLock lock(mutex_);
    end = *end_;
    kit_.timers.Cancel(timer_);
  }
  identity::Gate::Pass pass;
  // A member that was cut off is told that and nothing else.
  if (absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass); !may.ok()) end = std::move(may);
  Finish(EndOfStream(kit_, admission_.context.caller.member_number, Method::kWatchRecords, end, start_));
}

void WatchStream::EndWith(absl::Status status, bool cancel) {
  {
    const MutexLock lock(mutex_);
    if (!end_) end_ = std::move(status);
    cancel_ = cancel_ || (cancel && writing_);
  }
  Advance();
}

bool WatchStream::CutOff(bool now) {
  identity::Gate::Pass pass;
  absl::Status may = kit_.guard.EnterToSend(Info(), admission_, &pass);
  if (may.ok()) return false;
  EndWith(std::move(may), now);
  return true;
}

void WatchStream::Wake() {
  {
    const MutexLock lock(mutex_);
    wake_ = true;
  }
  Advance();
}

void WatchStream::RoomAgain() {
  {
    const MutexLock lock(mutex_);
    waiting_ = false;
  }
  Advance();
}

void WatchStream::OnReadDone(bool ok) {
  v1::WatchRecordsRequest request;
  absl::Status parsed;
  if (ok) {
    kit_.metrics.Received(Method::kWatchRecords);
    parsed = Parse(in_, &request);
    in_.Clear();
  }
  SentResponses::Freed freed;
  {
    const MutexLock lock(mutex_);
    reading_ = false;
    if (!ok) {
      half_closed_ = true;
    } else if (parsed.ok()) {
      parsed = Take(std::move(request), &freed);
    }
    if (!parsed.ok() && !end_) end_ = std::move(parsed);
  }
  GiveBack(freed.size);
  if (!freed.recalls.empty()) {
    streams_.recalls_.Acknowledged(admission_.context.caller.member_number, std::move(freed.recalls),
                                   ledger::ShownLog::Acknowledging::kTold, NowS(), nullptr);
  }
  Advance();
}

absl::Status WatchStream::Take(v1::WatchRecordsRequest request, SentResponses::Freed* freed) {
  if (request.has_start() == started_) {
    return WrongWatchRequest("request", started_ ? "the watch is started: only acknowledgements may follow"
                                                 : "the first request of a watch must have \"start\"");
  }
  if (request.has_start()) {
    started_ = true;
    start_request_ = std::move(*request.mutable_start());
    return absl::OkStatus();
  }
  auto taken = sent_.Acknowledge(request.acknowledgement().responses());
  if (!taken)
    return WrongWatchRequest("acknowledgement.responses", "must not fall, nor be more than were sent");
  *freed = *std::move(taken);
  if (freed->size.responses > 0) last_acknowledged_ = std::chrono::steady_clock::now();
  return absl::OkStatus();
}

void WatchStream::OnWriteDone(bool ok) {
  {
    const MutexLock lock(mutex_);
    writing_ = false;
    if (!ok && !end_) end_ = absl::CancelledError("The client has gone.");
  }
  Advance();
}

void WatchStream::OnDone() {
  WindowSize left;
  bool waits = false;
  {
    const MutexLock lock(mutex_);
    left = {sent_.used().responses + taken_.responses, sent_.used().bytes + taken_.bytes};
    waits = waiting_;
  }
  const uint32_t member = admission_.context.caller.member_number;
  if (waits) streams_.windows_.Leave(member, this);
  // Also nothing: what it was told of and has not taken is the next one's.
  streams_.windows_.Give(member, left);
  streams_.streams_.Remove(this);
}

void WatchStream::ArmTimer() {
  const MutexLock lock(mutex_);
  if (finished_) return;
  timer_ = kit_.timers.After(options_.checkpoint, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnTimer();
  });
}

// It is time to tell until when the watch is complete; or the client does not read.
void WatchStream::OnTimer() {
  const auto now = std::chrono::steady_clock::now();
  absl::Status end;
  {
    const MutexLock lock(mutex_);
    checkpoint_ = true;
    checkpoint_waits_ = false;
    if (kit_.guard.draining()) {
      end = ShuttingDown();
    } else if (!sent_.empty() && now - last_acknowledged_ >= options_.unacknowledged_max) {
      end = WatchBehind();
    } else if (!started_ && now - start_ >= kit_.durations.stream_idle_max) {
      end = NothingCame();
    }
  }
  if (!end.ok()) return EndWith(std::move(end), true);
  ArmTimer();
  Advance();
}

WatchStreams::WatchStreams(const watch::FeedRoom& feeds, ledger::ShownLog& recalls,
                           const exchange::Expiry& expiry, const WatchOptions& options)
    : feeds_(feeds), recalls_(recalls), expiry_(expiry), options_(options), windows_(options.member_window) {}
WatchStreams::~WatchStreams() = default;

StreamReactor* WatchStreams::Open(CallKit& kit, grpc::CallbackServerContext* call) {
  const SteadyTime start = std::chrono::steady_clock::now();
  kit.metrics.Started(Method::kWatchRecords);
  Admission admission;
  MemberLimits::Permit watch;
  absl::Status status = kit.guard.Admit(*call, Info(), &admission);
  if (status.ok()) status = kit.guard.limits().AdmitWatch(admission.context.caller.member_number, &watch);
  if (!status.ok()) {
    const uint32_t member = admission.context.caller.member_number;
    return RefuseStream(EndOfStream(kit, member, Method::kWatchRecords, status, start));
  }
  admission.pass.Leave();
  auto stream =
      std::make_shared<WatchStream>(kit, *this, call, std::move(admission), std::move(watch), start);
  streams_.Add(stream);
  stream->Begin();
  // A drain or a cutting off that began since Admit has not seen it.
  if (kit.guard.draining()) stream->Drain();
  stream->CutOff(false);
  return stream.get();
}

void WatchStreams::Wake() {
  auto streams = streams_.All();
  // One connection after the other: what is written while gRPC sends on it goes with the next packet.
  std::sort(streams.begin(), streams.end(),
            [](const auto& a, const auto& b) { return a->connection() < b->connection(); });
  for (const auto& stream : streams) stream->Wake();
}

void WatchStreams::Drain() { streams_.Drain(); }
size_t WatchStreams::CutOff(const CutOffGates& gates, bool now) { return streams_.CutOff(gates, now); }
size_t WatchStreams::CountOf(const CutOffGates& gates) const { return streams_.Of(gates).size(); }

}  // namespace coalition::service
