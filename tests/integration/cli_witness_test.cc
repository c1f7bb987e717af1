// Two histories of one log, of the same name and key, both signed and neither behind its head: nothing in the
// server can tell. Found by whoever has seen the other one, and by those who believe a witness that has. Real
// servers, real stores, the real command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/ledger_verify.h"
#include "common/signed_note.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kOrigin[] = "coalition.example/ledger";
constexpr char kWitness[] = "aurore.example/ledger-witness";
constexpr int kQuickMs = 20;
// The log stands: what is looked at is one checkpoint for all, and a cosignature is never late.
constexpr int kStandsMs = 60'000;
constexpr uint64_t kTicks = 10;

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// aurore is the witness. belmont follows the log for itself, corsa believes the witness, and paylink does
// neither.
class CliWitnessTest : public ::testing::Test {
 protected:
  CliWitnessTest() : world_(Options()) {
    const Tool home(world_.directory());
    const ToolResult log =
        home.Run({"ledger", "log-key", "--key", world_.server().config().key_dir() + "/ledger_key.pem",
                  "--name", kOrigin});
    EXPECT_EQ(log.code, 0) << log.err;
    key_ = FirstLine(log.out);
    const ToolResult witness =
        home.Run({"ledger", "witness-key", "--out", File("witness.key"), "--name", kWitness});
    EXPECT_EQ(witness.code, 0) << witness.err;
    witness_key_ = FirstLine(witness.out);
    StartWithTicksOf(kStandsMs);
  }

  static TestServer::Options Options() {
    TestServer::Options options;
    options.edit_config = [](config::v1::ServerConfig* config) {
      config->mutable_ledger()->set_origin(kOrigin);
    };
    return options;
  }
  void StartWithTicksOf(int tick_ms) {
    config::v1::ServerConfig config = world_.server().config();
    config.mutable_ledger()->set_tick_ms(tick_ms);
    config.mutable_ledger()->clear_witness_keys();
    config.mutable_ledger()->add_witness_keys(witness_key_);
    world_.server().RestartWith(config);
  }

  // With the log's key, as it was told by another way.
  ToolResult As(const std::string& member, std::vector<std::string> command) const {
    command.insert(command.end(), {"--ledger-key", key_});
    return world_.As(member).Run(command);
  }
  ToolResult Cosign() const {
    return As("aurore", {"ledger", "cosign", "--key", File("witness.key"), "--state", State("aurore")});
  }
  ToolResult Audit(const std::string& member) const {
    return As(member, {"ledger", "audit", "--state", State(member)});
  }
  ToolResult Trusting() const { return As("corsa", {"ledger", "checkpoint", "--witness", witness_key_}); }
  ToolResult HoldAgainst(const std::string& note_file) const {
    return As("corsa", {"ledger", "consistency", "--old", note_file});
  }
  uint64_t Size() const {
    const ToolResult shown = As("office", {"ledger", "checkpoint", "-o", "json"});
    EXPECT_EQ(shown.code, 0) << shown.err;
    const nlohmann::json json = nlohmann::json::parse(shown.out, nullptr, /*allow_exceptions=*/false);
    return json.is_object() ? std::stoull(json["size"].get<std::string>()) : 0;
  }

  // belmont is shown a report on that seller, and the log grows by some ticks to more than `size`; then it
  // stands.
  void GrowBeyond(uint64_t size, const std::string& seller) {
    StartWithTicksOf(kQuickMs);
    const ToolResult report = As("aurore", {"report", "bazaar.example/" + seller, "--infringement",
                                            "trademark", "--grant", "member:belmont=full"});
    EXPECT_EQ(report.code, 0) << report.err;
    EXPECT_EQ(As("belmont", {"screen", "bazaar.example/" + seller}).code, 1);
    const uint64_t enough = std::max(size, Size()) + kTicks;
    EXPECT_TRUE(Eventually([&] { return Size() >= enough; }));
    StartWithTicksOf(kStandsMs);
  }

  // All that the operator has of the log, while nothing runs.
  std::vector<std::string> Directories() {
    const config::v1::ServerConfig& config = world_.server().config();
    return {config.store_dir(), config.ledger().head_dir()};
  }
  static std::string KeptOf(const std::string& directory, const std::string& as) {
    return directory + "." + as;
  }
  void Keep(const std::string& as) {
    world_.server().Stop();
    for (const std::string& directory : Directories())
      fs::copy(directory, KeptOf(directory, as), fs::copy_options::recursive);
    world_.server().Restart();
  }
  void PutBack(const std::string& kept) {
    world_.server().Stop();
    for (const std::string& directory : Directories()) {
      fs::remove_all(directory);
      fs::copy(KeptOf(directory, kept), directory, fs::copy_options::recursive);
    }
    world_.server().Restart();
  }

  void ExpectAllWell(const std::string& audit_says) const {
    const ToolResult cosigned = Cosign();
    EXPECT_EQ(cosigned.code, 0) << cosigned.out << cosigned.err;
    EXPECT_THAT(cosigned.out, HasSubstr(audit_says));
    EXPECT_THAT(cosigned.err, HasSubstr("Cosigned as " + std::string(kWitness)));
    const ToolResult audited = Audit("belmont");
    EXPECT_EQ(audited.code, 0) << audited.out << audited.err;
    EXPECT_THAT(audited.out, HasSubstr(audit_says));
    const ToolResult trusted = Trusting();
    EXPECT_EQ(trusted.code, 0) << trusted.out << trusted.err;
    EXPECT_THAT(trusted.err, HasSubstr("Cosigned by " + std::string(kWitness) + " at "));
  }

  static void ExpectConflict(const ToolResult& found) {
    EXPECT_EQ(found.code, 1) << found.out << found.err;
    EXPECT_THAT(found.out, StartsWith("CONFLICT: "));
  }

  // Of what `audit` and `cosign` keep.
  std::string NoteKeptBy(const std::string& member) const {
    const std::string kept = CliWorld::Read(State(member));
    const size_t begin = kept.find(kOrigin);
    EXPECT_NE(begin, std::string::npos) << kept;
    return begin == std::string::npos ? "" : kept.substr(begin);
  }
  // Whoever has the log's key needs no more than the file: its owner has signed both.
  void ExpectBothKept(const std::string& member, const std::string& before, const std::string& now) const {
    const std::string conflict = CliWorld::Read(State(member) + ".conflict");
    const auto key = VerifierKey::Parse(key_);
    ASSERT_TRUE(key.ok()) << key.status();
    for (const std::string& note : {before, now}) {
      EXPECT_THAT(conflict, HasSubstr(note));
      const auto opened = ledger::OpenLogCheckpoint(note, *key);
      EXPECT_TRUE(opened.ok()) << opened.status();
    }
  }

  std::string File(const std::string& name) const { return world_.directory() + "/" + name; }
  std::string State(const std::string& member) const { return File(member + ".checkpoint"); }

  CliWorld world_;
  std::string key_, witness_key_;
};

TEST_F(CliWitnessTest, ASecondHistoryOfTheLogIsFoundAndNotCosigned) {
  GrowBeyond(0, "shop-1");
  ExpectAllWell("None of it was verified before");
  Keep("early");
  GrowBeyond(0, "shop-2");
  ExpectAllWell("The log grew from ");
  const std::string theirs = world_.Write("belmont.note", As("belmont", {"ledger", "checkpoint"}).out);
  const std::string state = CliWorld::Read(State("aurore")), before = NoteKeptBy("aurore");
  const uint64_t size = Size();
  Keep("first");

  // From an earlier state it goes on by another way, further than anybody has seen: nothing has shrunk.
  PutBack("early");
  GrowBeyond(size, "shop-3");
  const ToolResult found = Cosign();
  ExpectConflict(found);
  EXPECT_THAT(found.out, HasSubstr(State("aurore") + ".conflict"));
  EXPECT_THAT(found.err, AllOf(HasSubstr("Nothing was cosigned."), Not(HasSubstr("Cosigned as"))));
  EXPECT_EQ(CliWorld::Read(State("aurore")), state);
  const ToolResult trusted = Trusting();
  EXPECT_EQ(trusted.code, 1) << trusted.out << trusted.err;
  EXPECT_THAT(trusted.err, AllOf(HasSubstr("Signed with the pinned key."),
                                 HasSubstr("No witness that counts has cosigned it.")));
  ExpectBothKept("aurore", before, trusted.out);
  ExpectConflict(HoldAgainst(theirs));
  ExpectConflict(Audit("belmont"));
  // By itself the second history is as good as any: what finds it out is that somebody looked before.
  EXPECT_EQ(Audit("paylink").code, 0);

  PutBack("first");
  GrowBeyond(0, "shop-4");
  ExpectAllWell("The log grew from ");
  EXPECT_EQ(HoldAgainst(theirs).code, 0);
  ExpectConflict(Audit("paylink"));  // it has seen the other one
}

// The positive control: the operator stops the server, copies and puts back in the same way, and the log has
// one history.
TEST_F(CliWitnessTest, TheSameStopCopyAndRestartWithoutAForkIsNoConflict) {
  GrowBeyond(0, "shop-1");
  ExpectAllWell("None of it was verified before");
  Keep("last");
  PutBack("last");
  ExpectAllWell("; nothing was added.");
  const std::string theirs = world_.Write("belmont.note", As("belmont", {"ledger", "checkpoint"}).out);
  Keep("last-again");
  PutBack("last-again");
  GrowBeyond(Size(), "shop-3");
  ExpectAllWell("The log grew from ");
  const ToolResult held = HoldAgainst(theirs);
  EXPECT_EQ(held.code, 0) << held.out << held.err;
  for (const char* member : {"aurore", "belmont"}) EXPECT_FALSE(fs::exists(State(member) + ".conflict"));
}

}  // namespace
}  // namespace coalition::testing
