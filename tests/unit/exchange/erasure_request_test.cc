// What both calls of ErasureService ask for and answer alike; and all that can be wrong with EraseRecords.
#include "server/exchange/erasure_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "tests/unit/exchange/erasure_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::HasSubstr;

std::string AtFault(v1::ErasureGrounds grounds, const std::string& reference) {
  FieldChecker checker(0);
  CheckErasure(grounds, reference, &checker);
  return FieldsAtFault(checker.ToStatus());
}

TEST(ErasureRequestTest, GroundsAreKnownOnes) {
  for (const v1::ErasureGrounds known :
       {v1::ERASURE_GROUNDS_COURT_ORDER, v1::ERASURE_GROUNDS_DATA_SUBJECT, v1::ERASURE_GROUNDS_CONTRIBUTOR}) {
    EXPECT_EQ(AtFault(known, ""), "");
  }
  EXPECT_EQ(AtFault(v1::ERASURE_GROUNDS_UNSPECIFIED, ""), "grounds");
  EXPECT_EQ(AtFault(static_cast<v1::ErasureGrounds>(17), "7"), "grounds");
}

TEST(ErasureRequestTest, AReferenceIsOneLineOfText) {
  const auto at_fault = [](const std::string& reference) {
    return AtFault(v1::ERASURE_GROUNDS_COURT_ORDER, reference);
  };
  EXPECT_EQ(at_fault(""), "");
  EXPECT_EQ(at_fault("7 O 12/26"), "");
  EXPECT_EQ(at_fault(std::string(100, 'x')), "");
  EXPECT_EQ(at_fault(std::string(101, 'x')), "reference");
  std::string bytes;
  for (int i = 0; i < 51; ++i) bytes += "ü";
  EXPECT_EQ(at_fault(bytes), "reference") << "bytes are counted, not characters";
  bytes.resize(100);
  EXPECT_EQ(at_fault(bytes), "");
  for (const char* const wrong : {"7\n8", "7\r", "\t7", "7\x01", "7\x7f", "7\xc2\x85", "7\xff"})
    EXPECT_EQ(at_fault(wrong), "reference") << wrong;
  EXPECT_EQ(AtFault(v1::ERASURE_GROUNDS_UNSPECIFIED, "7\n"), "grounds, reference") << "both are told at once";
}

TEST(ErasureRequestTest, TheLedgerIsToldWhy) {
  EXPECT_EQ(ErasedWhy(v1::ERASURE_GROUNDS_COURT_ORDER, "7 O 12/26"),
            "on a court's order, reference 7 O 12/26");
  EXPECT_EQ(ErasedWhy(v1::ERASURE_GROUNDS_DATA_SUBJECT, ""), "at the request of whom they are about");
  EXPECT_EQ(ErasedWhy(v1::ERASURE_GROUNDS_CONTRIBUTOR, ""), "at their contributor's request");
}

TEST(ErasureRequestTest, WhatWasCutShortIsToBeRepeated) {
  for (const absl::Status& status : {absl::UnavailableError("disk"), absl::AbortedError("changed"),
                                     absl::InternalError("?"), FromStore(absl::UnavailableError("disk"))}) {
    const absl::Status cut = CutShort("entries", status);
    EXPECT_EQ(GetErrorReason(cut), v1::ERROR_REASON_STORE_UNAVAILABLE) << status;
    EXPECT_THAT(std::string(cut.message()),
                AllOf(HasSubstr("some of the entries may be gone"), HasSubstr("repeat the call")));
  }
  // What the caller can do something else about stays what it is.
  EXPECT_EQ(GetErrorReason(CutShort("entries", absl::UnknownError("?"))),
            v1::ERROR_REASON_WRITE_UNDETERMINED);
  EXPECT_EQ(GetErrorReason(CutShort("entries", absl::DataLossError("?"))), v1::ERROR_REASON_CORRUPT);
  const absl::Status refused = Error(v1::ERROR_REASON_CREDENTIAL_REVOKED, "it is revoked");
  EXPECT_EQ(CutShort("entries", refused), refused);
}

TEST(ErasureRequestTest, SaysEverythingThatIsWrongWithARequest) {
  World world(AdministrationOptions());
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "belmont");
  const std::string name = world.Created("aurore", report).name();
  const store::Revision head = world.store().Head();
  const auto refused = [&](const v1::EraseRecordsRequest& request) {
    return BeginErasure(world, ContextOf(world, "office", "chief"), request).get().status();
  };
  const auto at_fault = [&](const v1::EraseRecordsRequest& request) {
    return FieldsAtFault(refused(request));
  };
  EXPECT_EQ(at_fault({}), "names, grounds");
  EXPECT_EQ(at_fault(Naming({name, "shop-1", name})), "names[1], names[2]");
  v1::EraseRecordsRequest both = About("shop-1");
  both.add_names(name);
  EXPECT_EQ(at_fault(both), "seller");
  EXPECT_EQ(at_fault(About("")), "seller.seller_id");
  v1::EraseRecordsRequest nowhere = About("shop-1");
  nowhere.mutable_seller()->set_platform("no host");
  EXPECT_EQ(at_fault(nowhere), "seller.platform");
  v1::EraseRecordsRequest words = Naming({name});
  words.set_reference("7\n8");
  words.set_grounds(v1::ERASURE_GROUNDS_UNSPECIFIED);
  EXPECT_EQ(at_fault(words), "grounds, reference");
  const absl::Status many = refused(Naming(std::vector<std::string>(251, name)));
  EXPECT_EQ(GetErrorReason(many), v1::ERROR_REASON_LIMIT_EXCEEDED) << many;
  EXPECT_EQ(world.store().Head(), head) << "nothing was done, and nothing is said of it";
  EXPECT_TRUE(world.Get(world.As("aurore"), name).ok());
}

}  // namespace
}  // namespace coalition::exchange
