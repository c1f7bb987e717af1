// Records as the cast would write them.
#pragma once

#include <string>

#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/record.pb.h"

namespace coalition::testing {

inline v1::Record Report(const std::string& seller_id, const std::string& platform = "bazaar.example") {
  v1::Record record;
  record.mutable_seller()->set_platform(platform);
  record.mutable_seller()->set_seller_id(seller_id);
  v1::OffenderReport* report = record.mutable_offender_report();
  report->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  v1::Right* right = report->add_rights();
  right->set_type("TRADEMARK");
  right->set_office("EUIPO");
  right->set_registration_number("018000001");
  v1::Evidence* evidence = report->add_evidence();
  evidence->set_type("TEST_PURCHASE");
  evidence->set_reference("case 17");
  report->set_comment("Seen twice.");
  return record;
}

inline v1::Record Notice(const std::string& seller_id, const std::string& report = "") {
  v1::Record record;
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id(seller_id);
  v1::TakedownNotice* notice = record.mutable_takedown_notice();
  notice->add_listings()->set_url("https://bazaar.example/item/1");
  notice->set_requested_action("REMOVE_LISTINGS");
  notice->set_report(report);
  return record;
}

inline v1::Record Outcome(const std::string& seller_id, const std::string& notice = "") {
  v1::Record record;
  record.mutable_seller()->set_platform("bazaar.example");
  if (!seller_id.empty()) record.mutable_seller()->set_seller_id(seller_id);
  v1::TakedownOutcome* outcome = record.mutable_takedown_outcome();
  outcome->set_action_taken(v1::ACTION_TAKEN_YES);
  outcome->set_notice(notice);
  outcome->add_decision_visibility("DECISION_VISIBILITY_CONTENT_REMOVED");
  outcome->set_category("STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS");
  return record;
}

inline void GrantMember(v1::Record* record, const std::string& member, const std::string& view = "full") {
  v1::Grant* grant = record->mutable_audience()->add_grants();
  grant->mutable_subject()->set_member("members/" + member);
  grant->set_view(view);
}

inline void GrantKind(v1::Record* record, v1::MemberKind kind, const std::string& view) {
  v1::Grant* grant = record->mutable_audience()->add_grants();
  grant->mutable_subject()->set_kind(kind);
  grant->set_view(view);
}

inline void Exclude(v1::Record* record, const std::string& member) {
  record->mutable_audience()->add_exclusions()->set_member("members/" + member);
}

inline v1::CreateRecordRequest CreateOf(const v1::Record& record) {
  v1::CreateRecordRequest request;
  *request.mutable_record() = record;
  return request;
}

inline v1::GetRecordRequest GetOf(const std::string& name) {
  v1::GetRecordRequest request;
  request.set_name(name);
  return request;
}

inline v1::ScreenSellersRequest ScreenOf(const std::string& seller_id,
                                         const std::string& platform = "bazaar.example") {
  v1::ScreenSellersRequest request;
  request.add_sellers()->set_platform(platform);
  request.mutable_sellers(0)->set_seller_id(seller_id);
  return request;
}

}  // namespace coalition::testing
