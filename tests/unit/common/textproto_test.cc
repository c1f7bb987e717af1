// Where in a text its fields are.
#include "common/textproto.h"

#include <gtest/gtest.h>

#include <fstream>

#include "coalition/v1/policy.pb.h"

namespace coalition {
namespace {

using Position = TextLocations::Position;

constexpr char kPolicy[] = R"(# A comment.
title: "a" # another
       " title in two parts"
views {
  name: "full"
  full: [
    "seller.platform",
    "seller." "seller_id", "create_time"
  ]
  full: "comment", coarse: ["x"];
}
views: <
  full: []
  token: 'contributor'
>
limits { widening { approvals: -2 electorate: [MEMBER_KIND_BRAND, MEMBER_KIND_AGENCY] } }
audiences { id: "a" }
audiences: [
  { id: "b" audience { grants: [ { view: "v" }, { subject { everyone: true } } ] } },
  { id: "c" }
]
)";

class TextLocationsTest : public ::testing::Test {
 protected:
  TextLocationsTest() { EXPECT_TRUE(ParseTextproto(kPolicy, "p.textproto", &policy_, &places_).ok()); }

  v1::CoalitionPolicy policy_;
  TextLocations places_;
};

TEST_F(TextLocationsTest, AValueIsWhereItBegins) {
  EXPECT_EQ(places_.Place("title"), "p.textproto:2:8");
  EXPECT_EQ(places_.Find("views[0].name"), (Position{5, 9}));
  EXPECT_EQ(places_.Find("views[1].token[0]"), (Position{14, 10}));
  EXPECT_EQ(places_.Find("limits.widening.approvals"), (Position{16, 32}));
}

TEST_F(TextLocationsTest, AnElementOfAListIsWhereItBegins) {
  EXPECT_EQ(policy_.views(0).full_size(), 4);
  EXPECT_EQ(places_.Find("views[0].full[0]"), (Position{7, 5}));
  EXPECT_EQ(places_.Find("views[0].full[1]"), (Position{8, 5}));
  EXPECT_EQ(places_.Find("views[0].full[2]"), (Position{8, 28}));
  EXPECT_EQ(places_.Find("views[0].full[3]"), (Position{10, 9}));
  EXPECT_EQ(places_.Find("views[0].coarse[0]"), (Position{10, 29}));
  EXPECT_EQ(places_.Find("limits.widening.electorate[1]"), (Position{16, 67}));
}

TEST_F(TextLocationsTest, AMessageIsWhereItsNameIsOrInAListWhereItBegins) {
  EXPECT_EQ(places_.Find("views[0]"), (Position{4, 1}));
  EXPECT_EQ(places_.Find("views[1]"), (Position{12, 1}));
  EXPECT_EQ(places_.Find("limits"), (Position{16, 1}));
  EXPECT_EQ(places_.Find("audiences[0]"), (Position{17, 1}));
  EXPECT_EQ(places_.Find("audiences[1]"), (Position{19, 3}));
  EXPECT_EQ(places_.Find("audiences[1].audience.grants[1].subject.everyone"), (Position{19, 71}));
  EXPECT_EQ(places_.Find("audiences[2].id"), (Position{20, 9}));
}

TEST_F(TextLocationsTest, AListWithoutAnIndexIsItsName) {
  EXPECT_EQ(places_.Find("views[0].full"), (Position{6, 3}));
  EXPECT_EQ(places_.Find("views[1].full"), (Position{13, 3}));
  EXPECT_EQ(places_.Find("views"), (Position{4, 1}));
}

TEST_F(TextLocationsTest, WhatIsMissingIsMissingWhereItWouldBe) {
  EXPECT_EQ(places_.Find("views[0].record_class"), (Position{4, 1}));
  EXPECT_EQ(places_.Find("limits.lifetimes[0].days_max"), (Position{16, 1}));
  EXPECT_EQ(places_.Find("audiences[1].audience.grants[0].subject"), (Position{19, 34}));
  EXPECT_EQ(places_.Find("ceilings[3].view"), (Position{1, 1}));
  EXPECT_EQ(places_.Place(""), "p.textproto:1:1");
  EXPECT_EQ(TextLocations().Find("views[0]"), (Position{1, 1}));
}

TEST_F(TextLocationsTest, AMistakeIsToldAsWithoutPlaces) {
  v1::CoalitionPolicy policy;
  const std::string text = "views {\n  ful: \"a\"\n}";
  const absl::Status status = ParseTextproto(text, "p", &policy, &places_);
  EXPECT_EQ(status, ParseTextproto(text, "p", &policy));
  EXPECT_EQ(places_.Place("title"), "p:1:1");
  EXPECT_TRUE(ParseTextproto("", "p", &policy, &places_).ok());
}

TEST_F(TextLocationsTest, FilesHavePlacesToo) {
  const std::string path = ::testing::TempDir() + "/textproto_test.policy";
  std::ofstream(path) << "\n title: 'x'";
  EXPECT_TRUE(ReadTextproto(path, &policy_, &places_).ok());
  EXPECT_EQ(places_.Place("title"), path + ":2:9");
  EXPECT_EQ(ReadTextproto(path + ".absent", &policy_, &places_).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace coalition
