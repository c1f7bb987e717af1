// Enumeration of what can be decided, and how it differs on two sides. For use within this room.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "coalition/v1/policy_service.pb.h"
#include "common/policy/compiled_policy.h"
#include "common/policy/view.h"

namespace coalition::policy {

// Readers for whom all is decided alike.
struct ReaderClass {
  v1::MemberKind kind = v1::MEMBER_KIND_UNSPECIFIED;
  std::vector<std::string> members;  // names; empty: all others of the kind, also those who join later
};

// One decision: what such a reader sees of such a record that it was granted through one view.
struct Cell {
  size_t reader = 0;  // index of its class
  Relation relation = Relation::kOther;
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
  v1::Label label = v1::LABEL_UNSPECIFIED;
  v1::MemberKind contributor = v1::MEMBER_KIND_UNSPECIFIED;
  ViewId view = kNoView;
};

struct CellSpace {
  std::vector<ReaderClass> readers;
  std::vector<v1::MemberKind> contributors;  // one stands for all where they make no difference
  std::vector<std::string> views;            // names by number - 1
};

using Side = std::function<View(const Cell&)>;

// All cells that differ, those that change alike put together, each with one direction and a sentence.
// Sorted: the same differences give the same list.
std::vector<v1::AccessChange> DifferentCells(const CellSpace& space, const Side& before, const Side& after);

}  // namespace coalition::policy
