// One version of the coalition's policy as tables: what a decision looks up.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "coalition/v1/policy.pb.h"
#include "common/policy/view.h"
#include "common/policy/view_names.h"
#include "google/protobuf/repeated_ptr_field.h"

namespace coalition::policy {

inline constexpr size_t kKinds = v1::MemberKind_ARRAYSIZE;
inline constexpr size_t kClasses = v1::RecordClass_ARRAYSIZE;
inline constexpr size_t kLabels = v1::Label_ARRAYSIZE;

// What a member is to a record, as the engine sees it. kFormerOrUnassigned has no ceiling of its own: it is
// the meet of the other two.
enum class Relation : uint8_t { kOther = 0, kHost = 1, kFormerOrUnassigned = 2 };
inline constexpr size_t kRelations = 2;

// A view for each kind, relation, class and label.
class CeilingTable {
 public:
  // Every cell the same; the zero view hides.
  explicit CeilingTable(View all = {}) { cells_.fill(all); }

  // The zero view for anything unknown.
  View At(v1::MemberKind kind, Relation relation, v1::RecordClass record_class, v1::Label label) const {
    const auto of_kind = static_cast<size_t>(kind), of_class = static_cast<size_t>(record_class),
               of_label = static_cast<size_t>(label);
    if (of_kind >= kKinds || of_class >= kClasses || of_label >= kLabels) return View{};
    const size_t other = Index(of_kind, 0, of_class, of_label), host = Index(of_kind, 1, of_class, of_label);
    switch (relation) {
      case Relation::kOther:
        return cells_[other];
      case Relation::kHost:
        return cells_[host];
      case Relation::kFormerOrUnassigned:
        return Meet(cells_[host], cells_[other]);
    }
    return View{};
  }

  // Raises one cell to show `view` too. kHost or kOther, and values that are known.
  void JoinAt(v1::MemberKind kind, Relation relation, v1::RecordClass record_class, v1::Label label,
              View view);
  void MeetWith(const CeilingTable& other);
  friend bool operator==(const CeilingTable&, const CeilingTable&) = default;

 private:
  static constexpr size_t Index(size_t kind, size_t relation, size_t record_class, size_t label) {
    return ((kind * kRelations + relation) * kClasses + record_class) * kLabels + label;
  }
  std::array<View, kKinds * kRelations * kClasses * kLabels> cells_;
};

// What each view shows of each class.
class ViewTable {
 public:
  // The zero view for anything unknown.
  View At(v1::RecordClass record_class, ViewId id) const {
    const auto of_class = static_cast<size_t>(record_class);
    if (of_class >= kClasses || id == kNoView || id > kViewNamesMax) return View{};
    return views_[of_class][id - 1];
  }
  void Set(v1::RecordClass record_class, ViewId id, View view);
  void MeetWith(const ViewTable& other);
  friend bool operator==(const ViewTable&, const ViewTable&) = default;

 private:
  std::array<std::array<View, kViewNamesMax>, kClasses> views_{};
};

// Which records a denial covers: bit (1 << value) for each kind, class and label; all bits where it says
// nothing. A value that does not fit is covered always: a denial errs on the side of denying.
struct DenyScope {
  uint16_t contributor_kinds = 0;
  uint8_t record_classes = 0;
  uint8_t labels = 0;
  bool Covers(v1::MemberKind contributor, v1::RecordClass record_class, v1::Label label) const {
    return Has(contributor_kinds, static_cast<unsigned>(contributor), 16) &&
           Has(record_classes, static_cast<unsigned>(record_class), 8) &&
           Has(labels, static_cast<unsigned>(label), 8);
  }
  friend auto operator<=>(const DenyScope&,
                          const DenyScope&) = default;  // NOLINT(modernize-use-nullptr): its zero

 private:
  static bool Has(unsigned mask, unsigned value, unsigned bits) {
    return value >= bits || (mask >> value & 1U) != 0;
  }
};

// Immutable, thread-safe.
class CompiledPolicy {
 public:
  // Adds the policy's view names to `names`. `policy` should be one that CheckPolicy finds nothing wrong
  // with: what does not fit shows nothing.
  CompiledPolicy(const v1::CoalitionPolicy& policy, ViewNames* names);

  const v1::CoalitionPolicy& source() const { return source_; }
  const CeilingTable& ceilings() const { return ceilings_; }
  const ViewTable& views() const { return views_; }
  // By the index of source().denies().
  const std::vector<DenyScope>& denies() const { return denies_; }

 private:
  v1::CoalitionPolicy source_;
  ViewTable views_;
  CeilingTable ceilings_;
  std::vector<DenyScope> denies_;
};

// The cells that ceilings raise, by these views; names as of the policy that has the views.
CeilingTable CompileCeilings(const google::protobuf::RepeatedPtrField<v1::Ceiling>& ceilings,
                             const ViewTable& views, const ViewNames& names);

// The view that a definition describes. Paths and levels that do not exist are left out.
View CompileView(const v1::ViewDefinition& definition);

}  // namespace coalition::policy
