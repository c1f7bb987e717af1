// A list that arrives page by page, as one range.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace coalition::client {

template <class T>
struct Page {
  std::vector<T> items;
  // Empty: there are no more pages.
  std::string next_page_token;
};

// An input range of StatusOr<T>, to be gone through once:
//
//   for (const absl::StatusOr<v1::Record>& record : client.ListRecords({})) {
//     if (!record.ok()) return record.status();
//     Use(*record);
//   }
//
// A page is asked for when its first item is. An error is the last element. Not thread-safe; the client must
// outlive it.
template <class T>
class PagedRange {
 public:
  using Fetch = std::function<absl::StatusOr<Page<T>>(const std::string& page_token)>;

  explicit PagedRange(Fetch fetch) : fetch_(std::move(fetch)) {}

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = absl::StatusOr<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = value_type*;
    using reference = value_type&;

    iterator() = default;
    reference operator*() const { return range_->current_; }
    pointer operator->() const { return &range_->current_; }
    iterator& operator++() {
      if (!range_->Advance()) range_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, const iterator& b) { return a.range_ == b.range_; }
    friend bool operator!=(const iterator& a, const iterator& b) { return !(a == b); }

   private:
    friend class PagedRange;
    explicit iterator(PagedRange* range) : range_(range) {}
    PagedRange* range_ = nullptr;
  };

  // Asks for the first page.
  iterator begin() { return Advance() ? iterator(this) : iterator(); }
  iterator end() { return iterator(); }

 private:
  // Moves to the next item; false: there is none.
  bool Advance() {
    while (next_ == page_.items.size()) {
      if (done_) return false;
      absl::StatusOr<Page<T>> page = fetch_(page_.next_page_token);
      if (!page.ok()) {
        done_ = true;
        page_ = {};
        next_ = 0;
        current_ = page.status();
        return true;
      }
      page_ = *std::move(page);
      next_ = 0;
      done_ = page_.next_page_token.empty();
    }
    current_ = std::move(page_.items[next_++]);
    return true;
  }

  Fetch fetch_;
  Page<T> page_;
  size_t next_ = 0;
  bool done_ = false;
  absl::StatusOr<T> current_ = absl::UnknownError("nothing read yet");
};

}  // namespace coalition::client
