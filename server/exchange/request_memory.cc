#include "server/exchange/request_memory.h"

#include <span>

#include "absl/strings/ascii.h"
#include "coalition/storage/v1/storage.pb.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/strings.h"
#include "server/exchange/access.h"

namespace coalition::exchange {

RequestMemory::RequestMemory(const Room& room, const Contributor& contributor, Method method,
                             std::string_view request_id, std::string_view payload)
    : contents_(*room.keys.contents),
      now_s_(contributor.now_s()),
      expire_time_s_(now_s_ + int64_t{room.options.request_id_hours} * 3600) {
  if (request_id.empty()) return;
  key_ = RequestKey(contributor.member, method, absl::AsciiStrToLower(Absl(request_id)));
  payload_sha256_ = Sha256(payload);
}

absl::StatusOr<std::optional<RecordId>> RequestMemory::Judge(
    const std::optional<store::Version>& entry) const {
  if (!entry) return std::optional<RecordId>();
  storage::v1::StoredRequest stored;
  if (!stored.ParseFromString(entry->value)) return Corrupt();
  if (stored.expire_time_s() <= now_s_) return std::optional<RecordId>();
  const auto id = RecordIdToBytes(stored.record_id());
  if (!id) return Corrupt();
  // Of an erased record nobody can tell any more: it is found to be gone, whatever was asked.
  if (!contents_.IsErased(*id) &&
      stored.payload_sha256() != Bytes(contents_.Fingerprint(*id, payload_sha256_))) {
    return Error(v1::ERROR_REASON_REQUEST_ID_REUSED, "you used this request_id for another request");
  }
  return id;
}

absl::StatusOr<std::optional<RecordId>> RequestMemory::LookUp(const store::Store& store) const {
  if (!enabled()) return std::optional<RecordId>();
  const auto read = store.Read(std::span(&key_, 1), store.Head());
  if (!read.ok()) return FromStore(read.status());
  return Judge((*read)[0]);
}

store::Write RequestMemory::Entry(const RecordId& record) const {
  storage::v1::StoredRequest stored;
  stored.set_payload_sha256(std::string(Bytes(contents_.Fingerprint(record, payload_sha256_))));
  stored.set_record_id(RecordIdFromBytes(Bytes(record)));
  stored.set_expire_time_s(expire_time_s_);
  return {key_, stored.SerializeAsString()};
}

}  // namespace coalition::exchange
