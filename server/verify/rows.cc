#include "server/verify/rows.h"

#include <utility>

#include "server/store/prefix.h"

namespace coalition::verify {

const store::Entry* Cursor::Peek() {
  while (at_ == page_.size() && !ended_) Fill();
  return rows_.stopped() || at_ == page_.size() ? nullptr : &page_[at_];
}

void Cursor::Fill() {
  page_.clear();
  at_ = 0;
  ended_ = rows_.stopped() || (!to_.empty() && from_ >= to_);
  if (ended_) return;
  // A range that has a damaged row in it is read in pieces, around the row.
  const auto damaged = rows_.damaged_.lower_bound(from_);
  const bool cut = damaged != rows_.damaged_.end() && (to_.empty() || *damaged < to_);
  std::optional<std::string> next;
  if (!cut || from_ < *damaged) {
    auto page = rows_.store_.Scan(from_, cut ? *damaged : to_, rows_.store_.Head(), {});
    if (!page.ok()) {
      rows_.Note(page.status(), from_);
      ended_ = true;
      return;
    }
    page_ = std::move(page->items);
    next = std::move(page->next);
  }
  if (next) {
    from_ = *std::move(next);
  } else if (cut) {
    from_ = *damaged;
    from_.push_back('\0');
  } else {
    ended_ = true;
  }
}

void Rows::Each(std::string_view from, std::string_view to, const Visitor& visit) {
  for (Cursor rows(*this, from, to); const store::Entry* row = rows.Peek(); rows.Pop()) visit(*row);
}

void Rows::EachWith(std::string_view prefix, const Visitor& visit) {
  Each(prefix, store::PrefixEnd(prefix), visit);
}

Rows::Row Rows::Read(const std::string& key) {
  if (!status_.ok() || damaged_.contains(key)) return {true, std::nullopt};
  auto read = store_.Read(std::span(&key, 1), store_.Head());
  if (read.ok()) return {false, std::move(read->front())};
  Note(read.status(), key);
  return {true, std::nullopt};
}

void Rows::Note(const absl::Status& error, std::string_view key) {
  if (!absl::IsDataLoss(error)) {
    status_ = error;
    return;
  }
  findings_.Add(Subject::kDisk, "can't be read from here on: " + std::string(error.message()), key);
}

}  // namespace coalition::verify
