// The ledger at the command line over real mutual TLS. Scene 8: who saw it? And nobody rewrites the answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/key_file.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kSeller[] = "bazaar.example/shop-4711";
constexpr char kOrigin[] = "coalition.example/ledger";

nlohmann::json Json(const std::string& text) {
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

class CliLedgerTest : public ::testing::Test {
 protected:
  // `begins_in`: by how much the server's clock is ahead when it starts.
  explicit CliLedgerTest(TestServer::Options options = {},
                         std::chrono::seconds begins_in = std::chrono::seconds(0))
      : clock_(begins_in), world_(QuickTicks(std::move(options), &clock_.clock)) {
    const ToolResult printed =
        Tool(world_.directory())
            .Run({"ledger", "log-key", "--key", world_.server().config().key_dir() + "/ledger_key.pem",
                  "--name", kOrigin});
    EXPECT_EQ(printed.code, 0) << printed.err;
    key_ = printed.out.substr(0, printed.out.find('\n'));
  }

  // Outlives the server.
  struct ClockAt {
    explicit ClockAt(std::chrono::seconds begins_in) { clock.Advance(begins_in); }
    ShiftedClock clock;
  };
  static TestServer::Options QuickTicks(TestServer::Options options, const Clock* clock) {
    options.clock = clock;
    const auto edit = std::move(options.edit_config);
    options.edit_config = [edit](config::v1::ServerConfig* config) {
      config->mutable_ledger()->set_origin(kOrigin);
      config->mutable_ledger()->set_tick_ms(50);
      if (edit) edit(config);
    };
    return options;
  }

  // With the log's key, as it was told by another way.
  ToolResult As(const std::string& member, std::vector<std::string> command) const {
    command.insert(command.end(), {"--ledger-key", key_});
    return world_.As(member).Run(command);
  }
  std::string Report(const std::string& grant) const {
    const ToolResult made =
        As("aurore", {"report", kSeller, "--infringement", "trademark", "--grant", grant, "-o", "json"});
    EXPECT_EQ(made.code, 0) << made.err;
    return Json(made.out)["name"];
  }
  // The member's first entry of that kind, as soon as it is sealed.
  std::string EntryOf(const std::string& member, const std::string& kind) const {
    std::string name;
    EXPECT_TRUE(Eventually([&] {
      const ToolResult listed = As(member, {"ledger", "list", "--kind", kind, "-o", "json"});
      EXPECT_EQ(listed.code, 0) << listed.err;
      const nlohmann::json entries = Json(listed.out);
      if (!entries.is_array()) return true;
      if (!entries.empty()) name = entries[0]["name"];
      return !name.empty();
    }));
    return name;
  }
  ToolResult Audit() const { return As("aurore", {"ledger", "audit", "--state", state()}); }
  std::string state() const { return world_.directory() + "/aurore.checkpoint"; }

  ClockAt clock_;
  CliWorld world_;
  std::string key_;
};

TEST_F(CliLedgerTest, WhatAMemberWasShownIsProvedAndKept) {
  const std::string report = Report("member:paylink=full");
  EXPECT_EQ(As("paylink", {"screen", kSeller}).code, 1);
  const std::string entry = EntryOf("paylink", "disclosure");
  const ToolResult verified = As("paylink", {"ledger", "verify", entry});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, AllOf(StartsWith(entry + " is in the log coalition.example/ledger, sealed at 20"),
                                  HasSubstr("members/paylink was shown 1 record by ScreenSellers.\n")));
  const ToolResult shown = As("paylink", {"ledger", "show", entry, "-o", "json"});
  EXPECT_EQ(Json(shown.out)["content"]["disclosure"]["shown"][0]["records"][0], report) << shown.out;
  // Nobody else's.
  for (const char* member : {"aurore", "corsa"})
    EXPECT_EQ(As(member, {"ledger", "verify", entry}).code, 69) << member;

  const ToolResult exported = As("paylink", {"ledger", "export"});
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_THAT(exported.err, HasSubstr("Exported: "));
  const Tool alone = Tool(world_.directory()).With({"--ledger-key", key_});  // no exchange
  const ToolResult offline =
      alone.Run({"ledger", "verify", "--file", world_.Write("ledger.jsonl", exported.out)});
  EXPECT_EQ(offline.code, 0) << offline.out << offline.err;
  EXPECT_THAT(offline.out, HasSubstr("in the log coalition.example/ledger"));

  const size_t line = exported.out.find("{\"name\":\"" + entry + "\"");
  ASSERT_NE(line, std::string::npos);
  std::string changed = exported.out;
  const size_t content = changed.find("\"content\":\"", line) + sizeof("\"content\":\"");
  changed[content] = changed[content] == 'A' ? 'B' : 'A';
  const ToolResult refused = alone.Run({"ledger", "verify", "--file", "-"}, changed);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, HasSubstr(entry + " does NOT verify: "));
}

TEST_F(CliLedgerTest, TheContributorSeesWhoSaw) {
  const std::string report = Report("kind:brand=full");
  EXPECT_THAT(As("aurore", {"record", "who-saw", report}).err, HasSubstr("Nobody else was shown it"));
  EXPECT_EQ(As("belmont", {"screen", kSeller}).code, 1);
  const ToolResult saw = As("aurore", {"record", "who-saw", report, "-o", "csv"});
  EXPECT_EQ(saw.code, 0) << saw.err;
  EXPECT_THAT(saw.out, AllOf(StartsWith("member,kind,first_day,views\nmembers/belmont,brand,20"),
                             HasSubstr(",full\n"), Not(HasSubstr("corsa"))));
  EXPECT_EQ(As("belmont", {"record", "who-saw", report}).code, 69);
  EXPECT_EQ(As("aurore", {"record", "withdraw", report, "--yes"}).code, 0);
  EXPECT_EQ(As("aurore", {"record", "who-saw", report, "-o", "csv"}).out, saw.out);
}

// Begins some minutes before midnight (UTC), of today's or, mostly, of last night's: certificates are good
// for a day from then on, also by the clock of the command line.
class CliLedgerDayTest : public CliLedgerTest {
 protected:
  CliLedgerDayTest() : CliLedgerTest({}, BeforeMidnight()) {}
  static std::chrono::seconds BeforeMidnight() {
    constexpr std::chrono::hours kDay(24);
    constexpr std::chrono::minutes kBefore(10), kSoon(15);
    const std::chrono::seconds today(SystemClock().NowS() % std::chrono::seconds(kDay).count());
    return today < kDay - kSoon ? -(today + kBefore) : std::chrono::seconds(0);
  }
};

TEST_F(CliLedgerDayTest, WhoSawIsProvedWhenTheDayIsOver) {
  const std::string report = Report("member:belmont=full");
  EXPECT_EQ(As("belmont", {"screen", kSeller}).code, 1);
  EntryOf("belmont", "disclosure");
  EXPECT_EQ(Json(As("aurore", {"ledger", "list", "--kind", "first-showings", "-o", "json"}).out).size(), 0u);
  clock_.clock.Advance(std::chrono::minutes(20));
  const std::string entry = EntryOf("aurore", "first-showings");
  const ToolResult verified = As("aurore", {"ledger", "verify", entry});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out,
              HasSubstr("members/belmont was shown 1 record of members/aurore for the first time."));
  const ToolResult shown = As("aurore", {"ledger", "show", entry, "-o", "json"});
  EXPECT_EQ(Json(shown.out)["content"]["firstShowings"]["shown"][0]["records"][0], report) << shown.out;
}

TEST_F(CliLedgerTest, TheLogIsFollowedAcrossRestarts) {
  const ToolResult first = Audit();
  EXPECT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_THAT(first.out, HasSubstr("None of it was verified before"));
  world_.server().Restart();
  EXPECT_TRUE(Eventually([&] {
    const ToolResult again = Audit();
    EXPECT_EQ(again.code, 0) << again.out << again.err;
    return again.code != 0 || again.out.find("The log grew from ") == 0;
  }));
  const ToolResult note = As("belmont", {"ledger", "checkpoint"});
  EXPECT_EQ(note.code, 0) << note.err;
  EXPECT_THAT(note.out, StartsWith("coalition.example/ledger\n"));
  const ToolResult between =
      As("aurore", {"ledger", "consistency", "--old", world_.Write("belmont.note", note.out)});
  EXPECT_EQ(between.code, 0) << between.out << between.err;
  // Another key: of a log that somebody else keeps.
  const auto other = Ed25519Key::FromSeed(std::array<uint8_t, kEd25519KeyBytes>{7});
  const auto others = VerifierKey::Make(kOrigin, NoteAlgorithm::kEd25519, other->public_key());
  const ToolResult unsigned_note =
      world_.As("aurore").Run({"ledger", "checkpoint", "--ledger-key", others->ToText()});
  EXPECT_EQ(unsigned_note.code, 1);
  EXPECT_THAT(unsigned_note.err, HasSubstr("NOT signed with the pinned key"));
}

// The operator puts store and head back to what they were: nothing in them is wrong, but there are members.
TEST_F(CliLedgerTest, ARolledBackLogIsFoundByTheNextAudit) {
  TestServer& server = world_.server();
  const std::string store = server.config().store_dir(), head = server.config().ledger().head_dir();
  server.Stop();
  for (const std::string& directory : {store, head})
    std::filesystem::copy(directory, directory + "-old", std::filesystem::copy_options::recursive);
  server.Restart();
  std::string checkpoint;
  EXPECT_TRUE(Eventually([&] {
    const ToolResult audit = Audit();
    EXPECT_EQ(audit.code, 0) << audit.out << audit.err;
    checkpoint = CliWorld::Read(state());
    return audit.out.find("The log grew from ") == 0;
  }));
  server.Stop();
  for (const std::string& directory : {store, head}) {
    std::filesystem::remove_all(directory);
    std::filesystem::rename(directory + "-old", directory);
  }
  server.Restart();
  const ToolResult found = Audit();
  EXPECT_EQ(found.code, 1) << found.out << found.err;
  EXPECT_THAT(found.out, StartsWith("CONFLICT: "));
  EXPECT_EQ(CliWorld::Read(state()), checkpoint);
  EXPECT_THAT(CliWorld::Read(state() + ".conflict"), HasSubstr(checkpoint.substr(checkpoint.find(kOrigin))));
}

TEST_F(CliLedgerTest, TheDoctorLooksAtItWhereAKeyIsPinned) {
  const ToolResult doctor = As("aurore", {"doctor", "-o", "json"});
  EXPECT_EQ(doctor.code, 0) << doctor.out;
  EXPECT_EQ(Json(doctor.out).back()["check"], "ledger");
  EXPECT_EQ(Json(doctor.out).back()["result"], "ok") << doctor.out;
  EXPECT_EQ(Json(world_.As("aurore").Run({"doctor", "-o", "json"}).out).back()["check"], "health");
}

TEST_F(CliLedgerTest, TheKeyIsPinnedInAContext) {
  const Identity& aurore = world_.server().IdentityOf("aurore");
  const Tool home(world_.directory());
  std::vector<std::string> add = {"context",        "add",  "work",          "--server",
                                  world_.address(), "--ca", world_.ca_file()};
  const std::string certificate = world_.Write("work.pem", aurore.certificate_pem);
  add.insert(add.end(), {"--cert", certificate, "--key", world_.Write("work.key", aurore.key_pem)});
  EXPECT_EQ(home.Run(add).code, 0);
  EXPECT_EQ(home.Run({"ledger", "audit"}).code, 2);
  EXPECT_EQ(home.Run({"ledger", "pin", key_}).code, 0);
  const ToolResult audit = home.Run({"ledger", "audit"});
  EXPECT_EQ(audit.code, 0) << audit.out << audit.err;
  EXPECT_TRUE(std::filesystem::exists(world_.directory() + "/.config/coalition/ledger/work.checkpoint"));
}

// A slower clock: a cosignature must come within the tick that it is of.
class CliCosignTest : public CliLedgerTest {
 protected:
  CliCosignTest() : CliLedgerTest(Witnessed()) {}
  static Ed25519Key Witness() { return *Ed25519Key::FromSeed(std::array<uint8_t, kEd25519KeyBytes>{9}); }
  static std::string WitnessKey() {
    return VerifierKey::Make("aurore.example/w", NoteAlgorithm::kCosignatureV1, Witness().public_key())
        ->ToText();
  }
  static TestServer::Options Witnessed() {
    TestServer::Options options;
    options.edit_config = [](config::v1::ServerConfig* config) {
      config->mutable_ledger()->set_tick_ms(5'000);
      config->mutable_ledger()->add_witness_keys(WitnessKey());
    };
    return options;
  }
};

TEST_F(CliCosignTest, AWitnessVouchesForTheNewestCheckpoint) {
  const std::string file = world_.directory() + "/witness.key";
  ASSERT_EQ(WriteKeyFile(file, Witness()), absl::OkStatus());
  const std::vector<std::string> cosign = {"ledger", "cosign",           "--key",   file,
                                           "--name", "aurore.example/w", "--state", state()};
  // Until both fall into one tick.
  EXPECT_TRUE(Eventually([&] {
    const ToolResult cosigned = As("aurore", cosign);
    EXPECT_THAT(cosigned.code, ::testing::AnyOf(0, 73)) << cosigned.out << cosigned.err;
    const ToolResult seen = As("belmont", {"ledger", "checkpoint", "--witness", WitnessKey()});
    return cosigned.code == 0 && seen.code == 0 &&
           seen.err.find("Cosigned by aurore.example/w at ") != std::string::npos;
  }));
  // The server takes no cosignature of whom it does not know.
  std::vector<std::string> stranger = cosign;
  stranger[5] = "belmont.example/w";
  EXPECT_TRUE(Eventually([&] {
    const int code = As("aurore", stranger).code;
    EXPECT_THAT(code, ::testing::AnyOf(67, 73));
    return code == 67;
  }));
}

}  // namespace
}  // namespace coalition::testing
