// The presence filter's durable side.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/keyed_hash.h"
#include "server/store/presence_filter.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Tells keys that sellers are hashed with apart, as the store has it under kSellerHashCheckKey.
std::string SellerHashMac(std::string_view seller_hash_key);

// A filter of all sellers in the store. The presence keys were made with one hash key; when `hash` is of
// another (the key was lost, and made anew), the sellers are read from the records and their presence keys
// written again: slower, never wrong. `hash_key_mac` tells hash keys apart. `facts` are of others: committed
// with what is noted here, so that a new store takes one commit for all. An error of the store.
absl::StatusOr<std::unique_ptr<store::PresenceFilter>> LoadPresence(store::Store& store,
                                                                    const KeyedHash& hash,
                                                                    const std::string& hash_key_mac,
                                                                    std::vector<store::Write> facts);

}  // namespace coalition::exchange
