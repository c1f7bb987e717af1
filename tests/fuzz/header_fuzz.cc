// Any bytes as a decision header: refused, or a header that is written back as it was and can be decided on.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/policy/decide.h"
#include "common/policy/fields.h"
#include "common/policy/header.h"

namespace {

namespace policy = coalition::policy;
namespace v1 = coalition::v1;

// A marketplace, a brand and an observer, one group and one platform that the marketplace holds.
const policy::State& SmallState() {
  static const auto& state = *[] {
    policy::MemberState bazaar{1, "bazaar", v1::MEMBER_KIND_MARKETPLACE, v1::STANDING_ACTIVE, {{1}}, {}, ""};
    policy::MemberState aurore{2,  "aurore", v1::MEMBER_KIND_BRAND, v1::STANDING_ACTIVE, {{1}}, {{1, {{1}}}},
                               "x"};
    policy::MemberState watch{3,  "watch", v1::MEMBER_KIND_OBSERVER, v1::STANDING_ACTIVE, {{2, 4}, {6}},
                              {}, "x"};
    return new policy::State(1, {bazaar, aurore, watch}, {{1, "inner", true}},
                             {{1, "bazaar.example", {{1, {1, policy::kStill}}}}});
  }();
  return state;
}

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = policy::HeaderView::Parse(bytes);
  if (!header) return 0;
  Require(header->size() <= size);
  Require(policy::EncodeHeader(header->ToHeader()) == bytes.substr(0, header->size()));
  for (uint32_t member = 0; member <= 4; ++member) {
    const policy::Decision decision = policy::Decide(SmallState(), member, *header, 1'767'225'600);
    const policy::View all = policy::FullView(header->record_class());
    Require(policy::Meet(decision.view, all) == decision.view);
    Require((decision.view.full & ~decision.view.shown) == 0);
    Require(decision.visible() || (decision.view_ids == 0 && !decision.owner));
    if (decision.visible() && !decision.owner) Require(header->grants_size() > 0);
  }
  return 0;
}
