// Projection: builds what a member may see of a record from an allow-list. Never copies and clears.
#pragma once

#include <string>
#include <string_view>

#include "coalition/v1/record.pb.h"
#include "common/policy/view.h"

namespace coalition::policy {

// What projection needs from outside. Implementations must be deterministic.
class ProjectionContext {
 public:
  virtual ~ProjectionContext() = default;
  // The recipient's token for an identifier: an HMAC keyed per recipient, field and generation; printable.
  virtual std::string Token(std::string_view field_path, std::string_view value) const = 0;
  // Whether the recipient may see the record of that name ("records/…").
  virtual bool CanSee(std::string_view record_name) const = 0;
};

// Fills `out` (empty) with the fields of `record` that `view` shows, at their levels: TOKEN of contributor is
// "members/~{token}", of other identifiers "~{token}"; COARSE of a time is 00:00 UTC of its day. References
// are set only if CanSee. Computed fields are left to the caller, but record_class, label, permitted_action
// and state, which are always shown with a record. An empty payload is set even if none of its fields is
// shown; other messages, and elements of repeated ones, are absent when nothing of them is shown. Unknown
// fields and unknown enum values are not copied. Without a payload, `out` stays empty. `view` must be of the
// record's class. Thread-safe.
void Project(const v1::Record& record, const View& view, const ProjectionContext& context, v1::Record* out);

}  // namespace coalition::policy
