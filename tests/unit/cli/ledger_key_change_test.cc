// The ledger's key is changed: who has pinned the former one is told, while both sign and after.
#include <chrono>

#include "client/cli/ledger_check.h"
#include "client/cli/ledger_pin.h"
#include "tests/unit/cli/ledger_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kOrigin[] = "coalition.example/ledger";

class LedgerKeyChangeTest : public LedgerFixture {
 protected:
  LedgerKeyChangeTest() : former_(connection_->log->verifier()), newer_(NewerLog().verifier()) {
    id_ = newer_.ToText().substr(sizeof(kOrigin), 8);
  }

  // The same log, signed with its next key.
  coalition::testing::SignedLog NewerLog() const {
    coalition::testing::SignedLog log(kOrigin, 2);
    for (uint64_t i = 0; i < connection_->size; ++i)
      log.Tick(kFirstTickMs + static_cast<int64_t>(i) * 1000, {}, 7);
    return log;
  }
  // The newer key's signature first, as the server has it.
  std::string SignedByBoth() const {
    const auto former = ParseNote(connection_->log->Note());
    EXPECT_TRUE(former.ok()) << former.status();
    const auto both = AddSignature(NewerLog().Note(), former->signatures[0]);
    EXPECT_TRUE(both.ok()) << both.status();
    return *both;
  }
  int With(const VerifierKey& key, std::vector<std::string> args) {
    args.insert(args.end(), {"--ledger-key", key.ToText()});
    return Try(args);
  }
  // Which says what the member is to do.
  auto TellsOfTheNewerKey() const {
    return AllOf(HasSubstr("The log has a newer key, " + id_), HasSubstr("grep +" + id_ + "+`"),
                 HasSubstr("`coalition ledger pin KEY --replace`"));
  }
  auto AsksForTheNewKey() const {
    return AllOf(HasSubstr("It says that another key of this log, " + id_ + ", has signed it."),
                 HasSubstr("`coalition ledger pin KEY --replace`"));
  }

  const VerifierKey former_, newer_;
  std::string id_;
};

TEST_F(LedgerKeyChangeTest, WhileBothSignEachIsGoodAndTheFormerOnesAreTold) {
  connection_->cosigned = SignedByBoth();
  EXPECT_EQ(With(former_, {"ledger", "audit"}), kExitOk) << out_.str();
  EXPECT_THAT(out_.str(),
              AllOf(StartsWith("The log coalition.example/ledger has 10 ticks"), TellsOfTheNewerKey()));
  EXPECT_EQ(With(former_, {"ledger", "checkpoint"}), kExitOk);
  EXPECT_EQ(out_.str(), connection_->cosigned);
  EXPECT_THAT(err_.str(), TellsOfTheNewerKey());
  EXPECT_EQ(Try({"ledger", "pin", former_.ToText()}), kExitOk);
  EXPECT_THAT(err_.str(), TellsOfTheNewerKey());
  client::Client client(connection_, client::ClientOptions(), random_);
  const Check check = CheckLedger(client, former_, [this](std::chrono::milliseconds) {
    Grow(1);
    connection_->cosigned = SignedByBoth();
  });
  EXPECT_EQ(check.state, CheckState::kOk) << check.detail;
  EXPECT_THAT(check.remedy, TellsOfTheNewerKey());
  // Whoever has the newer one has nothing to do.
  for (const char* verb : {"audit", "checkpoint"}) {
    EXPECT_EQ(With(newer_, {"ledger", verb}), kExitOk) << out_.str();
    EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("key, "))) << verb;
  }
  EXPECT_EQ(Try({"ledger", "pin", newer_.ToText(), "--replace"}), kExitOk);
  EXPECT_EQ(err_.str(), "pinned in the context work: coalition.example/ledger\n");
}

// From a checkpoint that the former key has signed to one that the newer one alone has signed.
TEST_F(LedgerKeyChangeTest, AfterwardsTheFormerOneIsRefusedAndTheNewerOneGoesOn) {
  EXPECT_EQ(With(former_, {"ledger", "audit"}), kExitOk);
  const std::string state = Read("ledger/work.checkpoint");
  Grow(5);
  connection_->cosigned = NewerLog().Note();
  EXPECT_EQ(With(former_, {"ledger", "audit"}), kExitNo);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("does not verify"), AsksForTheNewKey()));
  EXPECT_EQ(Read("ledger/work.checkpoint"), state);
  EXPECT_EQ(With(former_, {"ledger", "checkpoint"}), kExitNo);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("NOT signed with the pinned key"), AsksForTheNewKey()));
  EXPECT_EQ(Try({"ledger", "pin", former_.ToText()}), kExitNo);
  EXPECT_THAT(err_.str(), AsksForTheNewKey());
  client::Client client(connection_, client::ClientOptions(), random_);
  const Check check = CheckLedger(client, former_, [](std::chrono::milliseconds) {});
  EXPECT_EQ(check.state, CheckState::kFailed);
  EXPECT_THAT(check.remedy, AsksForTheNewKey());
  Write("old.note", connection_->log->Note());
  EXPECT_EQ(With(newer_, {"ledger", "consistency", "--old", Path("old.note")}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("the former one, --ledger-key KEY"));
  EXPECT_EQ(With(newer_, {"ledger", "audit"}), kExitOk) << out_.str();
  EXPECT_THAT(out_.str(), StartsWith("The log grew from 10 to 15 ticks"));
}

TEST_F(LedgerKeyChangeTest, AnEntryAndAnExportTellOfItToo) {
  Add(ActContent());
  const auto proof_by = [this](const std::string& note) {
    connection_->edit = [note](v1::LedgerEntry* entry) { entry->mutable_proof()->set_note(note); };
  };
  const auto former = ParseNote(connection_->log->Note());
  ASSERT_TRUE(former.ok());
  // A signature of the newer key that nobody here can verify: it is told of, and believed in nothing.
  const NoteSignature claimed{kOrigin, newer_.id(), std::string(64, 's')};
  const auto both = FormatNote({former->text, {claimed, former->signatures[0]}});
  ASSERT_TRUE(both.ok()) << both.status();
  proof_by(*both);
  EXPECT_EQ(With(former_, {"ledger", "verify", "10-10000"}), kExitOk) << out_.str();
  EXPECT_THAT(err_.str(), TellsOfTheNewerKey());
  const auto newer = FormatNote({former->text, {claimed}});
  ASSERT_TRUE(newer.ok()) << newer.status();
  proof_by(*newer);
  EXPECT_EQ(With(former_, {"ledger", "verify", "10-10000"}), kExitNo);
  EXPECT_THAT(err_.str(), AsksForTheNewKey());

  EXPECT_EQ(Try({"ledger", "export"}), kExitOk);  // with the log's own proofs, of the former key
  Write("ledger.jsonl", out_.str());
  EXPECT_EQ(With(newer_, {"ledger", "verify", "--file", Path("ledger.jsonl")}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("the former one, --ledger-key KEY"));
  EXPECT_EQ(With(former_, {"ledger", "verify", "--file", Path("ledger.jsonl")}), kExitOk);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(LedgerKeyChangeTest, OthersThatSignAreNoNewerKey) {
  const auto note = ParseNote(connection_->log->Note());
  ASSERT_TRUE(note.ok());
  const NoteSignature witness{"aurore.example/witness", 7, std::string(72, 'w')};
  const auto cosigned = FormatNote({note->text, {witness, note->signatures[0]}});
  ASSERT_TRUE(cosigned.ok()) << cosigned.status();
  EXPECT_EQ(KeyChangeText(*cosigned, former_, true), "");
  EXPECT_EQ(KeyChangeText("no note", former_, false), "");
  EXPECT_THAT(KeyChangeText(SignedByBoth(), former_, true), TellsOfTheNewerKey());
  EXPECT_EQ(KeyChangeText(SignedByBoth(), newer_, true), "");
}

}  // namespace
}  // namespace coalition::cli
