// Requests to clear and to confirm, and what is kept of a record that was taken back.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/policy/default_policy.h"
#include "server/exchange/taken_back.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

inline exchange::RecordId IdOf(const std::string& name) { return *RecordIdToBytes(*ParseRecordName(name)); }

// Where a report about a seller lies.
inline std::string ReportKey(const World& world, const std::string& platform, const std::string& seller_id,
                             const std::string& name) {
  return exchange::RecordKey(platform, world.keys().contents->SellerToken(platform, seller_id), IdOf(name));
}

// nullopt: nothing is kept.
inline std::optional<storage::v1::StoredTakenBack> TakenBackOf(World& world, const std::string& name) {
  auto found = exchange::FindTakenBack(world.store(), IdOf(name), world.store().Head());
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() ? *std::move(found) : std::nullopt;
}

inline v1::ClearRecordRequest ClearRequest(const std::string& name) {
  v1::ClearRecordRequest request;
  request.set_name(name);
  request.set_grounds(v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
  return request;
}

inline void ClearIt(World& world, const std::string& member, const std::string& name) {
  const auto cleared = world.Clear(world.As(member), ClearRequest(name));
  ASSERT_TRUE(cleared.ok()) << cleared.status();
}

inline v1::ConfirmRecordRequest ConfirmRequest(const std::string& name) {
  v1::ConfirmRecordRequest request;
  request.set_name(name);
  request.set_grounds("bought one, and it is none of ours");
  return request;
}

// The built-in policy with these limits: a textproto of PolicyLimits.
inline WorldOptions WithLimits(const std::string& limits) {
  WorldOptions options;
  v1::CoalitionPolicy* policy = options.bootstrap.mutable_policy();
  *policy = policy::DefaultPolicy();
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(limits, policy->mutable_limits())) << limits;
  return options;
}

inline std::vector<std::string> ClearedBefore(const v1::Record& record) {
  return {record.cleared_before().begin(), record.cleared_before().end()};
}

}  // namespace coalition::testing
