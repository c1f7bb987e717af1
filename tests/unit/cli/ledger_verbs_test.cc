// What the ledger has, at the command line, and whether it is proved.
#include <algorithm>

#include "nlohmann/json.hpp"
#include "tests/unit/cli/ledger_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kRecord[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

class LedgerVerbsTest : public LedgerFixture {
 protected:
  nlohmann::json Json() const {
    return nlohmann::json::parse(out_.str(), nullptr, /*allow_exceptions=*/false);
  }
  // Of `ledger export`, in a file.
  std::vector<std::string> ExportTo(const std::string& name) {
    EXPECT_EQ(Try({"ledger", "export"}), kExitOk) << err_.str();
    Write(name, out_.str());
    std::vector<std::string> lines;
    std::istringstream text(out_.str());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  int VerifyFile(const std::string& name, const std::string& format = "table") {
    return Try({"ledger", "verify", "--file", Path(name), "-o", format});
  }
};

TEST_F(LedgerVerbsTest, EntriesAreListedInWords) {
  Add(DisclosureContent());
  Add(ShowingsContent());
  Add(ActContent());
  Add(RefusalsContent());
  EXPECT_EQ(Try({"ledger", "list", "-o", "csv"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "entry,time,kind,who,what\n"
            "ledgerEntries/10-10000,2026-09-21T14:13:20Z,disclosure,members/paylink,"
            "was shown 2 records by ScreenSellers\n"
            "ledgerEntries/11-11000,2026-09-21,first-showings,a member of the kind authority,"
            "was shown 1 record of members/aurore for the first time\n"
            "ledgerEntries/12-12000,2026-09-21T14:13:20Z,act,members/office,members/belmont: SUSPENDED: "
            "LEAKED_KEY\n"
            "ledgerEntries/13-13000,2026-09-21T14:13:20Z,refusals,nobody known,"
            "\"1,200 calls of ScreenSellers refused: CREDENTIAL_UNREGISTERED\"\n");
  EXPECT_EQ(Try({"ledger", "list", "-o", "json"}), kExitOk);
  ASSERT_EQ(Json().size(), 4u);
  EXPECT_EQ(Json()[0]["content"]["disclosure"]["member"], "members/paylink");
  EXPECT_EQ(Json()[2]["content"]["act"]["change"], "SUSPENDED: LEAKED_KEY");
  EXPECT_FALSE(Json()[0].contains("tickTime"));
  EXPECT_FALSE(connection_->lists.back().with_proofs());
}

TEST_F(LedgerVerbsTest, TheReservedMemberIsNamedWhereItIsOpened) {
  v1::LedgerReserved reserved;
  reserved.set_member("members/customs");
  Add(ShowingsContent(), reserved);
  EXPECT_EQ(Try({"ledger", "list"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("members/customs  was shown 1 record of members/aurore"));
  connection_->closes_reserved = true;
  EXPECT_EQ(Try({"ledger", "list"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("a member of the kind authority"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("customs")));
}

TEST_F(LedgerVerbsTest, WhichOnesIsAskedOfTheServer) {
  EXPECT_EQ(Try({"ledger", "list", "--kind", "act", "--kind", "First-Showings", "--from", "2026-11-01",
                 "--before", "2026-12-01", "--member", "aurore", "--limit", "7"}),
            kExitOk)
      << err_.str();
  ASSERT_THAT(connection_->lists, SizeIs(1));
  const v1::ListLedgerEntriesRequest& request = connection_->lists[0];
  EXPECT_EQ(request.kinds(0), v1::LEDGER_ENTRY_KIND_ACT);
  EXPECT_EQ(request.kinds(1), v1::LEDGER_ENTRY_KIND_FIRST_SHOWINGS);
  EXPECT_EQ(request.from().seconds(), 1'793'491'200);
  EXPECT_EQ(request.before().seconds(), 1'796'083'200);
  EXPECT_EQ(request.member(), "members/aurore");
  EXPECT_EQ(request.page_size(), 7);
  for (const auto& [flag, value] :
       {std::pair{"--kind", "acts"}, {"--from", "yesterday"}, {"--member", "A b"}})
    EXPECT_EQ(Try({"ledger", "list", flag, value}), kExitUsage) << flag;
  EXPECT_THAT(connection_->lists, SizeIs(1));
}

TEST_F(LedgerVerbsTest, AListThatWasCutSaysSo) {
  for (int i = 0; i < 3; ++i) Add(ActContent());
  EXPECT_EQ(Try({"ledger", "list", "--limit", "2", "-o", "jsonl"}), kExitOk);
  EXPECT_EQ(std::ranges::count(out_.str(), '\n'), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--limit 0"));
  EXPECT_EQ(Try({"ledger", "list", "--limit", "3", "-o", "jsonl"}), kExitOk);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(LedgerVerbsTest, OneEntryIsShownWithAllThatItHolds) {
  v1::LedgerReserved reserved;
  reserved.set_credential("members/office/credentials/chief");
  Add(ActContent(), reserved);
  for (const char* name : {"ledgerEntries/10-10000", "10-10000"}) {
    EXPECT_EQ(Try({"ledger", "show", name}), kExitOk) << err_.str();
    EXPECT_THAT(out_.str(), HasSubstr("SEALED               2026-09-21T14:13:30Z\n"));
    EXPECT_THAT(out_.str(), HasSubstr("DOCUMENT SHA256      0102\n"));
    EXPECT_THAT(out_.str(), HasSubstr("RESERVED CREDENTIAL  members/office/credentials/chief\n"));
    EXPECT_EQ(err_.str(), "members/office: members/belmont: SUSPENDED: LEAKED_KEY.\n");
  }
  EXPECT_EQ(Try({"ledger", "show", "10-10000", "-o", "json"}), kExitOk);
  EXPECT_EQ(Json()["tickTime"], "2026-09-21T14:13:30Z");
  EXPECT_EQ(Json()["reserved"]["credential"], "members/office/credentials/chief");
  EXPECT_EQ(Try({"ledger", "show", "10-1"}), 69);
  for (const char* name : {"10", "010-1", "records/10-1", "10-9999999"})
    EXPECT_EQ(Try({"ledger", "show", name}), kExitUsage) << name;
}

TEST_F(LedgerVerbsTest, AnEntryIsVerified) {
  Add(DisclosureContent());
  Grow(1'100);
  EXPECT_EQ(Try({"ledger", "verify", "10-10000"}), kExitOk) << out_.str() << err_.str();
  EXPECT_EQ(
      out_.str(),
      "ledgerEntries/10-10000 is in the log coalition.example/ledger, sealed at 2026-09-21T14:13:30Z, by a "
      "checkpoint of 1,111 ticks that is signed with the pinned key. members/paylink was shown 2 records by "
      "ScreenSellers.\n");
  EXPECT_EQ(Try({"ledger", "verify", "10-10000", "-o", "json"}), kExitOk);
  EXPECT_EQ(Json()["verified"], true);
  EXPECT_EQ(Json()["size"], "1111");
  EXPECT_EQ(Try({"ledger", "verify", "10-10000", "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), StartsWith("entry,verified,size,sealed,reason\nledgerEntries/10-10000,true,1111,"));
  EXPECT_EQ(Try({"ledger", "verify", "10-1"}), 69);
}

TEST_F(LedgerVerbsTest, HowManyAnswersShowedItIsSaid) {
  v1::LedgerContent content = DisclosureContent();
  content.mutable_disclosure()->mutable_shown(0)->set_answers(3);
  Add(content);
  EXPECT_EQ(Try({"ledger", "show", "10-10000"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("(notice, by 3 answers)"));
  // An auditor's question shows it through no view.
  content.mutable_disclosure()->mutable_shown(0)->clear_views();
  Add(content);
  EXPECT_EQ(Try({"ledger", "show", "11-11000"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("(by 3 answers)"));
}

TEST_F(LedgerVerbsTest, WhatDoesNotVerifyEndsWithOneAndSaysWhy) {
  Add(DisclosureContent());
  Add(ActContent());
  connection_->edit = [](v1::LedgerEntry* entry) { (*entry->mutable_open()->mutable_content())[5] ^= 1; };
  for (const char* format : {"table", "json", "jsonl", "csv"}) {
    EXPECT_EQ(Try({"ledger", "verify", "10-10000", "-o", format}), kExitNo) << format;
    EXPECT_THAT(out_.str(), HasSubstr("does not lead to the log's root")) << format;
  }
  // Another entry of the same log, which is proved, and was not asked for.
  connection_->edit = [this](v1::LedgerEntry* entry) {
    *entry = connection_->Proved(connection_->places[1]);
  };
  EXPECT_EQ(Try({"ledger", "verify", "10-10000"}), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("does NOT verify: the server has answered with another entry"));
  // Another's signature.
  connection_->edit = [](v1::LedgerEntry*) {};
  const coalition::testing::SignedLog other("coalition.example/ledger", 2);
  EXPECT_EQ(Try({"ledger", "verify", "10-10000", "--ledger-key", other.verifier().ToText()}), kExitNo);
  EXPECT_EQ(Try({"ledger", "verify", "10-10000", "--ledger-key", connection_->log->verifier().ToText()}),
            kExitOk);
}

TEST_F(LedgerVerbsTest, WithoutAPinnedKeyNothingIsVerified) {
  Add(ActContent());
  Configure("");
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"verify", "10-10000"},
                                               {"verify", "--file", "x"},
                                               {"audit"},
                                               {"consistency", "--old", "x"}}) {
    std::vector<std::string> args = {"ledger"};
    args.insert(args.end(), verb.begin(), verb.end());
    EXPECT_EQ(Try(args), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("`coalition ledger pin KEY`"));
  }
  Configure("no key");
  EXPECT_EQ(Try({"ledger", "verify", "10-10000"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("the ledger's key: "));
  Configure(connection_->log->verifier().ToText());
  EXPECT_EQ(Try({"ledger", "verify"}), kExitUsage);
  EXPECT_EQ(Try({"ledger", "verify", "10-10000", "--file", "x"}), kExitUsage);
}

TEST_F(LedgerVerbsTest, AnExportIsVerifiedWithoutTheExchange) {
  Add(DisclosureContent());
  Grow(5);
  Add(ActContent());
  EXPECT_THAT(ExportTo("ledger.jsonl"), SizeIs(2));
  EXPECT_TRUE(connection_->lists.back().with_proofs());
  EXPECT_EQ(err_.str(), "Exported: 2 entries\n");
  connection_->refusal = absl::UnavailableError("no exchange");
  EXPECT_EQ(VerifyFile("ledger.jsonl"), kExitOk) << out_.str();
  EXPECT_EQ(
      out_.str(),
      "2 entries are in the log coalition.example/ledger, by checkpoints of up to 17 ticks that are signed "
      "with the pinned key.\n");
  EXPECT_EQ(Try({"ledger", "verify", "--file", "-"}, Read("ledger.jsonl")), kExitOk);
  EXPECT_EQ(VerifyFile("ledger.jsonl", "csv"), kExitOk);
  EXPECT_EQ(out_.str(),
            "line,entry,verified,reason\n1,ledgerEntries/10-10000,true,\n2,ledgerEntries/16-16000,true,\n");
}

TEST_F(LedgerVerbsTest, AnExportThatWasChangedIsFound) {
  Add(DisclosureContent());
  Add(ActContent());
  const std::vector<std::string> lines = ExportTo("ledger.jsonl");
  nlohmann::json changed = nlohmann::json::parse(lines[1], nullptr, false);
  std::string content = changed["open"]["content"];
  content[8] = content[8] == 'A' ? 'B' : 'A';
  changed["open"]["content"] = content;
  Write("changed.jsonl", lines[0] + "\n" + changed.dump() + "\n" + "garbage\n");
  EXPECT_EQ(VerifyFile("changed.jsonl"), kExitNo);
  EXPECT_THAT(out_.str(),
              StartsWith("line 2, ledgerEntries/11-11000 does NOT verify: the proof does not lead"));
  EXPECT_THAT(out_.str(), HasSubstr("\nline 3 does NOT verify: the line is no entry of an export\n"));
  EXPECT_THAT(out_.str(), EndsWith("\n2 of 3 lines do NOT verify.\n"));
  EXPECT_EQ(VerifyFile("changed.jsonl", "json"), kExitNo);
  EXPECT_EQ(Json()[0]["verified"], true);
  EXPECT_EQ(Json()[1]["verified"], false);
  Write("none.jsonl", "");
  EXPECT_EQ(VerifyFile("none.jsonl"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("nothing was verified"));
  EXPECT_EQ(VerifyFile("absent.jsonl"), kExitUsage);
}

// Both are signed; together they prove that the log's owner signs two histories.
TEST_F(LedgerVerbsTest, TwoRootsOfOneSizeAreAConflict) {
  Add(ActContent());
  const std::string ours = ExportTo("ours.jsonl").front();
  connection_->log = std::make_shared<coalition::testing::SignedLog>();
  connection_->places.clear();
  Grow(10, 8);
  Add(ActContent());
  const std::string theirs = ExportTo("theirs.jsonl").front();
  EXPECT_EQ(VerifyFile("ours.jsonl"), kExitOk);
  EXPECT_EQ(VerifyFile("theirs.jsonl"), kExitOk);
  Write("both.jsonl", ours + "\n" + theirs + "\n");
  EXPECT_EQ(VerifyFile("both.jsonl"), kExitNo);
  EXPECT_THAT(out_.str(),
              HasSubstr("line 2, ledgerEntries/10-10000 does NOT verify: CONFLICT: an earlier line"));
}

TEST_F(LedgerVerbsTest, AnExportIsJsonLinesAndFailsWithTheServersCode) {
  for (const char* format : {"json", "csv"}) {
    EXPECT_EQ(Try({"ledger", "export", "-o", format}), kExitUsage);
    EXPECT_EQ(out_.str(), "");
  }
  connection_->refusal = absl::PermissionDeniedError("no");
  EXPECT_EQ(Try({"ledger", "export"}), 71);
}

TEST_F(LedgerVerbsTest, TheCheckpointIsTheNoteAndWhatItSaysIsBeside) {
  Grow(1'190);
  EXPECT_EQ(Try({"ledger", "checkpoint"}), kExitOk);
  EXPECT_EQ(out_.str(), connection_->Note());
  EXPECT_THAT(err_.str(), StartsWith("The log coalition.example/ledger has 1,200 ticks; seen at 20"));
  EXPECT_THAT(err_.str(), EndsWith("Signed with the pinned key.\n"));
  EXPECT_EQ(Try({"ledger", "checkpoint", "-o", "json"}), kExitOk);
  EXPECT_EQ(Json()["size"], "1200");
  EXPECT_EQ(Json()["signature"], "valid");
  EXPECT_EQ(Json()["note"], connection_->Note());
  Configure("");
  EXPECT_EQ(Try({"ledger", "checkpoint"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("nothing was verified"));
  Configure(coalition::testing::SignedLog("coalition.example/ledger", 2).verifier().ToText());
  EXPECT_EQ(Try({"ledger", "checkpoint"}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("NOT signed with the pinned key: "));
  EXPECT_EQ(Try({"ledger", "checkpoint", "-o", "csv"}), kExitNo);
  connection_->cosigned = "no note";
  EXPECT_EQ(Try({"ledger", "checkpoint"}), kExitNo);
}

TEST_F(LedgerVerbsTest, WhoCosignedIsVerifiedWithTheWitnesssKey) {
  EXPECT_EQ(Try({"ledger", "checkpoint", "--cosigned"}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("No witness that counts has cosigned it."));
  const auto key = Ed25519Key::FromSeed(std::array<uint8_t, 32>{9});
  const std::string witness =
      VerifierKey::Make("aurore.example/w", NoteAlgorithm::kCosignatureV1, key->public_key())->ToText();
  connection_->cosigned =
      CosignCheckpoint(connection_->log->Note(), "aurore.example/w", *key, 1'790'000'000).value();
  EXPECT_EQ(Try({"ledger", "checkpoint", "--cosigned"}), kExitOk);
  EXPECT_THAT(err_.str(),
              HasSubstr("It says that aurore.example/w has cosigned it: --witness verifies that."));
  EXPECT_EQ(Try({"ledger", "checkpoint", "--witness", witness}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("Cosigned by aurore.example/w at 2026-09-21T14:13:20Z.\n"));
  EXPECT_EQ(Try({"ledger", "checkpoint", "--witness", witness, "-o", "json"}), kExitOk);
  EXPECT_EQ(Json()["cosignatures"][0]["verified"], true);
  // The name is not enough.
  const auto other = Ed25519Key::FromSeed(std::array<uint8_t, 32>{10});
  const std::string impostor =
      VerifierKey::Make("aurore.example/w", NoteAlgorithm::kCosignatureV1, other->public_key())->ToText();
  EXPECT_EQ(Try({"ledger", "checkpoint", "--witness", impostor}), kExitNo);
  EXPECT_EQ(Try({"ledger", "checkpoint", "--witness", connection_->log->verifier().ToText()}), kExitUsage);
}

TEST_F(LedgerVerbsTest, AKeyIsPinnedOnceTheLogVerifiesWithIt) {
  Configure("");
  const std::string key = connection_->log->verifier().ToText();
  const std::string other = coalition::testing::SignedLog("coalition.example/ledger", 2).verifier().ToText();
  EXPECT_EQ(Try({"ledger", "pin", other}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("Nothing was saved"));
  EXPECT_THAT(Read("config.textproto"), Not(HasSubstr("ledger_key")));
  EXPECT_EQ(Try({"ledger", "pin", key}), kExitOk) << err_.str();
  EXPECT_THAT(Read("config.textproto"), HasSubstr("ledger_key: \"" + key + "\""));
  EXPECT_EQ(Try({"ledger", "pin", key}), kExitOk);
  EXPECT_EQ(Try({"ledger", "pin", other, "--no-check"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--replace"));
  EXPECT_THAT(Read("config.textproto"), HasSubstr(key));
  EXPECT_EQ(Try({"ledger", "pin", other, "--no-check", "--replace"}), kExitOk);
  EXPECT_THAT(Read("config.textproto"), HasSubstr(other));
  EXPECT_EQ(Try({"ledger", "pin", key.substr(1), "--no-check", "--replace"}), kExitUsage);
  EXPECT_EQ(Try({"ledger", "pin", key, "--context", "elsewhere"}), kExitUsage);
}

TEST_F(LedgerVerbsTest, AContextKeepsItsKey) {
  const std::string key = connection_->log->verifier().ToText();
  const std::vector<std::string> add = {
      "context", "add",        "work",     "--server", "elsewhere.example:7443",
      "--ca",    "ca.pem",     "--cert",   "me.pem",   "--key",
      "me.key",  "--no-check", "--replace"};
  EXPECT_EQ(Try(add), kExitOk) << err_.str();
  EXPECT_THAT(Read("config.textproto"), HasSubstr("elsewhere.example"));
  EXPECT_THAT(Read("config.textproto"), HasSubstr(key));
  std::vector<std::string> with_key = add;
  const std::string other = coalition::testing::SignedLog("elsewhere.example/ledger", 2).verifier().ToText();
  with_key.insert(with_key.end(), {"--ledger-key", other});
  EXPECT_EQ(Try(with_key), kExitOk) << err_.str();
  EXPECT_THAT(Read("config.textproto"), HasSubstr(other));
  EXPECT_EQ(Try({"context", "show"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("LEDGER KEY   " + other));
  with_key.back() = "no key";
  EXPECT_EQ(Try(with_key), kExitUsage);
  EXPECT_THAT(Read("config.textproto"), HasSubstr(other));
}

TEST_F(LedgerVerbsTest, WhoSawARecord) {
  v1::RecordDisclosure& belmont = *connection_->disclosures.add_disclosures();
  belmont.set_member("members/belmont");
  belmont.set_kind(v1::MEMBER_KIND_BRAND);
  belmont.mutable_first_day()->set_seconds(1'789'948'800);
  belmont.add_views("full");
  belmont.add_views("peer");
  v1::RecordDisclosure& customs = *connection_->disclosures.add_disclosures();
  customs.set_kind(v1::MEMBER_KIND_AUTHORITY);
  customs.mutable_first_day()->set_seconds(1'790'035'200);
  customs.add_views("notice");
  EXPECT_EQ(Try({"record", "who-saw", kRecord}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "MEMBER           KIND       FIRST DAY   VIEWS\n"
            "members/belmont  brand      2026-09-21  full; peer\n"
            "                 authority  2026-09-22  notice\n");
  EXPECT_EQ(connection_->asked_for, kRecord);
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(Try({"record", "who-saw", std::string(kRecord).substr(8), "-o", "csv"}), kExitOk);
  EXPECT_EQ(connection_->asked_for, kRecord);
  EXPECT_EQ(out_.str(),
            "member,kind,first_day,views\nmembers/belmont,brand,2026-09-21,full; peer\n"
            ",authority,2026-09-22,notice\n");
  EXPECT_EQ(Try({"record", "who-saw", kRecord, "-o", "json"}), kExitOk);
  EXPECT_EQ(Json().size(), 2u);
  connection_->disclosures.Clear();
  EXPECT_EQ(Try({"record", "who-saw", kRecord}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("Nobody else was shown it"));
  EXPECT_EQ(Try({"record", "who-saw", "members/aurore"}), kExitUsage);
}

}  // namespace
}  // namespace coalition::cli
