// Who sees a record, and why.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "coalition/v1/exchange_service.pb.h"

namespace coalition::cli {

// One row for each member: member, kind, relation, sees (yes or no), views, full, token, coarse (the fields),
// because (the most decisive cause). Lists are separated by "; ".
const std::vector<std::string>& AccessColumns();
std::vector<std::string> AccessCells(const v1::MemberAccess& access);

// A table of the members, in the answer's order, with numbers of fields. With `causes` all causes of each
// below it, and what each one changes.
void WriteAccess(const google::protobuf::RepeatedPtrField<v1::MemberAccess>& members, bool terminal,
                 bool causes, std::ostream& out);

// `belmont sees it through "full"`, with what bounds that, if anything does; `bazaar does not see it: …`.
std::string AccessSentence(const v1::MemberAccess& access);

}  // namespace coalition::cli
