#include "common/policy/diff_terms.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/hash.h"
#include "common/policy/compiled_policy.h"
#include "common/policy/diff_limits.h"
#include "common/policy/has.h"
#include "common/policy/other_change.h"
#include "common/policy/words.h"
#include "common/strings.h"

namespace coalition::policy {
namespace {

using Texts = std::set<std::string>;

std::string Join(const Texts& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

// Whether all that `some` lists is listed by `all`; an empty list is everything.
template <class Values>
bool Within(const Values& some, const Values& all) {
  if (all.empty()) return true;
  return !some.empty() &&
         std::all_of(some.begin(), some.end(), [&all](int value) { return Has(all, value); });
}

// Each grant and exclusion as a text.
Texts GrantsOf(const v1::Audience& audience) {
  Texts texts;
  for (const v1::Grant& grant : audience.grants()) texts.insert(Word(grant.subject()) + " " + grant.view());
  return texts;
}
Texts ExclusionsOf(const v1::Audience& audience) {
  Texts texts;
  for (const v1::Subject& subject : audience.exclusions()) texts.insert(Word(subject));
  return texts;
}

bool Includes(const Texts& all, const Texts& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

class Terms {
 public:
  Terms(const v1::CoalitionPolicy& before, const v1::CoalitionPolicy& after, const FormerAudiences& former)
      : before_(before), after_(after), former_(former) {}

  TermsDiff Run() {
    Text("title", before_.title(), after_.title());
    ViewDescriptions();
    ViewsGone();
    Denials();
    DiffLimits(before_.limits(), after_.limits(), &changes_, &reached_);
    Audiences();
    Tests();
    return {std::move(changes_), std::move(reached_)};
  }

 private:
  void Add(v1::Direction direction, const std::string& path, const std::string& before,
           const std::string& after, const std::string& sentence) {
    changes_.push_back(MakeChange(direction, path, before, after, sentence));
  }

  void Text(const std::string& path, const std::string& before, const std::string& after) {
    if (before == after) return;
    Add(v1::DIRECTION_NEITHER, path, before, after, path + " would read " + Quoted(after));
  }

  void ViewDescriptions() {
    const auto of = [](const v1::CoalitionPolicy& policy) {
      std::map<std::string, std::string> texts;
      for (const auto& view : policy.views()) {
        texts["views " + view.name() + " " + Word(view.record_class()) + " description"] = view.description();
      }
      return texts;
    };
    const auto before = of(before_), after = of(after_);
    for (const auto& [path, text] : after) {
      const auto was = before.find(path);
      Text(path, was == before.end() ? "" : was->second, text);
    }
  }

  // The cells say who sees less by it; what people overlook is that it stays so, also where a view was only
  // renamed.
  void ViewsGone() {
    const auto defined = [](const v1::CoalitionPolicy& policy) {
      std::set<std::pair<std::string, v1::RecordClass>> views;
      for (const auto& view : policy.views()) views.emplace(view.name(), view.record_class());
      return views;
    };
    const auto kept = defined(after_);
    for (const auto& [name, record_class] : defined(before_)) {
      if (kept.contains({name, record_class})) continue;
      Add(v1::DIRECTION_NARROWS, "views " + name + " " + Word(record_class), "defined", "",
          "the view " + Quoted(name) + " of " + Word(record_class) +
              " would be gone: what records grant by that name shows nothing any more, also if the view has "
              "another name now, and also when the name comes back, unless a contributor accepts that "
              "version");
    }
  }

  void Audiences() {
    std::map<std::string, const v1::NamedAudience*> was, is;
    for (const auto& named : before_.audiences()) was[named.id()] = &named;
    for (const auto& named : after_.audiences()) is[named.id()] = &named;
    for (const auto& [id, named] : is) {
      const auto before = was.find(id);
      if (before == was.end()) {
        const auto earlier = former_.find(id);
        const bool is_new = earlier == former_.end();
        Audience(id, is_new ? v1::Audience() : earlier->second, named->audience(), is_new);
      }
      Text("audiences " + id + " description", before == was.end() ? "" : before->second->description(),
           named->description());
    }
    for (const auto& [id, named] : was) {
      const auto next = is.find(id);
      Audience(id, named->audience(), next == is.end() ? v1::Audience() : next->second->audience(), false);
    }
  }

  void Audience(const std::string& id, const v1::Audience& was, const v1::Audience& is, bool added) {
    const Texts grants_before = GrantsOf(was), grants = GrantsOf(is);
    const Texts excluded_before = ExclusionsOf(was), excluded = ExclusionsOf(is);
    if (grants_before == grants && excluded_before == excluded) return;
    const bool less = Includes(grants_before, grants) && Includes(excluded, excluded_before);
    const auto text = [](const Texts& granted, const Texts& without) {
      return without.empty() ? Join(granted) : Join(granted) + ", not " + Join(without);
    };
    // A new name is in nobody's records yet.
    const v1::Direction direction =
        added ? v1::DIRECTION_NEITHER
              : (less || grants.empty() ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS);
    if (direction == v1::DIRECTION_WIDENS) Reach(was, is);
    Add(direction, "audiences " + id, text(grants_before, excluded_before), text(grants, excluded),
        "who names the audience " + Quoted(id) + " would reach " +
            (grants.empty() ? "nobody: it would be gone" : text(grants, excluded)));
  }

  // Who is granted what it was not, and who is excluded no more.
  void Reach(const v1::Audience& was, const v1::Audience& is) {
    const Texts granted = GrantsOf(was), excluded = ExclusionsOf(is);
    for (const v1::Grant& grant : is.grants()) {
      if (!granted.contains(Word(grant.subject()) + " " + grant.view())) reached_.push_back(grant.subject());
    }
    for (const v1::Subject& subject : was.exclusions()) {
      if (!excluded.contains(Word(subject))) reached_.push_back(subject);
    }
  }

  // What a denial hides is told by cells; here is what explanations cite. Also of one that hides nothing yet,
  // such as from a group that is empty.
  void Denials() {
    const auto of = [](const v1::CoalitionPolicy& policy) {
      std::map<std::string, const v1::Deny*> denials;
      for (const v1::Deny& deny : policy.denies()) denials[deny.id()] = &deny;
      return denials;
    };
    const auto text = [](const v1::Deny& deny) {
      return Word(deny.subject()) + (deny.reason().empty() ? "" : ": " + deny.reason());
    };
    const auto before = of(before_), after = of(after_);
    for (const auto& [id, denial] : before) {
      if (after.contains(id)) continue;
      Add(v1::DIRECTION_NEITHER, "denies " + id, text(*denial), "",
          "the denial " + Quoted(id) + " would be gone");
    }
    for (const auto& [id, denial] : after) {
      const auto was = before.find(id);
      const std::string old = was == before.end() ? "" : text(*was->second);
      if (old == text(*denial)) continue;
      Add(v1::DIRECTION_NEITHER, "denies " + id, old, text(*denial),
          "the denial " + Quoted(id) + " would read " + Quoted(text(*denial)));
    }
    Lifted();
  }

  // Cells are of who is in a group now, or ever was, and of what nothing else hides today. Who joins later,
  // or what a ceiling shows later, would be denied no more.
  void Lifted() {
    for (const v1::Deny& denial : before_.denies()) {
      const std::string whom = Word(denial.subject());
      const auto covers = [&](const v1::Deny& other) {
        return (Word(other.subject()) == whom || other.subject().everyone()) &&
               Within(denial.contributor_kinds(), other.contributor_kinds()) &&
               Within(denial.record_classes(), other.record_classes()) &&
               Within(denial.labels(), other.labels());
      };
      if (std::any_of(after_.denies().begin(), after_.denies().end(), covers)) continue;
      const bool group = denial.subject().subject_case() == v1::Subject::kGroup;
      Add(v1::DIRECTION_WIDENS, "denies " + denial.id() + " lifted", whom, "",
          (group ? "who joins " + whom + " later" : whom) + " would be denied no more by " +
              Quoted(denial.id()) + ", whatever else hides it today");
    }
  }

  // By name; the contents as a hash, since two changes of a test are not the same change.
  static std::map<std::string, std::string> TestsOf(const v1::CoalitionPolicy& policy) {
    std::map<std::string, std::multiset<std::string>> by_name;
    for (const auto& test : policy.policy_test()) by_name[test.name()].insert(test.SerializeAsString());
    std::map<std::string, std::string> tests;
    for (const auto& [name, contents] : by_name) {
      std::string all;
      for (const std::string& one : contents) all += std::to_string(one.size()) + ":" + one;
      tests[name] = "checked, SHA-256 " + HexEncode(Bytes(Sha256(all)));
    }
    return tests;
  }

  void Tests() {
    const auto was = TestsOf(before_), is = TestsOf(after_);
    for (const auto& [name, test] : was) {
      if (!is.contains(name)) Test(name, test, "", "would be checked no more");
    }
    for (const auto& [name, test] : is) {
      const auto before = was.find(name);
      if (before == was.end()) {
        Test(name, "", test, "would be checked");
      } else if (before->second != test) {
        Test(name, before->second, test, "would be checked otherwise");
      }
    }
  }

  void Test(const std::string& name, const std::string& before, const std::string& after,
            const std::string& what) {
    Add(v1::DIRECTION_NEITHER, "policy_test " + name, before, after, "the test " + Quoted(name) + " " + what);
  }

  const v1::CoalitionPolicy& before_;
  const v1::CoalitionPolicy& after_;
  const FormerAudiences& former_;
  std::vector<v1::OtherChange> changes_;
  std::vector<v1::Subject> reached_;
};

}  // namespace

TermsDiff DiffTerms(const v1::CoalitionPolicy& before, const v1::CoalitionPolicy& after,
                    const FormerAudiences& former) {
  return Terms(before, after, former).Run();
}

}  // namespace coalition::policy
