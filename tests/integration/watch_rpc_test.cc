// The feed over real mutual TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/eventually.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// One watch. Acknowledges what is read, unless it is told not to.
class Watch {
 public:
  explicit Watch(std::unique_ptr<v1::WatchService::Stub> stub)
      : stub_(std::move(stub)), stream_(stub_->WatchRecords(&context_)) {}
  // From the beginning, or from a cursor.
  Watch(const TestServer& server, const std::string& member, const std::string& cursor = "")
      : Watch(server.Watch(member)) {
    Start(v1::RecordFilter(), cursor);
  }
  ~Watch() { context_.TryCancel(); }

  bool Write(const v1::WatchRecordsRequest& request) { return stream_->Write(request); }
  void Start(const v1::RecordFilter& filter, const std::string& cursor) {
    v1::WatchRecordsRequest request;
    *request.mutable_start()->mutable_filter() = filter;
    request.mutable_start()->set_cursor(cursor);
    Write(request);
  }
  void Acknowledge(int64_t responses) {
    v1::WatchRecordsRequest request;
    request.mutable_acknowledgement()->set_responses(responses);
    Write(request);
  }
  void WritesDone() { stream_->WritesDone(); }
  // False: the watch has ended.
  bool Read(v1::WatchRecordsResponse* response) {
    if (!stream_->Read(response)) return false;
    ++read_;
    if (!response->cursor().empty()) cursor_ = response->cursor();
    if (acknowledges) Acknowledge(read_);
    return true;
  }
  // The events up to and with the `count`th from now on: "UPSERT records/…", "GONE records/…"; fewer when it
  // ends.
  std::vector<std::string> Events(size_t count) {
    v1::WatchRecordsResponse response;
    while (waiting_.size() < count && Read(&response)) Note(response);
    std::vector<std::string> events(waiting_.begin(),
                                    waiting_.begin() + static_cast<long>(std::min(count, waiting_.size())));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<long>(events.size()));
    return events;
  }
  // All until it is told that it has everything, read after this was called.
  std::vector<std::string> EventsUntilComplete() {
    v1::WatchRecordsResponse response;
    // The first one may have been on its way.
    for (int complete = 0; complete < 2 && Read(&response);) {
      Note(response);
      complete += response.has_complete_until() ? 1 : 0;
    }
    return std::exchange(waiting_, {});
  }
  // Reads on until it ends.
  absl::Status End() {
    v1::WatchRecordsResponse response;
    while (Read(&response)) {
    }
    return FromGrpc(stream_->Finish());
  }

  const std::string& cursor() const { return cursor_; }
  int64_t read() const { return read_; }
  bool acknowledges = true;

 private:
  void Note(const v1::WatchRecordsResponse& response) {
    for (const v1::WatchEvent& event : response.events()) {
      waiting_.push_back(event.has_upsert() ? "UPSERT " + event.upsert().name()
                                            : v1::RetractionKind_Name(event.retract().kind()).substr(16) +
                                                  " " + event.retract().name());
    }
  }

  grpc::ClientContext context_;
  std::unique_ptr<v1::WatchService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WatchRecordsRequest, v1::WatchRecordsResponse>> stream_;
  std::vector<std::string> waiting_;
  std::string cursor_;
  int64_t read_ = 0;
};

// A report of aurore's that belmont sees; its name.
std::string Created(const TestServer& server, const std::string& seller, int64_t expire_s = 0) {
  v1::CreateRecordRequest request;
  *request.mutable_record() = Report(seller);
  v1::Grant& grant = *request.mutable_record()->mutable_audience()->add_grants();
  grant.mutable_subject()->set_member("members/belmont");
  grant.set_view("full");
  if (expire_s > 0) request.mutable_record()->mutable_expire_time()->set_seconds(expire_s);
  const auto created = Call(server.Exchange("aurore"), &v1::ExchangeService::Stub::CreateRecord, request);
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? created->record().name() : "";
}

void Withdraw(const TestServer& server, const std::string& name) {
  v1::WithdrawRecordRequest request;
  request.set_name(name);
  const auto withdrawn = Call(server.Exchange("aurore"), &v1::ExchangeService::Stub::WithdrawRecord, request);
  EXPECT_TRUE(withdrawn.ok()) << withdrawn.status();
}

absl::StatusOr<v1::SetStandingResponse> Suspend(const TestServer& server, const std::string& member) {
  v1::SetStandingRequest request;
  request.set_member("members/" + member);
  request.set_standing(v1::STANDING_SUSPENDED);
  request.set_reason(v1::STANDING_REASON_INVESTIGATION);
  return Call(server.Membership("office", "admin"), &v1::MembershipService::Stub::SetStanding, request);
}

TEST(WatchRpcTest, WhatThereIsWhatComesAndWhatGoes) {
  TestServer server;
  const std::string first = Created(server, "shop-1");
  Watch belmont(server, "belmont");
  Watch corsa(server, "corsa");
  EXPECT_THAT(belmont.Events(1), ElementsAre("UPSERT " + first));
  const std::string second = Created(server, "shop-2");
  EXPECT_THAT(belmont.Events(1), ElementsAre("UPSERT " + second));
  Withdraw(server, first);
  EXPECT_THAT(belmont.Events(1), ElementsAre("GONE " + first));
  EXPECT_THAT(belmont.EventsUntilComplete(), IsEmpty());
  // Who may see none of it is told nothing.
  EXPECT_THAT(corsa.EventsUntilComplete(), IsEmpty());
}

TEST(WatchRpcTest, GoesOnBehindTheCursorAlsoAfterARestart) {
  TestServer server;
  const std::string first = Created(server, "shop-1");
  std::string cursor;
  {
    Watch watch(server, "belmont");
    EXPECT_THAT(watch.EventsUntilComplete(), ElementsAre("UPSERT " + first));
    cursor = watch.cursor();
  }
  const std::string second = Created(server, "shop-2");
  Withdraw(server, first);
  server.Restart();
  Watch watch(server, "belmont", cursor);
  EXPECT_THAT(watch.EventsUntilComplete(), ElementsAre("UPSERT " + second, "GONE " + first));
  const std::string third = Created(server, "shop-3");
  EXPECT_THAT(watch.Events(1), ElementsAre("UPSERT " + third));
}

TEST(WatchRpcTest, ACursorIsOfOneMemberAndOneFilter) {
  TestServer server;
  Watch watch(server, "belmont");
  (void)watch.EventsUntilComplete();
  const std::string cursor = watch.cursor();
  ASSERT_FALSE(cursor.empty());
  v1::RecordFilter filter;
  filter.add_record_classes(v1::RECORD_CLASS_OPINION);
  Watch filtered(server.Watch("belmont"));
  filtered.Start(filter, cursor);
  for (const absl::Status& end :
       {Watch(server, "corsa", cursor).End(), filtered.End(), Watch(server, "belmont", cursor + "A").End(),
        Watch(server, "belmont", "rubbish").End()}) {
    EXPECT_EQ(GetErrorReason(end), v1::ERROR_REASON_CURSOR_INVALID) << end;
  }
}

TEST(WatchRpcTest, WhatIsNoWatchIsToldSo) {
  TestServer server;
  const auto end_of = [&server](const std::vector<v1::WatchRecordsRequest>& requests) {
    Watch watch(server.Watch("belmont"));
    for (const auto& request : requests) watch.Write(request);
    return watch.End();
  };
  v1::WatchRecordsRequest start, acknowledgement, ahead, wrong_filter;
  start.mutable_start();
  acknowledgement.mutable_acknowledgement();
  ahead.mutable_acknowledgement()->set_responses(1'000'000);
  wrong_filter.mutable_start()->mutable_filter()->set_contributor("nobody");
  for (const absl::Status& end : {end_of({v1::WatchRecordsRequest()}), end_of({acknowledgement}),
                                  end_of({start, start}), end_of({start, ahead}), end_of({wrong_filter})}) {
    EXPECT_EQ(GetErrorReason(end), v1::ERROR_REASON_INVALID_FIELD) << end;
  }
}

TEST(WatchRpcTest, NoMoreIsSentThanTheWindowUntilItIsAcknowledged) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_watch_window_responses(3);
  };
  TestServer server(std::move(options));
  Watch watch(server, "belmont");
  watch.acknowledges = false;
  v1::WatchRecordsResponse response;
  ASSERT_TRUE(watch.Read(&response));
  std::set<std::string> created, seen;
  // Each would be told by itself, but for the window: what waits comes together.
  constexpr int kRecords = 30;
  for (int i = 0; i < kRecords; ++i) created.insert(Created(server, "shop-" + std::to_string(i)));
  watch.acknowledges = true;
  int responses = 0;
  while (seen != created && watch.Read(&response)) {
    responses += response.events_size() > 0 ? 1 : 0;
    for (const auto& event : response.events()) EXPECT_TRUE(seen.insert(event.upsert().name()).second);
  }
  EXPECT_EQ(seen, created);
  EXPECT_LT(responses, kRecords / 3);
}

TEST(WatchRpcTest, WhoDoesNotAcknowledgeIsEndedAndGoesOn) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_watch_unacknowledged_ms_max(200);
  };
  TestServer server(std::move(options));
  const std::string first = Created(server, "shop-1");
  Watch slow(server, "belmont");
  slow.acknowledges = false;
  const absl::Status end = slow.End();
  EXPECT_EQ(GetErrorReason(end), v1::ERROR_REASON_WATCH_BEHIND) << end;
  EXPECT_TRUE(absl::IsAborted(end));
  const std::string second = Created(server, "shop-2");
  Watch again(server, "belmont", slow.cursor());
  EXPECT_THAT(again.Events(1), ElementsAre("UPSERT " + second));
}

TEST(WatchRpcTest, TheWindowOfAMemberIsSharedAndGivenBack) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_watch_member_window_responses(2);
  };
  TestServer server(std::move(options));
  const std::string first = Created(server, "shop-1");
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 6; ++i) watches.push_back(std::make_unique<Watch>(server, "belmont"));
  // One after the other, as each is acknowledged; two that end with all unread give theirs back.
  watches[0].reset();
  watches[3].reset();
  for (const auto& watch : watches) {
    if (watch == nullptr) continue;
    EXPECT_THAT(watch->Events(1), ElementsAre("UPSERT " + first));
  }
}

TEST(WatchRpcTest, TheSuspendedAreToldNothingMore) {
  TestServer server;
  const std::string first = Created(server, "shop-1");
  Watch watch(server, "belmont");
  EXPECT_THAT(watch.Events(1), ElementsAre("UPSERT " + first));
  const std::string cursor = watch.cursor();
  const auto suspended = Suspend(server, "belmont");
  ASSERT_TRUE(suspended.ok()) << suspended.status();
  EXPECT_EQ(suspended->cut_off().streams(), 1);
  (void)Created(server, "shop-2");
  watch.acknowledges = false;
  v1::WatchRecordsResponse response;
  while (watch.Read(&response)) EXPECT_THAT(response.events(), IsEmpty());
  EXPECT_EQ(GetErrorReason(watch.End()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(GetErrorReason(Watch(server, "belmont", cursor).End()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
}

TEST(WatchRpcTest, WhoNarrowsItsPolicyTakesItBack) {
  TestServer server;
  const std::string first = Created(server, "shop-1");
  const std::string second = Created(server, "shop-2");
  Watch watch(server, "belmont");
  EXPECT_THAT(watch.Events(2), UnorderedElementsAre("UPSERT " + first, "UPSERT " + second));
  v1::SetMemberPolicyRequest own;
  own.mutable_policy()->set_unbounded(true);
  own.mutable_policy()->add_exclusions()->set_member("members/belmont");
  const auto set = Call(server.Policy("aurore", "admin"), &v1::PolicyService::Stub::SetMemberPolicy, own);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(watch.Events(2), UnorderedElementsAre("GONE " + first, "GONE " + second));
}

TEST(WatchRpcTest, WhatExpiresIsTakenBack) {
  ShiftedClock clock;
  TestServer::Options options;
  options.clock = &clock;
  TestServer server(std::move(options));
  const std::string lasting = Created(server, "shop-1");
  const std::string passing = Created(server, "shop-2", clock.NowNs() / 1'000'000'000 + 3600);
  Watch watch(server, "belmont");
  EXPECT_THAT(watch.Events(2), UnorderedElementsAre("UPSERT " + lasting, "UPSERT " + passing));
  clock.Advance(std::chrono::seconds(3601));
  EXPECT_THAT(watch.Events(1), ElementsAre("GONE " + passing));
}

TEST(WatchRpcTest, AStoppingServerSaysSo) {
  TestServer server;
  Watch watch(server, "belmont");
  (void)watch.EventsUntilComplete();
  server.Stop();
  const absl::Status end = watch.End();
  EXPECT_EQ(GetErrorReason(end), v1::ERROR_REASON_SHUTTING_DOWN) << end;
}

TEST(WatchRpcTest, AMemberHasSoManyAndAnAdministratorNone) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_watches_per_member_max(1);
  };
  TestServer server(std::move(options));
  {
    Watch one(server, "belmont");
    (void)one.EventsUntilComplete();
    EXPECT_EQ(GetErrorReason(Watch(server, "belmont").End()), v1::ERROR_REASON_RATE_LIMITED);
    Watch other(server, "aurore");
    (void)other.EventsUntilComplete();
    one.WritesDone();
    EXPECT_TRUE(one.End().ok());
  }
  // The place is given back.
  EXPECT_TRUE(Eventually([&] {
    Watch again(server, "belmont");
    v1::WatchRecordsResponse response;
    return again.Read(&response);
  }));
  // As soon as that one's is, too.
  EXPECT_TRUE(Eventually([&] {
    Watch admin(server.Watch("belmont", "admin"));
    admin.Start(v1::RecordFilter(), "");
    return GetErrorReason(admin.End()) == v1::ERROR_REASON_ROLE_MISSING;
  }));
}

}  // namespace
}  // namespace coalition::testing
