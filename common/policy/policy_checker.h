// What checks of the coalition's policy and of members' own have in common. For use within this room.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/policy/check_policy.h"
#include "common/policy/view_names.h"
#include "common/policy/words.h"
#include "common/strings.h"
#include "common/textproto.h"

namespace coalition::policy {

inline constexpr size_t kProblemsMax = 100;
inline constexpr size_t kTextBytesMax = 1000;

inline std::string At(std::string_view list, int index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

inline std::string DidYouMean(const std::string& nearest) {
  return nearest.empty() ? std::string() : "; did you mean " + Quoted(nearest) + "?";
}

// View names by the classes that they are defined for.
using Views = std::map<v1::RecordClass, std::set<std::string>>;

// Collects what is wrong. Not thread-safe.
class Checker {
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;

 public:
  std::vector<PolicyProblem> Take() { return std::move(problems_); }

  void Add(std::string path, std::string message) {
    if (problems_.size() < kProblemsMax) problems_.push_back({std::move(path), std::move(message)});
  }

  // What a program of another version wrote.
  void Unknown(const std::string& path, const Message& message) {
    if (!message.GetReflection()->GetUnknownFields(message).empty()) {
      Add(path, "has fields that this version does not know");
    }
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const std::string place = path.empty() ? field->name() : path + "." + field->name();
      if (!field->is_repeated()) {
        Unknown(place, message.GetReflection()->GetMessage(message, field));
        continue;
      }
      for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
        Unknown(At(place, i), message.GetReflection()->GetRepeatedMessage(message, field, i));
      }
    }
  }

  void Text(const std::string& path, const std::string& text) {
    if (text.size() > kTextBytesMax) Add(path, "is over " + std::to_string(kTextBytesMax) + " bytes");
    // A file can have it, a message that is kept or sent could not be read again.
    if (CleanUtf8(text, text.size()) != text) Add(path, "is not UTF-8");
  }

  void Name(const std::string& path, const std::string& name, const char* what) {
    if (const absl::Status status = CheckId(name, what); !status.ok()) {
      Add(path, std::string(Std(status.message())));
    }
  }

  template <class Enum>
  void Value(const std::string& path, int value, bool (*is_valid)(int), const char* what) {
    if (value == 0) {
      Add(path, std::string("is missing: ") + what);
    } else if (!is_valid(value)) {
      Add(path, std::string("no such ") + what);
    }
  }

  template <class Values>
  void List(const std::string& path, const Values& values, bool (*is_valid)(int), const char* what,
            bool required) {
    if (required && values.empty()) {
      Add(path, std::string("is missing: name each ") + what + "; nothing is meant by leaving it out");
    }
    std::set<int> seen;
    for (int i = 0; i < values.size(); ++i) {
      Value<int>(At(path, i), values.Get(i), is_valid, what);
      if (!seen.insert(values.Get(i)).second) Add(At(path, i), std::string(what) + " named twice");
    }
  }

  void Kinds(const std::string& path, const google::protobuf::RepeatedField<int>& kinds, bool required) {
    List(path, kinds, v1::MemberKind_IsValid, "kind of member", required);
  }
  void Classes(const std::string& path, const google::protobuf::RepeatedField<int>& of, bool required) {
    List(path, of, v1::RecordClass_IsValid, "record class", required);
  }
  void Labels(const std::string& path, const google::protobuf::RepeatedField<int>& labels, bool required) {
    List(path, labels, v1::Label_IsValid, "label", required);
  }

  void Ceilings(const google::protobuf::RepeatedPtrField<v1::Ceiling>& ceilings, const Views& views) {
    for (int i = 0; i < ceilings.size(); ++i) Ceiling(At("ceilings", i), ceilings[i], views);
  }

  // `name` must be a view of the class, or, where that is allowed, "none".
  void View(const std::string& path, const std::string& name, v1::RecordClass of, const Views& views,
            bool none_allowed) {
    if (none_allowed && name == kViewNone) return;
    const auto defined = views.find(of);
    static const std::set<std::string> nothing;
    const std::set<std::string>& names = defined == views.end() ? nothing : defined->second;
    if (names.contains(name)) return;
    if (name.empty()) return Add(path, "is missing: the name of a view");
    std::string known;
    for (const std::string& one : names) known += (known.empty() ? "" : ", ") + one;
    Add(path, "no view " + Quoted(name) + " is defined for " + Word(of) + "; there " +
                  (known.empty() ? "is none" : "are: " + known) + DidYouMean(Nearest(name, names)));
  }

 private:
  void Ceiling(const std::string& path, const v1::Ceiling& ceiling, const Views& views) {
    Kinds(path + ".kinds", ceiling.kinds(), true);
    Classes(path + ".record_classes", ceiling.record_classes(), true);
    Labels(path + ".labels", ceiling.labels(), true);
    List(path + ".relations", ceiling.relations(), v1::Relation_IsValid, "relation", true);
    for (int i = 0; i < ceiling.relations_size(); ++i) {
      if (ceiling.relations(i) != v1::RELATION_OWNER &&
          ceiling.relations(i) != v1::RELATION_FORMER_OR_UNASSIGNED) {
        continue;
      }
      Add(At(path + ".relations", i),
          "a ceiling is for HOST or OTHER; FORMER_OR_UNASSIGNED sees what both see, and an "
          "OWNER all");
    }
    for (const int of : ceiling.record_classes()) {
      if (of != 0 && v1::RecordClass_IsValid(of)) {
        View(path + ".view", ceiling.view(), static_cast<v1::RecordClass>(of), views, true);
      }
    }
  }

  std::vector<PolicyProblem> problems_;
};

}  // namespace coalition::policy
