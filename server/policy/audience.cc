#include "server/policy/audience.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/strings.h"
#include "server/policy/fields.h"

namespace coalition::policy {
namespace {

constexpr size_t kEntriesMax = 255;  // the header counts in one byte

struct Named {
  SubjectKind kind;
  uint32_t id;
};

// "amber" for messages.
const char* LabelWord(v1::Label label) {
  switch (label) {
    case v1::LABEL_RED:
      return "RED";
    case v1::LABEL_AMBER_STRICT:
      return "AMBER_STRICT";
    case v1::LABEL_AMBER:
      return "AMBER";
    case v1::LABEL_GREEN:
      return "GREEN";
    case v1::LABEL_CLEAR:
      return "CLEAR";
    default:
      return "unknown";
  }
}

class Compiler {
 public:
  Compiler(const State& state, v1::Label label) : state_(state), label_(label) {}

  void AddGrant(const v1::Grant& grant, const std::string& path, uint64_t attached,
                const std::vector<HeaderGrant>& before) {
    const std::optional<Named> named = Resolve(grant.subject(), path + ".subject");
    const absl::StatusOr<ViewId> view = ParseViewName(grant.view());
    if (!view.ok()) {
      Problem(path + ".view", grant.view().empty() ? "a grant needs a view: \"full\" or \"notice\""
                                                   : std::string(Std(view.status().message())));
    }
    if (!named || !LabelAllows(*named, path + ".subject") || !view.ok()) return;
    const auto same = [&](const HeaderGrant& other) {
      return other.kind == named->kind && other.id == named->id && other.view == *view;
    };
    if (std::any_of(out_.grants.begin(), out_.grants.end(), same)) return;
    const auto earlier = std::find_if(before.begin(), before.end(), same);
    out_.grants.push_back(
        {named->kind, *view, named->id, earlier == before.end() ? attached : earlier->attached});
  }

  void AddExclusion(const v1::Subject& subject, const std::string& path) {
    if (subject.subject_case() == v1::Subject::kEveryone) {
      Problem(path + ".everyone", "an exclusion can't name everyone; without grants nobody sees the record");
      return;
    }
    const std::optional<Named> named = Resolve(subject, path);
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
  std::optional<Named> Resolve(const v1::Subject& subject, const std::string& path) {
    switch (subject.subject_case()) {
      case v1::Subject::kMember: {
        const MemberState* member = state_.FindMember(IdOf(subject.member(), "members/"));
        if (member != nullptr) return Named{SubjectKind::kMember, member->number};
        Problem(path + ".member", "no member " + Quoted(subject.member()) + "; say members/{member}");
        return std::nullopt;
      }
      case v1::Subject::kGroup: {
        const GroupState* group = state_.FindGroup(IdOf(subject.group(), "groups/"));
        if (group != nullptr) return Named{SubjectKind::kGroup, group->number};
        Problem(path + ".group", "no group " + Quoted(subject.group()) + "; say groups/{group}");
        return std::nullopt;
      }
      case v1::Subject::kKind:
        if (subject.kind() != v1::MEMBER_KIND_UNSPECIFIED && v1::MemberKind_IsValid(subject.kind())) {
          return Named{SubjectKind::kKind, static_cast<uint32_t>(subject.kind())};
        }
        Problem(path + ".kind", "no such kind of member");
        return std::nullopt;
      case v1::Subject::kEveryone:
        if (subject.everyone()) return Named{SubjectKind::kEveryone, 0};
        Problem(path + ".everyone", "everyone can only be true");
        return std::nullopt;
      case v1::Subject::SUBJECT_NOT_SET:
        break;
    }
    Problem(path, "names nobody: set member, group, kind or everyone");
    return std::nullopt;
  }

  // The id in a resource name; empty, which nobody has, if it is no such name.
  static std::string_view IdOf(std::string_view name, std::string_view prefix) {
    if (name.substr(0, prefix.size()) != prefix) return {};
    return name.substr(prefix.size());
  }

  // The caps are cumulative: each label allows what a stricter one does.
  bool LabelAllows(const Named& named, const std::string& path) {
    const auto forbid = [&](const char* field, const char* what) {
      Problem(path + field, std::string("label ") + LabelWord(label_) + " does not allow " + what, true);
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
  const v1::Label label_;
  CompiledAudience out_;
};

}  // namespace

CompiledAudience CompileAudience(const State& state, const v1::Audience& audience, v1::Label label,
                                 uint64_t attached, const std::vector<HeaderGrant>& before) {
  Compiler compiler(state, label);
  for (int i = 0; i < audience.grants_size(); ++i) {
    compiler.AddGrant(audience.grants(i), "grants[" + std::to_string(i) + "]", attached, before);
  }
  for (int i = 0; i < audience.exclusions_size(); ++i) {
    compiler.AddExclusion(audience.exclusions(i), "exclusions[" + std::to_string(i) + "]");
  }
  return compiler.Take();
}

}  // namespace coalition::policy
