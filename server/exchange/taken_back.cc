#include "server/exchange/taken_back.h"

#include <algorithm>
#include <limits>
#include <span>

#include "server/exchange/access.h"

namespace coalition::exchange {
namespace {

constexpr int64_t kForGood = std::numeric_limits<int64_t>::max();

// As if the record lived for good: who could see it may know for as long that it was wrong.
std::string HeaderForGood(const policy::HeaderView& of) {
  policy::Header header = of.ToHeader();
  header.state = policy::Lifecycle::kActive;
  header.expire_time_s = kForGood;
  return policy::EncodeHeader(header);
}

}  // namespace

std::string TakenBackKey(const RecordId& id) {
  std::string key(kTakenBackPrefix);
  key.append(id.begin(), id.end());
  return key;
}

std::optional<RecordId> IdOfTakenBackKey(std::string_view key) {
  RecordId id;
  if (key.size() != kTakenBackPrefix.size() + id.size() || !key.starts_with(kTakenBackPrefix))
    return std::nullopt;
  std::copy(key.begin() + kTakenBackPrefix.size(), key.end(), id.begin());
  return id;
}

store::Write TakenBackWrite(const contents::ContentKeys& contents, const RecordId& id,
                            const policy::HeaderView& header, const TakingBack& how) {
  storage::v1::StoredTakenBack stored;
  stored.set_contributor(header.contributor());
  stored.set_time_s(how.time_s);
  stored.set_kind(how.kind);
  if (how.kind == v1::RETRACTION_KIND_CLEARED) {
    stored.set_grounds(how.grounds);
    if (!how.comment.empty() && !how.erased) stored.set_sealed_comment(contents.Seal(id, how.comment));
    stored.set_cleared_by(how.cleared_by);
  }
  // Of an opinion it says what that was about.
  if (how.kind == v1::RETRACTION_KIND_CLEARED || header.subject()) stored.set_header(HeaderForGood(header));
  stored.set_erased(how.erased);
  return {TakenBackKey(id), stored.SerializeAsString()};
}

store::Write ErasedWrite(const RecordId& id, storage::v1::StoredTakenBack stored) {
  stored.set_erased(true);
  stored.clear_sealed_comment();
  return {TakenBackKey(id), stored.SerializeAsString()};
}

absl::StatusOr<std::optional<storage::v1::StoredTakenBack>> ParseTakenBack(
    const std::optional<store::Version>& value) {
  std::optional<storage::v1::StoredTakenBack> none;
  if (!value.has_value()) return none;
  storage::v1::StoredTakenBack stored;
  if (!stored.ParseFromString(value->value)) return Corrupt();
  return std::optional(std::move(stored));
}

absl::StatusOr<std::optional<storage::v1::StoredTakenBack>> FindTakenBack(const store::Store& store,
                                                                          const RecordId& id,
                                                                          store::Revision at) {
  const std::string key = TakenBackKey(id);
  const auto read = store.Read(std::span(&key, 1), at);
  if (!read.ok()) return FromStore(read.status());
  return ParseTakenBack((*read)[0]);
}

}  // namespace coalition::exchange
