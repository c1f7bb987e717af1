#include "common/policy/limits.h"

#include "common/policy/has.h"

namespace coalition::policy {
namespace {

// The least that the entries that fit say; 0: none says anything.
int LeastDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label,
              int (v1::LifetimeLimit::*of)() const) {
  int least = 0;
  for (const v1::LifetimeLimit& limit : limits.lifetimes()) {
    const bool fits = (limit.record_classes().empty() || Has(limit.record_classes(), record_class)) &&
                      (limit.labels().empty() || Has(limit.labels(), label));
    const int days = (limit.*of)();
    if (fits && days != 0 && (least == 0 || days < least)) least = days;
  }
  return least;
}

}  // namespace

int LifetimeDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label) {
  return LeastDays(limits, record_class, label, &v1::LifetimeLimit::days_max);
}

int DefaultLifetimeDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label) {
  return LeastDays(limits, record_class, label, &v1::LifetimeLimit::days_default);
}

int ContestDays(const v1::PolicyLimits& limits) {
  constexpr int kDefaultDays = 30;
  return limits.contest_days() == 0 ? kDefaultDays : limits.contest_days();
}

bool AllowsLabel(const v1::PolicyLimits& limits, v1::Label label) {
  return limits.labels().empty() || Has(limits.labels(), label);
}

bool IsShownByKind(const v1::PolicyLimits& limits, v1::MemberKind kind) {
  return Has(limits.shown_to_by_kind(), kind);
}

bool IsShowingSealed(const v1::PolicyLimits& limits, v1::MemberKind kind, int64_t first_s, int64_t now_s) {
  constexpr int64_t kDayS = 86'400;
  const int days = limits.authority_reads_sealed_days();
  if (days == 0 || kind != v1::MEMBER_KIND_AUTHORITY) return false;
  return now_s < first_s - first_s % kDayS + (days + 1) * kDayS;
}

int OpenDays(const v1::Quorum& quorum) {
  constexpr int kDefaultDays = 30;
  return quorum.open_days() == 0 ? kDefaultDays : quorum.open_days();
}

}  // namespace coalition::policy
