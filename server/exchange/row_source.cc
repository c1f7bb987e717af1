#include "server/exchange/row_source.h"

#include <algorithm>
#include <utility>

#include "server/exchange/access.h"

namespace coalition::exchange {
namespace {

constexpr store::Limit kIndexPage{.items = 128, .bytes = size_t{256} << 10};

class IndexSource final : public RowSource {
 public:
  IndexSource(const store::Store& store, store::Revision at, std::string prefix,
              std::optional<Position> after)
      : store_(store), at_(at), prefix_(std::move(prefix)), end_(PrefixEnd(prefix_)), from_(prefix_) {
    // A zero byte behind a key is the next possible key.
    if (after) *from_ += EncodePosition(*after) + '\0';
  }

  absl::StatusOr<std::optional<Row>> Next() override {
    while (next_ == page_.size()) {
      if (!from_) return std::optional<Row>();
      auto page = store_.Scan(*from_, end_, at_, kIndexPage);
      if (!page.ok()) return FromStore(page.status());
      page_ = std::move(page->items);
      from_ = std::move(page->next);
      next_ = 0;
    }
    store::Entry& entry = page_[next_++];
    const auto position = DecodePosition(std::string_view(entry.key).substr(prefix_.size()));
    if (!position) return Corrupt();
    return std::optional<Row>(Row{*position, std::move(entry.version.value)});
  }

  absl::Status SkipTo(Position to) override {
    const std::string key = prefix_ + EncodePosition(to);
    while (next_ < page_.size() && page_[next_].key < key) ++next_;
    if (next_ == page_.size() && from_ && *from_ < key) from_ = key;
    return absl::OkStatus();
  }

 private:
  const store::Store& store_;
  const store::Revision at_;
  const std::string prefix_;
  const std::string end_;
  std::optional<std::string> from_;
  std::vector<store::Entry> page_;
  size_t next_ = 0;
};

class GivenSource final : public RowSource {
 public:
  GivenSource(std::vector<Row> rows, std::optional<Position> after) : rows_(std::move(rows)) {
    std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.position > b.position; });
    if (after) {
      while (next_ < rows_.size() && rows_[next_].position >= *after) ++next_;
    }
  }

  absl::StatusOr<std::optional<Row>> Next() override {
    if (next_ == rows_.size()) return std::optional<Row>();
    return std::optional<Row>(std::move(rows_[next_++]));
  }

  absl::Status SkipTo(Position to) override {
    while (next_ < rows_.size() && rows_[next_].position > to) ++next_;
    return absl::OkStatus();
  }

 private:
  std::vector<Row> rows_;
  size_t next_ = 0;
};

// A member has a handful of indexes: looking at each head is cheaper than a heap.
class MergedSource final : public RowSource {
 public:
  explicit MergedSource(std::vector<std::unique_ptr<RowSource>> sources) : sources_(std::move(sources)) {}

  absl::StatusOr<std::optional<Row>> Next() override {
    if (absl::Status status = Begin(); !status.ok()) return status;
    std::optional<Row> newest;
    for (const auto& head : heads_) {
      if (head && (!newest || head->position > newest->position)) newest = head;
    }
    if (!newest) return std::optional<Row>();
    for (size_t i = 0; i < heads_.size(); ++i) {
      if (!heads_[i] || heads_[i]->position != newest->position) continue;
      if (absl::Status status = Advance(i); !status.ok()) return status;
    }
    return newest;
  }

  absl::Status SkipTo(Position to) override {
    if (absl::Status status = Begin(); !status.ok()) return status;
    for (size_t i = 0; i < heads_.size(); ++i) {
      if (!heads_[i] || heads_[i]->position <= to) continue;
      if (absl::Status status = sources_[i]->SkipTo(to); !status.ok()) return status;
      if (absl::Status status = Advance(i); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Begin() {
    if (!heads_.empty()) return absl::OkStatus();
    heads_.resize(sources_.size());
    for (size_t i = 0; i < sources_.size(); ++i) {
      if (absl::Status status = Advance(i); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status Advance(size_t i) {
    auto next = sources_[i]->Next();
    if (!next.ok()) return next.status();
    heads_[i] = *std::move(next);
    return absl::OkStatus();
  }

  std::vector<std::unique_ptr<RowSource>> sources_;
  std::vector<std::optional<Row>> heads_;
};

}  // namespace

std::unique_ptr<RowSource> IndexRows(const store::Store& store, store::Revision at, std::string prefix,
                                     std::optional<Position> after) {
  return std::make_unique<IndexSource>(store, at, std::move(prefix), after);
}

std::unique_ptr<RowSource> TheseRows(std::vector<Row> rows, std::optional<Position> after) {
  return std::make_unique<GivenSource>(std::move(rows), after);
}

std::unique_ptr<RowSource> MergedRows(std::vector<std::unique_ptr<RowSource>> sources) {
  return std::make_unique<MergedSource>(std::move(sources));
}

}  // namespace coalition::exchange
