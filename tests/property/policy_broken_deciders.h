// Mistakes that are not a missing rule: deciders that the properties must refute.
#pragma once

#include <cstdint>

#include "common/policy/decide.h"

namespace coalition::testing {

policy::Decision LastGrantWins(const policy::State& state, uint32_t member, const policy::Header& header,
                               int64_t now_s);
policy::Decision GrantsLiftExclusions(const policy::State& state, uint32_t member,
                                      const policy::Header& header, int64_t now_s);
policy::Decision TwoExclusionsCancel(const policy::State& state, uint32_t member,
                                     const policy::Header& header, int64_t now_s);
policy::Decision OpenUnlessGranted(const policy::State& state, uint32_t member, const policy::Header& header,
                                   int64_t now_s);
policy::Decision EveryGrantIsLate(const policy::State& state, uint32_t member, const policy::Header& header,
                                  int64_t now_s);
// As if re-instatement did not count.
policy::Decision FirstIntervalOnly(const policy::State& state, uint32_t member, const policy::Header& header,
                                   int64_t now_s);
// HOST is whoever holds the platform now; all others are OTHER.
policy::Decision HostIsHolderNow(const policy::State& state, uint32_t member, const policy::Header& header,
                                 int64_t now_s);
policy::Decision TwoDenialsCancel(const policy::State& state, uint32_t member, const policy::Header& header,
                                  int64_t now_s);
policy::Decision LastCeilingWins(const policy::State& state, uint32_t member, const policy::Header& header,
                                 int64_t now_s);
// A later version of the policy takes nothing away.
policy::Decision VersionOfTheMakingOnly(const policy::State& state, uint32_t member,
                                        const policy::Header& header, int64_t now_s);
policy::Decision TwoOwnExclusionsCancel(const policy::State& state, uint32_t member,
                                        const policy::Header& header, int64_t now_s);
// As if what hides records of suspended contributors had to be gone from every version.
policy::Decision AnyVersionHidesSuspended(const policy::State& state, uint32_t member,
                                          const policy::Header& header, int64_t now_s);
policy::Decision UnknownViewsAreFull(const policy::State& state, uint32_t member,
                                     const policy::Header& header, int64_t now_s);

}  // namespace coalition::testing
