#include "tests/property/feed_watcher.h"

#include <utility>

#include "common/ids.h"
#include "server/exchange/taken_back.h"

namespace coalition::testing {

FeedWatcher::FeedWatcher(World& world, const watch::FeedRoom& room, std::string member,
                         v1::RecordFilter filter)
    : world_(world), room_(room), member_(std::move(member)), filter_(std::move(filter)) {}

void FeedWatcher::Start() {
  v1::WatchStart start;
  *start.mutable_filter() = filter_;
  start.set_cursor(cursor_);
  auto feed = watch::Feed::Start(room_, world_.As(member_), start);
  if (absl::IsPermissionDenied(feed.status())) return;
  if (!feed.ok()) return Wrong(std::string(feed.status().message()), "start");
  feed_ = *std::move(feed);
}

bool FeedWatcher::Step() {
  if (!feed_) Start();
  if (!feed_) return true;
  exchange::CallContext context = world_.As(member_);
  context.at = context.settled;
  ledger::Disclosure disclosure;
  const auto progress = feed_->Next(context, &disclosure);
  if (absl::IsPermissionDenied(progress.status())) {
    Crash();
    return true;
  }
  if (!progress.ok()) {
    Wrong(std::string(progress.status().message()), "next");
    return true;
  }
  const v1::WatchRecordsResponse& response = feed_->response();
  for (const v1::WatchEvent& event : response.events()) Take(context, event);
  if (response.snapshot_complete()) {
    if (snapshot_complete_) Wrong("the snapshot is complete twice", "");
    snapshot_complete_ = true;
  }
  const std::string cursor = feed_->Cursor();
  feed_->Sent();
  if (!cursor.empty()) {
    cursor_ = cursor;
    mirror_then_ = mirror_;
    snapshot_complete_then_ = snapshot_complete_;
  }
  return *progress == watch::Feed::Progress::kCaughtUp;
}

void FeedWatcher::Take(const exchange::CallContext& context, const v1::WatchEvent& event) {
  if (event.has_retract()) {
    ++retractions_;
    const v1::Retraction& retraction = event.retract();
    if (mirror_.erase(retraction.name()) == 0) Wrong("retracted, and it had not", retraction.name());
    const auto id = RecordIdToBytes(*ParseRecordName(retraction.name()));
    const auto taken_back = exchange::FindTakenBack(world_.store(), *id, world_.store().Head());
    const bool cleared =
        taken_back.ok() && taken_back->has_value() && (*taken_back)->kind() == v1::RETRACTION_KIND_CLEARED;
    if (cleared != (retraction.kind() == v1::RETRACTION_KIND_CLEARED))
      Wrong("told " + v1::RetractionKind_Name(retraction.kind()), retraction.name());
    return;
  }
  const v1::Record& record = event.upsert();
  const std::string bytes = record.SerializeAsString();
  v1::GetRecordRequest request;
  request.set_name(record.name());
  v1::GetRecordResponse now;
  ledger::Disclosure disclosure;
  if (!world_.exchange().Get(context, request, &now, &disclosure).ok() ||
      now.record().SerializeAsString() != bytes) {
    Wrong("was told what it may not see so", record.name());
  }
  std::string& had = mirror_[record.name()];
  if (had == bytes) Wrong("was told what it had", record.name());
  had = bytes;
}

void FeedWatcher::Crash() {
  feed_.reset();
  mirror_ = mirror_then_;
  snapshot_complete_ = snapshot_complete_then_;
}

void FeedWatcher::CatchUp() {
  constexpr int kStepsMax = 100'000;
  for (int i = 0; !Step(); ++i) {
    if (i == kStepsMax) return Wrong("never catches up", "");
  }
}

Mirror FeedWatcher::Listed() const {
  Mirror listed;
  v1::ListRecordsRequest request;
  *request.mutable_filter() = filter_;
  do {
    v1::ListRecordsResponse page;
    ledger::Disclosure disclosure;
    if (!world_.exchange().List(world_.As(member_), request, &page, &disclosure).ok()) return listed;
    for (const v1::Record& record : page.records()) listed[record.name()] = record.SerializeAsString();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return listed;
}

void FeedWatcher::Wrong(const std::string& what, const std::string& name) {
  wrong_ += member_ + ": " + what + " " + name + "\n";
}

}  // namespace coalition::testing
