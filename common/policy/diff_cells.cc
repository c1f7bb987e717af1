#include "common/policy/diff_cells.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/policy/fields.h"
#include "common/policy/words.h"
#include "common/strings.h"

namespace coalition::policy {
namespace {

constexpr Relation kAllRelations[] = {Relation::kHost, Relation::kOther, Relation::kFormerOrUnassigned};

// Which fields change, and how: the same for all cells that are put together.
struct Delta {
  v1::Direction direction = v1::DIRECTION_UNSPECIFIED;
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
  ViewId view = kNoView;
  View before;
  View after;
  auto Key() const {
    return std::tuple(direction, record_class, view, before.shown, before.full, after.shown, after.full);
  }
  friend bool operator<(const Delta& a, const Delta& b) { return a.Key() < b.Key(); }
};

// Bit (1 << value) for each value: kinds, labels and relations are few.
using Mask = uint32_t;

constexpr Mask MaskOf(int value) { return Mask{1} << value; }

// Calls `visit` for each value, ascending.
template <class Visit>
void Each(Mask mask, const Visit& visit) {
  for (int value = 0; mask != 0; ++value, mask >>= 1U) {
    if ((mask & 1U) != 0) visit(value);
  }
}

// A product of sets.
struct Block {
  Mask contributors = 0, labels = 0, relations = 0;
  std::vector<size_t> readers;  // ascending
};

// Puts together what differs in one dimension alone.
void MergeAlong(Mask Block::*dimension, std::vector<Block>* blocks) {
  std::map<std::tuple<Mask, Mask, Mask, std::vector<size_t>>, Mask> merged;
  for (Block& block : *blocks) {
    const Mask values = std::exchange(block.*dimension, 0);
    merged[{block.contributors, block.labels, block.relations, std::move(block.readers)}] |= values;
  }
  blocks->clear();
  for (auto& [rest, values] : merged) {
    Block& block = blocks->emplace_back();
    std::tie(block.contributors, block.labels, block.relations, block.readers) = rest;
    block.*dimension = values;
  }
}

void MergeReaders(std::vector<Block>* blocks) {
  std::map<std::tuple<Mask, Mask, Mask>, std::set<size_t>> merged;
  for (const Block& block : *blocks) {
    merged[{block.contributors, block.labels, block.relations}].insert(block.readers.begin(),
                                                                       block.readers.end());
  }
  blocks->clear();
  for (const auto& [rest, readers] : merged) {
    const auto& [contributors, labels, relations] = rest;
    blocks->push_back({contributors, labels, relations, {readers.begin(), readers.end()}});
  }
}

void Merge(std::vector<Block>* blocks) {
  MergeAlong(&Block::contributors, blocks);
  MergeAlong(&Block::labels, blocks);
  MergeAlong(&Block::relations, blocks);
  MergeReaders(blocks);
}

template <class Words>
std::string Join(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// "a BRAND", "an OBSERVER".
std::string WithArticle(const std::string& words) {
  const bool vowel = std::string_view("AEIOU").find(words.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + words;
}

class Sentence {
 public:
  explicit Sentence(const v1::AccessChange& change) : change_(change) {}

  std::string Text() const {
    std::string text = Readers() + Relations() + " granted " + Quoted(change_.view()) + " on ";
    text += WithArticle(Word(change_.record_class())) + Labels() + Contributors();
    const bool widens = change_.direction() == v1::DIRECTION_WIDENS;
    return text + (widens ? " would see more: " : " would see less: ") + Fields();
  }

 private:
  std::string Readers() const {
    std::vector<std::string> words;
    for (const std::string& member : change_.members()) words.push_back(member);
    if (!words.empty()) return Join(words);
    for (const int kind : change_.kinds()) words.push_back(Word(static_cast<v1::MemberKind>(kind)));
    return WithArticle(Join(words));
  }
  std::string Relations() const {
    if (change_.relations_size() == static_cast<int>(std::size(kAllRelations))) return "";
    std::vector<std::string> words;
    for (const int relation : change_.relations()) words.push_back(Word(static_cast<v1::Relation>(relation)));
    return " (" + Join(words) + ")";
  }
  std::string Labels() const {
    if (change_.labels_size() == static_cast<int>(kLabels) - 1) return "";
    std::vector<std::string> words;
    for (const int label : change_.labels()) words.push_back(Word(static_cast<v1::Label>(label)));
    return " labelled " + Join(words);
  }
  std::string Contributors() const {
    if (change_.contributor_kinds().empty()) return "";
    std::vector<std::string> words;
    for (const int kind : change_.contributor_kinds())
      words.push_back(Word(static_cast<v1::MemberKind>(kind)));
    return " of " + WithArticle(Join(words));
  }
  std::string Fields() const {
    std::vector<std::string> words;
    for (const v1::FieldChange& field : change_.fields()) {
      words.push_back(field.path() + " (" + Word(field.before()) + " to " + Word(field.after()) + ")");
    }
    return Join(words);
  }

  const v1::AccessChange& change_;
};

class Enumeration {
 public:
  Enumeration(const CellSpace& space, const Side& before, const Side& after)
      : space_(space), before_(before), after_(after) {
    for (const v1::MemberKind kind : space.contributors) contributors_ |= MaskOf(kind);
  }

  std::vector<v1::AccessChange> Run() {
    for (size_t reader = 0; reader < space_.readers.size(); ++reader) OfReader(reader);
    std::vector<v1::AccessChange> changes;
    for (auto& [delta, blocks] : blocks_) {
      Merge(&blocks);
      for (const Block& block : blocks) Append(delta, block, &changes);
    }
    return changes;
  }

 private:
  void OfReader(size_t reader) {
    std::map<Delta, std::vector<Block>> found;
    for (int of = 1; of < static_cast<int>(kClasses); ++of) {
      for (size_t number = 1; number <= space_.views.size(); ++number) {
        const auto view = static_cast<ViewId>(number);
        for (const Relation relation : kAllRelations) {
          for (int label = 1; label < static_cast<int>(kLabels); ++label) {
            for (const v1::MemberKind contributor : space_.contributors) {
              Compare({reader, relation, static_cast<v1::RecordClass>(of), static_cast<v1::Label>(label),
                       contributor, view},
                      &found);
            }
          }
        }
      }
    }
    // Here already, so that many readers do not pile up single cells.
    for (auto& [delta, blocks] : found) {
      Merge(&blocks);
      auto& all = blocks_[delta];
      all.insert(all.end(), blocks.begin(), blocks.end());
    }
  }

  void Compare(const Cell& cell, std::map<Delta, std::vector<Block>>* found) const {
    const View before = before_(cell), after = after_(cell);
    if (before == after) return;
    const View low = Meet(before, after);
    const Block block{
        MaskOf(cell.contributor), MaskOf(cell.label), MaskOf(static_cast<int>(cell.relation)), {cell.reader}};
    // Of a cell in which some fields rise and some fall each direction is told by itself.
    if (after != low) {
      (*found)[{v1::DIRECTION_WIDENS, cell.record_class, cell.view, low, after}].push_back(block);
    }
    if (before != low) {
      (*found)[{v1::DIRECTION_NARROWS, cell.record_class, cell.view, before, low}].push_back(block);
    }
  }

  // Readers without names first, then each set of named ones by its kind.
  void Append(const Delta& delta, const Block& block, std::vector<v1::AccessChange>* changes) const {
    std::set<int> kinds;
    std::map<int, std::set<std::string>> named;
    for (const size_t reader : block.readers) {
      const ReaderClass& of = space_.readers[reader];
      if (of.members.empty()) {
        kinds.insert(of.kind);
      } else {
        named[of.kind].insert(of.members.begin(), of.members.end());
      }
    }
    if (!kinds.empty()) AppendOne(delta, block, kinds, {}, changes);
    for (const auto& [kind, members] : named) AppendOne(delta, block, {kind}, members, changes);
  }

  void AppendOne(const Delta& delta, const Block& block, const std::set<int>& kinds,
                 const std::set<std::string>& members, std::vector<v1::AccessChange>* changes) const {
    v1::AccessChange& change = changes->emplace_back();
    change.set_direction(delta.direction);
    for (const int kind : kinds) change.add_kinds(static_cast<v1::MemberKind>(kind));
    for (const std::string& member : members) change.add_members(member);
    Each(block.relations,
         [&](int relation) { change.add_relations(ToProto(static_cast<Relation>(relation))); });
    std::sort(change.mutable_relations()->begin(), change.mutable_relations()->end());
    change.set_record_class(delta.record_class);
    Each(block.labels, [&](int label) { change.add_labels(static_cast<v1::Label>(label)); });
    if (block.contributors != contributors_) {
      Each(block.contributors,
           [&](int kind) { change.add_contributor_kinds(static_cast<v1::MemberKind>(kind)); });
    }
    change.set_view(space_.views[delta.view - 1U]);
    const auto& fields = FieldsOf(delta.record_class);
    for (int i = 0; i < static_cast<int>(fields.size()); ++i) {
      if (delta.before.level(i) == delta.after.level(i)) continue;
      v1::FieldChange& field = *change.add_fields();
      field.set_path(fields[static_cast<size_t>(i)].path);
      field.set_before(ToLevel(fields[static_cast<size_t>(i)].chain, delta.before.level(i)));
      field.set_after(ToLevel(fields[static_cast<size_t>(i)].chain, delta.after.level(i)));
    }
    change.set_sentence(Sentence(change).Text());
  }

  const CellSpace& space_;
  const Side& before_;
  const Side& after_;
  Mask contributors_ = 0;  // all
  std::map<Delta, std::vector<Block>> blocks_;
};

}  // namespace

std::vector<v1::AccessChange> DifferentCells(const CellSpace& space, const Side& before, const Side& after) {
  return Enumeration(space, before, after).Run();
}

}  // namespace coalition::policy
