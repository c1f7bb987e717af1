#include "tests/support/policy_records.h"

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "common/policy/fields.h"

namespace coalition::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

int Pick(int low, int high) { return *rc::gen::inRange(low, high + 1); }

std::string PickText(const FieldDescriptor* field) {
  return field->name() + "-" + std::to_string(Pick(0, 9));
}

void Fill(Message* message);

void FillField(Message* message, const FieldDescriptor* field) {
  const Reflection& reflection = *message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (!field->is_repeated()) return reflection.SetString(message, field, PickText(field));
      for (int i = Pick(1, 3); i > 0; --i) reflection.AddString(message, field, PickText(field));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(message, field, true);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int last = field->enum_type()->value_count() - 1;
      return reflection.SetEnumValue(message, field, field->enum_type()->value(Pick(1, last))->number());
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field->is_repeated()) {
        for (int i = Pick(1, 3); i > 0; --i) Fill(reflection.AddMessage(message, field));
      } else {
        Fill(reflection.MutableMessage(message, field));
      }
      return;
    default:
      // Numbers other than a Timestamp's are not part of records.
      return;
  }
}

void Fill(Message* message) {
  if (message->GetDescriptor() == Timestamp::descriptor()) {
    auto* time = static_cast<Timestamp*>(message);
    time->set_seconds(Pick(-200'000, 200'000));
    time->set_nanos(Pick(0, 999'999'999));
    return;
  }
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    const bool payload =
        field->containing_oneof() != nullptr && field->containing_oneof()->name() == "payload";
    if (!payload && Pick(0, 3) != 0) FillField(message, field);
  }
}

}  // namespace

rc::Gen<v1::Record> AnyRecord() {
  return rc::gen::exec([] {
    v1::Record record;
    Fill(&record);
    switch (Pick(1, 4)) {
      case 1:
        Fill(record.mutable_offender_report());
        break;
      case 2:
        Fill(record.mutable_takedown_notice());
        break;
      case 3:
        Fill(record.mutable_takedown_outcome());
        break;
      default:
        Fill(record.mutable_opinion());
        break;
    }
    record.set_record_class(policy::ClassOf(record));
    return record;
  });
}

rc::Gen<policy::View> AnyView(v1::RecordClass record_class) {
  return rc::gen::exec([record_class] {
    const policy::View all = policy::FullView(record_class);
    policy::View view;
    view.shown = *rc::gen::arbitrary<uint64_t>() & all.shown;
    view.full = *rc::gen::arbitrary<uint64_t>() & view.shown;
    return view;
  });
}

}  // namespace coalition::testing
