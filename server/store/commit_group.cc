#include "server/store/commit_group.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/engine.h"
#include "server/store/key_codec.h"
#include "server/store/value_codec.h"

namespace coalition::store {

CommitGroup::CommitGroup(const Reader& reader, const LevelDbOptions& options, Revision head)
    : reader_(reader), options_(options), durable_head_(head), head_(head) {}

void CommitGroup::Judge(const Commit& commit, absl::StatusOr<Revision>& result) {
  // Its answer may rest on what is not yet durable, even if it writes nothing or is aborted.
  if (!empty()) dependents_.push_back(&result);
  absl::StatusOr<std::vector<std::optional<Version>>> values = ReadAll(commit.reads);
  if (!values.ok()) {
    result = values.status();
    return;
  }
  absl::StatusOr<std::vector<Write>> writes = commit.build(head_ + 1, *values);
  if (!writes.ok()) {
    result = writes.status();
    return;
  }
  if (writes->empty()) {
    result = head_;
    return;
  }
  if (absl::Status status = CheckWrites(*writes); !status.ok()) {
    result = status;
    return;
  }
  if (empty()) dependents_.push_back(&result);
  Append(*std::move(writes));
  result = head_;
}

void CommitGroup::Fail(const absl::Status& status) {
  for (absl::StatusOr<Revision>* result : dependents_) *result = status;
}

absl::StatusOr<std::vector<std::optional<Version>>> CommitGroup::ReadAll(
    const std::vector<std::string>& keys) {
  std::vector<std::optional<Version>> values;
  values.reserve(keys.size());
  for (const std::string& key : keys) {
    absl::StatusOr<std::optional<Version>> value = ReadOne(key);
    if (!value.ok()) return value.status();
    values.push_back(*std::move(value));
  }
  return values;
}

absl::StatusOr<std::optional<Version>> CommitGroup::ReadOne(const std::string& key) {
  if (const Pending* pending = FindPending(key); pending != nullptr) {
    if (!pending->write->value.has_value()) return std::nullopt;
    return Version{*pending->write->value, pending->revision};
  }
  if (!lease_.has_value()) lease_.emplace(reader_.AcquireAtHead());
  return reader_.Newest(**lease_, key);
}

const CommitGroup::Pending* CommitGroup::FindPending(const std::string& key) {
  for (; indexed_ < written_.size(); ++indexed_) {
    const Revision revision = durable_head_ + 1 + indexed_;
    for (const Write& write : written_[indexed_]) overlay_[write.key] = {&write, revision};
  }
  const auto found = overlay_.find(key);
  return found == overlay_.end() ? nullptr : &found->second;
}

absl::Status CommitGroup::CheckWrites(const std::vector<Write>& writes) {
  size_t bytes = 0;
  bool twice = false;
  distinct_keys_.clear();
  distinct_keys_.reserve(writes.size());
  for (const Write& write : writes) {
    if (write.key.size() > options_.key_bytes_max) {
      return absl::InvalidArgumentError(
          absl::StrCat("a key of ", write.key.size(), " bytes; the limit is ", options_.key_bytes_max));
    }
    bytes += write.key.size() + (write.value.has_value() ? write.value->size() : 0);
    twice |= !distinct_keys_.insert(write.key).second;
  }
  if (bytes > options_.commit_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("a commit of ", bytes, " bytes; the limit is ", options_.commit_bytes_max));
  }
  if (twice) return absl::InvalidArgumentError("a commit writes one key twice");
  return absl::OkStatus();
}

void CommitGroup::Append(std::vector<Write> writes) {
  ++head_;
  key_list_.clear();
  written_.push_back(std::move(writes));
  for (const Write& write : written_.back()) {
    EncodeDataKey(write.key, head_, physical_);
    EncodeValue(physical_, write.value, stored_);
    batch_.Put(physical_, stored_);
    AppendKeyToList(write.key, key_list_);
  }
  const std::string log_key = EncodeLogKey(head_);
  EncodeValue(log_key, key_list_, stored_);
  batch_.Put(log_key, stored_);
}

}  // namespace coalition::store
