#include "common/policy/audience.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/policy/subject.h"
#include "common/policy/words.h"
#include "common/strings.h"
#include "common/textproto.h"

namespace coalition::policy {
namespace {

constexpr size_t kEntriesMax = 255;  // the header counts in one byte

class Compiler {
 public:
  Compiler(const State& state, v1::RecordClass record_class, v1::Label label)
      : state_(state), record_class_(record_class), label_(label) {}

  void AddGrant(const v1::Grant& grant, const std::string& path, uint64_t attached,
                const std::vector<HeaderGrant>& before) {
    const std::optional<HeaderExclusion> named = Resolve(grant.subject(), path + ".subject");
    const ViewId view = state_.view_names().Find(grant.view());
    const auto same = [&](const HeaderGrant& other) {
      return named && other.kind == named->kind && other.id == named->id && other.view == view;
    };
    const auto earlier = std::find_if(before.begin(), before.end(), same);
    const bool defined = Defined(view) || earlier != before.end();
    if (!defined) Problem(path + ".view", NoSuchView(grant.view()));
    if (!named || !LabelAllows(*named, path + ".subject") || !defined) return;
    if (std::any_of(out_.grants.begin(), out_.grants.end(), same)) return;
    out_.grants.push_back(
        {named->kind, view, named->id, earlier == before.end() ? attached : earlier->attached});
  }

  void AddExclusion(const v1::Subject& subject, const std::string& path) {
    if (subject.subject_case() == v1::Subject::kEveryone) {
      Problem(path + ".everyone", "an exclusion can't name everyone; without grants nobody sees the record");
      return;
    }
    const std::optional<HeaderExclusion> named = Resolve(subject, path);
    if (!named) return;
    const HeaderExclusion exclusion{named->kind, named->id};
    if (std::find(out_.exclusions.begin(), out_.exclusions.end(), exclusion) == out_.exclusions.end()) {
      out_.exclusions.push_back(exclusion);
    }
  }

  void Problem(std::string path, std::string message, bool label_forbids = false) {
    out_.problems.push_back({std::move(path), std::move(message), label_forbids});
  }

  CompiledAudience Take() {
    if (out_.grants.size() > kEntriesMax) Problem("grants", "more than 255 different grants");
    if (out_.exclusions.size() > kEntriesMax) Problem("exclusions", "more than 255 different exclusions");
    return std::move(out_);
  }

 private:
  // nullopt: a problem was noted.
  std::optional<HeaderExclusion> Resolve(const v1::Subject& subject, const std::string& path) {
    ResolvedSubject resolved = ResolveSubject(state_, subject);
    if (!resolved.subject) Problem(path + resolved.path, std::move(resolved.problem));
    return resolved.subject;
  }

  bool Defined(ViewId view) const {
    return !state_.newest_policy().policy->views().At(record_class_, view).hidden();
  }

  std::string NoSuchView(const std::string& name) const {
    std::vector<std::string> known;
    for (const v1::ViewDefinition& view : state_.policy().views()) {
      if (view.record_class() == record_class_) known.push_back(view.name());
    }
    std::string there;
    for (const std::string& one : known) there += (there.empty() ? "" : ", ") + Quoted(one);
    if (there.empty()) there = "none";
    if (name.empty()) return "a grant needs a view of " + Word(record_class_) + ": " + there;
    std::string text = "no view " + Quoted(name) + " of " + Word(record_class_) + "; there are: " + there;
    const std::string nearest = Nearest(name, known);
    return nearest.empty() ? text : text + "; did you mean " + Quoted(nearest) + "?";
  }

  // The caps are cumulative: each label allows what a stricter one does.
  bool LabelAllows(const HeaderExclusion& named, const std::string& path) {
    const auto forbid = [&](const char* field, const char* what) {
      Problem(path + field, "label " + Word(label_) + " does not allow " + what, true);
      return false;
    };
    if (label_ == v1::LABEL_UNSPECIFIED || !v1::Label_IsValid(label_)) return forbid("", "any grant");
    switch (named.kind) {
      case SubjectKind::kMember:
        return true;
      case SubjectKind::kGroup:
        if (label_ == v1::LABEL_RED) return forbid(".group", "groups, named members only");
        if (label_ == v1::LABEL_AMBER_STRICT && !state_.group(named.id)->closed) {
          return forbid(".group", "groups that are not closed");
        }
        return true;
      case SubjectKind::kKind:
        return label_ >= v1::LABEL_AMBER || forbid(".kind", "kinds of member");
      case SubjectKind::kEveryone:
        return label_ >= v1::LABEL_GREEN || forbid(".everyone", "everyone");
    }
    return false;
  }

  const State& state_;
  const v1::RecordClass record_class_;
  const v1::Label label_;
  CompiledAudience out_;
};

}  // namespace

CompiledAudience CompileAudience(const State& state, const v1::Audience& audience,
                                 v1::RecordClass record_class, v1::Label label, uint64_t attached,
                                 const std::vector<HeaderGrant>& before) {
  Compiler compiler(state, record_class, label);
  for (int i = 0; i < audience.grants_size(); ++i) {
    compiler.AddGrant(audience.grants(i), "grants[" + std::to_string(i) + "]", attached, before);
  }
  for (int i = 0; i < audience.exclusions_size(); ++i) {
    compiler.AddExclusion(audience.exclusions(i), "exclusions[" + std::to_string(i) + "]");
  }
  return compiler.Take();
}

}  // namespace coalition::policy
