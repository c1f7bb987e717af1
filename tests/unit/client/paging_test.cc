#include "client/paging.h"

#include <gtest/gtest.h>

#include <map>

namespace coalition::client {
namespace {

// Pages by token; asked for tokens are noted.
struct Pages {
  std::map<std::string, absl::StatusOr<Page<int>>> pages;
  std::vector<std::string> asked;

  PagedRange<int> Range() {
    return PagedRange<int>([this](const std::string& token) {
      asked.push_back(token);
      return pages.at(token);
    });
  }
};

TEST(PagedRangeTest, GoesThroughAllPagesAlsoEmptyOnes) {
  Pages pages{{{"", Page<int>{{1, 2}, "a"}}, {"a", Page<int>{{}, "b"}}, {"b", Page<int>{{3}, ""}}}, {}};
  std::vector<int> seen;
  for (const absl::StatusOr<int>& item : pages.Range()) {
    ASSERT_TRUE(item.ok());
    seen.push_back(*item);
  }
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(pages.asked, (std::vector<std::string>{"", "a", "b"}));
}

TEST(PagedRangeTest, AnErrorIsTheLastElement) {
  Pages pages{{{"", Page<int>{{1}, "a"}}, {"a", absl::UnavailableError("gone")}}, {}};
  std::vector<absl::Status> seen;
  for (const absl::StatusOr<int>& item : pages.Range()) seen.push_back(item.status());
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[0].ok());
  EXPECT_TRUE(absl::IsUnavailable(seen[1]));
}

TEST(PagedRangeTest, AsksForNoPageThatIsNotNeeded) {
  Pages pages{{{"", Page<int>{{1, 2}, "a"}}}, {}};
  for (const absl::StatusOr<int>& item : pages.Range()) {
    if (*item == 2) break;
  }
  EXPECT_EQ(pages.asked.size(), 1u);
}

TEST(PagedRangeTest, AnEmptyListHasNoElement) {
  Pages pages{{{"", Page<int>{}}}, {}};
  for (const absl::StatusOr<int>& item : pages.Range()) FAIL() << item.status();
}

}  // namespace
}  // namespace coalition::client
