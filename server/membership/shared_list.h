// A list whose copies share what they hold.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace coalition::membership {

// Of values that never change once they are in: another one takes the place. So the next state of the
// coalition costs a pointer for each thing that stays as it is, and two states show by their pointers what
// differs. Const methods may be called concurrently.
template <class T>
class SharedList {
 public:
  using value_type = T;

  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(const std::shared_ptr<const T>* at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() { return ++at_, *this; }
    Iterator& operator--() { return --at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    Iterator operator--(int) { return Iterator(at_--); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const std::shared_ptr<const T>* at_ = nullptr;
  };

  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  const T& operator[](size_t index) const { return *items_[index]; }
  const T& back() const { return *items_.back(); }
  Iterator begin() const { return Iterator(items_.data()); }
  Iterator end() const { return Iterator(items_.data() + items_.size()); }
  std::reverse_iterator<Iterator> rbegin() const { return std::reverse_iterator(end()); }
  std::reverse_iterator<Iterator> rend() const { return std::reverse_iterator(begin()); }

  void push_back(T value) { items_.push_back(std::make_shared<const T>(std::move(value))); }
  void Replace(size_t index, T value) { items_[index] = std::make_shared<const T>(std::move(value)); }

 private:
  std::vector<std::shared_ptr<const T>> items_;
};

}  // namespace coalition::membership
