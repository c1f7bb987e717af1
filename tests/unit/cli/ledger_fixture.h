// Verbs of the ledger over a log of the test's own, which can be made to lie.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "tests/support/signed_log.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {

constexpr int64_t kFirstTickMs = 1'790'000'000'000;

// Serves the first `size` ticks of a log, and the entries that the test puts there.
class LedgerConnection final : public client::Connection {
 public:
  std::string Note() const { return cosigned.empty() ? log->Note(size) : cosigned; }
  absl::StatusOr<v1::GetCheckpointResponse> GetCheckpoint(const client::CallOptions&,
                                                          const v1::GetCheckpointRequest&) override {
    if (!refusal.ok()) return refusal;
    v1::GetCheckpointResponse response;
    response.set_note(Note());
    size += grows_with_each_look;
    return response;
  }
  absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(
      const client::CallOptions&, const v1::GetConsistencyProofRequest& request) override {
    v1::GetConsistencyProofResponse response;
    response.set_new_size(request.new_size());
    *response.mutable_hashes() = log->Consistency(static_cast<uint64_t>(request.old_size()),
                                                  static_cast<uint64_t>(request.new_size()));
    return response;
  }
  // One a page.
  absl::StatusOr<v1::ListLedgerEntriesResponse> ListLedgerEntries(
      const client::CallOptions&, const v1::ListLedgerEntriesRequest& request) override {
    lists.push_back(request);
    if (!refusal.ok()) return refusal;
    v1::ListLedgerEntriesResponse response;
    const size_t page = request.page_token().empty() ? 0 : std::stoul(request.page_token());
    if (page < places.size()) {
      *response.add_entries() = Proved(places[page]);
      if (!request.with_proofs()) response.mutable_entries(0)->clear_proof();
    }
    if (page + 1 < places.size()) response.set_next_page_token(std::to_string(page + 1));
    return response;
  }
  absl::StatusOr<v1::GetLedgerEntryResponse> GetLedgerEntry(
      const client::CallOptions&, const v1::GetLedgerEntryRequest& request) override {
    for (const ledger::EntryPlace& place : places) {
      if (ledger::FormatEntryName(place) != request.name()) continue;
      v1::GetLedgerEntryResponse response;
      *response.mutable_entry() = Proved(place);
      edit(response.mutable_entry());
      return response;
    }
    return NotFound();
  }
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(
      const client::CallOptions&, const v1::ListDisclosuresRequest& request) override {
    asked_for = request.record();
    return disclosures;
  }
  absl::StatusOr<v1::AddCosignatureResponse> AddCosignature(
      const client::CallOptions&, const v1::AddCosignatureRequest& request) override {
    submitted.push_back(request.note());
    before_answer();
    if (supersedes-- > 0) {
      ++size;
      return Error(v1::ERROR_REASON_STATE_CONFLICT, "there is a newer checkpoint");
    }
    return v1::AddCosignatureResponse();
  }

  v1::LedgerEntry Proved(const ledger::EntryPlace& place) const {
    v1::LedgerEntry entry = log->Prove(place.tick, place.slot, size);
    if (closes_reserved) coalition::testing::Close(entry.mutable_reserved());
    return entry;
  }

  std::shared_ptr<coalition::testing::SignedLog> log = std::make_shared<coalition::testing::SignedLog>();
  uint64_t size = 0;
  uint64_t grows_with_each_look = 0;
  std::string cosigned;  // instead of the log's own note
  std::vector<ledger::EntryPlace> places;
  std::function<void(v1::LedgerEntry*)> edit = [](v1::LedgerEntry*) {};
  bool closes_reserved = false;
  absl::Status refusal;
  std::vector<v1::ListLedgerEntriesRequest> lists;
  v1::ListDisclosuresResponse disclosures;
  std::string asked_for;
  std::vector<std::string> submitted;
  std::function<void()> before_answer = [] {};
  int supersedes = 0;
};

class LedgerFixture : public VerbsFixture<LedgerConnection> {
 public:
  ~LedgerFixture() override { std::filesystem::remove_all(directory_); }

 protected:
  LedgerFixture() {
    std::string pattern = ::testing::TempDir() + "/ledger-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    Grow(10);
    Configure(connection_->log->verifier().ToText());
  }

  // A context "work", in use, with that key of the ledger.
  void Configure(const std::string& ledger_key) const {
    config::v1::ClientConfig config;
    config.set_current_context("work");
    config::v1::Context& context = *config.add_contexts();
    context.set_name("work");
    context.set_server("exchange.example:7443");
    context.set_ledger_key(ledger_key);
    EXPECT_EQ(SaveConfig(config_file(), config), absl::OkStatus());
  }
  std::string config_file() const { return directory_ + "/config.textproto"; }

  // So many ticks more, all shown.
  void Grow(uint64_t ticks, uint8_t secret = 7) const {
    coalition::testing::SignedLog& log = *connection_->log;
    for (; ticks > 0; --ticks) log.Tick(kFirstTickMs + static_cast<int64_t>(log.size()) * 1000, {}, secret);
    connection_->size = log.size();
  }
  // One tick more, with that entry.
  ledger::EntryPlace Add(const v1::LedgerContent& content, const v1::LedgerReserved& reserved = {}) const {
    coalition::testing::SignedLog& log = *connection_->log;
    const ledger::EntryPlace place{log.size(), static_cast<uint32_t>(log.size() * 1000)};
    log.Tick(kFirstTickMs + static_cast<int64_t>(log.size()) * 1000,
             {{place.slot, coalition::testing::Parts(content, reserved)}});
    connection_->size = log.size();
    connection_->places.push_back(place);
    return place;
  }
  // Another log in its place, of the same key and with the same beginning.
  void Fork(uint64_t common, uint64_t size) const {
    connection_->log = std::make_shared<coalition::testing::SignedLog>();
    Grow(common);
    Grow(size - common, 8);
  }

  int Try(std::vector<std::string> args, const std::string& typed = "") {
    args.insert(args.end(), {"--config", config_file()});
    return Run(args, typed);
  }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  bool IsThere(const std::string& name) const { return std::filesystem::exists(Path(name)); }
  unsigned ModeOf(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::stat(Path(name).c_str(), &info), 0);
    return info.st_mode & 0777;
  }

  std::string directory_;
};

inline v1::LedgerContent DisclosureContent() {
  v1::LedgerContent content;
  v1::LedgerDisclosure& disclosure = *content.mutable_disclosure();
  disclosure.set_member("members/paylink");
  disclosure.set_credential("members/paylink/credentials/backend");
  disclosure.set_method("ScreenSellers");
  disclosure.set_epoch(17);
  disclosure.mutable_time()->set_seconds(1'790'000'000);
  disclosure.add_shown()->add_views("notice");
  disclosure.mutable_shown(0)->add_records("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  disclosure.mutable_shown(0)->add_records("records/beaaaaaaaaaaaaaaaaaaaaaaaa");
  return content;
}

inline v1::LedgerContent ShowingsContent() {
  v1::LedgerContent content;
  v1::LedgerFirstShowings& showings = *content.mutable_first_showings();
  showings.set_contributor("members/aurore");
  showings.mutable_day()->set_seconds(1'789'948'800);
  showings.set_member_kind(v1::MEMBER_KIND_AUTHORITY);
  showings.add_shown()->add_views("full");
  showings.mutable_shown(0)->add_records("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  return content;
}

inline v1::LedgerContent ActContent() {
  v1::LedgerContent content;
  v1::LedgerAct& act = *content.mutable_act();
  act.mutable_time()->set_seconds(1'790'000'000);
  act.set_epoch(18);
  act.set_actor("members/office");
  act.set_target("members/belmont");
  act.set_change("SUSPENDED: LEAKED_KEY");
  act.set_document_sha256("\x01\x02");
  return content;
}

inline v1::LedgerContent RefusalsContent() {
  v1::LedgerContent content;
  v1::LedgerRefusals& refusals = *content.mutable_refusals();
  refusals.set_method("ScreenSellers");
  refusals.set_reason("CREDENTIAL_UNREGISTERED");
  refusals.set_count(1'200);
  refusals.mutable_time()->set_seconds(1'790'000'000);
  return content;
}

}  // namespace coalition::cli
