// Promise 4: when SetStanding has returned, no message to that member starts any more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/errors.h"
#include "tests/integration/import_stream.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using MembershipStub = v1::MembershipService::Stub;
using ExchangeStub = v1::ExchangeService::Stub;

v1::SetStandingRequest StandingOf(const std::string& member, v1::Standing standing) {
  v1::SetStandingRequest request;
  request.set_member("members/" + member);
  request.set_standing(standing);
  request.set_reason(v1::STANDING_REASON_SECURITY_INCIDENT);
  return request;
}

absl::StatusOr<v1::SetStandingResponse> SetStanding(const TestServer& server, const std::string& member,
                                                    v1::Standing standing) {
  return Call(server.Membership("office", "admin"), &MembershipStub::SetStanding,
              StandingOf(member, standing));
}

v1::ScreenSellersRequest ScreenOf(const std::string& seller) {
  v1::ScreenSellersRequest request;
  v1::Seller* key = request.add_sellers();
  key->set_platform("bazaar.example");
  key->set_seller_id(seller);
  return request;
}

// The one answer, whoever asks for what.
void ExpectTheOneAnswer(const absl::Status& status) {
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_MEMBER_NOT_ACTIVE) << status;
  EXPECT_EQ(status.message(), "your member's standing does not allow this call");
  const auto info = GetErrorInfo(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->metadata().at("contact"), "members/office");
}

// What the server has begun to send on all calls of the exchange, by its own count.
std::string MessagesSent(const TestServer& server) {
  const std::string body = HttpGet(server.http_port(), "/metrics").body;
  std::string sent;
  for (size_t at = body.find("grpc_server_msg_sent_total{"); at != std::string::npos;
       at = body.find("grpc_server_msg_sent_total{", at + 1)) {
    const std::string line = body.substr(at, body.find('\n', at) - at);
    if (line.find("ExchangeService") != std::string::npos) sent += line + "\n";
  }
  return sent;
}

TEST(StandingTest, ASuspendedMemberGetsTheOneAnswerToEverything) {
  const TestServer server;
  const auto connected = server.Exchange("souk");
  const auto membership = server.Membership("souk");
  v1::ListMembersRequest list;
  list.set_page_size(2);
  const auto page = Call(membership, &MembershipStub::ListMembers, list);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE(Call(connected, &ExchangeStub::ScreenSellers, ScreenOf("shop-1")).ok());

  const auto suspended = SetStanding(server, "souk", v1::STANDING_SUSPENDED);
  ASSERT_TRUE(suspended.ok()) << suspended.status();
  EXPECT_EQ(suspended->member().standing(), v1::STANDING_SUSPENDED);
  EXPECT_EQ(suspended->member().standing_reason(), v1::STANDING_REASON_SECURITY_INCIDENT);

  ExpectTheOneAnswer(Call(connected, &ExchangeStub::ScreenSellers, ScreenOf("shop-1")).status());
  ExpectTheOneAnswer(
      Call(server.Exchange("souk"), &ExchangeStub::ScreenSellers, ScreenOf("shop-1")).status());
  list.set_page_token(page->next_page_token());
  ExpectTheOneAnswer(Call(membership, &MembershipStub::ListMembers, list).status());
  ExpectTheOneAnswer(Call(membership, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status());
  ExpectTheOneAnswer(
      Call(server.Membership("souk", "admin"), &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status());
  ImportCall import(connected);
  ExpectTheOneAnswer(import.Finish());
  // Others go on, and know of it.
  v1::GetMemberRequest get;
  get.set_name("members/souk");
  const auto told = Call(server.Membership("aurore"), &MembershipStub::GetMember, get);
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->member().standing(), v1::STANDING_SUSPENDED);
}

TEST(StandingTest, AStandingIsKeptAcrossARestartAndARepetitionChangesNothing) {
  TestServer server;
  ASSERT_TRUE(SetStanding(server, "souk", v1::STANDING_SUSPENDED).ok());
  const auto epoch = server.WhoAmI(server.IdentityOf("aurore"));
  const auto again = SetStanding(server, "souk", v1::STANDING_SUSPENDED);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->has_cut_off());
  server.Restart();
  ExpectTheOneAnswer(server.WhoAmI(server.IdentityOf("souk")).status());
  const auto after = server.WhoAmI(server.IdentityOf("aurore"));
  ASSERT_TRUE(epoch.ok() && after.ok());
  EXPECT_EQ(epoch->epoch(), after->epoch());
}

TEST(StandingTest, OneAdministratorOnlyTakesAway) {
  const TestServer server;
  const auto reason = [](const absl::StatusOr<v1::SetStandingResponse>& answer) {
    return GetErrorReason(answer.status());
  };
  EXPECT_EQ(reason(SetStanding(server, "souk", v1::STANDING_ACTIVE)), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(reason(SetStanding(server, "souk", v1::STANDING_EXITED)), v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_EQ(reason(SetStanding(server, "nobody", v1::STANDING_SUSPENDED)), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(reason(SetStanding(server, "office", v1::STANDING_SUSPENDED)),
            v1::ERROR_REASON_LAST_ADMINISTRATOR);
  v1::SetStandingRequest without = StandingOf("souk", v1::STANDING_SUSPENDED);
  without.clear_reason();
  EXPECT_EQ(GetErrorReason(
                Call(server.Membership("office", "admin"), &MembershipStub::SetStanding, without).status()),
            v1::ERROR_REASON_INVALID_FIELD);
  // Not by a member's own administrator, whoever it is about.
  EXPECT_EQ(GetErrorReason(Call(server.Membership("corsa", "admin"), &MembershipStub::SetStanding,
                                StandingOf("souk", v1::STANDING_SUSPENDED))
                               .status()),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_TRUE(server.WhoAmI(server.IdentityOf("souk")).ok());
}

TEST(StandingTest, AdministrativeCredentialsAreServedOnTheAdministrationsListenerOnly) {
  const TestServer server;
  const auto who = [&](const std::string& member, const std::string& credential, int port) {
    const auto stub =
        v1::MembershipService::NewStub(server.ChannelAs(server.IdentityOf(member, credential), 0, port));
    return GetErrorReason(Call(stub, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status());
  };
  const v1::ErrorReason none = v1::ERROR_REASON_UNSPECIFIED, wrong = v1::ERROR_REASON_WRONG_LISTENER;
  EXPECT_EQ(who("office", "admin", server.port()), wrong);
  EXPECT_EQ(who("office", "audit", server.port()), wrong);
  EXPECT_EQ(who("office", "admin", server.admin_port()), none);
  EXPECT_EQ(who("office", "audit", server.admin_port()), none);
  // A member's own administrator acts on either, who only reads on the first.
  EXPECT_EQ(who("bazaar", "admin", server.port()), none);
  EXPECT_EQ(who("bazaar", "admin", server.admin_port()), none);
  EXPECT_EQ(who("bazaar", "backend", server.admin_port()), wrong);
}

// Streams and unary clients of one member, as many as it likes. Counts what it gets; stops by itself.
class Traffic {
 public:
  Traffic(const TestServer& server, int connections, int streams, int unary_clients) {
    for (int i = 0; i < connections; ++i) {
      stubs_.push_back(server.Exchange("souk"));
    }
    for (int i = 0; i < streams; ++i) {
      threads_.emplace_back([this, i] { Import(i); });
    }
    for (int i = 0; i < unary_clients; ++i) {
      threads_.emplace_back([this, i] { Screen(i); });
    }
  }
  ~Traffic() {
    stop_ = true;
    Join();
  }
  void Join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  std::atomic<int> open{0}, imported{0}, screened{0};
  // Calls that were begun after `cut` and still gave something.
  std::atomic<bool> cut{false};
  std::atomic<int> after_cut{0}, other_ends{0}, ended{0};

 private:
  // Twelve messages in flight are more than the server has in work.
  void Import(int number) {
    ImportCall call(stubs_[static_cast<size_t>(number) % stubs_.size()]);
    v1::ImportRecordsResponse response;
    int next = number * 1'000'000;
    bool first = true;
    while (!stop_ && call.Write(ImportOf(next++, 1)) && call.Read(&response)) {
      ++imported;
      if (first) ++open;
      first = false;
    }
    if (!stop_) Judge(call.Finish());
    ++ended;
    if (stop_) call.Cancel();
  }

  void Screen(int number) {
    const auto& stub = stubs_[static_cast<size_t>(number) % stubs_.size()];
    while (!stop_) {
      const bool late = cut.load();
      const auto answer = Call(stub, &ExchangeStub::ScreenSellers, ScreenOf("shop-1"));
      if (!answer.ok()) return Judge(answer.status());
      ++screened;
      if (late) ++after_cut;
    }
  }

  void Judge(const absl::Status& status) {
    if (GetErrorReason(status) != v1::ERROR_REASON_MEMBER_NOT_ACTIVE) {
      ++other_ends;
      ADD_FAILURE() << status;
    }
  }

  std::atomic<bool> stop_{false};
  std::vector<std::unique_ptr<ExchangeStub>> stubs_;
  std::vector<std::thread> threads_;
};

TEST(StandingTest, NothingStartsAfterSetStandingHasReturned) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_imports_per_member_max(1000);
  };
  const TestServer server(options);
  constexpr int kStreams = 1000, kUnary = 8;
  Traffic traffic(server, 8, kStreams, kUnary);
  ASSERT_TRUE(Eventually([&] { return traffic.open == kStreams && traffic.screened > 100; }));

  const auto suspended = SetStanding(server, "souk", v1::STANDING_SUSPENDED);
  traffic.cut = true;
  // By the server's own count, which nobody else's calls add to.
  const std::string sent = MessagesSent(server);
  ASSERT_TRUE(suspended.ok()) << suspended.status();
  EXPECT_EQ(suspended->cut_off().streams(), kStreams);
  traffic.Join();
  EXPECT_EQ(MessagesSent(server), sent);
  EXPECT_THAT(sent, HasSubstr("ImportRecords"));
  EXPECT_EQ(traffic.after_cut, 0);
  EXPECT_EQ(traffic.other_ends, 0);
}

TEST(StandingTest, ALimitedMemberReadsItsOwnAndWritesNothing) {
  const TestServer server;
  ASSERT_TRUE(SetStanding(server, "souk", v1::STANDING_LIMITED).ok());
  EXPECT_TRUE(Call(server.Exchange("souk"), &ExchangeStub::ScreenSellers, ScreenOf("shop-1")).ok());
  ImportCall import(server.Exchange("souk"));
  ExpectTheOneAnswer(import.Finish());
}

}  // namespace
}  // namespace coalition::testing
