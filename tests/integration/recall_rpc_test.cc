// Recalls over real mutual TLS: who was shown a record, who was told that it is gone, and who has dealt with
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/eventually.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ExchangeStub = v1::ExchangeService::Stub;
using WatchStub = v1::WatchService::Stub;

// A report of aurore's that these members see; its name.
std::string Created(const TestServer& server, const std::string& seller,
                    const std::vector<std::string>& readers) {
  v1::CreateRecordRequest request;
  *request.mutable_record() = Report(seller);
  for (const std::string& reader : readers) GrantMember(request.mutable_record(), reader);
  const auto created = Call(server.Exchange("aurore"), &ExchangeStub::CreateRecord, request);
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? created->record().name() : "";
}

void Get(const TestServer& server, const std::string& member, const std::string& name) {
  v1::GetRecordRequest request;
  request.set_name(name);
  const auto got = Call(server.Exchange(member), &ExchangeStub::GetRecord, request);
  EXPECT_TRUE(got.ok()) << got.status();
}

void Withdraw(const TestServer& server, const std::string& name) {
  v1::WithdrawRecordRequest request;
  request.set_name(name);
  const auto withdrawn = Call(server.Exchange("aurore"), &ExchangeStub::WithdrawRecord, request);
  EXPECT_TRUE(withdrawn.ok()) << withdrawn.status();
}

absl::Status SetStanding(const TestServer& server, const std::string& member, v1::Standing standing) {
  v1::SetStandingRequest request;
  request.set_member("members/" + member);
  request.set_standing(standing);
  request.set_reason(v1::STANDING_REASON_INVESTIGATION);
  return Call(server.Membership("office", "admin"), &v1::MembershipService::Stub::SetStanding, request)
      .status();
}

// "belmont ACKNOWLEDGED", as aurore is told.
std::vector<std::string> States(const TestServer& server, const std::string& name) {
  v1::GetRecallStatusRequest request;
  request.set_name(name);
  const auto status = Call(server.Watch("aurore"), &WatchStub::GetRecallStatus, request);
  if (!status.ok()) return {std::string(status.status().message())};
  std::vector<std::string> states;
  for (const v1::RecallRecipient& one : status->recipients()) {
    states.push_back(one.member().substr(8) + " " + v1::RecallState_Name(one.state()).substr(13));
  }
  return states;
}

std::vector<std::string> Recalls(const TestServer& server, const std::string& member) {
  const auto listed = Call(server.Watch(member), &WatchStub::ListRecalls, v1::ListRecallsRequest());
  if (!listed.ok()) return {std::string(listed.status().message())};
  std::vector<std::string> recalls;
  for (const v1::Retraction& one : listed->recalls())
    recalls.push_back(v1::RetractionKind_Name(one.kind()).substr(16) + " " + one.name());
  return recalls;
}

absl::Status Acknowledge(const TestServer& server, const std::string& member, const std::string& name) {
  v1::AcknowledgeRecallsRequest request;
  request.add_recalls()->set_name(name);
  request.mutable_recalls(0)->set_kind(v1::RETRACTION_KIND_GONE);
  return Call(server.Watch(member), &WatchStub::AcknowledgeRecalls, request).status();
}

// Follows the feed and acknowledges what it reads, until it is destroyed.
class Follower {
 public:
  Follower(const TestServer& server, const std::string& member, bool acknowledges)
      : stub_(server.Watch(member)), stream_(stub_->WatchRecords(&context_)), thread_([this, acknowledges] {
          v1::WatchRecordsRequest request;
          request.mutable_start();
          stream_->Write(request);
          v1::WatchRecordsResponse response;
          for (int64_t read = 1; stream_->Read(&response); ++read) {
            if (!acknowledges) continue;
            request.mutable_acknowledgement()->set_responses(read);
            stream_->Write(request);
          }
        }) {}
  ~Follower() {
    context_.TryCancel();
    thread_.join();
    stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<WatchStub> stub_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::WatchRecordsRequest, v1::WatchRecordsResponse>> stream_;
  std::thread thread_;
};

TEST(RecallRpcTest, TheListOfThoseWhoHaveNotAcknowledgedGrowsShorter) {
  TestServer server;
  const std::string name = Created(server, "shop-1", {"belmont", "corsa", "paylink", "customs"});
  {
    const Follower belmont(server, "belmont", true);
    const Follower corsa(server, "corsa", false);
    Get(server, "paylink", name);
    EXPECT_TRUE(Eventually([&] {
      return States(server, name) ==
             std::vector<std::string>{"belmont SHOWN", "corsa SHOWN", "paylink SHOWN"};
    }));
    Withdraw(server, name);
    EXPECT_TRUE(Eventually([&] {
      return States(server, name) ==
             std::vector<std::string>{"paylink NOT_TOLD", "corsa TOLD", "belmont ACKNOWLEDGED"};
    })) << ::testing::PrintToString(States(server, name));
  }
  server.Restart();
  EXPECT_THAT(States(server, name), ElementsAre("paylink NOT_TOLD", "corsa TOLD", "belmont ACKNOWLEDGED"));
  EXPECT_THAT(Recalls(server, "paylink"), ElementsAre("GONE " + name));
  EXPECT_THAT(Recalls(server, "belmont"), IsEmpty());
  EXPECT_THAT(Recalls(server, "customs"), IsEmpty());
  EXPECT_TRUE(
      Eventually([&] { return States(server, name).front() == "corsa TOLD"; }));  // it is kept a moment later
  EXPECT_TRUE(Acknowledge(server, "paylink", name).ok());
  EXPECT_TRUE(Acknowledge(server, "corsa", name).ok());
  EXPECT_THAT(States(server, name),
              ElementsAre("belmont ACKNOWLEDGED", "corsa ACKNOWLEDGED", "paylink ACKNOWLEDGED"));
}

// The one exception of promise 4.
TEST(RecallRpcTest, ASuspendedMemberMayDealWithItsRecallsAndNothingElse) {
  const TestServer server;
  const std::string name = Created(server, "shop-1", {"belmont"});
  Get(server, "belmont", name);
  ASSERT_TRUE(SetStanding(server, "belmont", v1::STANDING_SUSPENDED).ok());
  EXPECT_THAT(Recalls(server, "belmont"), ElementsAre("GONE " + name));
  EXPECT_TRUE(Acknowledge(server, "belmont", name).ok());
  EXPECT_THAT(Recalls(server, "belmont"), IsEmpty());
  EXPECT_THAT(States(server, name), ElementsAre("belmont ACKNOWLEDGED"));

  v1::GetRecordRequest get;
  get.set_name(name);
  EXPECT_EQ(GetErrorReason(Call(server.Exchange("belmont"), &ExchangeStub::GetRecord, get).status()),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  v1::GetRecallStatusRequest status;
  status.set_name(name);
  EXPECT_EQ(GetErrorReason(Call(server.Watch("belmont"), &WatchStub::GetRecallStatus, status).status()),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_THAT(Recalls(server, "souk"), IsEmpty());
}

TEST(RecallRpcTest, SoMayWhoHasLeft) {
  const TestServer server;
  const std::string name = Created(server, "shop-1", {"belmont"});
  Get(server, "belmont", name);
  v1::LeaveCoalitionRequest leave;
  leave.set_member("members/belmont");
  leave.set_disposition(v1::RECORD_DISPOSITION_WITHDRAW);
  const auto left =
      Call(server.Membership("belmont", "admin"), &v1::MembershipService::Stub::LeaveCoalition, leave);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_THAT(Recalls(server, "belmont"), ElementsAre("GONE " + name));
  EXPECT_TRUE(Acknowledge(server, "belmont", name).ok());
  EXPECT_THAT(States(server, name), ElementsAre("belmont ACKNOWLEDGED"));
}

}  // namespace
}  // namespace coalition::testing
