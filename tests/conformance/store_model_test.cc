// The store against a std::map of all versions: random commits, removals, conditions, floors and reopenings,
// each followed by random reads at random revisions.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <map>
#include <memory>

#include "server/store/leveldb_store.h"
#include "tests/support/store/resurrecting_db.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

// Short keys over few bytes: prefixes of each other, and every byte that the encoding treats in a way of its
// own.
std::string Key() {
  return *rc::gen::resize(
      4, rc::gen::container<std::string>(rc::gen::elementOf(std::string("\0\1\2a\xFE\xFF", 6))));
}

// Mostly small; some so large that tables are written.
std::string Value() {
  const auto number = *rc::gen::inRange(0, 1000);
  return std::to_string(number) + std::string(number % 4 == 0 ? 6000 : 0, '.');
}

class Model {
 public:
  void Apply(Revision revision, const std::vector<Write>& writes) {
    for (const Write& write : writes) versions_[write.key][revision] = write.value;
    log_[revision] = writes;
  }
  std::optional<std::pair<Revision, std::string>> At(const std::string& key, Revision at) const {
    const auto found = versions_.find(key);
    if (found == versions_.end()) return std::nullopt;
    auto version = found->second.upper_bound(at);
    if (version == found->second.begin()) return std::nullopt;
    --version;
    if (!version->second.has_value()) return std::nullopt;
    return std::pair(version->first, *version->second);
  }
  testing::Contents Range(const std::string& from, const std::string& to, Revision at) const {
    testing::Contents contents;
    for (auto it = versions_.lower_bound(from); it != versions_.end() && (to.empty() || it->first < to);
         ++it) {
      if (const auto version = At(it->first, at)) contents.emplace_back(it->first, version->second);
    }
    return contents;
  }
  const std::map<Revision, std::vector<Write>>& log() const { return log_; }

 private:
  std::map<std::string, std::map<Revision, std::optional<std::string>>> versions_;
  std::map<Revision, std::vector<Write>> log_;
};

class Trial {
 public:
  explicit Trial(bool resurrecting) : resurrecting_(resurrecting) { Reopen(); }

  void Step() {
    switch (*rc::gen::inRange(0, 12)) {
      case 0:
        Reopen();
        break;
      case 1:
        RaiseFloor();
        break;
      case 2:
        CheckLog();
        break;
      case 3:
      case 4:
        CheckScan();
        break;
      case 5:
      case 6:
        CheckRead();
        break;
      default:
        CommitSome();
    }
  }

 private:
  void Reopen() {
    store_.reset();
    LevelDbOptions options;
    options.dir = dir_.Sub("store");
    options.free_bytes_min = 0;
    options.write_buffer_bytes = size_t{64} << 10;
    options.group_bytes_max = 8192;
    options.commit_bytes_max = size_t{128} << 10;
    if (resurrecting_) {
      options.wrap_db = [this](std::unique_ptr<leveldb::DB> db) {
        return std::make_unique<testing::ResurrectingDb>(std::move(db), resurrected_);
      };
    }
    auto opened = LevelDbStore::Open(options);
    RC_ASSERT(opened.ok());
    store_ = *std::move(opened);
    RC_ASSERT(store_->Head() == head_);
    RC_ASSERT(store_->Floor() == floor_);
  }

  // Each commit reads a key and, by what it finds, aborts, writes nothing or writes what was drawn.
  void CommitSome() {
    struct Drawn {
      std::string read;
      std::vector<Write> writes;
    };
    std::vector<Drawn> drawn(*rc::gen::inRange<size_t>(1, 6));
    for (Drawn& one : drawn) {
      one.read = Key();
      std::map<std::string, std::optional<std::string>> writes;
      const auto count = *rc::gen::inRange(0, 5);
      for (int i = 0; i < count; ++i) {
        writes[Key()] = *rc::gen::inRange(0, 3) == 0 ? std::nullopt : std::optional(Value());
      }
      for (const auto& [key, value] : writes) one.writes.push_back({key, value});
    }
    const auto aborts = [](const std::optional<std::string>& value) {
      return value.has_value() && value->size() < 3;
    };
    std::vector<Commit> commits;
    for (const Drawn& one : drawn) {
      commits.push_back({.reads = {one.read},
                         .build = [&one, aborts](Revision, std::span<const std::optional<Version>> values)
                             -> absl::StatusOr<std::vector<Write>> {
                           if (values[0].has_value() && aborts(values[0]->value)) {
                             return absl::AbortedError("as the model does");
                           }
                           return one.writes;
                         }});
    }
    const auto results = store_->CommitAll(commits);
    for (size_t i = 0; i < drawn.size(); ++i) {
      const auto before = model_.At(drawn[i].read, head_);
      if (before.has_value() && aborts(before->second)) {
        RC_ASSERT(absl::IsAborted(results[i].status()));
        continue;
      }
      RC_ASSERT(results[i].ok());
      if (drawn[i].writes.empty()) {
        RC_ASSERT(*results[i] == head_);
        continue;
      }
      RC_ASSERT(*results[i] > head_);
      head_ = *results[i];
      model_.Apply(head_, drawn[i].writes);
    }
    RC_ASSERT(store_->Head() == head_);
  }

  Revision SomeRevision() const { return *rc::gen::inRange(floor_, head_ + 1); }

  void CheckRead() {
    const auto keys = *rc::gen::container<std::vector<std::string>>(rc::gen::exec(Key));
    const Revision at = SomeRevision();
    const auto values = store_->Read(keys, at);
    RC_ASSERT(values.ok());
    RC_ASSERT(values->size() == keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto expected = model_.At(keys[i], at);
      RC_ASSERT((*values)[i].has_value() == expected.has_value());
      if (!expected.has_value()) continue;
      RC_ASSERT((*values)[i]->revision == expected->first);
      RC_ASSERT((*values)[i]->value == expected->second);
    }
  }

  void CheckScan() {
    const std::string from = Key();
    const std::string to = Key();
    const Revision at = SomeRevision();
    const Limit limit{.items = *rc::gen::inRange<size_t>(1, 10),
                      .bytes = *rc::gen::inRange<size_t>(1, 20000)};
    const testing::Contents expected = model_.Range(from, to, at);
    RC_ASSERT(testing::MustScan(*store_, from, to, at, limit) == expected);
    RC_ASSERT(testing::MustScanEach(*store_, from, to, at) == expected);
  }

  void CheckLog() {
    const Revision after = *rc::gen::inRange(floor_, head_ + 1);
    const auto changes = store_->ReadLog(after, {.items = 1000, .bytes = size_t{1} << 30});
    RC_ASSERT(changes.ok());
    auto expected = model_.log().upper_bound(after);
    for (const Change& change : *changes) {
      RC_ASSERT(expected != model_.log().end());
      RC_ASSERT(change.revision == expected->first);
      RC_ASSERT(change.writes.size() == expected->second.size());
      for (size_t i = 0; i < change.writes.size(); ++i) {
        RC_ASSERT(change.writes[i].key == expected->second[i].key);
        RC_ASSERT(change.writes[i].value == expected->second[i].value);
      }
      ++expected;
    }
    RC_ASSERT(expected == model_.log().end());
  }

  void RaiseFloor() {
    floor_ = SomeRevision();
    const Limit limit{.items = *rc::gen::inRange<size_t>(1, 20)};
    if (*rc::gen::arbitrary<bool>()) {
      testing::MustRaiseFloor(*store_, floor_, limit);
    } else {
      RC_ASSERT(store_->RaiseFloor(floor_, limit).ok());
    }
    if (floor_ == 0) return;
    RC_ASSERT(absl::IsOutOfRange(store_->Read({}, floor_ - 1).status()));
  }

  const bool resurrecting_;
  testing::ScratchDir dir_;
  std::atomic<size_t> resurrected_{0};
  std::unique_ptr<Store> store_;
  Model model_;
  Revision head_ = 0;
  Revision floor_ = 0;
};

void RunTrial(bool resurrecting) {
  Trial trial(resurrecting);
  const auto steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) trial.Step();
}

RC_GTEST_PROP(StoreModel, LevelDbAgrees, ()) { RunTrial(false); }
RC_GTEST_PROP(StoreModel, LevelDbAgreesWhenDeletedKeysComeBack, ()) { RunTrial(true); }

}  // namespace
}  // namespace coalition::store
