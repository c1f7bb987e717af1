// coalition mirror over real mutual TLS: what is listed, what is taken back, and all that may come between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/ids.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"
#include "tests/support/reserved_port.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class MirrorWorld {
 public:
  MirrorWorld() : world_(Options()) {}

  CliWorld& world() { return world_; }
  std::string directory() const { return world_.directory() + "/mirror"; }

  // A report of aurore's that brands see; its name.
  std::string Report(const std::string& seller, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"report",
                                        "bazaar.example/" + seller,
                                        "--infringement",
                                        "trademark",
                                        "--grant",
                                        "kind:brand=full",
                                        "-o",
                                        "json"};
    command.insert(command.end(), more.begin(), more.end());
    const ToolResult result = world_.As("aurore").Run(command);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false)["name"];
  }
  void Withdraw(const std::string& name) const {
    EXPECT_EQ(world_.As("aurore").Run({"record", "withdraw", name, "--yes"}).code, 0);
  }
  void Opine(const std::string& member, const std::string& name, const std::string& verdict) const {
    const ToolResult result = world_.As(member).Run({"opinion", name, verdict, "--grant", "kind:brand=full"});
    EXPECT_EQ(result.code, 0) << result.err;
  }
  // belmont's mirror, while `act` acts.
  ToolResult While(const std::function<void(pid_t)>& act) const {
    return world_.As("belmont").RunSeen({"mirror", "run", "--dir", directory()},
                                        [&](const auto&, pid_t pid) { act(pid); });
  }
  // Without an exchange to ask.
  ToolResult Mirror(const std::string& verb, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"mirror", verb, "--dir", directory()});
    return Tool(world_.directory()).Run(more);
  }
  bool Becomes(const std::string& seller, int code) const {
    return Eventually([&] { return Mirror("check", {"bazaar.example/" + seller}).code == code; });
  }

 private:
  // The same port again after a restart.
  TestServer::Options Options() {
    TestServer::Options options;
    options.edit_config = [this](config::v1::ServerConfig* config) {
      config->set_listen(reserved_.address());
      config->set_drain_timeout_ms(1000);
    };
    return options;
  }

  const ReservedPort reserved_;
  CliWorld world_;
};

// With the matches of each by name: neither says in which order those of one second come.
nlohmann::json Results(const std::string& text) {
  nlohmann::json results = nlohmann::json::parse(text, nullptr, false);
  for (nlohmann::json& result : results) {
    if (!result.contains("matches")) continue;
    std::sort(result["matches"].begin(), result["matches"].end(),
              [](const nlohmann::json& a, const nlohmann::json& b) { return a["record"] < b["record"]; });
  }
  return results;
}

TEST(CliMirrorTest, ListedWithdrawnAndThroughARestart) {
  MirrorWorld mirror;
  const std::string first = mirror.Report("shop-1");
  const ToolResult run = mirror.While([&](pid_t pid) {
    EXPECT_TRUE(mirror.Becomes("shop-1", 1));
    EXPECT_EQ(mirror.Mirror("check", {"bazaar.example/shop-2"}).code, 0);
    EXPECT_EQ(mirror.Mirror("status").code, 0);
    mirror.Withdraw(first);
    EXPECT_TRUE(mirror.Becomes("shop-1", 0));
    mirror.world().server().Restart();
    mirror.Report("shop-2");
    EXPECT_TRUE(mirror.Becomes("shop-2", 1));
    ::kill(pid, SIGINT);
  });
  EXPECT_EQ(run.code, 130) << run.err;
  EXPECT_THAT(run.err, HasSubstr("Complete: 1 record about 1 seller."));
  EXPECT_THAT(run.err, HasSubstr("The connection is lost, and tried again"));
}

TEST(CliMirrorTest, SaysWhatScreenSays) {
  MirrorWorld mirror;
  mirror.Report("stands");
  mirror.Opine("belmont", mirror.Report("doubted"), "disputed");
  const std::string disputed = mirror.Report("disputed");
  mirror.Opine("belmont", disputed, "disputed");
  mirror.Opine("corsa", disputed, "confirmed");
  mirror.Report("disputed", {"--label", "green"});
  const std::string alone = mirror.Report("only-disputed");
  mirror.Opine("belmont", alone, "false-positive");
  mirror.Opine("corsa", alone, "seen-here");
  std::vector<std::string> sellers;
  for (const char* id : {"stands", "doubted", "disputed", "only-disputed", "nobody"})
    sellers.push_back("bazaar.example/" + std::string(id));
  std::vector<std::string> screen = {"screen", "-o", "json"};
  screen.insert(screen.end(), sellers.begin(), sellers.end());
  const std::string screened = mirror.world().As("belmont").Run(screen).out;
  EXPECT_THAT(screened, HasSubstr("VERDICT_DISPUTED"));
  std::vector<std::string> check = {"-o", "json"};
  check.insert(check.end(), sellers.begin(), sellers.end());
  mirror.While([&](pid_t pid) {
    EXPECT_TRUE(Eventually([&] { return mirror.Mirror("status").code == 0; }));
    EXPECT_EQ(Results(mirror.Mirror("check", check).out), Results(screened));
    ::kill(pid, SIGINT);
  });
}

TEST(CliMirrorTest, KilledAtAnyTimeItLosesNothing) {
  MirrorWorld mirror;
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back(mirror.Report("shop-" + std::to_string(i)));
  for (int round = 0; round < 4; ++round) {
    const ToolResult run = mirror.While([&](pid_t pid) {
      std::this_thread::sleep_for(std::chrono::milliseconds(120 + 90 * round));
      mirror.Withdraw(names[static_cast<size_t>(round)]);
      ::kill(pid, SIGKILL);
    });
    EXPECT_EQ(run.code, -1) << run.err;
  }
  mirror.While([&](pid_t pid) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(mirror.Becomes("shop-" + std::to_string(i), 0)) << i;
    const std::string status = mirror.Mirror("status", {"-o", "json"}).out;
    EXPECT_EQ(nlohmann::json::parse(status, nullptr, false)["records"], 8) << status;
    for (int i = 4; i < 12; ++i)
      EXPECT_EQ(mirror.Mirror("check", {"bazaar.example/shop-" + std::to_string(i)}).code, 1) << i;
    ::kill(pid, SIGINT);
  });
}

TEST(CliMirrorTest, ASuspendedMembersMirrorIsWiped) {
  MirrorWorld mirror;
  mirror.Report("shop-1");
  const ToolResult run = mirror.While([&](pid_t) {
    EXPECT_TRUE(mirror.Becomes("shop-1", 1));
    const Tool office = mirror.world().As(mirror.world().server().IdentityOf("office", "admin"));
    EXPECT_EQ(
        office.Run({"admin", "member", "suspend", "belmont", "--reason", "investigation", "--yes"}).code, 0);
  });
  EXPECT_EQ(run.code, 71) << run.err;
  EXPECT_THAT(run.err, HasSubstr("The mirror was wiped."));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(mirror.directory()))
    files.push_back(entry.path().filename());
  EXPECT_THAT(files, UnorderedElementsAre("lock", "wiped"));
  const ToolResult check = mirror.Mirror("check", {"bazaar.example/shop-1"});
  EXPECT_EQ(check.code, 2);
  EXPECT_THAT(check.err, HasSubstr("was wiped at "));
  EXPECT_EQ(mirror.Mirror("status").code, 1);
}

TEST(CliMirrorTest, ARevokedKeyStopsItAndLeavesWhatThereIs) {
  MirrorWorld mirror;
  mirror.Report("shop-1");
  const ToolResult run = mirror.While([&](pid_t) {
    EXPECT_TRUE(mirror.Becomes("shop-1", 1));
    const Tool admin = mirror.world().As(mirror.world().server().IdentityOf("belmont", "admin"));
    EXPECT_EQ(admin.Run({"credential", "revoke", "backend", "--reason", "superseded", "--yes"}).code, 0);
  });
  EXPECT_EQ(run.code, 80) << run.err;
  EXPECT_EQ(mirror.Mirror("check", {"bazaar.example/shop-1"}).code, 1);
}

TEST(CliMirrorTest, AnothersOrADamagedOneIsRefused) {
  MirrorWorld mirror;
  mirror.Report("shop-1", {"--label", "clear"});
  mirror.Report("shop-2");
  mirror.While([&](pid_t pid) {
    EXPECT_TRUE(mirror.Becomes("shop-1", 1));
    const ToolResult second =
        mirror.world().As("belmont").Run({"mirror", "run", "--dir", mirror.directory()});
    EXPECT_EQ(second.code, 2);
    EXPECT_THAT(second.err, HasSubstr("another process"));
    ::kill(pid, SIGTERM);
  });
  EXPECT_EQ(mirror.world().As("corsa").Run({"mirror", "run", "--dir", mirror.directory()}).code, 64 + 3);
  const ToolResult exported = mirror.Mirror("export", {"-o", "csv"});
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("shop-1"));
  EXPECT_THAT(exported.out, ::testing::Not(HasSubstr("shop-2")));
  EXPECT_THAT(exported.err, HasSubstr("1 record was left out"));
  const std::string file = mirror.directory() + "/generation-1";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
  EXPECT_EQ(mirror.Mirror("check", {"bazaar.example/shop-1"}).code, 2);
  const ToolResult run = mirror.world().As("belmont").Run({"mirror", "run", "--dir", mirror.directory()});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("remove its directory and run the mirror again"));
}

}  // namespace
}  // namespace coalition::testing
