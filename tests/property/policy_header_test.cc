// Headers survive the round trip; damaged ones hide and never crash. And the laws of the lattice of views.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

#include "common/policy/decide.h"
#include "common/policy/header.h"
#include "tests/support/policy_world.h"

namespace coalition::testing {
namespace {

using policy::EncodeHeader;
using policy::Header;
using policy::HeaderView;
using policy::Join;
using policy::Meet;
using policy::View;

// Whether the bytes are refused, or a header of known enums that can be decided on for every member.
bool RefusedOrSound(const std::string& bytes, const World& world) {
  const auto view = HeaderView::Parse(bytes);
  if (!view) return true;
  const Header header = view->ToHeader();
  bool known = v1::RecordClass_IsValid(header.record_class) && v1::Label_IsValid(header.label) &&
               v1::PermittedAction_IsValid(header.permitted_action) &&
               header.state >= policy::Lifecycle::kActive && header.state <= policy::Lifecycle::kErased;
  for (const auto& grant : header.grants) {
    known = known && grant.kind >= policy::SubjectKind::kMember &&
            grant.kind <= policy::SubjectKind::kEveryone && grant.view != policy::kNoView &&
            grant.view <= policy::kViewNamesMax;
  }
  const policy::State state = world.MakeState();
  for (uint32_t member = 0; member <= world.members.size() + 1; ++member) {
    const policy::Decision decision = policy::Decide(state, member, *view, world.now_s);
    known = known && (decision.visible() || (decision.view_ids == 0 && !decision.owner));
  }
  return known && view->size() <= bytes.size() && EncodeHeader(header) == bytes.substr(0, view->size());
}

RC_GTEST_PROP(HeaderProperty, RoundTrip, (const std::string& message)) {
  const Header header = *AnyHeader();
  const std::string bytes = EncodeHeader(header);
  const std::string stored = bytes + message;
  const auto view = HeaderView::Parse(stored);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->size() == bytes.size());
  RC_ASSERT(view->ToHeader() == header);
}

RC_GTEST_PROP(HeaderProperty, TruncatedHides, ()) {
  const std::string bytes = EncodeHeader(*AnyHeader());
  for (size_t size = 0; size < bytes.size(); ++size) RC_ASSERT(!HeaderView::Parse(bytes.substr(0, size)));
}

RC_GTEST_PROP(HeaderProperty, EveryFlippedBitIsRefusedOrSound, ()) {
  const World world = *AnyWorld();
  const std::string bytes = EncodeHeader(world.header);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    RC_ASSERT(RefusedOrSound(damaged, world));
  }
}

RC_GTEST_PROP(HeaderProperty, GarbageIsRefusedOrSound, (std::string garbage)) {
  const World world = *AnyWorld();
  RC_ASSERT(RefusedOrSound(garbage, world));
  // Garbage that begins as a header does gets further.
  garbage.insert(0, EncodeHeader(world.header), 0, 8);
  RC_ASSERT(RefusedOrSound(garbage, world));
}

View PickView() {
  View view;
  view.shown = *rc::gen::arbitrary<uint64_t>();
  view.full = *rc::gen::arbitrary<uint64_t>() & view.shown;
  return view;
}

RC_GTEST_PROP(ViewLattice, Laws, ()) {
  const View a = PickView(), b = PickView(), c = PickView();
  RC_ASSERT(Meet(a, b) == Meet(b, a));
  RC_ASSERT(Join(a, b) == Join(b, a));
  RC_ASSERT(Meet(a, Meet(b, c)) == Meet(Meet(a, b), c));
  RC_ASSERT(Join(a, Join(b, c)) == Join(Join(a, b), c));
  RC_ASSERT(Meet(a, a) == a);
  RC_ASSERT(Join(a, a) == a);
  RC_ASSERT(Meet(a, Join(a, b)) == a);
  RC_ASSERT(Join(a, Meet(a, b)) == a);
  RC_ASSERT(Meet(a, Join(b, c)) == Join(Meet(a, b), Meet(a, c)));
  RC_ASSERT(Meet(a, View{}) == View{});
  RC_ASSERT(Join(a, View{}) == a);
}

RC_GTEST_PROP(ViewLattice, LevelByLevel, ()) {
  const View a = PickView(), b = PickView();
  for (int field = 0; field < 64; ++field) {
    RC_ASSERT(Meet(a, b).level(field) == std::min(a.level(field), b.level(field)));
    RC_ASSERT(Join(a, b).level(field) == std::max(a.level(field), b.level(field)));
  }
}

}  // namespace
}  // namespace coalition::testing
