// What was erased is erased wherever it lies: coalitiond as a process, its store, copies of it from before, a
// backup from before, and a restore of that; against somebody who has all of these, the key that opens the
// backup, and key_dir as it is now. The same with key_dir from before finds everything: so it was there to be
// found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "common/errors.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/x25519.h"
#include "server/contents/contents.h"
#include "server/exchange/erasures.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/taken_back.h"
#include "server/keys.h"
#include "server/ledger/head.h"
#include "server/store/leveldb_store.h"
#include "tests/support/backups.h"
#include "tests/support/server_process_fixture.h"

namespace coalition::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAreArray;

using Words = std::set<std::string>;

// What is planted: each field has a word of its own.
const std::vector<std::string> kFields = {"external", "seller",    "name",    "storefront",
                                          "listing",  "evidence",  "comment", "revised",
                                          "opinion",  "withdrawn", "cleared", "clearance"};

Words WordsOf(const std::string& about) {
  Words words;
  for (const std::string& field : kFields) words.insert(field + "-word-" + about);
  return words;
}
std::string Word(const std::string& field, const std::string& about) { return field + "-word-" + about; }

Words FoundIn(std::string_view bytes) {
  Words found;
  for (const char* about : {"gone", "kept"}) {
    for (const std::string& word : WordsOf(about)) {
      if (bytes.find(word) != std::string_view::npos) found.insert(word);
    }
  }
  return found;
}
Words About(const Words& words, const std::string& about) {
  Words of;
  std::copy_if(words.begin(), words.end(), std::inserter(of, of.end()),
               [&about](const std::string& word) { return word.ends_with("-" + about); });
  return of;
}

v1::Record Report(const std::string& about, const std::string& external_id) {
  v1::Record record;
  record.set_external_id(Word(external_id, about));
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id(Word("seller", about));
  v1::OffenderReport* report = record.mutable_offender_report();
  report->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  report->set_seller_display_name(Word("name", about));
  report->set_seller_storefront_url("https://bazaar.example/" + Word("storefront", about));
  report->add_listings()->set_url("https://bazaar.example/" + Word("listing", about));
  report->add_evidence()->set_type("TEST_PURCHASE");
  report->mutable_evidence(0)->set_reference(Word("evidence", about));
  report->set_comment(Word("comment", about));
  v1::Grant* grant = record.mutable_audience()->add_grants();
  grant->mutable_subject()->set_member("members/belmont");
  grant->set_view("full");
  return record;
}

// Whoever has a key_dir, and looks at rows.
class Attacker {
 public:
  explicit Attacker(const std::string& key_dir) {
    SystemRandom random;
    const auto keys = server::LoadKeys(key_dir, false, random);
    EXPECT_TRUE(keys.ok()) << keys.status();
    if (keys.ok()) keys_ = keys->contents;
  }

  void Look(std::string_view key, std::string_view value) {
    Read(key);
    Read(value);
    if (keys_ == nullptr) return;
    if (const auto id = exchange::IdOfRecordKey(key)) {
      const auto stored = exchange::ParseStoredRecord(value);
      if (stored) Read(keys_->Open(*id, stored->message).value_or(""));
    }
    storage::v1::StoredTakenBack gone;
    if (const auto id = exchange::IdOfTakenBackKey(key); id && gone.ParseFromString(std::string(value)))
      Read(keys_->Open(*id, gone.sealed_comment()).value_or(""));
  }
  bool HasKeyOf(const exchange::RecordId& id) const { return keys_ != nullptr && !keys_->IsErased(id); }

  const Words& found() const { return found_; }

 private:
  void Read(std::string_view bytes) { found_.merge(FoundIn(bytes)); }

  std::shared_ptr<contents::ContentKeys> keys_;
  Words found_;
};

exchange::RecordId IdOf(const std::string& name) { return *RecordIdToBytes(*ParseRecordName(name)); }

class ErasureTest : public ServerProcessTest {
 protected:
  ErasureTest() : config_(ReadFile(ConfigFile(), 1 << 20).value()) {
    EXPECT_TRUE(WriteX25519PublicKeyFile(directory_ + "/backup-public.pem", key_.public_key()).ok());
    EXPECT_TRUE(WriteX25519KeyFile(directory_ + "/backup-private.pem", key_).ok());
    Configure("");
  }

  std::string ConfigFile() const { return directory_ + "/server.textproto"; }
  std::string StoreDir() const { return directory_ + "/store"; }
  std::string KeyDir() const { return directory_ + "/keys"; }
  std::string KeysFile() const { return KeyDir() + "/" + contents::kErasureKeysFile; }
  std::string BackupFile() const { return directory_ + "/backup"; }

  void Configure(const std::string& ledger) {
    const std::string text = config_ + "backup { recipient_key_file: \"backup-public.pem\" }\n" +
                             "ledger { tick_ms: 100 " + ledger + " }\n";
    ASSERT_TRUE(WriteFileAtomic(ConfigFile(), text, 0600).ok());
  }
  struct Ran {
    int code = -1;
    std::string said;
  };
  Ran Run(const std::string& arguments) const {
    const std::string out = directory_ + "/out";
    std::string command = COALITIOND_BINARY;
    command += " --config " + ConfigFile() + " " + arguments + " >" + out + " 2>&1";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out, 1 << 20).value_or("")};
  }
  void ExpectSound() const {
    const Ran ran = Run("--verify");
    EXPECT_EQ(ran.code, 0) << ran.said;
  }
  std::string Copy(const std::string& of, const std::string& name) const {
    fs::copy(of, directory_ + "/" + name, fs::copy_options::recursive);
    return directory_ + "/" + name;
  }

  std::string Create(const std::string& member, const v1::Record& record) {
    const auto created = Client(member, "backend")->CreateRecord(record);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record().name() : "";
  }
  absl::Status Get(const std::string& member, const std::string& name) {
    return Client(member, "backend")->GetRecord(name).status();
  }
  // One of each kind: two versions of the first; one with an opinion by another member, one withdrawn, one
  // cleared with a comment. Their names.
  std::vector<std::string> Plant(const std::string& about) {
    const auto aurore = Client("aurore", "backend");
    const std::string first = Create("aurore", Report(about, "external"));
    v1::Record revised;
    revised.set_name(first);
    revised.mutable_offender_report()->set_comment(Word("revised", about));
    EXPECT_TRUE(aurore->ReviseRecord(revised, {"offender_report.comment"}).ok());
    v1::Record opinion;
    opinion.mutable_opinion()->set_subject(first);
    opinion.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
    opinion.mutable_opinion()->set_comment(Word("opinion", about));
    const std::string second = Create("belmont", opinion);
    const std::string withdrawn = Create("aurore", Report(about, "withdrawn"));
    EXPECT_TRUE(aurore->WithdrawRecord(withdrawn).ok());
    const std::string cleared = Create("aurore", Report(about, "cleared"));
    const client::Clearance clearance{.grounds = v1::CLEARANCE_GROUNDS_GENUINE_GOODS,
                                      .comment = Word("clearance", about)};
    EXPECT_TRUE(aurore->ClearRecord(cleared, clearance).ok());
    return {first, second, withdrawn, cleared};
  }
  void BackUp() {
    std::string file;
    const auto taken = Client("office", "admin")->CreateBackup([&file](std::string_view bytes) {
      file += bytes;
      return absl::OkStatus();
    });
    ASSERT_TRUE(taken.ok()) << taken.status();
    ASSERT_TRUE(WriteFileAtomic(BackupFile(), file, 0600).ok());
  }
  static v1::EraseRecordsRequest Erasing(const std::vector<std::string>& names) {
    v1::EraseRecordsRequest request;
    *request.mutable_names() = {names.begin(), names.end()};
    request.set_grounds(v1::ERASURE_GROUNDS_DATA_SUBJECT);
    return request;
  }
  absl::StatusOr<v1::EraseRecordsResponse> EraseAllAbout(const std::string& about) {
    v1::EraseRecordsRequest request = Erasing({});
    request.mutable_seller()->set_platform("bazaar.example");
    request.mutable_seller()->set_seller_id(Word("seller", about));
    return Client("office", "admin")->EraseRecords(request);
  }
  // From the backup, into an empty store and under a new name of the log.
  void Restore(const std::string& store_aside) {
    fs::rename(StoreDir(), directory_ + "/" + store_aside);
    Configure("origin: \"" + server_->certificates().trust_domain() + "/ledger-2\"");
    const Ran ran = Run("--restore " + BackupFile() + " --backup-key " + directory_ + "/backup-private.pem");
    ASSERT_EQ(ran.code, 0) << ran.said;
    EXPECT_THAT(ran.said, HasSubstr("2 records of the backup are left out"));
  }

  std::unique_ptr<store::LevelDbStore> OpenCopy(const std::string& store_dir) {
    const std::string copy = Copy(store_dir, "opened-" + std::to_string(++copies_));
    store::LevelDbOptions options;
    options.dir = copy;
    options.free_bytes_min = 0;
    auto store = store::LevelDbStore::Open(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  // All versions of all rows that the store still has.
  Words FoundInStore(const std::string& store_dir, const std::string& key_dir) {
    const auto store = OpenCopy(store_dir);
    Attacker attacker(key_dir);
    if (store == nullptr) return {};
    for (store::Revision after = store->Floor();;) {
      const auto page = store->ReadLog(after, {.items = 1'000});
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok() || page->empty()) break;
      for (const store::Change& change : *page) {
        after = change.revision;
        for (const store::Write& write : change.writes) attacker.Look(write.key, write.value.value_or(""));
      }
    }
    return attacker.found();
  }
  Words FoundInBackup(const std::string& key_dir) const {
    Attacker attacker(key_dir);
    const auto rows = ReadBackup(ReadFile(BackupFile(), size_t{1} << 30).value(), key_);
    EXPECT_TRUE(rows.ok()) << rows.status();
    if (!rows.ok()) return {};
    for (const auto& [key, value, revision] : *rows) attacker.Look(key, value);
    return attacker.found();
  }
  // As they lie on the disk.
  Words FoundInFiles() const {
    Words found;
    for (const char* dir : {"store", "store-head", "keys"}) {
      for (const auto& file : fs::recursive_directory_iterator(directory_ + "/" + dir)) {
        if (file.is_regular_file())
          found.merge(FoundIn(ReadFile(file.path().string(), size_t{1} << 30).value_or("")));
      }
    }
    found.merge(FoundIn(server_->Log()));
    return found;
  }
  size_t NotesIn(const std::string& store_dir) {
    const auto store = OpenCopy(store_dir);
    if (store == nullptr) return 0;
    const auto notes = store->Scan(exchange::kErasuresPrefix, exchange::PrefixEnd(exchange::kErasuresPrefix),
                                   store->Head(), {});
    EXPECT_TRUE(notes.ok()) << notes.status();
    return notes.ok() ? notes->items.size() : 0;
  }

  const std::string config_;  // as the fixture has written it
  const X25519Key key_ = NewKey();
  int copies_ = 0;
};

TEST_F(ErasureTest, NothingYieldsItAnyMore) {
  Start();
  const std::vector<std::string> gone = Plant("gone"), kept = Plant("kept");
  ASSERT_TRUE(Get("belmont", gone[0]).ok());
  BackUp();
  ASSERT_TRUE(server_->Stop().ok());
  const std::string store_before = Copy(StoreDir(), "store-before");
  const std::string keys_before = Copy(KeyDir(), "keys-before");

  Start();
  const auto erased = EraseAllAbout("gone");
  server_->Kill();  // at once: what was answered is on the disk
  ASSERT_TRUE(erased.ok()) << erased.status();
  std::vector<std::string> names;
  for (const v1::ErasedRecord& record : erased->records()) names.push_back(record.name());
  EXPECT_THAT(names, UnorderedElementsAreArray(gone));
  EXPECT_EQ(erased->erasure_keys_sha256(), Bytes(Sha256(ReadFile(KeysFile(), 1 << 20).value())));

  const Words all_of_gone = WordsOf("gone");
  const auto expect_gone = [&](const char* what, const Words& found) {
    EXPECT_THAT(About(found, "gone"), IsEmpty()) << what;
    EXPECT_THAT(About(found, "kept"), IsSupersetOf({Word("revised", "kept"), Word("seller", "kept")}))
        << what;
  };
  expect_gone("the store", FoundInStore(StoreDir(), KeyDir()));
  expect_gone("a copy of the store from before", FoundInStore(store_before, KeyDir()));
  expect_gone("a backup from before", FoundInBackup(KeyDir()));
  EXPECT_THAT(FoundInFiles(), IsEmpty());
  // The positive control.
  EXPECT_EQ(About(FoundInStore(StoreDir(), keys_before), "gone"), all_of_gone);
  EXPECT_EQ(About(FoundInStore(store_before, keys_before), "gone"), all_of_gone);
  EXPECT_THAT(About(FoundInBackup(keys_before), "gone"),
              IsSupersetOf({Word("revised", "gone"), Word("opinion", "gone"), Word("clearance", "gone"),
                            Word("seller", "gone"), Word("external", "gone")}));

  Start();
  for (const std::string& name : gone) EXPECT_TRUE(absl::IsNotFound(Get("aurore", name))) << name;
  EXPECT_TRUE(Get("aurore", kept[0]).ok());
  EXPECT_EQ(GetErrorReason(Client("aurore", "backend")->CreateRecord(Report("gone", "external")).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
  ASSERT_TRUE(server_->Stop().ok());
  ExpectSound();
}

TEST_F(ErasureTest, ARestoreOfABackupFromBeforeDoesNotBringItBack) {
  Start();
  const std::vector<std::string> gone = Plant("gone"), kept = Plant("kept");
  BackUp();
  const std::string keys_before = Copy(KeyDir(), "keys-before");
  ASSERT_TRUE(EraseAllAbout("gone").ok());
  ASSERT_TRUE(server_->Stop().ok());
  const std::string keys_after = ReadFile(KeysFile(), 1 << 20).value();
  // Even where the operator puts the keys from before back: the journal knows.
  fs::copy_file(keys_before + "/" + contents::kErasureKeysFile, KeysFile(),
                fs::copy_options::overwrite_existing);
  ASSERT_EQ(About(FoundInBackup(KeyDir()), "gone").count(Word("revised", "gone")), 1U) << "positive control";
  Restore("store-aside");
  EXPECT_EQ(ReadFile(KeysFile(), 1 << 20).value(), keys_after);
  EXPECT_THAT(About(FoundInBackup(KeyDir()), "gone"), IsEmpty());
  EXPECT_THAT(About(FoundInStore(StoreDir(), KeyDir()), "gone"), IsEmpty());
  EXPECT_THAT(About(FoundInStore(StoreDir(), keys_before), "gone"), IsEmpty()) << "no row has it";
  EXPECT_THAT(FoundInStore(StoreDir(), KeyDir()), ::testing::Contains(Word("revised", "kept")));
  ExpectSound();

  Start();
  for (const std::string& name : gone) EXPECT_TRUE(absl::IsNotFound(Get("aurore", name))) << name;
  EXPECT_TRUE(Get("aurore", kept[0]).ok() && Get("belmont", kept[1]).ok());
  EXPECT_EQ(GetErrorReason(Client("aurore", "backend")->CreateRecord(Report("gone", "external")).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
  const auto again = EraseAllAbout("gone");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->records_size(), 4);
  for (const v1::ErasedRecord& record : again->records())
    EXPECT_TRUE(record.erased_before()) << record.name();
  ASSERT_TRUE(server_->Stop().ok());
  ExpectSound();
}

TEST_F(ErasureTest, AStoreFromBeforeThatIsPutBackAndAdoptedIsWithoutIt) {
  Start();
  const std::vector<std::string> gone = Plant("gone"), kept = Plant("kept");
  ASSERT_TRUE(server_->Stop().ok());
  const std::string store_before = Copy(StoreDir(), "store-before");
  Start();
  ASSERT_TRUE(EraseAllAbout("gone").ok());
  ASSERT_TRUE(server_->Stop().ok());
  fs::remove_all(StoreDir());
  fs::rename(store_before, StoreDir());
  EXPECT_FALSE(server_->Start().ok()) << "it is behind";
  const ledger::HeadDir head(directory_ + "/store-head");
  fs::remove(head.file());
  ASSERT_TRUE(WriteFileAtomic(head.adopt_file(), "", 0600).ok());
  Start();
  for (const std::string& name : gone) EXPECT_TRUE(absl::IsNotFound(Get("aurore", name))) << name;
  EXPECT_TRUE(Get("aurore", kept[0]).ok());
  EXPECT_EQ(GetErrorReason(Client("aurore", "backend")->CreateRecord(Report("gone", "external")).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
  ASSERT_TRUE(server_->Stop().ok());
  EXPECT_THAT(About(FoundInStore(StoreDir(), KeyDir()), "gone"), IsEmpty());
  ExpectSound();
}

TEST_F(ErasureTest, KeysFromBeforeThatArePutBackAreDestroyedAgainByTheNextStart) {
  Start();
  Plant("gone");
  const std::string former = Copy(KeyDir(), "keys-before") + "/" + contents::kErasureKeysFile;
  ASSERT_TRUE(EraseAllAbout("gone").ok());
  ASSERT_TRUE(server_->Stop().ok());
  const std::string after = ReadFile(KeysFile(), 1 << 20).value();
  fs::copy_file(former, KeysFile(), fs::copy_options::overwrite_existing);
  ASSERT_EQ(About(FoundInStore(StoreDir(), KeyDir()), "gone"), WordsOf("gone")) << "positive control";
  Start();
  EXPECT_THAT(server_->Log(), HasSubstr("erasures_finished"));
  server_->Kill();
  EXPECT_EQ(ReadFile(KeysFile(), 1 << 20).value(), after);
  EXPECT_THAT(About(FoundInStore(StoreDir(), KeyDir()), "gone"), IsEmpty());
}

TEST_F(ErasureTest, WhatWasCutShortBeforeTheKeysWereDestroyedIsFinishedByTheNextStart) {
  Start();
  const std::vector<std::string> gone = Plant("gone");
  // A disk that is not there when it is needed.
  fs::rename(KeyDir(), KeyDir() + ".away");
  const absl::Status cut = EraseAllAbout("gone").status();
  EXPECT_EQ(GetErrorReason(cut), v1::ERROR_REASON_STORE_UNAVAILABLE) << cut;
  EXPECT_THAT(cut.message(), HasSubstr("repeat the call"));
  EXPECT_TRUE(absl::IsNotFound(Get("belmont", gone[0]))) << "nobody is shown it meanwhile";
  server_->Kill();
  fs::rename(KeyDir() + ".away", KeyDir());
  ASSERT_EQ(NotesIn(StoreDir()), gone.size());
  ASSERT_EQ(About(FoundInStore(StoreDir(), KeyDir()), "gone"), WordsOf("gone")) << "positive control";
  Start();
  server_->Kill();
  EXPECT_EQ(NotesIn(StoreDir()), 0U);
  EXPECT_THAT(About(FoundInStore(StoreDir(), KeyDir()), "gone"), IsEmpty());
}

TEST_F(ErasureTest, AKillAtAnyMomentLeavesEachRecordWholeOrErased) {
  constexpr int kCycles = 8;
  std::mt19937 chance(17);
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    Start();
    std::vector<std::string> names;
    for (int i = 0; i < 3; ++i) {
      v1::Record record = Report("kept", "external");
      record.set_external_id(std::to_string(cycle) + "-" + std::to_string(i));
      names.push_back(Create("aurore", record));
    }
    const auto office = Client("office", "admin");
    bool acknowledged = false;
    std::thread erasing([&] { acknowledged = office->EraseRecords(Erasing(names)).ok(); });
    std::this_thread::sleep_for(std::chrono::microseconds(chance() % 20'000));
    server_->Kill();
    erasing.join();
    Start();
    std::map<std::string, bool> is_there;
    for (const std::string& name : names) is_there[name] = Get("belmont", name).ok();
    server_->Kill();
    EXPECT_EQ(NotesIn(StoreDir()), 0U);
    const Attacker keys(KeyDir());
    for (const auto& [name, there] : is_there) {
      EXPECT_EQ(keys.HasKeyOf(IdOf(name)), there) << "cycle " << cycle;
      EXPECT_FALSE(there && acknowledged) << "cycle " << cycle;
    }
  }
}

}  // namespace
}  // namespace coalition::testing
