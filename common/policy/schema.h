// A record class as the proto declares it: a tree of fields whose leaves are the view fields. Made from any
// record descriptor, so that a test can try a field that the proto does not have yet. For use within this
// room.
#pragma once

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "coalition/v1/annotations.pb.h"
#include "coalition/v1/policy.pb.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/fields.h"
#include "common/policy/view.h"

namespace coalition::policy {

struct SchemaNode {
  const google::protobuf::FieldDescriptor* field = nullptr;
  int bit = -1;       // of a leaf; -1: a message with children
  uint64_t mask = 0;  // the bits of the leaf, or of all leaves below
  v1::Chain chain = v1::CHAIN_UNSPECIFIED;
  std::vector<SchemaNode> children;
  // Of a message whose every field is a view field of plain text or truth: with all of `mask` full, and
  // without unknown fields, a copy of the message is what projecting its fields gives.
  bool copyable = false;
};

struct Schema {
  const google::protobuf::FieldDescriptor* payload = nullptr;
  std::vector<Field> fields;              // by bit
  std::vector<SchemaNode> header_nodes;   // of the record itself; their bits are the same in every class
  std::vector<SchemaNode> payload_nodes;  // of the payload
  uint64_t header_mask = 0;               // the bits of header_nodes
  uint64_t middle = 0;                    // the fields whose chain has a level between OMIT and FULL

  std::optional<int> Index(std::string_view path) const;
};

// `record` is coalition.v1.Record or a later version of it, `payload` its field for the class's payload. More
// than 64 leaves, two of one path, and a chain that does not fit its field are defects (Check).
Schema BuildSchema(const google::protobuf::Descriptor* record,
                   const google::protobuf::FieldDescriptor* payload);

// The level between OMIT and FULL: LEVEL_TOKEN, LEVEL_COARSE, or LEVEL_UNSPECIFIED for a chain without one.
v1::Level ToMiddle(v1::Chain chain);

// The schema of a class, made once; nullptr for an unknown class.
const Schema* SchemaOf(v1::RecordClass record_class);

}  // namespace coalition::policy
