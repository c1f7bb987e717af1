// Projection shows what the view lists and nothing else, whatever the record.
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/policy/fields.h"
#include "common/policy/project.h"
#include "common/policy/state.h"
#include "tests/support/policy_records.h"

namespace coalition::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;
using google::protobuf::util::MessageDifferencer;
using policy::FieldIndex;
using policy::Level;
using policy::View;

using Projector =
    std::function<void(const v1::Record&, const View&, const policy::ProjectionContext&, v1::Record*)>;
// nullopt: holds.
using Violation = std::optional<std::string>;

bool IsLeaf(const FieldDescriptor* field) {
  return field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
         field->message_type() == Timestamp::descriptor() ||
         field->message_type() == v1::Audience::descriptor();
}

bool IsPayload(const FieldDescriptor* field) {
  return field->containing_oneof() != nullptr && field->containing_oneof()->name() == "payload";
}

std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

std::string TextOf(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& reflection = *message.GetReflection();
  if (field->is_repeated()) return reflection.GetRepeatedString(message, field, index);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return std::to_string(reflection.GetEnumValue(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, field) ? "true" : "false";
    default:
      return reflection.GetMessage(message, field).SerializeAsString();
  }
}

// Every leaf that is set: path -> its values in order. Payload fields without the payload's name.
using Leaves = std::map<std::string, std::vector<std::string>>;

void Collect(const Message& message, const std::string& prefix, Leaves* leaves) {
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    const std::string path = prefix + field->name();
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (IsLeaf(field)) {
        (*leaves)[path].push_back(TextOf(message, field, i));
      } else if (field->is_repeated()) {
        Collect(reflection.GetRepeatedMessage(message, field, i), path + ".", leaves);
      } else {
        Collect(reflection.GetMessage(message, field), IsPayload(field) ? "" : path + ".", leaves);
      }
    }
  }
}

Leaves LeavesOf(const v1::Record& record) {
  Leaves leaves;
  Collect(record, "", &leaves);
  return leaves;
}

std::string Day(const std::string& serialized) {
  Timestamp time;
  time.ParseFromString(serialized);
  Timestamp day;
  while (day.seconds() > time.seconds()) day.set_seconds(day.seconds() - 86'400);
  while (day.seconds() + 86'400 <= time.seconds()) day.set_seconds(day.seconds() + 86'400);
  return day.SerializeAsString();
}

// What of one leaf's values is to be seen.
std::vector<std::string> Seen(const policy::Field& field, Level level, std::vector<std::string> values,
                              const policy::ProjectionContext& context) {
  if (level == Level::kOmit) return {};
  if (level == Level::kFull) {
    const bool hidden = field.chain == v1::CHAIN_REFERENCE && !context.CanSee(values.at(0));
    return hidden ? std::vector<std::string>{} : values;
  }
  if (field.chain == v1::CHAIN_DAY) return {Day(values.at(0))};
  if (field.chain != v1::CHAIN_TOKEN) return {};
  const std::string prefix = field.path == "contributor" ? "members/~" : "~";
  return {prefix + context.Token(field.path, values.at(0))};
}

Violation ShowsExactlyTheView(const Projector& project, const v1::Record& record, const View& view,
                              const policy::ProjectionContext& context) {
  v1::Record out;
  project(record, view, context, &out);
  const Leaves is = LeavesOf(out);
  Leaves should;
  const v1::RecordClass record_class = policy::ClassOf(record);
  const auto& fields = policy::FieldsOf(record_class);
  for (const auto& [path, values] : LeavesOf(record)) {
    const auto index = FieldIndex(record_class, path);
    if (index) {
      auto seen = Seen(fields[static_cast<size_t>(*index)], view.level(*index), values, context);
      if (!seen.empty()) should[path] = std::move(seen);
    } else if (path == "record_class" || path == "label" || path == "permitted_action" || path == "state") {
      should[path] = values;
    }
  }
  if (is == should) return std::nullopt;
  std::string paths = "shown:";
  for (const auto& leaf : is) paths += " " + leaf.first;
  paths += "; to be shown:";
  for (const auto& leaf : should) paths += " " + leaf.first;
  return paths;
}

// Replaces what `view` hides in `to` by what `from` has there.
void ReplaceHidden(v1::RecordClass record_class, const View& view, const std::string& prefix,
                   const Message& from, Message* to) {
  const Reflection& reflection = *to->GetReflection();
  for (int i = 0; i < to->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = to->GetDescriptor()->field(i);
    const std::string path = prefix + field->name();
    if (IsPayload(field)) {
      if (!reflection.HasField(*to, field)) continue;
      if (!reflection.HasField(from, field)) continue;
      ReplaceHidden(record_class, view, "", reflection.GetMessage(from, field),
                    reflection.MutableMessage(to, field));
    } else if (IsLeaf(field)) {
      const auto index = FieldIndex(record_class, path);
      if (!index || view.level(*index) != Level::kOmit) continue;
      // Swapping with a copy moves one field whatever its type.
      std::unique_ptr<Message> copy(from.New());
      copy->CopyFrom(from);
      reflection.SwapFields(to, copy.get(), {field});
    } else if (!field->is_repeated()) {
      if (!reflection.HasField(*to, field) || !reflection.HasField(from, field)) continue;
      ReplaceHidden(record_class, view, path + ".", reflection.GetMessage(from, field),
                    reflection.MutableMessage(to, field));
    } else {
      const int both = std::min(reflection.FieldSize(*to, field), reflection.FieldSize(from, field));
      for (int k = 0; k < both; ++k) {
        ReplaceHidden(record_class, view, path + ".", reflection.GetRepeatedMessage(from, field, k),
                      reflection.MutableRepeatedMessage(to, field, k));
      }
      // One element more, of which nothing is to be seen.
      if (reflection.FieldSize(from, field) == 0) continue;
      std::unique_ptr<Message> hidden(reflection.GetRepeatedMessage(from, field, 0).New());
      ReplaceHidden(record_class, view, path + ".", reflection.GetRepeatedMessage(from, field, 0),
                    hidden.get());
      if (hidden->ByteSizeLong() > 0) reflection.AddMessage(to, field)->CopyFrom(*hidden);
    }
  }
}

Violation HiddenFieldsChangeNoByte(const Projector& project, const v1::Record& record,
                                   const v1::Record& other, const View& view,
                                   const policy::ProjectionContext& context) {
  // What a view lists only at a level that the field does not have, is hidden too.
  View effective = view;
  const v1::RecordClass record_class = policy::ClassOf(record);
  const auto& fields = policy::FieldsOf(record_class);
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool middle = fields[i].chain == v1::CHAIN_TOKEN || fields[i].chain == v1::CHAIN_DAY;
    if (!middle && view.level(static_cast<int>(i)) == Level::kPartial) effective.shown &= ~(uint64_t{1} << i);
  }
  v1::Record changed = record;
  ReplaceHidden(record_class, effective, "", other, &changed);
  v1::Record first, second;
  project(record, view, context, &first);
  project(changed, view, context, &second);
  if (first.SerializeAsString() == second.SerializeAsString()) return std::nullopt;
  return "differs:\n" + first.DebugString() + "from:\n" + second.DebugString();
}

struct Input {
  v1::Record record, other;
  View view;
};

Input PickInput() {
  Input input;
  input.record = *AnyRecord();
  input.other = *AnyRecord();
  input.view = *AnyView(policy::ClassOf(input.record));
  return input;
}

// The mistake that the design forbids: copies and clears what it knows to be hidden, here without looking
// into lists.
void CopyAndClear(const v1::Record& record, const View& view, const policy::ProjectionContext&,
                  v1::Record* out) {
  *out = record;
  for (const char* name : {"name", "etag", "view", "disputed"}) {
    out->GetReflection()->ClearField(out, out->GetDescriptor()->FindFieldByName(name));
  }
  const auto clear = [&](Message* message) {
    for (const FieldDescriptor* field : SetFields(*message)) {
      const auto index = FieldIndex(policy::ClassOf(record), field->name());
      if (index && view.level(*index) == Level::kOmit) message->GetReflection()->ClearField(message, field);
    }
  };
  clear(out);
  for (const FieldDescriptor* field : SetFields(*out)) {
    if (IsPayload(field)) clear(out->GetReflection()->MutableMessage(out, field));
  }
}

// Keeps an empty element for each of which nothing is shown: tells how many there are.
void KeepsCounts(const v1::Record& record, const View& view, const policy::ProjectionContext& context,
                 v1::Record* out) {
  policy::Project(record, view, context, out);
  if (!record.has_offender_report() || out->offender_report().evidence_size() > 0) return;
  for (int i = 0; i < record.offender_report().evidence_size(); ++i)
    out->mutable_offender_report()->add_evidence();
}

template <class Check>
int CountRefutations(const Check& check) {
  const auto inputs = rc::gen::exec(PickInput);
  rc::Random random(20260102);
  int refuted = 0;
  for (int i = 0; i < 1000; ++i) {
    if (check(inputs(random.split(), rc::kNominalSize).value())) ++refuted;
  }
  return refuted;
}

RC_GTEST_PROP(Projection, ShowsExactlyTheView, (bool all_seen)) {
  const Input input = PickInput();
  const Violation violation =
      ShowsExactlyTheView(policy::Project, input.record, input.view, FakeContext(all_seen));
  if (violation) RC_FAIL(*violation);
}

RC_GTEST_PROP(Projection, HiddenFieldsChangeNoByte, (bool all_seen)) {
  const Input input = PickInput();
  const Violation violation =
      HiddenFieldsChangeNoByte(policy::Project, input.record, input.other, input.view, FakeContext(all_seen));
  if (violation) RC_FAIL(*violation);
}

RC_GTEST_PROP(Projection, OwnerSeesTheRecordAsItIs, ()) {
  const v1::Record record = *AnyRecord();
  v1::Record expected = record;
  expected.clear_name();
  expected.clear_etag();
  expected.clear_view();
  expected.clear_disputed();
  expected.clear_contest();
  expected.clear_cleared_before();
  v1::Record out;
  policy::Project(record, policy::FullView(policy::ClassOf(record)), FakeContext(), &out);
  RC_ASSERT(MessageDifferencer::Equals(out, expected));
}

RC_GTEST_PROP(Projection, ViewsOfTheDefaultPolicyShowTheirFields, ()) {
  const v1::Record record = *AnyRecord();
  for (const auto id : {policy::kViewFull, policy::kViewNotice}) {
    const View view = policy::DefaultRules().policies[0].policy->views().At(policy::ClassOf(record), id);
    const Violation violation = ShowsExactlyTheView(policy::Project, record, view, FakeContext(false));
    if (violation) RC_FAIL(*violation);
  }
}

RC_GTEST_PROP(Projection, HigherViewsShowMore, ()) {
  const Input input = PickInput();
  const View other = *AnyView(policy::ClassOf(input.record));
  v1::Record low, high;
  policy::Project(input.record, policy::Meet(input.view, other), FakeContext(), &low);
  policy::Project(input.record, policy::Join(input.view, other), FakeContext(), &high);
  const Leaves more = LeavesOf(high);
  for (const auto& leaf : LeavesOf(low)) RC_ASSERT(more.count(leaf.first) == 1U);
}

TEST(ProjectionControl, CopyAndClearIsRefuted) {
  EXPECT_GT(CountRefutations([](const Input& input) {
              return ShowsExactlyTheView(CopyAndClear, input.record, input.view, FakeContext()).has_value();
            }),
            0);
}

TEST(ProjectionControl, ShownCountsAreRefuted) {
  EXPECT_GT(CountRefutations([](const Input& input) {
              return HiddenFieldsChangeNoByte(KeepsCounts, input.record, input.other, input.view,
                                              FakeContext())
                  .has_value();
            }),
            0);
}

}  // namespace
}  // namespace coalition::testing
