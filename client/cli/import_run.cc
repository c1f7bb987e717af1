#include "client/cli/import_run.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/status.h"
#include "client/cli/text.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string DeriveExternalId(const v1::Record& record) {
  v1::Record contents = record;
  contents.clear_label();
  contents.clear_audience();
  contents.clear_external_id();
  const Sha256Digest digest = Sha256(contents.SerializeAsString());
  return "sha256:" + HexEncode(Bytes(digest));
}

ImportRun::ImportRun(ImportSource& source, const ImportSettings& settings, const MakeStream& make_stream)
    : source_(source),
      settings_(settings),
      progress_(settings.err, settings.progress),
      stream_(make_stream([this](const v1::ImportResult& result) { OnResult(result); })) {}

absl::Status ImportRun::SendRows() {
  ImportRow row;
  while (!(interrupted_ = settings_.interrupted && settings_.interrupted()) && source_.Next(&row)) {
    if (absl::Status status = HandleRow(std::move(row)); !status.ok()) return status;
    ShowProgress();
  }
  if (!interrupted_ && settings_.interrupted) interrupted_ = settings_.interrupted();
  return stream_->Finish();
}

// What an earlier run refused must not be taken for this one's.
absl::Status ImportRun::EmptyRejects() const {
  std::error_code error;
  if (settings_.rejects_file.empty() || !std::filesystem::is_regular_file(settings_.rejects_file, error)) {
    return absl::OkStatus();
  }
  std::filesystem::resize_file(settings_.rejects_file, 0, error);
  if (!error) return absl::OkStatus();
  return Local(absl::FailedPreconditionError(
      absl::StrCat("what ", settings_.rejects_file, " held before can't be removed: ", error.message())));
}

absl::Status ImportRun::CloseRejects() {
  if (!rejects_open_) return absl::OkStatus();
  rejects_.close();
  if (rejects_) return absl::OkStatus();
  return Local(
      absl::DataLossError("the rejected rows could not all be written to " + settings_.rejects_file));
}

absl::Status ImportRun::Run() {
  started_ms_ = NowMs();
  if (absl::Status status = EmptyRejects(); !status.ok()) return status;
  absl::Status status = SendRows();
  progress_.Clear();
  if (counts_.rejected > settings_.errors_max) {
    *settings_.err << "and " << WithThousands(counts_.rejected - settings_.errors_max)
                   << " more rejected rows\n";
  }
  if (status.ok()) status = Local(source_.status());
  absl::Status rejects = CloseRejects();
  if (status.ok()) return rejects;
  // Two things went wrong: neither may hide the other.
  if (!rejects.ok()) *settings_.err << "error: " << Printable(Std(rejects.message())) << '\n';
  return status;
}

absl::Status ImportRun::HandleRow(ImportRow row) {
  if (row.continued) {
    if (last_rejected_here_) KeepRejected(row.raw);
    return absl::OkStatus();
  }
  ++counts_.rows;
  last_rejected_here_ = row.kind == RowKind::kRejected;
  switch (row.kind) {
    case RowKind::kSkipped:
      ++counts_.skipped;
      return absl::OkStatus();
    case RowKind::kRejected:
      if (row.line == 1) first_line_rejected_ = true;
      Reject(row.line, row.raw, row.error);
      return absl::OkStatus();
    case RowKind::kRecord:
      return Send(std::move(row));
  }
  return absl::OkStatus();
}

void ImportRun::ApplyDefaults(v1::Record* record) const {
  const v1::Record& defaults = settings_.defaults;
  if (record->label() == v1::LABEL_UNSPECIFIED) record->set_label(defaults.label());
  v1::Audience& audience = *record->mutable_audience();
  if (audience.grants_size() == 0 && audience.include_size() == 0) {
    *audience.mutable_grants() = defaults.audience().grants();
    *audience.mutable_include() = defaults.audience().include();
  }
  audience.mutable_exclusions()->MergeFrom(defaults.audience().exclusions());
}

absl::Status ImportRun::Send(ImportRow row) {
  v1::ImportItem item;
  item.set_item_id(next_item_++);
  *item.mutable_record() = std::move(row.record);
  if (item.record().external_id().empty())
    item.mutable_record()->set_external_id(DeriveExternalId(item.record()));
  ApplyDefaults(item.mutable_record());
  const bool sellerless = item.record().has_takedown_outcome() && item.record().seller().seller_id().empty();
  under_way_.push_back({item.item_id(), row.line, std::move(row.raw), sellerless});
  return stream_->Add(std::move(item));
}

void ImportRun::CountAccepted(const UnderWay& row, uint64_t* count) {
  ++*count;
  if (row.sellerless) ++counts_.sellerless;
}

void ImportRun::OnResult(const v1::ImportResult& result) {
  // The stream hands results over in the order of the items.
  const UnderWay row = std::move(under_way_.front());
  under_way_.pop_front();
  switch (result.status()) {
    case v1::IMPORT_STATUS_CREATED:
      return CountAccepted(row, &counts_.created);
    case v1::IMPORT_STATUS_UNCHANGED:
      return CountAccepted(row, &counts_.unchanged);
    case v1::IMPORT_STATUS_VALID:
      return CountAccepted(row, &counts_.valid);
    default: {
      RowError error = source_.Locate(result.error().field());
      error.reason = result.error().message();
      if (error.reason.empty()) error.reason = result.error().reason();
      Reject(row.line, row.raw, error);
    }
  }
}

void ImportRun::Reject(uint64_t line, const std::string& raw, const RowError& error) {
  ++counts_.rejected;
  KeepRejected(raw);
  if (counts_.rejected > settings_.errors_max) return;
  progress_.Clear();
  *settings_.err << "line " << line;
  if (error.field > 0) *settings_.err << ", field " << error.field;
  if (!error.column.empty()) *settings_.err << " (" << Printable(error.column) << ")";
  *settings_.err << ": " << Printable(error.reason) << '\n';
}

void ImportRun::KeepRejected(const std::string& raw) {
  if (settings_.rejects_file.empty()) return;
  if (!rejects_open_) {
    rejects_open_ = true;
    rejects_.open(settings_.rejects_file, std::ios::binary | std::ios::trunc);
    rejects_ << source_.header();
  }
  rejects_ << raw;
}

void ImportRun::ShowProgress() {
  if (!settings_.progress) return;
  // The clock is not asked for each row.
  if (counts_.rows % 256 != 0) return;
  const int64_t now = NowMs();
  if (now - shown_ms_ < 200) return;
  shown_ms_ = now;
  const auto seconds = static_cast<double>(now - started_ms_) / 1000.0;
  const auto rate = static_cast<uint64_t>(static_cast<double>(counts_.rows) / (seconds > 0 ? seconds : 1));
  std::string line = WithThousands(counts_.rows) + " rows";
  const std::pair<uint64_t, const char*> parts[] = {{counts_.created, " created"},
                                                    {counts_.unchanged, " unchanged"},
                                                    {counts_.valid, " valid"},
                                                    {counts_.skipped, " skipped"},
                                                    {counts_.rejected, " rejected"}};
  for (const auto& [count, what] : parts) {
    if (count > 0) absl::StrAppend(&line, ", ", WithThousands(count), what);
  }
  absl::StrAppend(&line, ", ", WithThousands(rate), "/s");
  progress_.Show(line);
}

}  // namespace coalition::cli
