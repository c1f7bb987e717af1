// Sellers and records that look like real ones and are the same in every run.
#pragma once

#include <cstdint>
#include <string_view>

#include "coalition/v1/record.pb.h"

namespace coalition::bench {

// Part of the stamp of kept stores: raise it when the records change.
inline constexpr int kGeneratorVersion = 1;

// A mixing function (SplitMix64): the same input gives the same well spread output.
uint64_t Mix(uint64_t value);

// The seller of record `index`. One record a seller; ids are spread over the key space and over the
// platforms.
void SetListedSeller(uint64_t index, v1::Seller* seller);
// A seller of the same platforms and the same shape of id that no record is about.
void SetUnlistedSeller(uint64_t number, v1::Seller* seller);

// An offender report about SetListedSeller(index), 300 to 400 bytes serialised without its audience, which
// lets every MARKETPLACE see it: by kind, by "everyone", or by name, in turn.
void SetReport(uint64_t index, v1::Record* record);

}  // namespace coalition::bench
