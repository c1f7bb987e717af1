// The view fields of each record class, made from the proto descriptors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/annotations.pb.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/view.h"

namespace coalition::policy {

// A leaf of coalition.v1.Record as a class sees it: header fields ("contributor", "seller.seller_id"), and
// the class's payload fields without the payload's name ("evidence.hash"). Messages are descended into, but
// for Timestamp and Audience, which are leaves; CHAIN_COMPUTED fields are none.
struct Field {
  std::string path;
  v1::Chain chain = v1::CHAIN_UNSPECIFIED;
};

// The fields of `record_class`; a field's index is its bit in a View. At most 64. Empty for an unknown class.
// The same object for the life of the process; thread-safe.
const std::vector<Field>& FieldsOf(v1::RecordClass record_class);

// The index of a field; nullopt if the class has none of that path.
std::optional<int> FieldIndex(v1::RecordClass record_class, std::string_view path);

// FULL of every field that exists: what the owner sees.
View FullView(v1::RecordClass record_class);

// The bits of the header fields ("contributor", "seller.platform", …), which are the same in every class, so
// that views of different classes can be compared there.
uint64_t HeaderFieldMask();

// The class that the payload makes a record; UNSPECIFIED without a payload.
v1::RecordClass ClassOf(const v1::Record& record);

}  // namespace coalition::policy
