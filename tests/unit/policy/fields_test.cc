#include "common/policy/fields.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "common/policy/default_policy.h"
#include "common/policy/project_message.h"
#include "common/policy/schema.h"
#include "tests/support/policy_records.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr v1::RecordClass kEveryClass[] = {v1::RECORD_CLASS_OFFENDER_REPORT, v1::RECORD_CLASS_TAKEDOWN_NOTICE,
                                           v1::RECORD_CLASS_TAKEDOWN_OUTCOME, v1::RECORD_CLASS_OPINION};

std::set<std::string> PathsAt(v1::RecordClass record_class, View view, Level level) {
  std::set<std::string> paths;
  const auto& fields = FieldsOf(record_class);
  for (size_t i = 0; i < fields.size(); ++i) {
    if (view.level(static_cast<int>(i)) == level) paths.insert(fields[i].path);
  }
  return paths;
}

TEST(Fields, OpinionIsTheHeaderAndThePayload) {
  std::vector<std::string> paths;
  for (const Field& field : FieldsOf(v1::RECORD_CLASS_OPINION)) paths.push_back(field.path);
  EXPECT_THAT(paths,
              ElementsAre("external_id", "contributor", "seller.platform", "seller.seller_id", "audience",
                          "create_time", "update_time", "expire_time", "subject", "verdict", "comment"));
}

TEST(Fields, ChainsComeFromTheProto) {
  const auto chain = [](v1::RecordClass record_class, const char* path) {
    return FieldsOf(record_class)[static_cast<size_t>(*FieldIndex(record_class, path))].chain;
  };
  EXPECT_EQ(chain(v1::RECORD_CLASS_OFFENDER_REPORT, "contributor"), v1::CHAIN_TOKEN);
  EXPECT_EQ(chain(v1::RECORD_CLASS_OFFENDER_REPORT, "seller.seller_id"), v1::CHAIN_TOKEN);
  EXPECT_EQ(chain(v1::RECORD_CLASS_OFFENDER_REPORT, "seller.platform"), v1::CHAIN_UNSPECIFIED);
  EXPECT_EQ(chain(v1::RECORD_CLASS_OFFENDER_REPORT, "first_observed_time"), v1::CHAIN_DAY);
  EXPECT_EQ(chain(v1::RECORD_CLASS_TAKEDOWN_NOTICE, "report"), v1::CHAIN_REFERENCE);
  EXPECT_EQ(chain(v1::RECORD_CLASS_OFFENDER_REPORT, "evidence.hash"), v1::CHAIN_UNSPECIFIED);
}

TEST(Fields, HeaderFieldsHaveTheSameBitsInEveryClass) {
  const auto& opinion = FieldsOf(v1::RECORD_CLASS_OPINION);
  for (const auto record_class : kEveryClass) {
    for (size_t i = 0; i < 64; ++i) {
      if ((HeaderFieldMask() >> i & 1) == 0) continue;
      EXPECT_EQ(FieldsOf(record_class).at(i).path, opinion.at(i).path);
    }
  }
  EXPECT_EQ(HeaderFieldMask(), 0xffU);
}

TEST(Fields, UnknownClassHasNone) {
  for (const int unknown : {0, 5, 99, -1}) {
    const auto record_class = static_cast<v1::RecordClass>(unknown);
    EXPECT_THAT(FieldsOf(record_class), IsEmpty());
    EXPECT_FALSE(FieldIndex(record_class, "contributor").has_value());
    EXPECT_TRUE(FullView(record_class).hidden());
    EXPECT_TRUE(DefaultView(record_class, kViewFull).hidden());
  }
  EXPECT_FALSE(FieldIndex(v1::RECORD_CLASS_OPINION, "name").has_value());
  EXPECT_FALSE(FieldIndex(v1::RECORD_CLASS_OPINION, "evidence.hash").has_value());
}

TEST(DefaultView, UnknownViewHides) {
  for (const auto record_class : kEveryClass) {
    EXPECT_TRUE(DefaultView(record_class, kNoView).hidden());
    EXPECT_TRUE(DefaultView(record_class, static_cast<ViewId>(3)).hidden());
    EXPECT_TRUE(DefaultView(record_class, static_cast<ViewId>(255)).hidden());
  }
}

// Red when a field is added to a proto: decide whether "full" lists it (default_policy.cc).
TEST(DefaultView, FullIsAllButTheContributorsOwnAffairs) {
  for (const auto record_class : kEveryClass) {
    const View full = DefaultView(record_class, kViewFull);
    EXPECT_THAT(PathsAt(record_class, full, Level::kOmit), UnorderedElementsAre("external_id", "audience"));
    EXPECT_THAT(PathsAt(record_class, full, Level::kPartial), IsEmpty());
  }
}

TEST(DefaultView, NoticeOfAReport) {
  const View view = DefaultView(v1::RECORD_CLASS_OFFENDER_REPORT, kViewNotice);
  EXPECT_THAT(
      PathsAt(v1::RECORD_CLASS_OFFENDER_REPORT, view, Level::kFull),
      UnorderedElementsAre("seller.platform", "seller.seller_id", "infringement_types", "product_category"));
  EXPECT_THAT(PathsAt(v1::RECORD_CLASS_OFFENDER_REPORT, view, Level::kPartial),
              UnorderedElementsAre("contributor", "create_time"));
}

TEST(DefaultView, NoticeOfANoticeShowsNoReport) {
  const View view = DefaultView(v1::RECORD_CLASS_TAKEDOWN_NOTICE, kViewNotice);
  EXPECT_THAT(PathsAt(v1::RECORD_CLASS_TAKEDOWN_NOTICE, view, Level::kFull),
              UnorderedElementsAre("seller.platform", "seller.seller_id", "listings.url",
                                   "listings.listing_id", "whole_account", "requested_action", "right.type",
                                   "right.office", "right.registration_number", "deadline_time"));
  EXPECT_THAT(PathsAt(v1::RECORD_CLASS_TAKEDOWN_NOTICE, view, Level::kPartial),
              UnorderedElementsAre("contributor", "create_time"));
}

TEST(DefaultView, NoticeIsWithinFull) {
  for (const auto record_class : kEveryClass) {
    const View notice = DefaultView(record_class, kViewNotice);
    EXPECT_EQ(Meet(notice, DefaultView(record_class, kViewFull)), notice);
    EXPECT_FALSE(notice.hidden());
  }
}

TEST(ClassOf, FollowsFromThePayload) {
  v1::Record record;
  record.set_record_class(v1::RECORD_CLASS_OPINION);
  EXPECT_EQ(ClassOf(record), v1::RECORD_CLASS_UNSPECIFIED);
  record.mutable_offender_report();
  EXPECT_EQ(ClassOf(record), v1::RECORD_CLASS_OFFENDER_REPORT);
  record.mutable_opinion();
  EXPECT_EQ(ClassOf(record), v1::RECORD_CLASS_OPINION);
}

// Tomorrow's proto: Record and OffenderReport, each with a field more.
class FutureRecord {
 public:
  FutureRecord() : pool_(DescriptorPool::generated_pool()), factory_(&pool_) {
    factory_.SetDelegateToGeneratedFactory(true);
    FileDescriptorProto file;
    file.set_name("future/record.proto");
    file.set_package("future");
    file.set_syntax("proto3");
    file.add_dependency("coalition/v1/record.proto");
    file.add_dependency("coalition/v1/annotations.proto");
    file.add_dependency("coalition/v1/takedown_outcome.proto");
    file.add_dependency("google/protobuf/timestamp.proto");
    DescriptorProto* record = file.add_message_type();
    v1::Record::descriptor()->CopyTo(record);
    AddText("bank_account", 900, record);
    DescriptorProto* report = file.add_message_type();
    v1::OffenderReport::descriptor()->CopyTo(report);
    AddText("undercover_buyer", 901, report);
    for (FieldDescriptorProto& field : *record->mutable_field()) {
      if (field.name() == "offender_report") field.set_type_name(".future.OffenderReport");
    }
    const auto* built = pool_.BuildFile(file);
    record_ = built == nullptr ? nullptr : built->FindMessageTypeByName("Record");
  }

  const google::protobuf::Descriptor* descriptor() const { return record_; }
  std::unique_ptr<google::protobuf::Message> New() {
    return std::unique_ptr<google::protobuf::Message>(factory_.GetPrototype(record_)->New());
  }

 private:
  static void AddText(const char* name, int number, DescriptorProto* to) {
    FieldDescriptorProto* field = to->add_field();
    field->set_name(name);
    field->set_number(number);
    field->set_type(FieldDescriptorProto::TYPE_STRING);
    field->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  }

  DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::Descriptor* record_ = nullptr;
};

// What the default policy lists of a report, by the fields of `schema`.
View Listed(const Schema& schema, std::string_view name) {
  View view;
  for (const v1::ViewDefinition& definition : DefaultPolicy().views()) {
    if (definition.name() != name || definition.record_class() != v1::RECORD_CLASS_OFFENDER_REPORT) continue;
    for (const std::string& path : definition.full()) view.full |= uint64_t{1} << schema.Index(path).value();
    view.shown = view.full;
    for (const std::string& path : definition.token())
      view.shown |= uint64_t{1} << schema.Index(path).value();
    for (const std::string& path : definition.coarse())
      view.shown |= uint64_t{1} << schema.Index(path).value();
  }
  return view;
}

TEST(NewField, StaysHiddenUntilAViewListsIt) {
  FutureRecord future;
  ASSERT_NE(future.descriptor(), nullptr);
  const Schema schema =
      BuildSchema(future.descriptor(), future.descriptor()->FindFieldByName("offender_report"));
  ASSERT_TRUE(schema.Index("bank_account").has_value());
  ASSERT_TRUE(schema.Index("undercover_buyer").has_value());

  const auto record = future.New();
  v1::Record known;
  known.set_contributor("members/aurore");
  known.mutable_offender_report()->set_comment("see listing");
  ASSERT_TRUE(record->ParseFromString(known.SerializeAsString() + "\xa2\x38\x03"
                                                                  "DE1"));
  ASSERT_EQ(record->GetReflection()->GetString(*record, future.descriptor()->FindFieldByName("bank_account")),
            "DE1");

  for (const auto id : {kViewFull, kViewNotice}) {
    const View view = Listed(schema, DefaultRules().view_names.NameOf(id));
    EXPECT_FALSE(view.hidden());
    EXPECT_EQ(view.level(*schema.Index("bank_account")), Level::kOmit);
    EXPECT_EQ(view.level(*schema.Index("undercover_buyer")), Level::kOmit);
    const auto out = future.New();
    ProjectMessage(schema, *record, view, ::coalition::testing::FakeContext(), out.get());
    EXPECT_THAT(out->DebugString(), Not(HasSubstr("DE1")));
  }
  // The control: a view that lists it shows it.
  const auto out = future.New();
  const uint64_t bit = uint64_t{1} << *schema.Index("bank_account");
  ProjectMessage(schema, *record, {bit, bit}, ::coalition::testing::FakeContext(), out.get());
  EXPECT_THAT(out->DebugString(), HasSubstr("DE1"));
}

}  // namespace
}  // namespace coalition::policy
