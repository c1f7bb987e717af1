// Promise 6: whatever a member has received is in the ledger, whenever the server is killed: as entries that
// the member itself opens and verifies, and in what the record's owner is told of who saw it.
//
// The guard: an answer, or a message of a watch, leaves when the ledger has called back that its entry is
// durable (DisclosureLog::Record; ShownLog::Keep hands the callback to EntryLog::Append). Call back before
// that, or send before it (PendingCall::DiscloseAndSend, WatchStream::Step), and this is red: a client has
// what nobody has written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <compare>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/key_file.h"
#include "common/ledger_verify.h"
#include "common/mutex.h"
#include "tests/support/server_process_fixture.h"

namespace coalition {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int kKills = 20;
constexpr int kRecordsBefore = 16;
constexpr size_t kNewest = 24;
constexpr uint64_t kDeliveriesMax = 400;  // between two kills

// That a record came to a member by a method. `view`: as the record said; empty: it did not.
struct Showing {
  std::string method, record, view;
  friend auto operator<=>(const Showing&, const Showing&) = default;
};
using Showings = std::set<Showing>;     // of one answer
using Counts = std::map<Showing, int>;  // in how many answers, or entries
using ByMember = std::map<std::string, Counts>;

// What clients have received. Thread-safe.
class Delivered {
 public:
  void Note(const std::string& member, const Showings& answer) {
    {
      const MutexLock lock(mutex_);
      for (const Showing& one : answer) ++by_member_[member][one];
      answers_ += answer.empty() ? 0 : 1;
    }
    more_.notify_all();
  }
  // Returns as soon as one has come that makes them so many more. False: not within a minute.
  bool AwaitMore(uint64_t answers) {
    MutexLock lock(mutex_);
    const uint64_t enough = answers_ + answers;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (answers_ < enough) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      lock.WaitFor(more_, std::chrono::seconds(1));
    }
    return true;
  }
  ByMember by_member() const {
    const MutexLock lock(mutex_);
    return by_member_;
  }

 private:
  mutable Mutex mutex_;
  std::condition_variable more_;
  ByMember by_member_ ABSL_GUARDED_BY(mutex_);
  uint64_t answers_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Records that were written last. Thread-safe.
class Newest {
 public:
  void Add(const v1::Record& record) {
    const MutexLock lock(mutex_);
    records_.push_back(record);
    if (records_.size() > kNewest) records_.erase(records_.begin());
  }
  v1::Record Any(std::mt19937& random) const {
    const MutexLock lock(mutex_);
    return records_[random() % records_.size()];
  }

 private:
  mutable Mutex mutex_;
  std::vector<v1::Record> records_ ABSL_GUARDED_BY(mutex_);
};

v1::Record ReportOn(const std::string& seller) {
  v1::Record record;
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id(seller);
  const auto grant = [&record](v1::MemberKind kind, const char* view) {
    v1::Grant* added = record.mutable_audience()->add_grants();
    added->set_view(view);
    added->mutable_subject()->set_kind(kind);
  };
  grant(v1::MEMBER_KIND_BRAND, "full");
  grant(v1::MEMBER_KIND_MARKETPLACE, "notice");
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  return record;
}

// Asks once.
using Ask = std::function<absl::StatusOr<Showings>(client::Client&)>;

absl::StatusOr<Showings> Get(client::Client& client, const std::string& name) {
  const auto record = client.GetRecord(name);
  if (!record.ok()) return record.status();
  return Showings{{"GetRecord", record->name(), record->view()}};
}

absl::StatusOr<Showings> List(client::Client& client) {
  v1::ListRecordsRequest request;
  request.set_page_size(8);
  const auto page = client.ListRecordsPage(request);
  if (!page.ok()) return page.status();
  Showings shown;
  for (const v1::Record& record : page->records())
    shown.insert({"ListRecords", record.name(), record.view()});
  return shown;
}

absl::StatusOr<Showings> Screen(client::Client& client, const std::vector<v1::Seller>& sellers) {
  const auto screened = client.ScreenSellers(sellers);
  if (!screened.ok()) return screened.status();
  Showings shown;
  for (const v1::ScreenResult& result : screened->results()) {
    for (const v1::ScreenMatch& match : result.matches()) shown.insert({"ScreenSellers", match.record(), ""});
  }
  return shown;
}

Ask Watching() {
  const auto watch = std::make_shared<std::unique_ptr<client::RecordWatch>>();
  return [watch](client::Client& client) -> absl::StatusOr<Showings> {
    if (*watch == nullptr) *watch = client.WatchRecords({});
    const auto response = (*watch)->Next();
    if (!response.ok()) return response.status();
    Showings shown;
    for (const v1::WatchEvent& event : response->events()) {
      if (event.has_upsert()) shown.insert({"WatchRecords", event.upsert().name(), event.upsert().view()});
    }
    return shown;
  };
}

// What was delivered and is not in the ledger, a line each.
std::vector<std::string> Lacking(const Counts& delivered, const Counts& logged) {
  std::vector<std::string> lacking;
  for (const auto& [one, times] : delivered) {
    const auto found = logged.find(one);
    const int entries = found == logged.end() ? 0 : found->second;
    if (entries >= times) continue;
    lacking.push_back(
        absl::StrCat(one.method, " ", one.record, " ", one.view, ": came ", times, ", logged ", entries));
  }
  return lacking;
}

class LedgerKill9 : public testing::ServerProcessTest {
 protected:
  // As aurore, which owns all of them.
  absl::Status Write(client::Client& aurore) {
    const auto created = aurore.CreateRecord(ReportOn("shop-" + std::to_string(++written_ / 2)));
    if (created.ok()) newest_.Add(created->record());
    return created.status();
  }
  void WriteSome(int count) {
    const auto aurore = Client("aurore", "backend");
    for (int i = 0; i < count; ++i) ASSERT_TRUE(Write(*aurore).ok());
  }

  // Until the server is gone.
  static void GoOn(const std::string& what, const std::function<absl::Status()>& once) {
    absl::Status status;
    while (status.ok()) status = once();
    EXPECT_TRUE(absl::IsUnavailable(status)) << what << ": " << status;
  }

  // Clients ask as fast as they can, and aurore writes, until the server is killed: at a random moment, or as
  // soon as a certain answer has come.
  void Round(bool at_an_answer) {
    Start();
    const auto aurore = Client("aurore", "backend");
    std::vector<std::unique_ptr<client::Client>> clients;
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { GoOn("aurore", [&] { return Write(*aurore); }); });
    for (const std::string& member : readers_) {
      for (const Ask& ask : Asks()) {
        client::Client* client = clients.emplace_back(Client(member, "backend")).get();
        threads.emplace_back([this, member, ask, client] {
          GoOn(member, [&] {
            const auto shown = ask(*client);
            if (shown.ok()) delivered_.Note(member, *shown);
            return shown.status();
          });
        });
      }
    }
    if (at_an_answer) {
      EXPECT_TRUE(delivered_.AwaitMore(1 + random_() % kDeliveriesMax));
    } else {
      std::this_thread::sleep_for(milliseconds(100 + random_() % 700));
    }
    server_->Kill();
    for (std::jthread& thread : threads) thread.join();
  }
  // Each for a thread of its own.
  std::vector<Ask> Asks() {
    const auto chance = [this] { return std::make_shared<std::mt19937>(random_()); };
    return {[this, random = chance()](client::Client& client) {
              return Get(client, newest_.Any(*random).name());
            },
            List,
            [this, random = chance()](client::Client& client) {
              return Screen(client, {newest_.Any(*random).seller(), newest_.Any(*random).seller()});
            },
            Watching()};
  }

  // Of the server's own key: a member has it from elsewhere.
  VerifierKey LogKey() {
    const auto key = ReadKeyFile(directory_ + "/keys/ledger_key.pem");
    EXPECT_TRUE(key.ok()) << key.status();
    return *VerifierKey::Make(server_->certificates().trust_domain() + "/ledger", NoteAlgorithm::kEd25519,
                              key->public_key());
  }
  // What is written by now is sealed when this returns: the tick under way may have begun before.
  void AwaitTicks() {
    const auto client = Client("belmont", "backend");
    const auto size = [&] {
      const auto note = client->GetLedgerCheckpoint();
      EXPECT_TRUE(note.ok()) << note.status();
      const auto opened = ledger::OpenLogCheckpoint(note.value_or(""), LogKey());
      EXPECT_TRUE(opened.ok()) << opened.status();
      return opened.ok() ? opened->checkpoint.size : 0;
    };
    const uint64_t enough = size() + 2;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (size() < enough && std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(milliseconds(50));
    EXPECT_GE(size(), enough);
  }
  // As the member has it from its own entries, each verified.
  Counts Logged(const std::string& member) {
    Counts logged;
    const VerifierKey key = LogKey();
    v1::ListLedgerEntriesRequest request;
    request.add_kinds(v1::LEDGER_ENTRY_KIND_DISCLOSURE);
    request.set_with_proofs(true);
    request.set_page_size(1000);
    const auto client = Client(member, "backend");
    for (const auto& entry : client->ListLedgerEntries(request)) {
      const auto verified = entry.ok() ? ledger::VerifyEntry(*entry, key) : entry.status();
      EXPECT_TRUE(verified.ok()) << verified.status();
      if (!verified.ok()) break;
      const v1::LedgerDisclosure& of = verified->opened.content->disclosure();
      EXPECT_EQ(of.member(), "members/" + member);
      for (const auto& [one, answers] : ShowingsOf(of)) logged[one] += answers;
    }
    return logged;
  }
  // With its views and without, and by how many answers.
  static Counts ShowingsOf(const v1::LedgerDisclosure& disclosure) {
    Counts showings;
    for (const v1::LedgerShown& shown : disclosure.shown()) {
      EXPECT_GT(shown.answers(), 0);
      for (const std::string& record : shown.records()) {
        showings[{disclosure.method(), record, ""}] += shown.answers();
        for (const std::string& view : shown.views())
          showings[{disclosure.method(), record, view}] += shown.answers();
      }
    }
    return showings;
  }
  // What was delivered of which aurore is not told, a line each.
  std::vector<std::string> NotTold(const ByMember& delivered) {
    std::map<std::string, std::set<std::pair<std::string, std::string>>> by_record;  // members and views
    for (const auto& [member, counts] : delivered) {
      for (const auto& [one, times] : counts)
        by_record[one.record].insert({absl::StrCat("members/", member), one.view});
    }
    std::vector<std::string> not_told;
    const auto aurore = Client("aurore", "backend");
    for (const auto& [record, all] : by_record) {
      const auto told = aurore->ListDisclosures(record);
      EXPECT_TRUE(told.ok()) << record << ": " << told.status();
      if (!told.ok()) break;
      for (const auto& [member, view] : all) {
        if (!IsTold(*told, member, view)) not_told.push_back(absl::StrCat(member, " ", record, " ", view));
      }
    }
    return not_told;
  }
  static bool IsTold(const v1::ListDisclosuresResponse& told, const std::string& member,
                     const std::string& view) {
    const auto& all = told.disclosures();
    return std::any_of(all.begin(), all.end(), [&](const v1::RecordDisclosure& one) {
      const auto& views = one.views();
      return one.member() == member &&
             (view.empty() || std::find(views.begin(), views.end(), view) != views.end());
    });
  }

  const std::vector<std::string> readers_ = {"belmont", "bazaar"};
  std::mt19937 random_{20161123};
  int written_ = 0;
  Newest newest_;
  Delivered delivered_;
};

TEST_F(LedgerKill9, WhateverWasDeliveredIsInTheLedger) {
  Start();
  WriteSome(kRecordsBefore);
  server_->Kill();
  for (int kill = 0; kill < kKills && !HasFailure(); ++kill) Round(/*at_an_answer=*/kill % 2 == 0);
  Start();
  AwaitTicks();
  const ByMember delivered = delivered_.by_member();
  int entries = 0;
  for (const std::string& member : readers_) {
    const Counts logged = Logged(member);
    for (const auto& [one, times] : logged) entries += times;
    EXPECT_THAT(Lacking(delivered.at(member), logged), IsEmpty()) << member;
    // Of every way to be shown something some was tried.
    for (const char* method : {"GetRecord", "ListRecords", "ScreenSellers", "WatchRecords"}) {
      EXPECT_TRUE(std::any_of(delivered.at(member).begin(), delivered.at(member).end(),
                              [&](const auto& one) { return one.first.method == method; }))
          << member << " " << method;
    }
  }
  EXPECT_THAT(NotTold(delivered), IsEmpty());
  EXPECT_GT(written_, kRecordsBefore + kKills) << "there was hardly anything new to be shown";
  RecordProperty("showings_logged", entries);
}

// The positive control: what never came is found neither by its receiver nor by its owner.
TEST_F(LedgerKill9, WhatWasNeverDeliveredIsNotThere) {
  Start();
  const auto aurore = Client("aurore", "backend");
  const auto seen = aurore->CreateRecord(ReportOn("shop-1")),
             unseen = aurore->CreateRecord(ReportOn("shop-2"));
  ASSERT_TRUE(seen.ok() && unseen.ok()) << seen.status() << unseen.status();
  const std::string name = seen->record().name(), other = unseen->record().name();
  const auto got = Get(*Client("belmont", "backend"), name);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_THAT(*got, ElementsAre(Showing{"GetRecord", name, "full"}));
  delivered_.Note("belmont", *got);
  server_->Kill();
  Start();
  AwaitTicks();
  const Counts logged = Logged("belmont");
  EXPECT_THAT(Lacking(delivered_.by_member().at("belmont"), logged), IsEmpty());
  EXPECT_THAT(NotTold(delivered_.by_member()), IsEmpty());

  delivered_.Note("belmont", *got);
  delivered_.Note("belmont", {{"GetRecord", other, "full"}, {"GetRecord", name, "notice"}});
  delivered_.Note("belmont", {{"ScreenSellers", name, ""}});
  EXPECT_THAT(Lacking(delivered_.by_member().at("belmont"), logged),
              UnorderedElementsAre("GetRecord " + name + " full: came 2, logged 1",
                                   "GetRecord " + name + " notice: came 1, logged 0",
                                   "GetRecord " + other + " full: came 1, logged 0",
                                   "ScreenSellers " + name + " : came 1, logged 0"));
  EXPECT_THAT(Logged("bazaar"), IsEmpty());
  EXPECT_THAT(NotTold(delivered_.by_member()), UnorderedElementsAre("members/belmont " + other + " full",
                                                                    "members/belmont " + name + " notice"));
}

}  // namespace
}  // namespace coalition
