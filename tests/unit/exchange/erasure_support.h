// Who erases records in a world of AdministrationOptions, and what the ledger is told of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/store/prefix.h"
#include "tests/support/administration_world.h"

namespace coalition::testing {

using EraseAnswer = absl::StatusOr<v1::EraseRecordsResponse>;

inline exchange::CallContext ContextOf(const World& world, const char* member, const char* credential) {
  exchange::CallContext context = world.As(member);
  const identity::RegisteredCredential* registered = context.snapshot->Find(member, credential);
  if (registered == nullptr) std::abort();
  context.caller.credential = registered->credential;
  context.caller.roles = registered->roles;
  context.caller.key_sha256 = registered->key_sha256;
  context.caller.gate = registered->gate.get();
  return context;
}

inline std::future<EraseAnswer> BeginErasure(World& world, const exchange::CallContext& context,
                                             const v1::EraseRecordsRequest& request) {
  auto promise = std::make_shared<std::promise<EraseAnswer>>();
  world.exchange().Erase(context, request,
                         [promise](EraseAnswer answer) { promise->set_value(std::move(answer)); });
  return promise->get_future();
}

inline v1::EraseRecordsRequest Naming(const std::vector<std::string>& names) {
  v1::EraseRecordsRequest request;
  *request.mutable_names() = {names.begin(), names.end()};
  request.set_grounds(v1::ERASURE_GROUNDS_COURT_ORDER);
  request.set_reference("7 O 12/26");
  return request;
}

inline v1::EraseRecordsRequest About(const std::string& seller) {
  v1::EraseRecordsRequest request = Naming({});
  request.mutable_seller()->set_platform(" Bazaar.Example");
  request.mutable_seller()->set_seller_id(seller);
  return request;
}

// What its acts about records say, the oldest first.
inline std::vector<std::string> ActsOnRecords(World& world) {
  std::vector<std::string> acts;
  const auto visit = [&](std::string_view, std::string_view value, store::Revision) {
    storage::v1::StoredLedgerEntry entry;
    v1::LedgerContent content;
    EXPECT_TRUE(entry.ParseFromArray(value.data(), static_cast<int>(value.size())));
    const auto parts = ledger::PartsOf(*world.entry_keys(), entry);
    EXPECT_TRUE(parts.ok() && parts->has_value() && content.ParseFromString((*parts)->open.content));
    if (content.act().target() == "records") acts.push_back(content.act().change());
    return true;
  };
  const auto scanned = world.store().ScanEach(
      ledger::kEntriesPrefix, store::PrefixEnd(ledger::kEntriesPrefix), world.store().Head(), visit);
  EXPECT_TRUE(scanned.ok()) << scanned;
  return acts;
}

}  // namespace coalition::testing
