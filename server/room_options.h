// What the rooms are told of the configuration, which is complete (config.h).
#pragma once

#include "coalition/config/v1/server_config.pb.h"
#include "server/exchange/exchange.h"
#include "server/service/call_kit.h"
#include "server/service/member_limits.h"
#include "server/store/leveldb_store.h"

namespace coalition::server {

store::LevelDbOptions StoreOptions(const config::v1::ServerConfig& config);
exchange::ExchangeOptions ExchangeOptionsOf(const config::v1::ServerConfig& config);
// Of the members' listener, and of the administration's, which serves no watches.
service::MemberLimitOptions MemberLimitsOf(const config::v1::Limits& limits);
service::MemberLimitOptions AdminLimitsOf(const config::v1::Limits& limits);
service::CallDurations DurationsOf(const config::v1::Limits& limits);

}  // namespace coalition::server
