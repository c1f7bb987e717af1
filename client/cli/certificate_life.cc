#include "client/cli/certificate_life.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/administration_values.h"
#include "client/cli/enum_values.h"
#include "client/cli/text.h"
#include "common/ids.h"

namespace coalition::cli {

absl::StatusOr<ExpiryThreshold> ParseExpiryThreshold(std::string_view text) {
  ExpiryThreshold threshold;
  if (text.ends_with('%')) {
    const bool number = absl::SimpleAtoi(Absl(text.substr(0, text.size() - 1)), &threshold.percent);
    if (number && threshold.percent >= 1 && threshold.percent <= 100) return threshold;
  } else if (absl::StatusOr<int64_t> seconds = ParseDuration(text); seconds.ok()) {
    threshold.seconds = *seconds;
    return threshold;
  }
  return NotAValue(text, "a share or span of time", "write 1% to 100%, or e.g. 14d or 36h");
}

LifeState JudgeLife(const CertificateFacts& facts, const ExpiryThreshold& threshold, int64_t now_s) {
  if (now_s < facts.not_before_s) return LifeState::kNotYetValid;
  if (now_s > facts.not_after_s) return LifeState::kExpired;
  const int64_t left = facts.not_after_s - now_s;
  const bool soon =
      threshold.seconds >= 0 ? left < threshold.seconds : PercentLeft(facts, now_s) < threshold.percent;
  return soon ? LifeState::kExpiresSoon : LifeState::kFine;
}

int PercentLeft(const CertificateFacts& facts, int64_t now_s) {
  const double whole = static_cast<double>(facts.not_after_s - facts.not_before_s);
  if (whole <= 0) return 0;
  const double left = static_cast<double>(facts.not_after_s - now_s) / whole;
  return static_cast<int>(std::clamp(left, 0.0, 1.0) * 100);
}

std::string ExpiryWarning(std::string_view certificate_pem, int64_t now_s) {
  const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(certificate_pem);
  if (!facts.ok() || JudgeLife(*facts, {}, now_s) != LifeState::kExpiresSoon) return "";
  std::string whose = "yours";
  std::string request = "coalition credential request";
  if (facts->uri_sans.size() == 1) {
    if (const absl::StatusOr<SpiffeId> id = ParseSpiffeMemberId(facts->uri_sans.front()); id.ok()) {
      whose = FormatCredentialName(id->member, id->credential);
      absl::StrAppend(&request, " --member ", id->member, " --credential ", id->credential,
                      " --key NEW.key --csr NEW.csr");
    }
  }
  return absl::StrCat("the certificate of ", whose, " expires at ", FormatTime(facts->not_after_s), " (in ",
                      DurationText(SecondsUntilExpiry(*facts, now_s)), "): run `", request,
                      "` and have it signed");
}

}  // namespace coalition::cli
