// What one member sees of the store: at one revision, by one state of the coalition, at one time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/project.h"
#include "server/exchange/exchange.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/visibility.h"
#include "server/ledger/disclosures.h"
#include "server/store/store.h"

namespace coalition::exchange {

// A record that the asker may see.
struct SeenRecord {
  RecordId id{};
  std::string key;
  store::Revision revision = 0;              // of this form of it
  std::unique_ptr<const std::string> value;  // what `stored` looks into
  StoredRecordView stored;
  policy::Decision decision;
  // Of an opinion that shows the seller: its subject, whose word that is; unless that is the asker's own.
  std::optional<ledger::DisclosedRecord> subject;
};

// A record that is there, whoever may see it.
struct FoundRecord {
  RecordId id{};
  std::string key;
  store::Revision revision = 0;              // of this form of it
  std::unique_ptr<const std::string> value;  // what `stored` looks into
  StoredRecordView stored;
  // Of an opinion: the record that it is about, if that is there.
  std::unique_ptr<const std::string> subject_value;

  std::optional<policy::HeaderView> subject_header() const;
  policy::Decision DecideFor(const Asker& asker) const;
};

// As SeenRecord::subject, for an opinion and its subject as the asker sees them.
std::optional<ledger::DisclosedRecord> SubjectShown(const policy::Decision& opinion,
                                                    const RecordId& subject_id,
                                                    const policy::HeaderView& subject_header,
                                                    const policy::Decision& subject);

// Visits every row whose key begins with `prefix`, in key order, as long as the asker's watch lets it. The
// views live until the visitor returns.
absl::Status ScanPrefix(const store::Store& store, const Asker& asker, std::string_view prefix,
                        absl::FunctionRef<void(std::string_view key, std::string_view value)> visit);

// Serves one call; not thread-safe. Every function reads from the store and can fail with its errors
// (access.h, FromStore).
class Reader final : private policy::ProjectionContext {
 public:
  // Reads at the asker's revision. All references must outlive the reader.
  Reader(const store::Store& store, const ExchangeKeys& keys, const Asker& asker);

  const Asker& asker() const { return asker_; }
  const store::Store& store() const { return store_; }
  const contents::ContentKeys& contents() const { return *keys_.contents; }
  store::Revision at() const { return asker_.at; }

  // nullopt: there is no such record, it is hidden from the asker, or it is erased. All take the same path.
  absl::StatusOr<std::optional<SeenRecord>> FindById(const RecordId& id) const;
  absl::StatusOr<std::optional<SeenRecord>> FindByKey(std::string key) const;
  // Not judged: for those who may ask about any record (explain.h). nullopt: there is none.
  absl::StatusOr<std::optional<FoundRecord>> FindUnjudged(const RecordId& id) const;
  absl::StatusOr<std::optional<FoundRecord>> FindUnjudgedByKey(std::string key) const;
  // nullopt: it is hidden from the asker. Decided by the header, which stays when the record is erased.
  std::optional<SeenRecord> See(FoundRecord found) const;
  // By the asker's own external_id.
  absl::StatusOr<std::optional<SeenRecord>> FindByExternalId(std::string_view external_id) const;

  // Projects the record into `out` (empty), with its computed fields, and notes in `disclosure` what is shown
  // of others. NOT_FOUND: it was erased meanwhile; what `out` and `disclosure` then have is of no use.
  absl::Status Show(const SeenRecord& seen, v1::Record* out, ledger::Disclosure* disclosure) const;
  // The same for a stored form that is perhaps not in the store yet.
  absl::Status Project(const RecordId& id, const StoredRecordView& stored, const policy::Decision& decision,
                       bool disputed, v1::Record* out) const;
  // Whether, among the opinions about the record that count for the asker, some confirm it and some deny it:
  // those that the asker may see, or, when the record is its own, all.
  absl::StatusOr<bool> Disputed(const RecordId& id, const policy::Decision& decision,
                                ledger::Disclosure* disclosure) const;

 private:
  std::string Token(std::string_view field_path, std::string_view value) const override;
  bool CanSee(std::string_view record_name) const override;

  // The values of `keys`, in order.
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(const std::vector<std::string>& keys) const;
  // Where the record of that id lies, or of the next one: who asks for an id that is not there has another
  // record read and judged, so that it takes as long as one that is hidden.
  struct Place {
    std::string record_key;
    bool is_it = false;
  };
  absl::StatusOr<Place> PlaceOf(const RecordId& id) const;
  std::string Etag(const v1::Record& shown) const;

  const store::Store& store_;
  const ExchangeKeys& keys_;
  const Asker asker_;
  // Projection asks for references through an interface without errors: what went wrong is kept here.
  mutable bool owner_ = false;
  mutable absl::Status reference_error_;
};

// Notes that the record was shown, unless it is the asker's own.
void Disclose(const RecordId& id, const policy::HeaderView& header, const policy::Decision& decision,
              ledger::Disclosure* disclosure);

// records/{record}
std::string NameOf(const RecordId& id);

}  // namespace coalition::exchange
