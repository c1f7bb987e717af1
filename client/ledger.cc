// The client's part of the ledger: checkpoints, entries and proofs, as the server gives them.
#include <utility>

#include "client/client.h"
#include "client/internal/to_page.h"

namespace coalition::client {

absl::StatusOr<std::string> Client::GetLedgerCheckpoint() {
  absl::StatusOr<v1::GetCheckpointResponse> response =
      connection_->GetCheckpoint(call_options(), v1::GetCheckpointRequest());
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_note());
}

absl::StatusOr<v1::GetConsistencyProofResponse> Client::GetConsistencyProof(int64_t old_size,
                                                                            int64_t new_size) {
  v1::GetConsistencyProofRequest request;
  request.set_old_size(old_size);
  request.set_new_size(new_size);
  return connection_->GetConsistencyProof(call_options(), request);
}

PagedRange<v1::LedgerEntry> Client::ListLedgerEntries(const v1::ListLedgerEntriesRequest& request) {
  return PagedRange<v1::LedgerEntry>(
      [this, page = request](const std::string& token) mutable -> absl::StatusOr<Page<v1::LedgerEntry>> {
        page.set_page_token(token);
        absl::StatusOr<v1::ListLedgerEntriesResponse> response =
            connection_->ListLedgerEntries(call_options(), page);
        if (!response.ok()) return response.status();
        return internal::ToPage<v1::LedgerEntry>(response->mutable_entries(),
                                                 response->mutable_next_page_token());
      });
}

absl::StatusOr<v1::LedgerEntry> Client::GetLedgerEntry(const std::string& name) {
  v1::GetLedgerEntryRequest request;
  request.set_name(name);
  absl::StatusOr<v1::GetLedgerEntryResponse> response = connection_->GetLedgerEntry(call_options(), request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_entry());
}

absl::StatusOr<v1::ListDisclosuresResponse> Client::ListDisclosures(const std::string& record) {
  v1::ListDisclosuresRequest request;
  request.set_record(record);
  return connection_->ListDisclosures(call_options(), request);
}

absl::Status Client::AddCosignature(const std::string& note) {
  v1::AddCosignatureRequest request;
  request.set_note(note);
  return connection_->AddCosignature(call_options(), request).status();
}

}  // namespace coalition::client
