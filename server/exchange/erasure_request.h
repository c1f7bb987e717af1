// What both calls of ErasureService ask for and answer alike.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "coalition/v1/erasure_service.pb.h"
#include "server/exchange/field_checker.h"

namespace coalition::exchange {

// Every function is thread-safe.

// Of what an order is known by outside.
inline constexpr size_t kErasureReferenceBytesMax = 100;

// Adds violations of "grounds", which are to be known ones, and of "reference": one line of text, of at most
// that many bytes.
void CheckErasure(v1::ErasureGrounds grounds, const std::string& reference, FieldChecker* checker);

// For the ledger, of grounds and a reference that were checked: "on a court's order, reference 7 O 12/26".
std::string ErasedWhy(v1::ErasureGrounds grounds, const std::string& reference);

// An error of what comes once something may be done, as callers see it. `things`: of which some may be gone,
// "records".
absl::Status CutShort(std::string_view things, const absl::Status& status);

}  // namespace coalition::exchange
