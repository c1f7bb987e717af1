// A marker is planted in every field of every class: what a view does not show in full appears in no byte
// that is sent to the reader, nor in the log, nor in the metrics.
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/membership_service.pb.h"
#include "common/log.h"
#include "tests/property/exchange_questions.h"
#include "tests/property/exchange_wire.h"

namespace coalition::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// By the field's path, as views name it: "rights.office".
using Markers = std::map<std::string, std::string>;

class Planter {
 public:
  // All texts of the record get a marker each, but for names, references and what must have a certain form.
  Markers Plant(v1::Record* record) {
    markers_.clear();
    record->set_external_id(Next("external_id"));
    if (record->has_seller()) record->mutable_seller()->set_seller_id(Next("seller.seller_id"));
    if (record->has_offender_report()) {
      v1::OffenderReport& report = *record->mutable_offender_report();
      report.add_rights();
      report.add_evidence();
      report.add_listings();
      PlantIn("", &report);
    }
    if (record->has_takedown_notice()) {
      record->mutable_takedown_notice()->mutable_right();
      record->mutable_takedown_notice()->add_listings();
      PlantIn("", record->mutable_takedown_notice());
    }
    if (record->has_takedown_outcome()) PlantIn("", record->mutable_takedown_outcome());
    if (record->has_opinion()) PlantIn("", record->mutable_opinion());
    return markers_;
  }

 private:
  std::string Next(const std::string& path) {
    return markers_[path] = "zq" + std::to_string(1000 + ++count_) + "qz";
  }

  static bool HasForm(const FieldDescriptor& field) {
    static const std::vector<std::string> forms = {"notice", "report", "subject",
                                                   "incompatible_content_illegal", "automated_detection"};
    return std::find(forms.begin(), forms.end(), field.name()) != forms.end();
  }

  void PlantIn(const std::string& prefix, Message* message) {
    const auto& reflection = *message->GetReflection();
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message->GetDescriptor()->field(i);
      const std::string path = prefix + field->name();
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !HasForm(*field)) {
        std::string marker = Next(path);
        if (path == "evidence.hash") {
          markers_[path] = std::string(60, 'e') + std::to_string(1000 + count_);
          marker = "sha256:" + markers_[path];
        }
        field->is_repeated() ? reflection.AddString(message, field, marker)
                             : reflection.SetString(message, field, marker);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        if (field->is_repeated()) {
          if (reflection.FieldSize(*message, field) > 0)
            PlantIn(path + ".", reflection.MutableRepeatedMessage(message, field, 0));
        } else if (reflection.HasField(*message, field)) {
          PlantIn(path + ".", reflection.MutableMessage(message, field));
        }
      }
    }
  }

  int count_ = 0;
  Markers markers_;
};

class MarkerTest : public ::testing::Test {
 protected:
  struct Planted {
    std::string name;
    std::string owner;
    Markers markers;
    v1::Seller seller;
  };

  MarkerTest() : stage_(SystemClock().NowNs()) {}

  // To belmont in full, to paylink and the host of the seller by "notice", to souk in full; not to corsa.
  const Planted& Contribute(const std::string& owner, v1::Record record) {
    Planted planted;
    planted.owner = owner;
    planted.markers = planter_.Plant(&record);
    planted.seller = record.seller();
    for (const char* member : {"belmont", "souk", "bazaar"}) {
      if (owner != member) GrantMember(record, member, "full");
    }
    GrantMember(record, "paylink", "notice");
    ExcludeMember(record, "corsa");
    const auto created = AskFor<v1::CreateRecordResponse>(stage_, owner, CreateRequest(record), ++seed_);
    EXPECT_TRUE(created.ok()) << created.status();
    if (created.ok()) planted.name = created->record().name();
    return planted_.emplace_back(planted);
  }

  template <class Request>
  void Ask(const std::string& member, const Request& request, std::string* bytes) {
    *bytes += stage_.Ask(member, request, ++seed_).Whole();
  }

  // Every byte of all answers that the member can get about the record.
  std::string AllBytes(const std::string& member, const Planted& planted) {
    std::string bytes;
    v1::GetRecordRequest get;
    get.set_name(planted.name);
    Ask(member, get, &bytes);
    v1::ExplainAccessRequest explain;
    explain.set_name(planted.name);
    Ask(member, explain, &bytes);
    Ask(member, v1::ListRecordsRequest(), &bytes);
    v1::ListRecordsRequest list;
    list.mutable_filter()->set_refers_to(planted.name);
    Ask(member, list, &bytes);
    // Asked for by what the member may not know: an answer must not say it again either way, but may not know
    // it.
    v1::CreateRecordRequest create;
    *create.mutable_record() = Opinion(planted.name, v1::OPINION_VERDICT_CONFIRMED);
    create.set_validate_only(true);
    Ask(member, create, &bytes);
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(planted.name);
    Ask(member, withdraw, &bytes);
    v1::PreviewAudienceRequest preview;
    *preview.mutable_record() = create.record();
    Ask(member, preview, &bytes);
    v1::ReviseRecordRequest revise;
    revise.mutable_record()->set_name(planted.name);
    revise.mutable_update_mask()->add_paths("label");
    Ask(member, revise, &bytes);
    Ask(member, v1::ListAudiencesRequest(), &bytes);
    Ask(member, v1::ListMembersRequest(), &bytes);
    Ask(member, v1::ListPlatformsRequest(), &bytes);
    Ask(member, v1::WhoAmIRequest(), &bytes);
    return bytes;
  }

  // The same of questions that name the seller or the external id: those two an answer may repeat.
  std::string BytesWhenNamed(const std::string& member, const Planted& planted) {
    std::string bytes;
    v1::ListRecordsRequest list;
    list.mutable_filter()->set_external_id(planted.markers.at("external_id"));
    Ask(member, list, &bytes);
    if (planted.seller.seller_id().empty()) return bytes;
    v1::ScreenSellersRequest screen;
    *screen.add_sellers() = planted.seller;
    Ask(member, screen, &bytes);
    v1::GetSellerProfileRequest profile;
    *profile.mutable_seller() = planted.seller;
    Ask(member, profile, &bytes);
    list.Clear();
    *list.mutable_filter()->mutable_seller() = planted.seller;
    Ask(member, list, &bytes);
    v1::ImportRecordsRequest import;
    import.set_validate_only(true);
    v1::Record& record = *import.add_items()->mutable_record();
    record = testing::Report("bazaar.example", planted.seller.seller_id());
    record.set_external_id(planted.markers.at("external_id"));
    Ask(member, import, &bytes);
    return bytes;
  }

  // The paths that the member sees in full, as the auditor is told.
  std::vector<std::string> ShownInFull(const std::string& member, const Planted& planted) {
    v1::ExplainAccessRequest explain;
    explain.set_name(planted.name);
    explain.set_member("members/" + member);
    const auto told = AskFor<v1::ExplainAccessResponse>(stage_, "office", explain, ++seed_);
    EXPECT_TRUE(told.ok()) << told.status();
    if (!told.ok() || !told->members(0).visible()) return {};
    return {told->members(0).fields().full().begin(), told->members(0).fields().full().end()};
  }

  WireStage stage_;
  Planter planter_;
  std::vector<Planted> planted_;
  uint64_t seed_ = 1;
};

TEST_F(MarkerTest, WhatAViewDoesNotShowIsInNoByte) {
  Log::Configure(LogLevel::kTrace, LogFormat::kText);
  ::testing::internal::CaptureStderr();
  planted_.reserve(4);
  const Planted& report = Contribute("aurore", testing::Report("bazaar.example", "s"));
  v1::Record notice = Notice("bazaar.example", "s");
  notice.mutable_takedown_notice()->set_report(report.name);
  Contribute("aurore", notice);
  Contribute("bazaar", Outcome("bazaar.example", "s"));
  v1::Record opinion = Opinion(report.name, v1::OPINION_VERDICT_CONFIRMED);
  Contribute("aurore", opinion);

  size_t hidden = 0, shown = 0;
  for (const char* member : {"belmont", "corsa", "bazaar", "souk", "paylink", "customs", "office"}) {
    for (const Planted& planted : planted_) {
      if (planted.owner == member) continue;
      const std::vector<std::string> in_full = ShownInFull(member, planted);
      const std::string bytes = AllBytes(member, planted), named = BytesWhenNamed(member, planted);
      for (const auto& [path, marker] : planted.markers) {
        const bool is_shown = std::find(in_full.begin(), in_full.end(), path) != in_full.end();
        (is_shown ? shown : hidden) += 1;
        // The positive control: what is shown is there.
        EXPECT_EQ(bytes.find(marker) != std::string::npos, is_shown) << member << " and " << path;
        const bool repeated = path == "seller.seller_id" || path == "external_id";
        EXPECT_TRUE(is_shown || repeated || named.find(marker) == std::string::npos)
            << member << " and " << path;
      }
    }
  }
  EXPECT_GT(hidden, 200U);
  EXPECT_GT(shown, 100U);
  // A refusal, which is logged: there are a log and metrics that a marker could be in.
  const Identity stranger = stage_.server().certificates().Member("aurore", "stranger");
  EXPECT_TRUE(absl::IsUnauthenticated(stage_.server().WhoAmI(stranger).status()));
  const HttpAnswer metrics = HttpGet(stage_.server().http_port(), "/metrics");
  EXPECT_EQ(metrics.code, 200);
  EXPECT_NE(metrics.body.find("grpc_server_handled_total"), std::string::npos);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("caller_refused"), std::string::npos) << log;
  for (const Planted& planted : planted_) {
    for (const auto& [path, marker] : planted.markers) {
      EXPECT_EQ(metrics.body.find(marker), std::string::npos) << path;
      EXPECT_EQ(log.find(marker), std::string::npos) << path << "\n" << log;
    }
  }
  // Nor does a metric name a member.
  EXPECT_EQ(metrics.body.find("aurore"), std::string::npos);
}

}  // namespace
}  // namespace coalition::testing
