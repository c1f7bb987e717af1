// Pages of lists that the snapshot has whole, by a key that orders them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/sealed.h"
#include "server/exchange/exchange.h"
#include "server/service/methods.h"

namespace coalition::service {

struct PageOptions {
  int page_size_default = 50;
  int page_size_max = 1000;
};

// Whom and which question a token was made for.
inline std::string PageQuery(const exchange::CallContext& context, Method method) {
  std::string query("list/");
  query += InfoOf(method).name;
  query += '/';
  query += context.caller.member;
  return query;
}

// A page ends at about that many bytes, and may have a successor still.
constexpr size_t kPageBytesMax = size_t{1} << 20;

// Calls `add` for each message that is on one page, at most `count`, of pairs of a key and a message, and
// answers the next page's token: there is one if not all were. At least one is on the page, if there is one.
template <class Pairs, class Add>
std::string TakePage(const Sealer& sealer, std::string_view query, size_t count, Pairs& pairs,
                     const Add& add) {
  size_t bytes = 0, taken = 0;
  while (taken < std::min(pairs.size(), count) && (taken == 0 || bytes < kPageBytesMax)) {
    auto& [key, message] = pairs[taken++];
    bytes += message.ByteSizeLong();
    add(std::move(message));
  }
  return taken < pairs.size() ? sealer.Seal(absl::StrCat(pairs[taken - 1].first), query) : std::string();
}

// What a page of a list is to have.
struct PageAsked {
  std::string last;  // the key that was shown last; empty: it is the first page
  size_t count = 0;  // at most
};

// INVALID_FIELD, PAGE_TOKEN_INVALID.
template <class Request>
absl::StatusOr<PageAsked> ReadPage(const Sealer& sealer, const PageOptions& options, std::string_view query,
                                   const Request& request) {
  if (request.page_size() < 0) {
    FieldViolations violations;
    violations.Add("page_size", "must not be negative");
    return violations.ToStatus();
  }
  PageAsked asked;
  if (!request.page_token().empty()) {
    absl::StatusOr<std::string> last = sealer.Open(request.page_token(), query);
    if (!last.ok()) return PageTokenInvalid();
    asked.last = *std::move(last);
  }
  const int size = request.page_size() == 0 ? options.page_size_default : request.page_size();
  asked.count = static_cast<size_t>(std::min(size, options.page_size_max));
  return asked;
}

// Calls `add` for each item of one page of `all`, which is in the order of its keys, and answers the next
// page's token. The token holds the last key shown: what comes or goes between two pages is missed or seen,
// nothing is seen twice.
template <class Item, class Request, class Key, class Add>
absl::StatusOr<std::string> ListPage(const Sealer& sealer, const PageOptions& options, std::string_view query,
                                     const std::vector<Item>& all, const Request& request, const Key& key,
                                     const Add& add) {
  const absl::StatusOr<PageAsked> asked = ReadPage(sealer, options, query, request);
  if (!asked.ok()) return asked.status();
  auto at = all.begin();
  if (!asked->last.empty()) {
    at = std::upper_bound(all.begin(), all.end(), asked->last,
                          [&key](const std::string& shown, const Item& item) { return shown < key(item); });
  }
  const auto left = static_cast<size_t>(all.end() - at);
  const size_t count = std::min(left, asked->count);
  for (size_t i = 0; i < count; ++i, ++at) add(*at);
  if (count == left || count == 0) return std::string();
  return sealer.Seal(key(*std::prev(at)), query);
}

// A key for what is in the order of a number: in as many digits each.
inline std::string ByDigits(uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits;
}

// Of what has a name.
struct ByName {
  template <class Item>
  std::string operator()(const Item& item) const {
    return item.name();
  }
  template <class Item>
  std::string operator()(const Item* item) const {
    return item->name();
  }
};

}  // namespace coalition::service
