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

// The number of a view's name (view_names.h): what a grant in a header names. Durable. 0: none.
using ViewId = uint8_t;
inline constexpr ViewId kNoView = 0;
// The two names that every store begins with.
inline constexpr ViewId kViewFull = 1;
inline constexpr ViewId kViewNotice = 2;
// Names a coalition can define in its life: a set of them is a word.
inline constexpr int kViewNamesMax = 64;

// Bit (1 << (id - 1)) for each view of a set.
using ViewSet = uint64_t;
constexpr ViewSet SetOf(ViewId id) { return id == kNoView ? 0 : uint64_t{1} << (id - 1); }

}  // namespace coalition::policy
