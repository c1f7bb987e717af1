// Deciding allocates nothing: this program counts every allocation. A program of its own, since operator new
// is global.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>

#include "common/policy/decide.h"
#include "common/policy/fields.h"
#include "tests/unit/policy/support.h"

namespace {
std::atomic<uint64_t> allocations{0};
}  // namespace

// Not inlined, all three: GCC would find malloc beside the delete that it knows, and free beside the new.
[[gnu::noinline]] void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace coalition::policy {
namespace {

TEST(DecideAllocation, None) {
  std::vector<MemberState> members = Members();
  members[kBelmont - 1].control_group = members[kPaylink - 1].control_group = "holding";
  const State state = MakeState(members);
  Header header = Report();
  header.grants = {ToMember(kBelmont), ToGroup(kInner), ToKind(v1::MEMBER_KIND_BRAND),
                   ToEveryone(kViewNotice)};
  header.exclusions = {{SubjectKind::kMember, kCorsa}, {SubjectKind::kGroup, kWide}};
  const std::string bytes = EncodeHeader(header);

  const uint64_t before = allocations.load();
  int visible = 0;
  for (uint32_t member = 0; member <= kOffice + 1; ++member) {
    const auto view = HeaderView::Parse(bytes);
    if (Decide(state, member, *view, kNow).visible()) ++visible;
    if (view->subject()) ++visible;
  }
  const uint64_t after = allocations.load();
  EXPECT_EQ(after - before, 0U);
  EXPECT_EQ(visible, 4);  // the owner, bazaar, souk and watch

  // The control: the counter counts.
  const auto something = std::make_unique<std::string>("counted");
  EXPECT_GT(allocations.load(), after);
}

}  // namespace
}  // namespace coalition::policy
