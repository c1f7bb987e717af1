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
  kPreviewAudience,
  kExplainAccess,
  kGetPolicy,
  kListPolicyVersions,
  kValidatePolicy,
  kDiffPolicy,
  kApprovePolicy,
  kApplyPolicy,
  kGetMemberPolicy,
  kSetMemberPolicy,
  kSaveAudience,
  kListAudiences,
};
inline constexpr size_t kMethods = 24;

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
inline constexpr std::string_view kPolicyServiceName = "coalition.v1.PolicyService";

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
    {kExchangeServiceName, "PreviewAudience"},
    {kExchangeServiceName, "ExplainAccess"},
    {kPolicyServiceName, "GetPolicy"},
    {kPolicyServiceName, "ListPolicyVersions"},
    {kPolicyServiceName, "ValidatePolicy"},
    {kPolicyServiceName, "DiffPolicy"},
    {kPolicyServiceName, "ApprovePolicy", "unary", false, true},
    {kPolicyServiceName, "ApplyPolicy", "unary", false, true},
    {kPolicyServiceName, "GetMemberPolicy"},
    {kPolicyServiceName, "SetMemberPolicy", "unary", false, true},
    {kPolicyServiceName, "SaveAudience", "unary", false, true},
    {kPolicyServiceName, "ListAudiences"},
}};

inline const MethodInfo& InfoOf(Method method) { return kMethodInfos[static_cast<size_t>(method)]; }

}  // namespace coalition::service
