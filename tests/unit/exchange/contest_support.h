// Outcomes that say that an appeal was upheld, and the reports that these contest.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/exchange/clearance_support.h"
#include "tests/unit/exchange/expiry_support.h"

namespace coalition::testing {

constexpr int64_t kDayS = 86'400;

inline v1::Record Decided(const std::string& seller_id, v1::AppealResult result = v1::APPEAL_RESULT_UPHELD) {
  v1::Record outcome = Outcome("bazaar.example", seller_id);
  outcome.mutable_takedown_outcome()->set_appeal_result(result);
  return outcome;
}
inline v1::Record DecidedOn(const std::string& report, v1::AppealResult result = v1::APPEAL_RESULT_UPHELD) {
  v1::Record outcome = Decided("shop-1", result);
  outcome.mutable_takedown_outcome()->set_report(report);
  return outcome;
}

// aurore reports shop-1 of bazaar.example, which bazaar and souk see.
class ContestWorld : public ::testing::Test {
 protected:
  static v1::Record Reported() {
    v1::Record report = Report("bazaar.example", "shop-1");
    GrantKind(report, v1::MEMBER_KIND_MARKETPLACE, "notice");
    GrantMember(report, "belmont");
    return report;
  }

  explicit ContestWorld(WorldOptions options = {}) : world_(std::move(options)) {}

  v1::Record Get(const char* member, const std::string& name) {
    const auto record = world_.Get(world_.As(member), name);
    EXPECT_TRUE(record.ok()) << member << " " << record.status();
    return record.ok() ? *record : v1::Record();
  }
  v1::RecordState State(const std::string& name) { return Get("aurore", name).state(); }
  // The report is contested by bazaar.
  void ContestIt() {
    world_.Created("bazaar", DecidedOn(report_.name()));
    ASSERT_EQ(State(report_.name()), v1::RECORD_STATE_CONTESTED);
  }
  absl::StatusOr<v1::ReviseRecordResponse> Revise(const char* member, v1::Record change,
                                                  const std::vector<std::string>& paths) {
    v1::ReviseRecordRequest request;
    *request.mutable_record() = std::move(change);
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return world_.Revise(world_.As(member), request);
  }

  Rounds rounds_;  // not begun
  World world_;
  const v1::Record report_ = world_.Created("aurore", Reported());
};

}  // namespace coalition::testing
