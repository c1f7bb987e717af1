#include "client/cli/seller_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/bytes.h"

namespace coalition::cli {
namespace {

using ::testing::HasSubstr;

absl::Status Load(const std::string& text, SellerMap* map) {
  return map->Load(FromText(text, 1'000), 10'000);
}

TEST(SellerMapTest, FindsWhatWasLoadedAndNothingElse) {
  SellerMap map;
  ASSERT_TRUE(
      Load("seller_id,note,platform_uid\nshop-1,x,uid-1\n shop-2 ,y,uid-2\nshop-1,again,uid-3\n", &map).ok());
  EXPECT_EQ(map.size(), 3u);
  EXPECT_EQ(map.Find("uid-1"), "shop-1");
  EXPECT_EQ(map.Find("uid-2"), "shop-2");
  EXPECT_EQ(map.Find("uid-3"), "shop-1");
  EXPECT_EQ(map.Find("uid-4"), "");
  EXPECT_EQ(map.Find(""), "");
}

TEST(SellerMapTest, RefusesAMapThatIsNotWhole) {
  struct Case {
    const char* text;
    const char* says;
  };
  for (const Case& c :
       {Case{"", "empty"}, Case{"platform_uid,seller\n", "columns platform_uid and seller_id"},
        Case{"platform_uid,seller_id\nu,\n", "line 2: seller_id"},
        Case{"platform_uid,seller_id\n,s\n", "line 2: platform_uid is empty"},
        Case{"platform_uid,seller_id\nu,s\nu,t\n", "line 3: this platform_uid had another seller"},
        Case{"platform_uid,seller_id\nu,s,x\n", "line 2: the row has 3 fields"},
        Case{"platform_uid,seller_id\nu,\"s\n", "line 2: a quoted field"}}) {
    SellerMap map;
    const absl::Status status = Load(c.text, &map);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.says));
  }
}

TEST(SellerMapTest, HoldsManyWithoutMixingThemUp) {
  SellerMap map;
  constexpr int kMany = 200'000;
  for (int i = 0; i < kMany; ++i)
    ASSERT_TRUE(map.Add("uid-" + std::to_string(i), "shop-" + std::to_string(i % 977)));
  EXPECT_EQ(map.size(), static_cast<size_t>(kMany));
  for (int i = 0; i < kMany; i += 7) {
    ASSERT_EQ(map.Find("uid-" + std::to_string(i)), "shop-" + std::to_string(i % 977));
  }
  EXPECT_TRUE(map.Add("uid-5", "shop-5"));
  EXPECT_FALSE(map.Add("uid-5", "shop-6"));
}

}  // namespace
}  // namespace coalition::cli
