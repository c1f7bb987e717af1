// What is remembered of calls with a request_id, so that a repetition finds what the first one did.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/hash.h"
#include "server/exchange/keys.h"
#include "server/exchange/room.h"
#include "server/store/store.h"

namespace coalition::exchange {

// One call's. Immutable.
class RequestMemory {
 public:
  // `payload`: the request without its request_id; "" as request_id: the call is not remembered.
  RequestMemory(const Room& room, const Contributor& contributor, Method method, std::string_view request_id,
                std::string_view payload);

  bool enabled() const { return !key_.empty(); }
  const std::string& key() const { return key_; }

  // nullopt: nothing is remembered (an entry counts until its own expiry, whether or not it is still there);
  // else the record that the first call made or changed. ALREADY_EXISTS, REQUEST_ID_REUSED: it was another
  // request.
  absl::StatusOr<std::optional<RecordId>> Judge(const std::optional<store::Version>& entry) const;
  // The same, by the newest state of the store.
  absl::StatusOr<std::optional<RecordId>> LookUp(const store::Store& store) const;
  // What to write with the call's own changes.
  store::Write Entry(const RecordId& record) const;

 private:
  const contents::ContentKeys& contents_;
  std::string key_;
  Sha256Digest payload_sha256_{};  // what is stored is its fingerprint
  int64_t now_s_;
  int64_t expire_time_s_;
};

}  // namespace coalition::exchange
