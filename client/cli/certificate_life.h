// How much of its life a certificate has left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/tls.h"

namespace coalition::cli {

// What counts as soon: so many seconds before the end, or a share of the whole life.
struct ExpiryThreshold {
  int64_t seconds = -1;  // negative: the share counts
  int percent = 30;
};
// "30%", of 1 to 100, or "14d" (administration_values.h). INVALID_ARGUMENT: neither.
absl::StatusOr<ExpiryThreshold> ParseExpiryThreshold(std::string_view text);

enum class LifeState { kFine, kExpiresSoon, kExpired, kNotYetValid };

LifeState JudgeLife(const CertificateFacts& facts, const ExpiryThreshold& threshold, int64_t now_s);
// 0 to 100, rounded down.
int PercentLeft(const CertificateFacts& facts, int64_t now_s);

// One line for who uses the certificate, naming what ends when and what to do; empty: there is nothing to
// warn of, or `certificate_pem` can't be read.
std::string ExpiryWarning(std::string_view certificate_pem, int64_t now_s);

}  // namespace coalition::cli
