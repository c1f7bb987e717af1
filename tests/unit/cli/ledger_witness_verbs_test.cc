// Following the log: what was verified before is what counts, and a log that is not it any more is told, and
// never forgotten.
#include <atomic>
#include <chrono>
#include <thread>

#include "client/cli/ledger_check.h"
#include "client/cli/ledger_state.h"
#include "common/key_file.h"
#include "nlohmann/json.hpp"
#include "tests/unit/cli/ledger_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kState[] = "ledger/work.checkpoint";
constexpr char kConflict[] = "ledger/work.checkpoint.conflict";
constexpr char kWitness[] = "aurore.example/witness";

class LedgerWitnessTest : public LedgerFixture {
 protected:
  // As it was said before that it was seen.
  void SetSeen(const std::string& time) const {
    std::string state = Read(kState);
    const size_t begin = state.find("\nseen ") + 6;
    state.replace(begin, state.find('\n', begin) - begin, time);
    Write(kState, state);
  }
  int Audit() { return Try({"ledger", "audit"}); }
  int Cosign() { return Try({"ledger", "cosign", "--key", Path("witness.key")}); }
  // Its verifier key.
  VerifierKey MakeWitness() {
    EXPECT_EQ(Try({"ledger", "witness-key", "--out", Path("witness.key"), "--name", kWitness}), kExitOk)
        << err_.str();
    const auto key = VerifierKey::Parse(out_.str().substr(0, out_.str().size() - 1));
    EXPECT_TRUE(key.ok()) << key.status();
    return *key;
  }
  // Who of the witness and the log has signed it.
  size_t Cosignatures(const std::string& note, const VerifierKey& witness) const {
    const VerifierKey log = connection_->log->verifier();
    const auto opened = OpenCheckpoint(note, std::span(&log, 1), log.name(), std::span(&witness, 1));
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? opened->cosignatures.size() : 0;
  }
};

TEST_F(LedgerWitnessTest, TheLogIsFollowed) {
  EXPECT_EQ(Audit(), kExitOk) << err_.str();
  EXPECT_EQ(
      out_.str(),
      "The log coalition.example/ledger has 10 ticks, signed with the pinned key. None of it was verified "
      "before: from now on it is held against this.\n");
  EXPECT_EQ(ModeOf(kState), 0600u);
  EXPECT_EQ(ModeOf("ledger"), 0700u);
  EXPECT_THAT(Read(kState), AllOf(StartsWith("coalition ledger checkpoint 1\nseen 20"),
                                  ::testing::EndsWith("\n" + connection_->log->Note())));
  SetSeen("2026-11-27T10:00:00Z");
  EXPECT_EQ(Audit(), kExitOk);
  EXPECT_EQ(out_.str(), "The log has 10 ticks, as it had at 2026-11-27T10:00:00Z; nothing was added.\n");
  SetSeen("2026-11-27T10:00:00Z");
  Grow(4'790);
  EXPECT_EQ(Audit(), kExitOk);
  EXPECT_EQ(out_.str(),
            "The log grew from 10 to 4,800 ticks since 2026-11-27T10:00:00Z; nothing before was changed.\n");
  EXPECT_THAT(Read(kState), HasSubstr(connection_->log->Note()));
  EXPECT_FALSE(IsThere(kConflict));
  EXPECT_EQ(Try({"ledger", "audit", "-o", "json"}), kExitOk);
  const auto json = nlohmann::json::parse(out_.str(), nullptr, false);
  EXPECT_EQ(json["result"], "same");
  EXPECT_EQ(json["newSize"], "4800");
}

TEST_F(LedgerWitnessTest, AShrunkLogIsAConflictAndBothCheckpointsAreKept) {
  EXPECT_EQ(Audit(), kExitOk);
  const std::string state = Read(kState), before = connection_->Note();
  connection_->size = 7;
  for (const char* format : {"table", "json"}) {
    EXPECT_EQ(Try({"ledger", "audit", "-o", format}), kExitNo);
    EXPECT_THAT(out_.str(), HasSubstr("CONFLICT: "));
    EXPECT_THAT(out_.str(), HasSubstr("the log has shrunk from 10 ticks to 7"));
  }
  EXPECT_EQ(Read(kState), state);
  EXPECT_THAT(Read(kConflict), AllOf(HasSubstr(before), HasSubstr(connection_->log->Note(7))));
  EXPECT_EQ(ModeOf(kConflict), 0600u);
  // What was verified is what counts: with it, it goes on.
  connection_->size = 10;
  EXPECT_EQ(Audit(), kExitOk);
}

TEST_F(LedgerWitnessTest, AForkIsAConflictAtEverySize) {
  EXPECT_EQ(Audit(), kExitOk);
  const std::string state = Read(kState);
  for (const uint64_t size : {10, 11, 64}) {
    Fork(9, size);
    std::filesystem::remove(Path(kConflict));
    EXPECT_EQ(Audit(), kExitNo) << size;
    EXPECT_THAT(out_.str(),
                StartsWith("CONFLICT: the log that the server shows is not the one that was verified"));
    EXPECT_EQ(Read(kState), state);
    EXPECT_THAT(Read(kConflict), HasSubstr(connection_->log->Note())) << size;
  }
  Fork(10, 11);  // is none: the same ten
  EXPECT_EQ(Audit(), kExitOk);
}

TEST_F(LedgerWitnessTest, EvidenceIsNeverOverwritten) {
  EXPECT_EQ(Audit(), kExitOk);
  Fork(9, 10);
  EXPECT_EQ(Audit(), kExitNo);
  const std::string evidence = Read(kConflict);
  Fork(8, 12);
  EXPECT_EQ(Audit(), kExitNo);
  EXPECT_EQ(Read(kConflict), evidence);
  EXPECT_THAT(out_.str(), HasSubstr("has an earlier conflict and was left as it is"));
  EXPECT_THAT(err_.str(), HasSubstr("The checkpoint that the server shows: coalition.example/ledger"));
}

TEST_F(LedgerWitnessTest, WhatThePinnedKeyHasNotSignedChangesNothing) {
  EXPECT_EQ(Audit(), kExitOk);
  const std::string state = Read(kState);
  for (const auto& [origin, seed] :
       {std::pair{"coalition.example/ledger", 2}, {"elsewhere.example/ledger", 1}}) {
    connection_->log = std::make_shared<coalition::testing::SignedLog>(origin, seed);
    Grow(20);
    EXPECT_EQ(Audit(), kExitNo);
    EXPECT_THAT(out_.str(), StartsWith("The checkpoint that the server shows does not verify: "));
    EXPECT_EQ(Read(kState), state);
    EXPECT_FALSE(IsThere(kConflict));
  }
  connection_->cosigned = "no note\n";
  EXPECT_EQ(Audit(), kExitNo);
  connection_->refusal = absl::UnavailableError("no exchange");
  EXPECT_EQ(Audit(), 78);
  EXPECT_EQ(Read(kState), state);
}

TEST_F(LedgerWitnessTest, NoOtherFileIsTakenForAState) {
  Write("README", "Keep this.\n");
  Write("checkpoint.note", connection_->Note());
  for (const char* name : {"README", "checkpoint.note"}) {
    const std::string before = Read(name);
    EXPECT_EQ(Try({"ledger", "audit", "--state", Path(name)}), kExitUsage) << name;
    EXPECT_THAT(err_.str(), HasSubstr("name another file"));
    EXPECT_EQ(Read(name), before);
  }
  EXPECT_EQ(Try({"ledger", "audit", "--state", Path("state")}), kExitOk);
  EXPECT_THAT(Read("state"), HasSubstr(connection_->Note()));
  EXPECT_FALSE(IsThere(kState));
  // Of another log.
  const coalition::testing::SignedLog other("elsewhere.example/ledger");
  Configure(other.verifier().ToText());
  EXPECT_EQ(Try({"ledger", "audit", "--state", Path("state")}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("keeps a checkpoint of the log \"coalition.example/ledger\""));
}

TEST_F(LedgerWitnessTest, WithoutAContextTheFileMustBeNamed) {
  const std::string key = connection_->log->verifier().ToText();
  const std::vector<std::string> audit = {"ledger", "audit", "--ledger-key", key, "--server", "a:1",
                                          "--ca",   "x",     "--cert",       "x", "--key",    "x"};
  EXPECT_EQ(Try(audit), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--state"));
  std::vector<std::string> named = audit;
  named.insert(named.end(), {"--state", Path("here")});
  EXPECT_EQ(Try(named), kExitOk) << err_.str();
  EXPECT_TRUE(IsThere("here"));
}

// Two at once, e.g. by two timers: one waits for the other.
TEST_F(LedgerWitnessTest, TheStateIsHeldByOneAtATime) {
  auto held = LedgerState::Open(Path("state"));
  ASSERT_TRUE(held.ok()) << held.status();
  std::atomic<bool> opened = false;
  std::jthread other([&] {
    const auto second = LedgerState::Open(Path("state"));
    opened = true;
    EXPECT_TRUE(second.ok() && second->last());
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(opened);
  EXPECT_TRUE(held->Save({connection_->Note(), connection_->log->CheckpointOf(10), 1'790'000'000}).ok());
  { const LedgerState released = *std::move(held); }
  other.join();
  EXPECT_TRUE(opened);
}

TEST_F(LedgerWitnessTest, AWitnesssKeyIsMadeAndNeverReplaced) {
  const VerifierKey key = MakeWitness();
  EXPECT_EQ(key.name(), kWitness);
  EXPECT_EQ(key.algorithm(), NoteAlgorithm::kCosignatureV1);
  EXPECT_EQ(ModeOf("witness.key"), 0600u);
  EXPECT_EQ(Read("witness.key.pub"), key.ToText() + "\n");
  const auto secret = ReadKeyFile(Path("witness.key"));
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(secret->public_key(), key.public_key());
  const std::string before = Read("witness.key");
  const std::vector<std::string> again = {"ledger", "witness-key", "--out", Path("witness.key"), "--name",
                                          "x"};
  EXPECT_EQ(Try(again), kExitUsage);
  std::filesystem::remove(Path("witness.key.pub"));
  EXPECT_EQ(Try(again), kExitUsage);
  EXPECT_EQ(Read("witness.key"), before);
  EXPECT_FALSE(IsThere("witness.key.pub"));
  for (const char* name : {"", "a b", "a+b"})
    EXPECT_EQ(Try({"ledger", "witness-key", "--out", Path("other.key"), "--name", name}), kExitUsage) << name;
  EXPECT_FALSE(IsThere("other.key"));
}

TEST_F(LedgerWitnessTest, TheLogsKeyIsPrintedForThoseWhoPinIt) {
  const auto key = Ed25519Key::FromSeed(std::array<uint8_t, 32>{1});
  ASSERT_EQ(WriteKeyFile(Path("ledger_key.pem"), *key), absl::OkStatus());
  const std::vector<std::string> print = {"ledger", "log-key", "--key", Path("ledger_key.pem"), "--name"};
  std::vector<std::string> args = print;
  args.emplace_back("coalition.example/ledger");
  EXPECT_EQ(Try(args), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), connection_->log->verifier().ToText() + "\n");
  args.back() = "a b";
  EXPECT_EQ(Try(args), kExitUsage);
}

TEST_F(LedgerWitnessTest, ACosignatureIsKeptBeforeItIsGiven) {
  const VerifierKey witness = MakeWitness();
  std::string kept;
  connection_->before_answer = [&] { kept = Read(kState); };
  EXPECT_EQ(Cosign(), kExitOk) << err_.str();
  EXPECT_THAT(kept, HasSubstr(connection_->log->Note()));
  ASSERT_THAT(connection_->submitted, SizeIs(1));
  EXPECT_EQ(Cosignatures(connection_->submitted[0], witness), 1u);
  EXPECT_THAT(out_.str(), HasSubstr("The log coalition.example/ledger has 10 ticks"));
  EXPECT_THAT(err_.str(), HasSubstr("Cosigned as aurore.example/witness: 10 ticks.\n"));
  // The same file as the audit's, also the other way about.
  Grow(5);
  EXPECT_EQ(Audit(), kExitOk);
  EXPECT_THAT(out_.str(), StartsWith("The log grew from 10 to 15 ticks"));
  EXPECT_EQ(Cosign(), kExitOk);
  EXPECT_THAT(connection_->submitted, SizeIs(2));
}

TEST_F(LedgerWitnessTest, ANewerCheckpointIsVerifiedAndCosignedOnce) {
  const VerifierKey witness = MakeWitness();
  Grow(10);
  connection_->size = 10;
  connection_->supersedes = 1;
  EXPECT_EQ(Cosign(), kExitOk) << err_.str();
  ASSERT_THAT(connection_->submitted, SizeIs(2));
  EXPECT_THAT(connection_->submitted[1], StartsWith("coalition.example/ledger\n11\n"));
  EXPECT_EQ(Cosignatures(connection_->submitted[1], witness), 1u);
  EXPECT_THAT(Read(kState), HasSubstr(connection_->log->Note(11)));
  EXPECT_THAT(err_.str(), HasSubstr(": 11 ticks."));
  connection_->submitted.clear();
  connection_->supersedes = 9;
  EXPECT_EQ(Cosign(), 73);
  EXPECT_THAT(connection_->submitted, SizeIs(2));
}

TEST_F(LedgerWitnessTest, AForkIsNeverCosigned) {
  MakeWitness();
  EXPECT_EQ(Audit(), kExitOk);
  for (const uint64_t size : {10, 30}) {
    Fork(9, size);
    EXPECT_EQ(Cosign(), kExitNo);
    EXPECT_THAT(out_.str(), HasSubstr("CONFLICT: "));
    EXPECT_THAT(err_.str(), HasSubstr("Nothing was cosigned."));
  }
  // Nor what was forked between the two tries.
  std::filesystem::remove(Path(kConflict));
  Fork(10, 11);
  connection_->supersedes = 1;
  connection_->before_answer = [this] {
    Fork(10, 10);
    Grow(6, 9);
    connection_->size = 15;
  };
  EXPECT_EQ(Cosign(), kExitNo) << out_.str();
  EXPECT_THAT(connection_->submitted, SizeIs(1));
  EXPECT_THAT(connection_->submitted[0], StartsWith("coalition.example/ledger\n11\n"));
  EXPECT_TRUE(IsThere(kConflict));
}

TEST_F(LedgerWitnessTest, TheKeysNameStandsBesideItOrIsSaid) {
  MakeWitness();
  std::filesystem::rename(Path("witness.key.pub"), Path("away"));
  EXPECT_EQ(Cosign(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--name"));
  EXPECT_EQ(Try({"ledger", "cosign", "--key", Path("witness.key"), "--name", "belmont.example/w"}), kExitOk);
  ASSERT_THAT(connection_->submitted, SizeIs(1));
  EXPECT_THAT(connection_->submitted[0], HasSubstr("\n— belmont.example/w "));
  Write("witness.key.pub", connection_->log->verifier().ToText());
  EXPECT_EQ(Cosign(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is not the verifier key of"));
  EXPECT_EQ(Try({"ledger", "cosign", "--key", Path("absent.key"), "--name", "w"}), kExitUsage);
  EXPECT_EQ(Try({"ledger", "cosign", "--key", Path("witness.key"), "--name", "a b"}), kExitUsage);
  EXPECT_THAT(connection_->submitted, SizeIs(1));
}

TEST_F(LedgerWitnessTest, TwoCheckpointsAreHeldAgainstEachOther) {
  Write("old.note", connection_->Note());
  Grow(1'190);
  Write("new.note", connection_->Note());
  Grow(5);
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path("old.note")}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "The log of 10 ticks is the beginning of the log of 1,205 ticks: nothing of it was changed.\n");
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path("old.note"), "--new", Path("new.note"), "-o", "csv"}),
            kExitOk);
  EXPECT_EQ(out_.str(), "consistent,old_size,new_size,reason\ntrue,10,1200,\n");
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path("new.note"), "--new", Path("old.note")}), kExitUsage);
  EXPECT_EQ(Audit(), kExitOk);
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path(kState)}), kExitOk);  // an audit's file will do
  Write("bad.note", "coalition.example/ledger\n");
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path("bad.note")}), kExitNo);
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path("absent.note")}), kExitUsage);
}

TEST_F(LedgerWitnessTest, TheNoteOfAnotherHistoryIsAConflict) {
  Grow(10);
  Write("ours.note", connection_->log->Note(20));
  Write("small.note", connection_->log->Note(10));
  Fork(9, 20);
  for (const char* name : {"ours.note", "small.note"}) {
    EXPECT_EQ(Try({"ledger", "consistency", "--old", Path(name)}), kExitNo) << name;
    EXPECT_THAT(out_.str(), AllOf(StartsWith("CONFLICT: "), HasSubstr("Keep both notes")));
  }
  connection_->size = 15;
  EXPECT_EQ(Try({"ledger", "consistency", "--old", Path("ours.note"), "-o", "json"}), kExitNo);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("\"consistent\": false"), HasSubstr("has shrunk from 20 ticks to 15")));
}

class LedgerCheckTest : public LedgerFixture {
 protected:
  Check Look() {
    client::Client client(connection_, client::ClientOptions(), random_);
    return CheckLedger(client, connection_->log->verifier(), [this](std::chrono::milliseconds wait) {
      waited_ += wait;
      connection_->size += grows_;
    });
  }
  std::chrono::milliseconds waited_{0};
  uint64_t grows_ = 1;
};

TEST_F(LedgerCheckTest, ALedgerThatGrowsIsFine) {
  Grow(200);
  connection_->size = 10;
  const Check check = Look();
  EXPECT_EQ(check.name, "ledger");
  EXPECT_EQ(check.state, CheckState::kOk) << check.detail;
  EXPECT_LE(waited_, std::chrono::seconds(1));
}

TEST_F(LedgerCheckTest, OneThatStandsStillForAMinuteIsNot) {
  grows_ = 0;
  const Check check = Look();
  EXPECT_EQ(check.state, CheckState::kFailed);
  EXPECT_THAT(check.detail, HasSubstr("more than a minute old"));
  EXPECT_FALSE(check.remedy.empty());
  EXPECT_GE(waited_, std::chrono::minutes(1));
  EXPECT_LE(waited_, std::chrono::seconds(61));
}

TEST_F(LedgerCheckTest, NorOneOfAnotherKeyOrThatShrinks) {
  grows_ = static_cast<uint64_t>(-1);
  EXPECT_THAT(Look().detail, HasSubstr("has shrunk from 10 ticks to 9"));
  client::Client client(connection_, client::ClientOptions(), random_);
  const coalition::testing::SignedLog other("coalition.example/ledger", 2);
  const Check check = CheckLedger(client, other.verifier(), [](std::chrono::milliseconds) {});
  EXPECT_EQ(check.state, CheckState::kFailed);
  EXPECT_THAT(check.detail, HasSubstr("does not verify with the pinned key"));
  EXPECT_FALSE(check.remedy.empty());
  connection_->refusal = absl::UnimplementedError("no such service");
  EXPECT_EQ(Look().state, CheckState::kFailed);
}

}  // namespace
}  // namespace coalition::cli
