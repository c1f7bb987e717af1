// coalition watch over real mutual TLS: what there is, what comes, what goes, and going on where it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <functional>
#include <sstream>

#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"
#include "tests/support/reserved_port.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A report of aurore's that brands see; its name.
std::string Report(const CliWorld& world, const std::string& seller) {
  const ToolResult result = world.As("aurore").Run({"report", "bazaar.example/" + seller, "--infringement",
                                                    "trademark", "--grant", "kind:brand=full", "-o", "json"});
  EXPECT_EQ(result.code, 0) << result.err;
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false)["name"];
}

void Withdraw(const CliWorld& world, const std::string& name) {
  EXPECT_EQ(world.As("aurore").Run({"record", "withdraw", name, "--yes"}).code, 0);
}

// "UPSERT records/…" or "GONE records/…", one for each event.
std::vector<std::string> Events(const std::string& out) {
  std::vector<std::string> events;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) continue;  // not yet whole
    if (json["event"] == "UPSERT") events.push_back("UPSERT " + std::string(json["record"]["name"]));
    if (json["event"] == "RETRACT")
      events.push_back(std::string(json["kind"]) + " " + std::string(json["name"]));
  }
  return events;
}

TEST(CliWatchTest, WhatThereIsWhatComesAndWhatGoes) {
  CliWorld world;
  const std::string first = Report(world, "shop-1");
  std::string second;
  const ToolResult result = world.As("belmont").RunSeen({"watch", "-o", "jsonl"}, [&](const auto& seen,
                                                                                      pid_t pid) {
    EXPECT_TRUE(Eventually([&] { return seen().find("\"snapshot_complete\":true") != std::string::npos; }));
    second = Report(world, "shop-2");
    EXPECT_TRUE(Eventually([&] { return Events(seen()).size() == 2; })) << seen();
    Withdraw(world, first);
    EXPECT_TRUE(Eventually([&] { return Events(seen()).size() == 3; })) << seen();
    ::kill(pid, SIGINT);
  });
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_EQ(result.err, "Interrupted.\n");
  EXPECT_THAT(Events(result.out), ElementsAre("UPSERT " + first, "UPSERT " + second, "GONE " + first));
}

TEST(CliWatchTest, GoesOnWithoutARepetition) {
  CliWorld world;
  const std::string file = world.directory() + "/cursor";
  const std::vector<std::string> command = {"watch", "-o", "jsonl", "--snapshot", "--resume", file};
  const std::string first = Report(world, "shop-1");
  const std::string second = Report(world, "shop-2");
  const ToolResult all = world.As("belmont").Run(command);
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(Events(all.out), ElementsAre("UPSERT " + second, "UPSERT " + first));
  const std::string third = Report(world, "shop-3");
  Withdraw(world, second);
  const ToolResult changes = world.As("belmont").Run(command);
  EXPECT_EQ(changes.code, 0) << changes.err;
  EXPECT_THAT(Events(changes.out), ElementsAre("UPSERT " + third, "GONE " + second));
  const ToolResult none = world.As("belmont").Run(command);
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_THAT(Events(none.out), IsEmpty());
}

TEST(CliWatchTest, ACountEndsIt) {
  CliWorld world;
  const std::string first = Report(world, "shop-1");
  const ToolResult result = world.As("belmont").Run({"watch", "--count", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("RECEIVED  "));
  EXPECT_THAT(result.out, HasSubstr("UPSERT   " + first + "  offender-report   bazaar.example/shop-1"));
}

TEST(CliWatchTest, WhoSeesNothingIsShownNothing) {
  CliWorld world;
  const std::string first = Report(world, "shop-1");
  const ToolResult result = world.As("souk").RunSeen({"watch", "-o", "jsonl"}, [&](const auto& seen,
                                                                                   pid_t pid) {
    EXPECT_TRUE(Eventually([&] { return seen().find("\"snapshot_complete\":true") != std::string::npos; }));
    const std::string second = Report(world, "shop-2");
    Withdraw(world, second);
    const size_t so_far = seen().size();
    EXPECT_TRUE(Eventually([&] { return seen().find("complete_until", so_far) != std::string::npos; }));
    ::kill(pid, SIGINT);
  });
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_THAT(Events(result.out), IsEmpty());
}

TEST(CliWatchTest, ACursorOfSomebodyElseOrOfAnotherFilterIsRefused) {
  CliWorld world;
  const std::string file = world.directory() + "/cursor";
  std::vector<std::string> command = {"watch", "-o", "jsonl", "--snapshot", "--resume", file};
  EXPECT_EQ(world.As("belmont").Run(command).code, 0);
  const std::string cursor = CliWorld::Read(file);
  const ToolResult other = world.As("corsa").Run(command);
  EXPECT_EQ(other.code, 64 + 3) << other.err;
  EXPECT_THAT(other.err, HasSubstr("--resume"));
  command.insert(command.end(), {"--class", "report"});
  EXPECT_EQ(world.As("belmont").Run(command).code, 64 + 3);
  EXPECT_EQ(CliWorld::Read(file), cursor);
}

TEST(CliWatchTest, AFileThatIsNoneOfOursStaysAsItIs) {
  CliWorld world;
  const std::string file = world.Write("notes.txt", "dear diary\n");
  const ToolResult result = world.As("belmont").Run({"watch", "--resume", file});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("notes.txt"));
  EXPECT_EQ(CliWorld::Read(file), "dear diary\n");
}

TEST(CliWatchTest, AWatchSurvivesARestartOfTheServer) {
  const ReservedPort reserved;
  TestServer::Options options;
  options.edit_config = [&](config::v1::ServerConfig* config) {
    config->set_listen(reserved.address());
    config->set_drain_timeout_ms(1000);
  };
  CliWorld world(options);
  const std::string first = Report(world, "shop-1");
  std::string second;
  const ToolResult result =
      world.As("belmont").RunSeen({"watch", "-o", "jsonl"}, [&](const auto& seen, pid_t pid) {
        EXPECT_TRUE(Eventually([&] { return Events(seen()).size() == 1; })) << seen();
        world.server().Restart();
        second = Report(world, "shop-2");
        EXPECT_TRUE(Eventually([&] { return Events(seen()).size() == 2; })) << seen();
        ::kill(pid, SIGINT);
      });
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_THAT(Events(result.out), ElementsAre("UPSERT " + first, "UPSERT " + second));
}

}  // namespace
}  // namespace coalition::testing
