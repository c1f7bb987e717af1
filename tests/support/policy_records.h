// Generated records and views for the properties of projection.
#pragma once

#include <rapidcheck.h>

#include <string>

#include "coalition/v1/record.pb.h"
#include "common/policy/project.h"
#include "common/policy/view.h"

namespace coalition::testing {

// A record with any of its fields set, computed ones included.
rc::Gen<v1::Record> AnyRecord();
// Any levels of the class's fields, also ones that a field's chain does not have.
rc::Gen<policy::View> AnyView(v1::RecordClass record_class);

// Tokens that can be recognised, and a choice of references that can be seen.
class FakeContext final : public policy::ProjectionContext {
 public:
  explicit FakeContext(bool all_seen = true) : all_seen_(all_seen) {}
  std::string Token(std::string_view field_path, std::string_view value) const override {
    return "token[" + std::string(field_path) + "," + std::string(value) + "]";
  }
  // Otherwise those whose name ends in an even digit.
  bool CanSee(std::string_view record_name) const override {
    return all_seen_ || (!record_name.empty() && (record_name.back() - '0') % 2 == 0);
  }

 private:
  bool all_seen_;
};

}  // namespace coalition::testing
