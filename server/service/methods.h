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
  kListGroups,
  kSetStanding,
  kSetCertificatesNotBefore,
  kLeaveCoalition,
  kGetDeparture,
  kRemoveFromGroup,
  kReleasePlatform,
  kListCredentials,
  kSetCredential,
  kRegisterKey,
  kConfirmKey,
  kRevokeCredential,
  kListMembershipEvents,
  kCreateProposal,
  kGetProposal,
  kListProposals,
  kPreviewProposal,
  kApproveProposal,
  kObjectToProposal,
  kApplyProposal,
  kWithdrawProposal,
  kWatchRecords,
  kListRecalls,
  kAcknowledgeRecalls,
  kGetRecallStatus,
  kClearRecord,
  kConfirmRecord,
  kBatchWithdrawRecords,
  kBatchClearRecords,
  kGetCheckpoint,
  kGetConsistencyProof,
  kListLedgerEntries,
  kGetLedgerEntry,
  kListDisclosures,
  kAddCosignature,
  kCreateBackup,
  kEraseRecords,
  kEraseLedgerEntries,
};
inline constexpr size_t kMethods = 62;

struct MethodInfo {
  std::string_view service;
  std::string_view name;
  std::string_view type = "unary";
  // Answers members that have left too: of their leaving, and of nothing else.
  bool answers_exited = false;
  // Refused to members whose standing is LIMITED.
  bool writes = false;
  // Cuts credentials off: it has workers of its own, so that it waits for nothing that takes long.
  bool cuts_off = false;
  // Answers members that are suspended or have left too: of what they are to undo, and of nothing else.
  bool answers_cut_off = false;
};

inline constexpr std::string_view kExchangeServiceName = "coalition.v1.ExchangeService";
inline constexpr std::string_view kMembershipServiceName = "coalition.v1.MembershipService";
inline constexpr std::string_view kPolicyServiceName = "coalition.v1.PolicyService";
inline constexpr std::string_view kProposalServiceName = "coalition.v1.ProposalService";
inline constexpr std::string_view kWatchServiceName = "coalition.v1.WatchService";
inline constexpr std::string_view kLedgerServiceName = "coalition.v1.LedgerService";
inline constexpr std::string_view kBackupServiceName = "coalition.v1.BackupService";
inline constexpr std::string_view kErasureServiceName = "coalition.v1.ErasureService";

// Of both listeners.
inline constexpr std::array kServiceNames = {kMembershipServiceName, kPolicyServiceName, kProposalServiceName,
                                             kExchangeServiceName,   kWatchServiceName,  kLedgerServiceName};
// Of the administration's alone.
inline constexpr std::array kAdminServiceNames = {kBackupServiceName, kErasureServiceName};

inline constexpr std::array<MethodInfo, kMethods> kMethodInfos = {{
    {kExchangeServiceName, "CreateRecord", "unary", false, true},
    {kExchangeServiceName, "GetRecord"},
    {kExchangeServiceName, "ListRecords"},
    {kExchangeServiceName, "ReviseRecord", "unary", false, true},
    {kExchangeServiceName, "WithdrawRecord", "unary", false, true},
    {kExchangeServiceName, "ImportRecords", "bidi_stream", false, true},
    {kExchangeServiceName, "ScreenSellers"},
    {kExchangeServiceName, "GetSellerProfile"},
    {kMembershipServiceName, "WhoAmI"},
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
    {kMembershipServiceName, "ListGroups"},
    {kMembershipServiceName, "SetStanding", "unary", false, true, true},
    {kMembershipServiceName, "SetCertificatesNotBefore", "unary", false, true, true},
    {kMembershipServiceName, "LeaveCoalition", "unary", true, true},
    {kMembershipServiceName, "GetDeparture", "unary", true, false},
    {kMembershipServiceName, "RemoveFromGroup", "unary", false, true},
    {kMembershipServiceName, "ReleasePlatform", "unary", false, true},
    {kMembershipServiceName, "ListCredentials"},
    {kMembershipServiceName, "SetCredential", "unary", false, true},
    {kMembershipServiceName, "RegisterKey", "unary", false, true},
    {kMembershipServiceName, "ConfirmKey", "unary", false, true},
    {kMembershipServiceName, "RevokeCredential", "unary", false, true, true},
    {kMembershipServiceName, "ListMembershipEvents"},
    {kProposalServiceName, "CreateProposal", "unary", false, true},
    {kProposalServiceName, "GetProposal"},
    {kProposalServiceName, "ListProposals"},
    {kProposalServiceName, "PreviewProposal"},
    {kProposalServiceName, "ApproveProposal", "unary", false, true},
    {kProposalServiceName, "ObjectToProposal", "unary", false, true},
    {kProposalServiceName, "ApplyProposal", "unary", false, true},
    {kProposalServiceName, "WithdrawProposal", "unary", false, true},
    {kWatchServiceName, "WatchRecords", "bidi_stream"},
    {kWatchServiceName, "ListRecalls", "unary", false, false, false, true},
    {kWatchServiceName, "AcknowledgeRecalls", "unary", false, false, false, true},
    {kWatchServiceName, "GetRecallStatus"},
    {kExchangeServiceName, "ClearRecord", "unary", false, true},
    {kExchangeServiceName, "ConfirmRecord", "unary", false, true},
    {kExchangeServiceName, "BatchWithdrawRecords", "unary", false, true},
    {kExchangeServiceName, "BatchClearRecords", "unary", false, true},
    {kLedgerServiceName, "GetCheckpoint"},
    {kLedgerServiceName, "GetConsistencyProof"},
    {kLedgerServiceName, "ListLedgerEntries"},
    {kLedgerServiceName, "GetLedgerEntry"},
    {kLedgerServiceName, "ListDisclosures"},
    {kLedgerServiceName, "AddCosignature", "unary", false, true},
    {kBackupServiceName, "CreateBackup", "server_stream", false, true},
    {kErasureServiceName, "EraseRecords", "unary", false, true},
    {kErasureServiceName, "EraseLedgerEntries", "unary", false, true},
}};

inline const MethodInfo& InfoOf(Method method) { return kMethodInfos[static_cast<size_t>(method)]; }

}  // namespace coalition::service
