#include "client/cli/status.h"

#include <map>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "client/cli/text.h"
#include "common/errors.h"

namespace coalition::cli {
namespace {

constexpr char kLocalUrl[] = "coalition.cli/local";
constexpr char kReviewAgain[] = "Look at `coalition policy diff` again, and name its epoch and digest.";

std::string MetadataOf(const absl::Status& status, const std::string& key) {
  const auto info = GetErrorInfo(status);
  if (!info.has_value()) return "";
  const auto found = info->metadata().find(key);
  return found == info->metadata().end() ? "" : found->second;
}

std::string RemedyForReason(v1::ErrorReason reason, const absl::Status& status) {
  switch (reason) {
    case v1::ERROR_REASON_IDENTITY_MALFORMED:
      return "Ask for a certificate with exactly one URI name, "
             "spiffe://TRUST-DOMAIN/member/MEMBER/CREDENTIAL.";
    case v1::ERROR_REASON_CREDENTIAL_UNREGISTERED:
      if (MetadataOf(status, "state") == "UNCONFIRMED") {
        return "Your member's own administrator confirms it, `coalition credential confirm`; of a credential "
               "that administers or audits the coalition, another of its administrators.";
      }
      return "Ask the coalition's administrator to register this credential with the hash of its public key.";
    case v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT:
      return "Renew the certificate; `coalition doctor` shows its dates.";
    case v1::ERROR_REASON_MEMBER_NOT_ACTIVE: {
      const std::string contact = MetadataOf(status, "contact");
      return contact.empty() ? "Ask the coalition's secretariat about your member's standing."
                             : absl::StrCat("Ask ", contact, " about your member's standing.");
    }
    case v1::ERROR_REASON_ROLE_MISSING:
      return absl::StrCat("Use a credential with the role ", MetadataOf(status, "role"),
                          "; `coalition whoami` shows the roles of this one.");
    case v1::ERROR_REASON_CREDENTIAL_REVOKED: {
      const std::string contact = MetadataOf(status, "contact");
      return absl::StrCat("Make a new key with `coalition credential request`",
                          contact.empty() ? "" : ", and ask ", contact, contact.empty() ? "." : " why.");
    }
    case v1::ERROR_REASON_WRONG_LISTENER:
      return absl::StrCat("Connect to the ", MetadataOf(status, "listener"),
                          " listener: its address is another --server.");
    case v1::ERROR_REASON_NAME_TAKEN:
      return "Choose another name.";
    case v1::ERROR_REASON_LAST_ADMINISTRATOR:
      return "Have another administrator first: `coalition admin propose role`.";
    case v1::ERROR_REASON_TERMS_CHANGED:
      return "Withdraw it and propose it again.";
    case v1::ERROR_REASON_CUT_OFF_NOT_KEPT:
      return "They are cut off now, but not after a restart of the server: mend its store and repeat the "
             "command.";
    case v1::ERROR_REASON_NOT_FOUND:
      return "It does not exist, or it is not yours to see: the answer is the same.";
    case v1::ERROR_REASON_LABEL_FORBIDS_AUDIENCE:
      return "RED allows members; AMBER_STRICT also closed groups; AMBER also groups and kinds; GREEN also "
             "everyone.";
    case v1::ERROR_REASON_PAGE_TOKEN_INVALID:
      return "Begin the list again.";
    case v1::ERROR_REASON_REFERENCE_NOT_FOUND:
      return "Refer only to records that you can see.";
    case v1::ERROR_REASON_PLATFORM_NOT_HELD:
      return "`coalition platform list` shows who holds each platform.";
    case v1::ERROR_REASON_ETAG_MISMATCH:
      return "Somebody changed it meanwhile: read the record again.";
    case v1::ERROR_REASON_POLICY_TEST_FAILED:
      return "`coalition policy validate --online` shows each problem and its line, `coalition policy test` "
             "each test.";
    case v1::ERROR_REASON_EPOCH_STALE: {
      const std::string own = MetadataOf(status, "version");
      if (own.empty()) return kReviewAgain;
      return absl::StrCat("Version ", own,
                          " is: look at `coalition policy own diff` again, and expect that one.");
    }
    case v1::ERROR_REASON_DIFF_NOT_REVIEWED: {
      const std::string proposal = MetadataOf(status, "proposal");
      if (proposal.empty()) return kReviewAgain;
      return absl::StrCat("Look at `coalition proposal get ", proposal, "` again, and name its digest.");
    }
    case v1::ERROR_REASON_APPROVALS_MISSING:
      return "Members agree with `coalition policy approve`, or of a proposal `coalition proposal approve`; "
             "it says so if an approval would not count.";
    case v1::ERROR_REASON_APPROVAL_NOT_COUNTED:
      return "Members of the electorate that would not see more by it approve: `coalition policy get` has "
             "its kinds.";
    case v1::ERROR_REASON_EXTERNAL_ID_TAKEN:
      return "Revise the record that has this external id, or choose another one.";
    case v1::ERROR_REASON_REQUEST_ID_REUSED:
      return "Use a new request id for a new request.";
    case v1::ERROR_REASON_RATE_LIMITED:
      return "Send less at a time, or wait.";
    case v1::ERROR_REASON_SHUTTING_DOWN:
    case v1::ERROR_REASON_RIGHTS_CHANGING:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
      return "Nothing of the call was kept; try again later.";
    case v1::ERROR_REASON_WRITE_UNDETERMINED:
      return "Repeat the command with the same --external-id or --request-id: it then happens once.";
    case v1::ERROR_REASON_CURSOR_TOO_OLD:
      return "Delete the file of --resume, or leave --resume out, to begin again; let go of every record "
             "that "
             "does not come again before the snapshot is complete.";
    case v1::ERROR_REASON_CURSOR_INVALID:
      return "A cursor goes with the member and the filter of the watch that it is from: use those, or begin "
             "again with another file for --resume, or another directory for a mirror.";
    case v1::ERROR_REASON_WATCH_BEHIND:
      return "Whoever reads the output is too slow; run it again to go on.";
    case v1::ERROR_REASON_CORRUPT:
    case v1::ERROR_REASON_INTERNAL:
      return "Tell the exchange's operator, with the time of the call.";
    default:
      return "";
  }
}

// The message of a lone violation is that violation.
bool IsSaidBy(const std::string& message, const google::rpc::BadRequest::FieldViolation& violation) {
  return message == violation.description() ||
         message == absl::StrCat(violation.field(), ": ", violation.description());
}

}  // namespace

absl::Status Local(absl::Status status) {
  if (!status.ok()) status.SetPayload(kLocalUrl, absl::Cord());
  return status;
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  return status.GetPayload(kLocalUrl).has_value() ? kExitUsage : 64 + static_cast<int>(status.code());
}

std::string Remedy(const absl::Status& status) {
  const v1::ErrorReason reason = GetErrorReason(status);
  if (reason != v1::ERROR_REASON_UNSPECIFIED) return RemedyForReason(reason, status);
  if (absl::IsUnavailable(status)) return "`coalition doctor` finds out why there is no connection.";
  if (absl::IsDeadlineExceeded(status)) return "Try again, or allow more time with --timeout.";
  if (absl::IsUnimplemented(status))
    return "The server does not know this call: it may be older than this program.";
  return "";
}

void PrintError(const absl::Status& status, bool verbose, std::ostream& err) {
  std::string message(status.message());
  if (message.empty()) message = absl::StatusCodeToString(status.code());
  err << "error: " << Printable(message) << '\n';
  if (const auto bad = GetBadRequest(status); bad.has_value()) {
    for (const auto& violation : bad->field_violations()) {
      if (bad->field_violations_size() == 1 && IsSaidBy(message, violation)) continue;
      err << "  " << Printable(violation.field()) << ": " << Printable(violation.description()) << '\n';
    }
  }
  if (const std::string remedy = Remedy(status); !remedy.empty()) err << "  " << Printable(remedy) << '\n';
  if (!verbose) return;
  err << "  code: " << absl::StatusCodeToString(status.code()) << '\n';
  if (const auto info = GetErrorInfo(status); info.has_value()) {
    err << "  reason: " << Printable(info->reason()) << '\n';
    const std::map<std::string, std::string> sorted(info->metadata().begin(), info->metadata().end());
    for (const auto& [key, value] : sorted) err << "  " << Printable(key) << ": " << Printable(value) << '\n';
  }
}

}  // namespace coalition::cli
