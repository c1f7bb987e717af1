// Levels and views: which fields of a record class are shown, and how.
#pragma once

#include <cstdint>

namespace coalition::policy {

// How one field is shown. kPartial is TOKEN or COARSE, by the field's chain (annotations.proto); for a field
// without a middle level it is OMIT.
enum class Level : uint8_t { kOmit = 0, kPartial = 1, kFull = 2 };

// A view of one record class as two bit planes over its view fields (fields.h): bit i of `shown` is level >=
// kPartial of field i, bit i of `full` is level == kFull. full is always a subset of shown. The zero view
// hides the record.
struct View {
  uint64_t shown = 0;
  uint64_t full = 0;

  constexpr bool hidden() const { return shown == 0; }
  constexpr Level level(int field) const {
    return ((full >> field) & 1) ? Level::kFull : ((shown >> field) & 1) ? Level::kPartial : Level::kOmit;
  }
  friend constexpr bool operator==(const View&, const View&) = default;
};

// The lower level of each field.
constexpr View Meet(View a, View b) { return {a.shown & b.shown, a.full & b.full}; }
// The higher level of each field.
constexpr View Join(View a, View b) { return {a.shown | b.shown, a.full | b.full}; }

// The views that a grant can name. Durable in record headers: never renumber. Until the policy language
// defines views of its own, each class has these two.
enum class ViewId : uint8_t { kNone = 0, kFull = 1, kNotice = 2 };

}  // namespace coalition::policy
