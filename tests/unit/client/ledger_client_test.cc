// The ledger: what the client asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "client/client.h"

namespace coalition::client {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Notes the requests.
class LedgerConnection final : public Connection {
 public:
  absl::StatusOr<v1::GetCheckpointResponse> GetCheckpoint(const CallOptions&,
                                                          const v1::GetCheckpointRequest&) override {
    v1::GetCheckpointResponse response;
    response.set_note("a note");
    return response;
  }
  absl::StatusOr<v1::GetConsistencyProofResponse> GetConsistencyProof(
      const CallOptions&, const v1::GetConsistencyProofRequest& request) override {
    v1::GetConsistencyProofResponse response;
    response.set_new_size(request.new_size() == 0 ? 99 : request.new_size());
    response.add_hashes(std::to_string(request.old_size()));
    return response;
  }
  // Three pages, the second of them empty.
  absl::StatusOr<v1::ListLedgerEntriesResponse> ListLedgerEntries(
      const CallOptions&, const v1::ListLedgerEntriesRequest& request) override {
    lists.push_back(request);
    v1::ListLedgerEntriesResponse response;
    const std::string& token = request.page_token();
    if (token != "2")
      response.add_entries()->set_name(token.empty() ? "ledgerEntries/1-1" : "ledgerEntries/2-2");
    if (token.empty()) response.set_next_page_token("2");
    if (token == "2") response.set_next_page_token("3");
    return response;
  }
  absl::StatusOr<v1::GetLedgerEntryResponse> GetLedgerEntry(
      const CallOptions&, const v1::GetLedgerEntryRequest& request) override {
    v1::GetLedgerEntryResponse response;
    response.mutable_entry()->set_name(request.name());
    return response;
  }
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(
      const CallOptions&, const v1::ListDisclosuresRequest& request) override {
    v1::ListDisclosuresResponse response;
    response.add_disclosures()->set_member("of " + request.record());
    return response;
  }
  absl::StatusOr<v1::AddCosignatureResponse> AddCosignature(
      const CallOptions&, const v1::AddCosignatureRequest& request) override {
    if (request.note() != "cosigned") return absl::FailedPreconditionError("superseded");
    return v1::AddCosignatureResponse();
  }

  std::vector<v1::ListLedgerEntriesRequest> lists;
};

class LedgerClientTest : public ::testing::Test {
 protected:
  SystemRandom random_;
  const std::shared_ptr<LedgerConnection> connection_ = std::make_shared<LedgerConnection>();
  Client client_{connection_, ClientOptions(), random_};
};

TEST_F(LedgerClientTest, EachCallAsksForWhatItIsTold) {
  EXPECT_EQ(client_.GetLedgerCheckpoint().value(), "a note");
  const auto proof = client_.GetConsistencyProof(12, 34);
  ASSERT_TRUE(proof.ok());
  EXPECT_EQ(proof->new_size(), 34);
  EXPECT_THAT(proof->hashes(), ElementsAre("12"));
  EXPECT_EQ(client_.GetConsistencyProof(12)->new_size(), 99);
  EXPECT_EQ(client_.GetLedgerEntry("ledgerEntries/1-1")->name(), "ledgerEntries/1-1");
  EXPECT_EQ(client_.ListDisclosures("records/x")->disclosures(0).member(), "of records/x");
  EXPECT_TRUE(client_.AddCosignature("cosigned").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(client_.AddCosignature("old")));
}

TEST_F(LedgerClientTest, AListIsAskedForPageByPageWithTheSameQuestion) {
  v1::ListLedgerEntriesRequest request;
  request.set_member("members/aurore");
  request.add_kinds(v1::LEDGER_ENTRY_KIND_ACT);
  request.set_with_proofs(true);
  request.set_page_size(7);
  request.set_page_token("the range has its own");
  std::vector<std::string> names;
  for (const auto& entry : client_.ListLedgerEntries(request)) {
    ASSERT_TRUE(entry.ok());
    names.push_back(entry->name());
  }
  EXPECT_THAT(names, ElementsAre("ledgerEntries/1-1", "ledgerEntries/2-2"));
  ASSERT_THAT(connection_->lists, SizeIs(3));
  for (const char* token : {"", "2", "3"}) {
    request.set_page_token(token);
    EXPECT_EQ(connection_->lists[std::string(token).empty() ? 0 : token[0] - '1'].SerializeAsString(),
              request.SerializeAsString());
  }
}

}  // namespace
}  // namespace coalition::client
