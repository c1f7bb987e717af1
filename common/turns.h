// What waits to be served, in turn by owner: who has much waits for it, not the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace coalition {

// First in first out for each owner; owners take turns, one item each. Items have weights (bytes, say), which
// are only added up. Not thread-safe.
template <class T>
class Turns {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  size_t weight() const { return weight_; }
  size_t SizeOf(uint32_t owner) const {
    const auto found = lines_.find(owner);
    return found == lines_.end() ? 0 : found->second.items.size();
  }
  size_t WeightOf(uint32_t owner) const {
    const auto found = lines_.find(owner);
    return found == lines_.end() ? 0 : found->second.weight;
  }

  void Push(uint32_t owner, T item, size_t weight = 0) {
    Line& line = lines_[owner];
    if (line.items.empty()) turns_.push_back(owner);
    line.items.push_back({std::move(item), weight});
    line.weight += weight;
    weight_ += weight;
    ++size_;
  }

  // Of the item that Pop gives next. Not when empty.
  size_t FrontWeight() const { return lines_.find(turns_.front())->second.items.front().weight; }

  // Not when empty.
  T Pop() { return PopOf(0); }

  // The next one of an owner that may be served now; the others keep their turns. nullopt: there is none.
  template <class May>
  std::optional<std::pair<uint32_t, T>> PopOfWho(const May& may) {
    const auto turn = std::find_if(turns_.begin(), turns_.end(), may);
    if (turn == turns_.end()) return std::nullopt;
    const uint32_t owner = *turn;
    return std::pair(owner, PopOf(static_cast<size_t>(turn - turns_.begin())));
  }

 private:
  struct Weighed {
    T item;
    size_t weight;
  };
  struct Line {
    std::deque<Weighed> items;
    size_t weight = 0;
  };

  T PopOf(size_t turn) {
    const uint32_t owner = turns_[turn];
    turns_.erase(turns_.begin() + static_cast<std::ptrdiff_t>(turn));
    const auto found = lines_.find(owner);
    Line& line = found->second;
    Weighed next = std::move(line.items.front());
    line.items.pop_front();
    line.weight -= next.weight;
    weight_ -= next.weight;
    --size_;
    if (line.items.empty()) {
      lines_.erase(found);  // of those who wait alone: members come and go
    } else {
      turns_.push_back(owner);
    }
    return std::move(next.item);
  }

  absl::flat_hash_map<uint32_t, Line> lines_;  // of the owners that have something waiting
  std::deque<uint32_t> turns_;                 // those owners, the next one first
  size_t size_ = 0;
  size_t weight_ = 0;
};

}  // namespace coalition
