// Scene 3: a member leaves, and its records with it or to a successor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/errors.h"
#include "tests/integration/import_stream.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using MembershipStub = v1::MembershipService::Stub;
using ExchangeStub = v1::ExchangeService::Stub;

constexpr int kRecords = 450;

class DepartureTest : public ::testing::Test {
 protected:
  // belmont's records, which bazaar may see.
  void Contribute() {
    ImportCall import(server_.Exchange("belmont"));
    v1::ImportRecordsResponse response;
    for (int first = 0; first < kRecords; first += 150) {
      v1::ImportRecordsRequest request = ImportOf(first, 150);
      for (v1::ImportItem& item : *request.mutable_items()) {
        GrantKind(item.mutable_record(), v1::MEMBER_KIND_MARKETPLACE, "notice");
      }
      ASSERT_TRUE(import.Write(request));
      ASSERT_TRUE(import.Read(&response));
    }
    import.WritesDone();
    ASSERT_TRUE(import.Finish().ok());
  }

  absl::StatusOr<v1::LeaveCoalitionResponse> Leave(v1::RecordDisposition disposition,
                                                   const std::string& successor,
                                                   const std::string& by = "belmont") {
    v1::LeaveCoalitionRequest request;
    request.set_member("members/belmont");
    request.set_disposition(disposition);
    request.set_successor(successor);
    return Call(server_.Membership(by, "admin"), &MembershipStub::LeaveCoalition, request);
  }

  void Accept(const std::string& successor, const std::string& of) {
    v1::SetMemberPolicyRequest request;
    request.mutable_policy()->set_unbounded(true);
    request.mutable_policy()->add_accepts_records_of(of);
    const auto set =
        Call(server_.Policy(successor, "admin"), &v1::PolicyService::Stub::SetMemberPolicy, request);
    ASSERT_TRUE(set.ok()) << set.status();
  }

  absl::StatusOr<v1::Departure> Progress(const std::string& by) {
    v1::GetDepartureRequest request;
    request.set_member("members/belmont");
    const auto answer = Call(server_.Membership(by, "admin"), &MembershipStub::GetDeparture, request);
    if (!answer.ok()) return answer.status();
    return answer->departure();
  }

  bool Ended() {
    return Eventually([&] {
      const auto departure = Progress("belmont");
      return departure.ok() && departure->has_end_time();
    });
  }

  int Listed(const std::string& member, const std::string& contributor) {
    v1::ListRecordsRequest request;
    request.set_page_size(1000);
    const auto page = Call(server_.Exchange(member), &ExchangeStub::ListRecords, request);
    EXPECT_TRUE(page.ok()) << page.status();
    int count = 0;
    for (const v1::Record& record : page->records()) count += record.contributor() == contributor ? 1 : 0;
    return contributor.empty() ? page->records_size() : count;
  }

  TestServer server_;
};

TEST_F(DepartureTest, ItsRecordsAreWithdrawnAlsoAcrossARestart) {
  Contribute();
  EXPECT_EQ(Listed("bazaar", ""), kRecords);
  EXPECT_EQ(GetErrorReason(Leave(v1::RECORD_DISPOSITION_WITHDRAW, "", "corsa").status()),
            v1::ERROR_REASON_INVALID_FIELD);
  const auto left = Leave(v1::RECORD_DISPOSITION_WITHDRAW, "");
  ASSERT_TRUE(left.ok()) << left.status();
  server_.Restart();
  ASSERT_TRUE(Ended());
  EXPECT_EQ(Progress("belmont")->records_done(), kRecords);
  EXPECT_TRUE(Progress("office")->has_end_time());
  EXPECT_EQ(Progress("office")->records_done(), 0) << "how many it had is nobody else's affair";
  EXPECT_EQ(GetErrorReason(Progress("corsa").status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(Listed("bazaar", ""), 0);
  // It is told of its leaving and of nothing else.
  EXPECT_TRUE(Leave(v1::RECORD_DISPOSITION_WITHDRAW, "").ok());
  EXPECT_EQ(GetErrorReason(server_.WhoAmI(server_.IdentityOf("belmont", "admin")).status()),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(
      GetErrorReason(
          Call(server_.Exchange("belmont"), &ExchangeStub::ListRecords, v1::ListRecordsRequest()).status()),
      v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
}

TEST_F(DepartureTest, WhoHasLeftLearnsNothingOfOthersNotEvenWhetherTheyAreThere) {
  ASSERT_TRUE(Leave(v1::RECORD_DISPOSITION_WITHDRAW, "").ok());
  ASSERT_TRUE(Ended());
  const auto asked = [&](const std::string& member) {
    v1::GetDepartureRequest request;
    request.set_member(member);
    return Call(server_.Membership("belmont", "admin"), &MembershipStub::GetDeparture, request).status();
  };
  EXPECT_EQ(asked("members/corsa"), asked("members/nobody"));
  EXPECT_FALSE(asked("members/corsa").ok());
  v1::LeaveCoalitionRequest transfer;
  transfer.set_member("members/belmont");
  transfer.set_disposition(v1::RECORD_DISPOSITION_TRANSFER);
  const auto left_to = [&](const std::string& successor) {
    transfer.set_successor(successor);
    return Call(server_.Membership("belmont", "admin"), &MembershipStub::LeaveCoalition, transfer).status();
  };
  EXPECT_EQ(left_to("members/corsa"), left_to("members/nobody"));
}

TEST_F(DepartureTest, ItsRecordsGoToASuccessor) {
  Contribute();
  EXPECT_EQ(GetErrorReason(Leave(v1::RECORD_DISPOSITION_TRANSFER, "members/bazaar").status()),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(GetErrorReason(Leave(v1::RECORD_DISPOSITION_TRANSFER, "members/nobody").status()),
            v1::ERROR_REASON_NOT_FOUND);
  // Nobody becomes the contributor of what it did not ask for.
  EXPECT_EQ(GetErrorReason(Leave(v1::RECORD_DISPOSITION_TRANSFER, "members/aurore").status()),
            v1::ERROR_REASON_INVALID_FIELD);
  Accept("aurore", "members/belmont");
  const auto left = Leave(v1::RECORD_DISPOSITION_TRANSFER, "members/aurore");
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_TRUE(left->has_cut_off());
  ASSERT_TRUE(Ended());
  EXPECT_EQ(Listed("aurore", "members/aurore"), kRecords);
  EXPECT_EQ(Listed("bazaar", ""), kRecords);
}

}  // namespace
}  // namespace coalition::testing
