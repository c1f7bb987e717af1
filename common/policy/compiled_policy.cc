#include "common/policy/compiled_policy.h"

#include <optional>
#include <string>

#include "common/policy/fields.h"
#include "common/policy/schema.h"

namespace coalition::policy {
namespace {

bool Known(v1::RecordClass value) {
  return value != v1::RECORD_CLASS_UNSPECIFIED && v1::RecordClass_IsValid(value);
}
bool Known(v1::Label value) { return value != v1::LABEL_UNSPECIFIED && v1::Label_IsValid(value); }
bool Known(v1::MemberKind value) {
  return value != v1::MEMBER_KIND_UNSPECIFIED && v1::MemberKind_IsValid(value);
}

// Bit (1 << value) for each of `values`; all bits for none of them, and where one does not fit.
template <class Mask, class Values>
Mask MaskOf(const Values& values) {
  constexpr auto kAll = static_cast<Mask>(~Mask{0});
  constexpr int kBits = 8 * sizeof(Mask);
  if (values.empty()) return kAll;
  Mask mask = 0;
  for (const int value : values) {
    if (value <= 0 || value >= kBits) return kAll;
    mask = static_cast<Mask>(mask | 1U << value);
  }
  return mask;
}

void AddFields(const Schema& schema, const google::protobuf::RepeatedPtrField<std::string>& paths,
               v1::Level level, View* view) {
  for (const std::string& path : paths) {
    const std::optional<int> index = schema.Index(path);
    if (!index) continue;
    const v1::Chain chain = schema.fields[static_cast<size_t>(*index)].chain;
    const uint64_t bit = uint64_t{1} << *index;
    if (level == v1::LEVEL_FULL) {
      view->full |= bit;
    } else if ((schema.middle & bit) == 0 || ToMiddle(chain) != level) {
      continue;
    }
    view->shown |= bit;
  }
}

}  // namespace

void CeilingTable::JoinAt(v1::MemberKind kind, Relation relation, v1::RecordClass record_class,
                          v1::Label label, View view) {
  View& cell = cells_[Index(static_cast<size_t>(kind), static_cast<size_t>(relation),
                            static_cast<size_t>(record_class), static_cast<size_t>(label))];
  cell = Join(cell, view);
}

void CeilingTable::MeetWith(const CeilingTable& other) {
  for (size_t i = 0; i < cells_.size(); ++i) cells_[i] = Meet(cells_[i], other.cells_[i]);
}

void ViewTable::Set(v1::RecordClass record_class, ViewId id, View view) {
  views_[static_cast<size_t>(record_class)][id - 1] = view;
}

void ViewTable::MeetWith(const ViewTable& other) {
  for (size_t of = 0; of < kClasses; ++of) {
    for (size_t i = 0; i < kViewNamesMax; ++i) views_[of][i] = Meet(views_[of][i], other.views_[of][i]);
  }
}

View CompileView(const v1::ViewDefinition& definition) {
  const Schema* schema = SchemaOf(definition.record_class());
  View view;
  if (schema == nullptr) return view;
  AddFields(*schema, definition.full(), v1::LEVEL_FULL, &view);
  AddFields(*schema, definition.token(), v1::LEVEL_TOKEN, &view);
  AddFields(*schema, definition.coarse(), v1::LEVEL_COARSE, &view);
  return view;
}

CeilingTable CompileCeilings(const google::protobuf::RepeatedPtrField<v1::Ceiling>& ceilings,
                             const ViewTable& views, const ViewNames& names) {
  CeilingTable table;
  for (const v1::Ceiling& ceiling : ceilings) {
    const ViewId view = names.Find(ceiling.view());
    for (const int kind : ceiling.kinds()) {
      for (const int relation : ceiling.relations()) {
        if (relation != v1::RELATION_HOST && relation != v1::RELATION_OTHER) continue;
        for (const int of : ceiling.record_classes()) {
          for (const int label : ceiling.labels()) {
            const auto of_kind = static_cast<v1::MemberKind>(kind);
            const auto of_class = static_cast<v1::RecordClass>(of);
            const auto of_label = static_cast<v1::Label>(label);
            if (!Known(of_kind) || !Known(of_class) || !Known(of_label)) continue;
            table.JoinAt(of_kind, relation == v1::RELATION_HOST ? Relation::kHost : Relation::kOther,
                         of_class, of_label, views.At(of_class, view));
          }
        }
      }
    }
  }
  return table;
}

CompiledPolicy::CompiledPolicy(const v1::CoalitionPolicy& policy, ViewNames* names) : source_(policy) {
  for (const v1::ViewDefinition& definition : source_.views()) {
    const ViewId id = names->Add(definition.name());
    if (id == kNoView || !Known(definition.record_class())) continue;
    views_.Set(definition.record_class(), id, CompileView(definition));
  }
  ceilings_ = CompileCeilings(source_.ceilings(), views_, *names);
  for (const v1::Deny& deny : source_.denies()) {
    denies_.push_back({MaskOf<uint16_t>(deny.contributor_kinds()), MaskOf<uint8_t>(deny.record_classes()),
                       MaskOf<uint8_t>(deny.labels())});
  }
}

}  // namespace coalition::policy
