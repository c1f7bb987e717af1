// Pages of lists.
#pragma once

#include <iterator>
#include <string>
#include <utility>

#include "client/paging.h"

namespace coalition::client::internal {

// One page of a list, from the response's repeated field, which is emptied.
template <class T, class Items>
Page<T> ToPage(Items* items, std::string* next_page_token) {
  Page<T> page;
  page.items.assign(std::make_move_iterator(items->begin()), std::make_move_iterator(items->end()));
  page.next_page_token = std::move(*next_page_token);
  return page;
}

}  // namespace coalition::client::internal
