// The names that views have been given in the coalition's life, and their numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/policy/view.h"

namespace coalition::policy {

// The name of the view that shows nothing. It has no number and can't be granted.
inline constexpr std::string_view kViewNone = "none";

// Names are only ever added: a header's number stays what it was. Not thread-safe.
class ViewNames {
 public:
  // "full" and "notice".
  ViewNames();
  // As they were kept: in the order of their numbers.
  explicit ViewNames(std::vector<std::string> names) : names_(std::move(names)) {}

  // kNoView: there is no such name.
  ViewId Find(std::string_view name) const;
  // The number of the name, which is added if it is new. kNoView: there are kViewNamesMax.
  ViewId Add(std::string_view name);
  // Empty: there is no such number.
  std::string_view NameOf(ViewId id) const;
  // Of a set, in the order of their numbers.
  std::vector<std::string_view> NamesOf(ViewSet set) const;
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

}  // namespace coalition::policy
