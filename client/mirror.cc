#include "client/mirror.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/mirror_directory.h"
#include "client/internal/mirror_log.h"
#include "client/internal/mirror_view.h"
#include "client/internal/mirror_writer.h"
#include "common/hash.h"

namespace coalition::client {

using internal::ApplyTo;
using internal::MirrorDirectory;
using internal::MirrorLog;
using internal::MirrorView;
using internal::MirrorWriter;

namespace {

const Clock& MachineClock() {
  static const SystemClock clock;
  return clock;
}

// A file may be removed between its being found and its being opened, by whoever keeps the mirror in step.
constexpr int kTries = 10;

}  // namespace

std::string MirrorMatch::record() const { return FormatRecordName(RecordIdFromBytes(Bytes(id))); }

v1::ScreenResult MirrorAnswer::ToScreenResult(size_t matches_max) const {
  v1::ScreenResult result;
  result.set_verdict(verdict);
  for (size_t i = 0; i < matches.size() && i < matches_max; ++i) {
    v1::ScreenMatch* match = result.add_matches();
    match->set_record(matches[i].record());
    match->set_record_class(matches[i].record_class);
    match->set_label(matches[i].label);
    match->set_permitted_action(matches[i].permitted_action);
    match->set_state(matches[i].state);
  }
  return result;
}

class Mirror::Impl {
 public:
  explicit Impl(const MirrorOptions& options)
      : options_(options),
        clock_(options.clock == nullptr ? MachineClock() : *options.clock),
        view_(options.directory, options.max_age, clock_) {}

  absl::Status Own() {
    if (absl::Status status = view_.SetFilter(options_.filter); !status.ok()) return status;
    absl::StatusOr<MirrorDirectory> directory = MirrorDirectory::Own(options_.directory);
    if (!directory.ok()) return directory.status();
    writer_.emplace(*std::move(directory), options_, clock_, view_);
    return writer_->Load();
  }

  absl::Status Look() {
    const absl::StatusOr<MirrorDirectory> directory = MirrorDirectory::Look(options_.directory);
    if (!directory.ok()) return directory.status();
    for (int tries = kTries;; --tries) {
      absl::Status status = LoadNewest(*directory);
      if (!absl::IsNotFound(status) || tries == 0) return status;
      view_.other().Clear();
    }
  }

  absl::Status ForEachRecord(const std::function<absl::Status(const v1::Record&)>& see) const {
    if (absl::Status status = view_.Answers(); !status.ok()) return status;
    if (log_ != nullptr) return log_->ReadRecords(see);
    for (int tries = kTries;; --tries) {
      const auto log = MirrorLog::Open(writer_->CurrentPath());
      if (log.ok()) return (*log)->ReadRecords(see);
      if (!absl::IsNotFound(log.status()) || tries == 0) return log.status();
    }
  }

  MirrorView& view() { return view_; }
  MirrorWriter& writer() { return *writer_; }
  bool read_only() const { return !writer_; }

 private:
  // NOT_FOUND: a file has gone meanwhile.
  absl::Status LoadNewest(const MirrorDirectory& directory) {
    const absl::StatusOr<std::optional<MirrorWiping>> wiping = directory.Wiped();
    if (!wiping.ok()) return wiping.status();
    if (*wiping) {
      view_.SetWiped(**wiping);
      return absl::OkStatus();
    }
    const absl::StatusOr<std::vector<uint64_t>> generations = directory.Generations();
    if (!generations.ok()) return generations.status();
    for (const uint64_t number : *generations) {
      absl::StatusOr<std::unique_ptr<MirrorLog>> log = MirrorLog::Open(directory.PathOf(number));
      if (!log.ok()) return log.status();
      internal::MirrorIndex& index = view_.other();
      const auto contents = (*log)->Read([&index](const v1::WatchEvent& event) { ApplyTo(index, event); });
      if (!contents.ok()) return contents.status();
      if (absl::Status status = view_.SetFilter(contents->filter); !status.ok()) return status;
      if (contents->facts.complete) {
        log_ = *std::move(log);
        view_.Publish();
        view_.SetFresh(contents->facts.complete_until_ns, contents->facts.received_ns);
        return absl::OkStatus();
      }
      index.Clear();
    }
    return absl::OkStatus();
  }

  const MirrorOptions options_;
  const Clock& clock_;
  MirrorView view_;
  std::optional<MirrorWriter> writer_;
  std::unique_ptr<MirrorLog> log_;  // read-only, where there is a complete one
};

Mirror::Mirror(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Mirror::~Mirror() = default;

absl::StatusOr<std::unique_ptr<Mirror>> Mirror::Open(const MirrorOptions& options) {
  if (options.directory.empty()) return absl::InvalidArgumentError("a mirror needs a directory");
  if (options.max_age <= options.max_age.zero())
    return absl::InvalidArgumentError("the largest age of a mirror must be over 0");
  auto impl = std::make_unique<Impl>(options);
  if (absl::Status status = options.read_only ? impl->Look() : impl->Own(); !status.ok()) return status;
  return std::unique_ptr<Mirror>(new Mirror(std::move(impl)));
}

absl::StatusOr<MirrorAnswer> Mirror::Check(std::string_view platform, std::string_view seller_id) const {
  return impl_->view().Check(platform, seller_id);
}

MirrorStatus Mirror::status() const { return impl_->view().status(); }

absl::Status Mirror::ForEachRecord(const std::function<absl::Status(const v1::Record&)>& see) const {
  return impl_->ForEachRecord(see);
}

std::string Mirror::cursor() const { return impl_->read_only() ? "" : impl_->writer().cursor(); }

namespace {

absl::Status ReadOnly() { return absl::FailedPreconditionError("the mirror was opened to be read only"); }

}  // namespace

absl::Status Mirror::Apply(const v1::WatchRecordsResponse& response) {
  return impl_->read_only() ? ReadOnly() : impl_->writer().Apply(response);
}

absl::Status Mirror::Rewind() { return impl_->read_only() ? ReadOnly() : impl_->writer().Rewind(); }

absl::Status Mirror::BeginAgain() { return impl_->read_only() ? ReadOnly() : impl_->writer().BeginAgain(); }

absl::Status Mirror::Wipe(const std::string& reason) {
  return impl_->read_only() ? ReadOnly() : impl_->writer().Wipe(reason);
}

}  // namespace coalition::client
