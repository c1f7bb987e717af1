#include "common/policy/limits.h"

#include <algorithm>

namespace coalition::policy {
namespace {

template <class Values>
bool Has(const Values& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

int LifetimeDays(const v1::PolicyLimits& limits, v1::RecordClass record_class, v1::Label label) {
  int days = 0;
  for (const v1::LifetimeLimit& limit : limits.lifetimes()) {
    const bool fits = (limit.record_classes().empty() || Has(limit.record_classes(), record_class)) &&
                      (limit.labels().empty() || Has(limit.labels(), label));
    if (fits && (days == 0 || limit.days_max() < days)) days = limit.days_max();
  }
  return days;
}

bool AllowsLabel(const v1::PolicyLimits& limits, v1::Label label) {
  return limits.labels().empty() || Has(limits.labels(), label);
}

int OpenDays(const v1::Quorum& quorum) {
  constexpr int kDefaultDays = 30;
  return quorum.open_days() == 0 ? kDefaultDays : quorum.open_days();
}

}  // namespace coalition::policy
