// How the language's values are written, in policies and in sentences for people.
#pragma once

#include <string>
#include <string_view>

#include "coalition/v1/member.pb.h"
#include "coalition/v1/policy.pb.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/compiled_policy.h"
#include "common/policy/view.h"

namespace coalition::policy {

// The value's name without its type's: "BRAND", "OFFENDER_REPORT", "AMBER_STRICT", "HOST", "TOKEN". "unknown"
// for a number that has no name.
std::string Word(v1::MemberKind kind);
std::string Word(v1::RecordClass record_class);
std::string Word(v1::Label label);
std::string Word(v1::Relation relation);
std::string Word(v1::Level level);
std::string Word(v1::Standing standing);

// "members/bazaar", "groups/ring", "every BRAND", "everyone".
std::string Word(const v1::Subject& subject);

// What the engine calls a relation, as the API does.
v1::Relation ToProto(Relation relation);

// The level of a field of that chain, as policies spell it.
v1::Level ToLevel(v1::Chain chain, Level level);

// What a view shows, in the order of the fields.
v1::ShownFields ToShownFields(v1::RecordClass record_class, View view);

}  // namespace coalition::policy
