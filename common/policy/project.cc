#include "common/policy/project.h"

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <limits>

#include "common/policy/fields.h"
#include "common/policy/project_message.h"
#include "common/policy/schema.h"

namespace coalition::policy {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

constexpr int64_t kDayS = 86'400;

// Midnight UTC at or before `seconds`; the first midnight there is, if that is out of range.
int64_t DayOf(int64_t seconds) {
  const int64_t into_day = ((seconds % kDayS) + kDayS) % kDayS;
  const bool representable = seconds >= std::numeric_limits<int64_t>::min() + into_day;
  return representable ? seconds - into_day : seconds + (kDayS - into_day);
}

// A message and what is shown of it: of one type, so one reflection reads and writes.
struct Pair {
  Pair(const Message& message, Message* shown)
      : from(message), to(shown), reflection(*message.GetReflection()) {}
  const Message& from;
  Message* to;
  const Reflection& reflection;
};

// A Timestamp or an Audience.
void CopyMessage(const Message& from, Message* to) {
  if (from.GetDescriptor() == Timestamp::descriptor()) {
    const auto& time = static_cast<const Timestamp&>(from);
    static_cast<Timestamp*>(to)->set_seconds(time.seconds());
    static_cast<Timestamp*>(to)->set_nanos(time.nanos());
    return;
  }
  to->CopyFrom(from);
  to->DiscardUnknownFields();
}

// The schema knows only strings here.
bool CopyRepeated(const Pair& pair, const FieldDescriptor* field) {
  const int size = pair.reflection.FieldSize(pair.from, field);
  std::string scratch;
  for (int i = 0; i < size; ++i) {
    pair.reflection.AddString(pair.to, field,
                              pair.reflection.GetRepeatedStringReference(pair.from, field, i, &scratch));
  }
  return size > 0;
}

void CopyNumber(const Pair& pair, const FieldDescriptor* field) {
  const auto& [from, to, reflection] = pair;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(to, field, reflection.GetInt32(from, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(to, field, reflection.GetInt64(from, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(to, field, reflection.GetUInt32(from, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(to, field, reflection.GetUInt64(from, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(to, field, reflection.GetDouble(from, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.SetFloat(to, field, reflection.GetFloat(from, field));
    default:
      return reflection.SetBool(to, field, reflection.GetBool(from, field));
  }
}

// Copies one value that is there, at its full level. Answers whether it is one that may be shown.
bool CopyValue(const Pair& pair, const FieldDescriptor* field) {
  const auto& [from, to, reflection] = pair;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      reflection.SetString(to, field, reflection.GetStringReference(from, field, &scratch));
      return true;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value = reflection.GetEnumValue(from, field);
      if (field->enum_type()->FindValueByNumber(value) == nullptr) return false;
      reflection.SetEnumValue(to, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      CopyMessage(reflection.GetMessage(from, field), reflection.MutableMessage(to, field));
      return true;
    default:
      CopyNumber(pair, field);
      return true;
  }
}

class Projector {
 public:
  Projector(const Schema& schema, const View& view, const ProjectionContext& context)
      : schema_(schema),
        full_(view.full & view.shown),
        shown_(full_ | (view.shown & schema.middle)),
        context_(context) {}

  // Answers whether anything was shown.
  bool Walk(const std::vector<SchemaNode>& nodes, const Message& from, Message* to) const {
    const Pair pair(from, to);
    bool any = false;
    for (const SchemaNode& node : nodes) {
      if ((node.mask & shown_) == 0) continue;
      if (node.field->is_repeated()) {
        any |= node.bit >= 0 ? CopyRepeated(pair, node.field) : Elements(node, pair);
      } else if (pair.reflection.HasField(from, node.field)) {
        any |= node.bit >= 0 ? Leaf(node, pair) : Inner(node, pair);
      }
    }
    return any;
  }

 private:
  // A message of which all is shown is shown also if it is empty.
  bool Whole(const SchemaNode& node) const { return (node.mask & ~full_) == 0; }

  // One message with fields of its own; `to` is still empty.
  bool Child(const SchemaNode& node, const Message& from, Message* to) const {
    if (!Whole(node)) return Walk(node.children, from, to);
    if (node.copyable && from.GetReflection()->GetUnknownFields(from).empty()) {
      to->CopyFrom(from);
    } else {
      Walk(node.children, from, to);
    }
    return true;
  }

  bool Inner(const SchemaNode& node, const Pair& pair) const {
    Message* child = pair.reflection.MutableMessage(pair.to, node.field);
    if (Child(node, pair.reflection.GetMessage(pair.from, node.field), child)) return true;
    pair.reflection.ClearField(pair.to, node.field);
    return false;
  }

  bool Elements(const SchemaNode& node, const Pair& pair) const {
    bool any = false;
    const int size = pair.reflection.FieldSize(pair.from, node.field);
    for (int i = 0; i < size; ++i) {
      Message* child = pair.reflection.AddMessage(pair.to, node.field);
      const Message& element = pair.reflection.GetRepeatedMessage(pair.from, node.field, i);
      if (Child(node, element, child)) {
        any = true;
      } else {
        pair.reflection.RemoveLast(pair.to, node.field);
      }
    }
    return any;
  }

  bool Leaf(const SchemaNode& node, const Pair& pair) const {
    if ((node.mask & full_) == 0) return Partial(node, pair);
    if (node.chain == v1::CHAIN_REFERENCE) {
      std::string scratch;
      if (!context_.CanSee(pair.reflection.GetStringReference(pair.from, node.field, &scratch))) return false;
    }
    return CopyValue(pair, node.field);
  }

  bool Partial(const SchemaNode& node, const Pair& pair) const {
    const auto& [from, to, reflection] = pair;
    if (node.chain == v1::CHAIN_DAY) {
      const auto& time = static_cast<const Timestamp&>(reflection.GetMessage(from, node.field));
      static_cast<Timestamp*>(reflection.MutableMessage(to, node.field))->set_seconds(DayOf(time.seconds()));
      return true;
    }
    if (node.chain != v1::CHAIN_TOKEN) return false;
    const std::string& path = schema_.fields[static_cast<size_t>(node.bit)].path;
    std::string scratch;
    const std::string token = context_.Token(path, reflection.GetStringReference(from, node.field, &scratch));
    reflection.SetString(to, node.field, (path == "contributor" ? "members/~" : "~") + token);
    return true;
  }

  const Schema& schema_;
  const uint64_t full_;
  const uint64_t shown_;
  const ProjectionContext& context_;
};

}  // namespace

void ProjectMessage(const Schema& schema, const Message& record, const View& view,
                    const ProjectionContext& context, Message* out) {
  const Projector projector(schema, view, context);
  projector.Walk(schema.header_nodes, record, out);
  const Message& payload = record.GetReflection()->GetMessage(record, schema.payload);
  projector.Walk(schema.payload_nodes, payload, out->GetReflection()->MutableMessage(out, schema.payload));
}

void Project(const v1::Record& record, const View& view, const ProjectionContext& context, v1::Record* out) {
  const v1::RecordClass record_class = ClassOf(record);
  const Schema* schema = SchemaOf(record_class);
  if (schema == nullptr) return;
  out->set_record_class(record_class);
  if (v1::Label_IsValid(record.label())) out->set_label(record.label());
  if (v1::PermittedAction_IsValid(record.permitted_action()))
    out->set_permitted_action(record.permitted_action());
  if (v1::RecordState_IsValid(record.state())) out->set_state(record.state());
  ProjectMessage(*schema, record, view, context, out);
}

}  // namespace coalition::policy
