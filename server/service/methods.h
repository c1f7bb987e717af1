// The methods that are served, for limits, metrics and the disclosure seam.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coalition::service {

enum class Method : uint8_t {
  kCreateRecord,
  kGetRecord,
  kListRecords,
  kReviseRecord,
  kWithdrawRecord,
  kImportRecords,
  kScreenSellers,
  kGetSellerProfile,
  kWhoAmI,
  kListMembers,
  kGetMember,
  kListPlatforms,
};
inline constexpr size_t kMethods = 12;

struct MethodInfo {
  std::string_view service;
  std::string_view name;
  std::string_view type = "unary";
  // Answers whatever the standing of the caller's member.
  bool any_standing = false;
  // Refused to members whose standing is LIMITED.
  bool writes = false;
};

inline constexpr std::string_view kExchangeServiceName = "coalition.v1.ExchangeService";
inline constexpr std::string_view kMembershipServiceName = "coalition.v1.MembershipService";

inline constexpr std::array<MethodInfo, kMethods> kMethodInfos = {{
    {kExchangeServiceName, "CreateRecord", "unary", false, true},
    {kExchangeServiceName, "GetRecord"},
    {kExchangeServiceName, "ListRecords"},
    {kExchangeServiceName, "ReviseRecord", "unary", false, true},
    {kExchangeServiceName, "WithdrawRecord", "unary", false, true},
    {kExchangeServiceName, "ImportRecords", "bidi_stream", false, true},
    {kExchangeServiceName, "ScreenSellers"},
    {kExchangeServiceName, "GetSellerProfile"},
    {kMembershipServiceName, "WhoAmI", "unary", true, false},
    {kMembershipServiceName, "ListMembers"},
    {kMembershipServiceName, "GetMember"},
    {kMembershipServiceName, "ListPlatforms"},
}};

inline const MethodInfo& InfoOf(Method method) { return kMethodInfos[static_cast<size_t>(method)]; }

}  // namespace coalition::service
