// Rows that are passed over.
#include "server/exchange/row_source.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures

using Source = std::unique_ptr<RowSource>;

std::vector<Row> RestOf(RowSource& source) {
  std::vector<Row> rows;
  for (;;) {
    auto row = source.Next();
    EXPECT_TRUE(row.ok()) << row.status();
    if (!row.ok() || !row->has_value()) return rows;
    rows.push_back(**std::move(row));
  }
}

std::vector<Position> PositionsOf(const std::vector<Row>& rows) {
  std::vector<Position> positions;
  positions.reserve(rows.size());
  for (const Row& row : rows) positions.push_back(row.position);
  return positions;
}

// Several pages of an index, of two members in turn, so that each index has gaps.
class RowSourceTest : public ::testing::Test {
 protected:
  RowSourceTest() : world_(InMemory()) {
    for (int i = 0; i < 300; ++i) {
      for (const char* by : {"aurore", "belmont"}) {
        world_.Created(by, Report("bazaar.example", by + std::to_string(i)));
      }
    }
  }
  static WorldOptions InMemory() {
    WorldOptions options;
    options.in_memory = true;
    return options;
  }
  Source Of(const char* member) {
    const uint32_t number = world_.As(member).caller.member_number;
    return IndexRows(world_.store(), world_.store().Head(), OwnerPrefix(number), std::nullopt);
  }
  Source Merged() {
    std::vector<Source> sources;
    sources.push_back(Of("aurore"));
    sources.push_back(Of("belmont"));
    return MergedRows(std::move(sources));
  }
  Source Given() { return TheseRows(RestOf(*Of("aurore")), std::nullopt); }

  // Passed over from the beginning, and after some rows were read: to rows that are there, to places between
  // them, and not back.
  void ExpectPassedOver(const std::function<Source()>& make) {
    const std::vector<Position> all = PositionsOf(RestOf(*Merged()));
    const std::vector<Position> rows = PositionsOf(RestOf(*make()));
    for (size_t to = 0; to < all.size(); to += 37) {
      for (const size_t read : {0, 1, 100}) {
        const Source source = make();
        for (size_t i = 0; i < read; ++i) ASSERT_TRUE(source->Next().ok());
        ASSERT_TRUE(source->SkipTo(all[to]).ok());
        std::vector<Position> expected;
        for (size_t i = read; i < rows.size(); ++i) {
          if (rows[i] <= all[to]) expected.push_back(rows[i]);
        }
        EXPECT_EQ(PositionsOf(RestOf(*source)), expected) << to << " after " << read;
      }
    }
    const Source source = make();
    ASSERT_TRUE(source->SkipTo({}).ok());
    EXPECT_TRUE(RestOf(*source).empty());
  }

  World world_;
};

TEST_F(RowSourceTest, AnIndexIsPassedOver) {
  ExpectPassedOver([this] { return Of("aurore"); });
}
TEST_F(RowSourceTest, MergedRowsArePassedOver) {
  ExpectPassedOver([this] { return Merged(); });
}
TEST_F(RowSourceTest, GivenRowsArePassedOver) {
  ExpectPassedOver([this] { return Given(); });
}

}  // namespace
}  // namespace coalition::exchange
