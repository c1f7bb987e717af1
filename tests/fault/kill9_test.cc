// Promise 8: what was acknowledged survives kill -9, whole; what was not is there wholly or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server_process.h"

namespace coalition {
namespace {

constexpr int kCyclesDefault = 500;
// Then a new one: of a store that has grown a start takes seconds, and shows nothing more.
constexpr int kCyclesOfAStore = 50;
constexpr int kImportItems = 40;

int Cycles() {
  const char* asked = std::getenv("COALITION_KILL_CYCLES");
  return asked != nullptr ? std::atoi(asked) : kCyclesDefault;
}

v1::Record Report(const std::string& external_id) {
  v1::Record record;
  record.set_external_id(external_id);
  record.set_label(v1::LABEL_GREEN);
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-" + external_id);
  record.mutable_audience()->add_grants()->set_view("full");
  record.mutable_audience()->mutable_grants(0)->mutable_subject()->set_everyone(true);
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  record.mutable_offender_report()->set_comment(std::string(200, 'c'));
  return record;
}

// What the server acknowledged: external id -> name.
using Acknowledged = std::map<std::string, std::string>;

// Writes single records until the server is gone.
void WriteSingles(client::Client& client, int cycle, int writer, Acknowledged* acknowledged) {
  for (int i = 0;; ++i) {
    const std::string id =
        "s-" + std::to_string(cycle) + "-" + std::to_string(writer) + "-" + std::to_string(i);
    const auto created = client.CreateRecord(Report(id));
    if (!created.ok()) return;
    (*acknowledged)[id] = created->record().name();
  }
}

// Imports until the server is gone.
void WriteImport(client::Client& client, int cycle, Acknowledged* acknowledged) {
  client::ImportOptions options;
  options.items_per_request = kImportItems;
  std::vector<std::string> sent;
  auto stream = client.ImportRecords(options, [&](const v1::ImportResult& result) {
    if (result.status() == v1::IMPORT_STATUS_CREATED || result.status() == v1::IMPORT_STATUS_UNCHANGED) {
      (*acknowledged)[sent[static_cast<size_t>(result.item_id())]] = result.name();
    }
  });
  for (int64_t i = 0;; ++i) {
    sent.push_back("i-" + std::to_string(cycle) + "-" + std::to_string(i));
    v1::ImportItem item;
    item.set_item_id(i);
    *item.mutable_record() = Report(sent.back());
    if (!stream->Add(std::move(item)).ok()) return;
  }
}

// Everything of one cycle that is there, by every path that leads to it, agrees.
void CheckCycle(testing::ServerProcess& server, int cycle, const Acknowledged& acknowledged) {
  auto owner = server.Connect("aurore"), reader = server.Connect("belmont");
  ASSERT_TRUE(owner.ok() && reader.ok());
  // Records of this cycle as the reader's list has them: it merges the audience index, newest first.
  const std::string single = "s-" + std::to_string(cycle) + "-", import = "i-" + std::to_string(cycle) + "-";
  std::map<std::string, v1::Record> owned;
  for (auto& record : (*owner)->ListRecords({}, 1000)) {
    ASSERT_TRUE(record.ok()) << record.status();
    const std::string& id = record->external_id();
    if (id.rfind(single, 0) != 0 && id.rfind(import, 0) != 0) break;
    EXPECT_EQ(record->offender_report().comment().size(), 200U);
    EXPECT_TRUE(owned.emplace(id, *record).second) << id << " is listed twice";
  }
  size_t shown = 0;
  for (auto& record : (*reader)->ListRecords({}, 1000)) {
    ASSERT_TRUE(record.ok()) << record.status();
    const std::string& seller = record->seller().seller_id();
    if (owned.find(seller.substr(5)) == owned.end()) break;
    ++shown;
  }
  EXPECT_EQ(shown, owned.size()) << "owner's index and audience index differ";

  for (const auto& [id, name] : acknowledged) {
    const auto found = owned.find(id);
    ASSERT_NE(found, owned.end()) << id << " was acknowledged and is gone";
    EXPECT_EQ(found->second.name(), name);
  }
  // What was not acknowledged is whole if it is there: record, id index, external id, screening.
  std::vector<v1::Seller> sellers;
  for (const auto& [id, record] : owned) sellers.push_back(record.seller());
  const auto screened = (*reader)->ScreenSellers(sellers);
  ASSERT_TRUE(screened.ok()) << screened.status();
  for (const auto& result : screened->results()) EXPECT_EQ(result.verdict(), v1::VERDICT_LISTED);
  int probes = 0;
  for (const auto& [id, record] : owned) {
    if (++probes > 5 && acknowledged.count(id) != 0) continue;
    const auto got = (*reader)->GetRecord(record.name());
    EXPECT_TRUE(got.ok()) << id << ": " << got.status();
    const auto again = (*owner)->CreateRecord(Report(id));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->existed());
    EXPECT_EQ(again->record().name(), record.name());
  }
}

// One life of the server and what is there after its end. Acknowledged: how many.
void RunCycle(testing::ServerProcess& server, int cycle, std::chrono::milliseconds life,
              size_t* acknowledged_count) {
  const absl::Status started = server.Start();
  ASSERT_TRUE(started.ok()) << "cycle " << cycle << ": " << started;
  std::vector<Acknowledged> acknowledged(3);
  std::vector<std::unique_ptr<client::Client>> clients;
  for (int i = 0; i < 3; ++i) {
    auto client = server.Connect("aurore");
    ASSERT_TRUE(client.ok()) << client.status();
    ASSERT_TRUE((*client)->WhoAmI().ok());
    clients.push_back(*std::move(client));
  }
  std::vector<std::thread> writers;
  writers.emplace_back([&] { WriteSingles(*clients[0], cycle, 0, &acknowledged[0]); });
  writers.emplace_back([&] { WriteSingles(*clients[1], cycle, 1, &acknowledged[1]); });
  writers.emplace_back([&] { WriteImport(*clients[2], cycle, &acknowledged[2]); });
  std::this_thread::sleep_for(life);
  server.Kill();
  for (std::thread& writer : writers) writer.join();

  Acknowledged all;
  for (const Acknowledged& some : acknowledged) all.insert(some.begin(), some.end());
  *acknowledged_count += all.size();
  const absl::Status restarted = server.Start();
  ASSERT_TRUE(restarted.ok()) << "cycle " << cycle << ": " << restarted;
  CheckCycle(server, cycle, all);
  server.Kill();
}

TEST(Kill9, AcknowledgedRecordsSurviveWhole) {
  std::mt19937 random(20161123);
  std::uniform_int_distribution<int> milliseconds(0, 60);
  size_t kept = 0;
  const int cycles = Cycles();
  for (int cycle = 0; cycle < cycles && !HasFailure();) {
    std::string directory = ::testing::TempDir() + "kill9-XXXXXX";
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    testing::ServerProcess server(directory, COALITIOND_BINARY);
    const int end = std::min(cycles, cycle + kCyclesOfAStore);
    for (; cycle < end && !HasFailure(); ++cycle)
      RunCycle(server, cycle, std::chrono::milliseconds(milliseconds(random)), &kept);
    std::error_code ignored;
    if (!HasFailure()) std::filesystem::remove_all(directory, ignored);
  }
  // A test in which nothing was ever acknowledged would prove nothing.
  EXPECT_GT(kept, static_cast<size_t>(cycles));
  RecordProperty("acknowledged", static_cast<int>(kept));
}

}  // namespace
}  // namespace coalition
