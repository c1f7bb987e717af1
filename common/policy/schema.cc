#include "common/policy/schema.h"

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/policy/check.h"

namespace coalition::policy {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kFieldsMax = 64;  // bits of a plane
constexpr int kDepthMax = 8;    // messages that hold themselves would never end

bool IsTimestamp(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field->message_type() == google::protobuf::Timestamp::descriptor();
}

bool IsLeaf(const FieldDescriptor* field) {
  return field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsTimestamp(field) ||
         field->message_type() == v1::Audience::descriptor();
}

bool IsPayload(const FieldDescriptor* field, int depth) {
  return depth == 0 && field->real_containing_oneof() != nullptr &&
         field->real_containing_oneof()->name() == "payload";
}

bool ChainFits(v1::Chain chain, const FieldDescriptor* field) {
  const bool text = field->type() == FieldDescriptor::TYPE_STRING;
  if (field->is_repeated() && !text) return false;  // what Project can copy
  switch (chain) {
    case v1::CHAIN_UNSPECIFIED:
      return true;
    case v1::CHAIN_TOKEN:
    case v1::CHAIN_REFERENCE:
      return text && !field->is_repeated();
    case v1::CHAIN_DAY:
      return IsTimestamp(field) && !field->is_repeated();
    default:
      return false;
  }
}

bool HasMiddle(v1::Chain chain) { return ToMiddle(chain) != v1::LEVEL_UNSPECIFIED; }

bool IsCopyable(const Descriptor* message, const std::vector<SchemaNode>& children) {
  const auto plain = [](const SchemaNode& child) {
    const auto type = child.field->cpp_type();
    return child.bit >= 0 && child.chain != v1::CHAIN_REFERENCE &&
           (type == FieldDescriptor::CPPTYPE_STRING || type == FieldDescriptor::CPPTYPE_BOOL);
  };
  return children.size() == static_cast<size_t>(message->field_count()) &&
         std::all_of(children.begin(), children.end(), plain);
}

class Builder {
 public:
  explicit Builder(Schema* schema) : schema_(*schema) {}

  // The nodes of a message's fields, but for those that are computed and the payloads.
  std::vector<SchemaNode> Nodes(const Descriptor* message, const std::string& prefix, int depth = 0) {
    Check(depth < kDepthMax, "a record's messages nest too deep");
    std::vector<SchemaNode> nodes;
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor* field = message->field(i);
      const v1::Chain chain = field->options().GetExtension(v1::chain);
      if (chain == v1::CHAIN_COMPUTED || IsPayload(field, depth)) continue;
      Check(!field->is_map(), "a record has no maps");
      SchemaNode node;
      node.field = field;
      const std::string path = prefix + field->name();
      if (IsLeaf(field)) {
        // An unseen reference must leave no trace, such as an empty message around it.
        Check(chain != v1::CHAIN_REFERENCE || depth == 0, "references stand at the top of a payload");
        AddLeaf(path, chain, &node);
      } else {
        Check(chain == v1::CHAIN_UNSPECIFIED, "a chain stands at a leaf");
        node.children = Nodes(field->message_type(), path + ".", depth + 1);
        for (const SchemaNode& child : node.children) node.mask |= child.mask;
        node.copyable = IsCopyable(field->message_type(), node.children);
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

 private:
  void AddLeaf(const std::string& path, v1::Chain chain, SchemaNode* node) {
    Check(ChainFits(chain, node->field), "a chain fits its field");
    Check(!schema_.Index(path), "a path names one field");
    Check(schema_.fields.size() < kFieldsMax, "a class has at most 64 view fields");
    node->chain = chain;
    node->bit = static_cast<int>(schema_.fields.size());
    node->mask = uint64_t{1} << node->bit;
    if (HasMiddle(chain)) schema_.middle |= node->mask;
    schema_.fields.push_back({path, chain});
  }

  Schema& schema_;
};

}  // namespace

std::optional<int> Schema::Index(std::string_view path) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [path](const Field& field) { return field.path == path; });
  if (found == fields.end()) return std::nullopt;
  return static_cast<int>(found - fields.begin());
}

v1::Level ToMiddle(v1::Chain chain) {
  switch (chain) {
    case v1::CHAIN_TOKEN:
      return v1::LEVEL_TOKEN;
    case v1::CHAIN_DAY:
      return v1::LEVEL_COARSE;
    default:
      return v1::LEVEL_UNSPECIFIED;
  }
}

Schema BuildSchema(const Descriptor* record, const FieldDescriptor* payload) {
  Schema schema;
  schema.payload = payload;
  Builder builder(&schema);
  schema.header_nodes = builder.Nodes(record, "");
  for (const SchemaNode& node : schema.header_nodes) schema.header_mask |= node.mask;
  schema.payload_nodes = builder.Nodes(payload->message_type(), "");
  return schema;
}

const Schema* SchemaOf(v1::RecordClass record_class) {
  // By class. Never destroyed, so that it outlives every thread.
  static const auto& schemas = *[] {
    auto* made = new std::array<std::optional<Schema>, v1::RecordClass_ARRAYSIZE>;
    const auto add = [made](v1::RecordClass of, int payload_number) {
      const Descriptor* record = v1::Record::descriptor();
      (*made)[static_cast<size_t>(of)] = BuildSchema(record, record->FindFieldByNumber(payload_number));
    };
    add(v1::RECORD_CLASS_OFFENDER_REPORT, v1::Record::kOffenderReportFieldNumber);
    add(v1::RECORD_CLASS_TAKEDOWN_NOTICE, v1::Record::kTakedownNoticeFieldNumber);
    add(v1::RECORD_CLASS_TAKEDOWN_OUTCOME, v1::Record::kTakedownOutcomeFieldNumber);
    add(v1::RECORD_CLASS_OPINION, v1::Record::kOpinionFieldNumber);
    return made;
  }();
  const auto index = static_cast<size_t>(record_class);
  return index < schemas.size() && schemas[index] ? &*schemas[index] : nullptr;
}

}  // namespace coalition::policy
