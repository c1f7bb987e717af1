#include "common/policy/view_names.h"

#include <algorithm>

namespace coalition::policy {

ViewNames::ViewNames() : names_{"full", "notice"} {}

ViewId ViewNames::Find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? kNoView : static_cast<ViewId>(found - names_.begin() + 1);
}

ViewId ViewNames::Add(std::string_view name) {
  if (const ViewId found = Find(name); found != kNoView) return found;
  if (names_.size() >= kViewNamesMax) return kNoView;
  names_.emplace_back(name);
  return static_cast<ViewId>(names_.size());
}

std::string_view ViewNames::NameOf(ViewId id) const {
  return id == kNoView || id > names_.size() ? std::string_view() : names_[id - 1];
}

std::vector<std::string_view> ViewNames::NamesOf(ViewSet set) const {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < names_.size(); ++i) {
    if ((set >> i & 1) != 0) names.emplace_back(names_[i]);
  }
  return names;
}

}  // namespace coalition::policy
