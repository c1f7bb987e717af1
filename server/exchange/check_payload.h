// The fields of each payload.
#pragma once

#include <vector>

#include "coalition/v1/record.pb.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/validate.h"

namespace coalition::exchange {

// Adds what is wrong with the record's payload, and the records that it names.
void CheckPayload(const v1::Record& record, FieldChecker* checker, std::vector<Reference>* references);

}  // namespace coalition::exchange
