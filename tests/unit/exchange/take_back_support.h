// Requests to take many records back, and what came of each.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/exchange_world.h"
#include "tests/unit/exchange/clearance_support.h"

namespace coalition::testing {

constexpr auto kDone = v1::TAKE_BACK_STATUS_DONE;
constexpr auto kDoneBefore = v1::TAKE_BACK_STATUS_DONE_BEFORE;
constexpr auto kRejected = v1::TAKE_BACK_STATUS_REJECTED;
constexpr auto kValid = v1::TAKE_BACK_STATUS_VALID;
constexpr char kNobodys[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

inline v1::BatchWithdrawRecordsRequest WithdrawAll(const std::vector<std::string>& names) {
  v1::BatchWithdrawRecordsRequest request;
  *request.mutable_names() = {names.begin(), names.end()};
  return request;
}

inline v1::BatchClearRecordsRequest ClearAll(const std::vector<std::string>& names) {
  v1::BatchClearRecordsRequest request;
  *request.mutable_names() = {names.begin(), names.end()};
  request.set_grounds(v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
  return request;
}

using TakeBackResults = std::vector<v1::TakeBackResult>;

// One for each name, in their order, or none where the call failed.
template <class Request, class Response>
TakeBackResults ResultsOf(const Request& request, const absl::StatusOr<Response>& response) {
  EXPECT_TRUE(response.ok()) << response.status();
  if (!response.ok()) return {};
  EXPECT_EQ(response->results_size(), request.names_size());
  for (int i = 0; i < response->results_size(); ++i) {
    EXPECT_EQ(response->results(i).name(), request.names(i));
    EXPECT_EQ(response->results(i).has_error(), response->results(i).status() == kRejected) << i;
  }
  return {response->results().begin(), response->results().end()};
}

inline TakeBackResults Withdrawn(World& world, const char* member, const std::vector<std::string>& names) {
  const auto request = WithdrawAll(names);
  return ResultsOf(request, world.BatchWithdraw(world.As(member), request));
}

inline TakeBackResults Cleared(World& world, const char* member, const std::vector<std::string>& names) {
  const auto request = ClearAll(names);
  return ResultsOf(request, world.BatchClear(world.As(member), request));
}

inline std::vector<v1::TakeBackStatus> StatusesOf(const TakeBackResults& results) {
  std::vector<v1::TakeBackStatus> statuses;
  for (const v1::TakeBackResult& result : results) statuses.push_back(result.status());
  return statuses;
}

// Reports about so many sellers, made in one import.
inline std::vector<std::string> ManyReports(World& world, int count, const std::string& comment = "") {
  v1::ImportRecordsRequest request;
  for (int i = 0; i < count; ++i) {
    v1::Record* record = request.add_items()->mutable_record();
    *record = Report("bazaar.example", "shop-" + std::to_string(i));
    record->mutable_offender_report()->set_comment(comment);
    record->set_external_id("case-" + std::to_string(i));
    GrantMember(*record, "belmont");
  }
  std::vector<std::string> names;
  const auto imported = world.Import(world.As("aurore"), request);
  EXPECT_TRUE(imported.ok()) << imported.status();
  if (!imported.ok()) return names;
  for (const v1::ImportResult& result : imported->results()) names.push_back(result.name());
  return names;
}

}  // namespace coalition::testing
