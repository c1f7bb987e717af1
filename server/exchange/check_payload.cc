#include "server/exchange/check_payload.h"

#include <string_view>

#include "common/hash.h"
#include "common/ids.h"

namespace coalition::exchange {
namespace {

constexpr std::string_view kEvidenceHashPrefix = "sha256:";

#define REPORT "record.offender_report."
#define NOTICE "record.takedown_notice."
#define OUTCOME "record.takedown_outcome."

void CheckReference(const char* path, const std::string& name, v1::RecordClass must_be, FieldChecker* checker,
                    std::vector<Reference>* references) {
  if (name.empty()) return;
  const auto text = ParseRecordName(name);
  if (!checker->violations().Check(path, text.status())) return;
  // Without "record.".
  references->push_back({path + 7, *RecordIdToBytes(*text), must_be});
}

void CheckRight(const char* path, int index, const v1::Right& right, FieldChecker* checker) {
  checker->Known({path, index}, right);
  checker->Text({path, index, "type"}, right.type(), kCodeCharsMax);
  checker->Text({path, index, "office"}, right.office(), kNameCharsMax);
  checker->Text({path, index, "registration_number"}, right.registration_number(), kReferenceCharsMax);
}

void CheckListings(const char* path, const google::protobuf::RepeatedPtrField<v1::Listing>& listings,
                   FieldChecker* checker) {
  if (!checker->Count(path, listings.size())) return;
  for (int i = 0; i < listings.size(); ++i) {
    const v1::Listing& listing = listings[i];
    checker->Known({path, i}, listing);
    checker->Text({path, i, "url"}, listing.url(), kUrlCharsMax);
    checker->Text({path, i, "listing_id"}, listing.listing_id(), kReferenceCharsMax);
    if (listing.url().empty() && listing.listing_id().empty())
      checker->Add({path, i}, "needs a url or a listing_id");
  }
}

void CheckEvidence(const google::protobuf::RepeatedPtrField<v1::Evidence>& evidence, FieldChecker* checker) {
  constexpr char kPath[] = REPORT "evidence";
  if (!checker->Count(kPath, evidence.size())) return;
  for (int i = 0; i < evidence.size(); ++i) {
    const v1::Evidence& item = evidence[i];
    checker->Known({kPath, i}, item);
    checker->Text({kPath, i, "type"}, item.type(), kCodeCharsMax);
    checker->Text({kPath, i, "reference"}, item.reference(), kReferenceCharsMax);
    if (item.hash().empty()) continue;
    const std::string_view hash = item.hash();
    const auto bytes = hash.starts_with(kEvidenceHashPrefix)
                           ? HexDecode(hash.substr(kEvidenceHashPrefix.size()))
                           : std::nullopt;
    if (!bytes || bytes->size() != sizeof(Sha256Digest)) {
      checker->Add({kPath, i, "hash"}, "must be \"sha256:\" and 64 hex digits");
    }
  }
}

void CheckReport(const v1::OffenderReport& report, FieldChecker* checker) {
  checker->Known({"record.offender_report"}, report);
  checker->Text({REPORT "seller_display_name"}, report.seller_display_name(), kNameCharsMax);
  checker->Text({REPORT "seller_storefront_url"}, report.seller_storefront_url(), kUrlCharsMax);
  if (checker->Count(REPORT "rights", report.rights_size())) {
    for (int i = 0; i < report.rights_size(); ++i) CheckRight(REPORT "rights", i, report.rights(i), checker);
  }
  if (report.infringement_types().empty()) {
    checker->Add({REPORT "infringement_types"}, "needs at least one, e.g. KEYWORD_TRADEMARK_INFRINGEMENT");
  }
  checker->Texts(REPORT "infringement_types", report.infringement_types(), kCodeCharsMax);
  checker->Text({REPORT "product_category"}, report.product_category(), kNameCharsMax);
  CheckListings(REPORT "listings", report.listings(), checker);
  CheckEvidence(report.evidence(), checker);
  checker->Text({REPORT "case_type"}, report.case_type(), kCodeCharsMax);
  checker->Text({REPORT "grounds_code"}, report.grounds_code(), kCodeCharsMax);
  checker->Time(REPORT "first_observed_time", report.has_first_observed_time(), report.first_observed_time());
  checker->Time(REPORT "last_observed_time", report.has_last_observed_time(), report.last_observed_time());
  checker->Text({REPORT "legal_basis"}, report.legal_basis(), kNameCharsMax);
  checker->Text({REPORT "correction_contact"}, report.correction_contact(), kNameCharsMax);
  checker->Text({REPORT "comment"}, report.comment(), kCommentCharsMax);
}

void CheckNotice(const v1::TakedownNotice& notice, FieldChecker* checker,
                 std::vector<Reference>* references) {
  checker->Known({"record.takedown_notice"}, notice);
  CheckListings(NOTICE "listings", notice.listings(), checker);
  if (notice.listings().empty() && !notice.whole_account()) {
    checker->Add({NOTICE "listings"}, "needs a listing, unless whole_account is set");
  }
  checker->Text({NOTICE "requested_action"}, notice.requested_action(), kCodeCharsMax);
  if (notice.has_right()) CheckRight(NOTICE "right", -1, notice.right(), checker);
  checker->Time(NOTICE "deadline_time", notice.has_deadline_time(), notice.deadline_time());
  CheckReference(NOTICE "report", notice.report(), v1::RECORD_CLASS_OFFENDER_REPORT, checker, references);
  checker->Text({NOTICE "comment"}, notice.comment(), kCommentCharsMax);
}

void CheckStatementDecisions(const v1::TakedownOutcome& outcome, FieldChecker* checker) {
  checker->Texts(OUTCOME "decision_visibility", outcome.decision_visibility(), kCodeCharsMax);
  checker->Text({OUTCOME "decision_visibility_other"}, outcome.decision_visibility_other(),
                kDsaGroundCharsMax);
  checker->Time(OUTCOME "end_date_visibility_restriction", outcome.has_end_date_visibility_restriction(),
                outcome.end_date_visibility_restriction());
  checker->Text({OUTCOME "decision_monetary"}, outcome.decision_monetary(), kCodeCharsMax);
  checker->Text({OUTCOME "decision_monetary_other"}, outcome.decision_monetary_other(), kDsaGroundCharsMax);
  checker->Time(OUTCOME "end_date_monetary_restriction", outcome.has_end_date_monetary_restriction(),
                outcome.end_date_monetary_restriction());
  checker->Text({OUTCOME "decision_provision"}, outcome.decision_provision(), kCodeCharsMax);
  checker->Time(OUTCOME "end_date_service_restriction", outcome.has_end_date_service_restriction(),
                outcome.end_date_service_restriction());
  checker->Text({OUTCOME "decision_account"}, outcome.decision_account(), kCodeCharsMax);
  checker->Time(OUTCOME "end_date_account_restriction", outcome.has_end_date_account_restriction(),
                outcome.end_date_account_restriction());
  checker->Text({OUTCOME "account_type"}, outcome.account_type(), kCodeCharsMax);
}

void CheckStatementGrounds(const v1::TakedownOutcome& outcome, FieldChecker* checker) {
  checker->Text({OUTCOME "decision_ground"}, outcome.decision_ground(), kCodeCharsMax);
  checker->Text({OUTCOME "decision_ground_reference_url"}, outcome.decision_ground_reference_url(),
                kUrlCharsMax);
  checker->Text({OUTCOME "illegal_content_legal_ground"}, outcome.illegal_content_legal_ground(),
                kDsaGroundCharsMax);
  checker->Text({OUTCOME "illegal_content_explanation"}, outcome.illegal_content_explanation(),
                kDsaExplanationCharsMax);
  checker->Text({OUTCOME "incompatible_content_ground"}, outcome.incompatible_content_ground(),
                kDsaGroundCharsMax);
  checker->Text({OUTCOME "incompatible_content_explanation"}, outcome.incompatible_content_explanation(),
                kDsaExplanationCharsMax);
  checker->YesNo(OUTCOME "incompatible_content_illegal", outcome.incompatible_content_illegal());
  checker->Text({OUTCOME "category"}, outcome.category(), kCodeCharsMax);
  checker->Texts(OUTCOME "category_addition", outcome.category_addition(), kCodeCharsMax);
  checker->Texts(OUTCOME "category_specification", outcome.category_specification(), kCodeCharsMax);
  checker->Text({OUTCOME "category_specification_other"}, outcome.category_specification_other(),
                kDsaGroundCharsMax);
}

void CheckStatementFacts(const v1::TakedownOutcome& outcome, FieldChecker* checker) {
  checker->Text({OUTCOME "uuid"}, outcome.uuid(), kCodeCharsMax);
  checker->Texts(OUTCOME "content_type", outcome.content_type(), kCodeCharsMax);
  checker->Text({OUTCOME "content_type_other"}, outcome.content_type_other(), kDsaGroundCharsMax);
  checker->Text({OUTCOME "content_language"}, outcome.content_language(), kCodeCharsMax);
  checker->Time(OUTCOME "content_date", outcome.has_content_date(), outcome.content_date());
  checker->Text({OUTCOME "content_id_ean"}, outcome.content_id_ean(), kCodeCharsMax);
  checker->Texts(OUTCOME "territorial_scope", outcome.territorial_scope(), kCodeCharsMax);
  checker->Time(OUTCOME "application_date", outcome.has_application_date(), outcome.application_date());
  checker->Text({OUTCOME "decision_facts"}, outcome.decision_facts(), kDsaFactsCharsMax);
  checker->Text({OUTCOME "source_type"}, outcome.source_type(), kCodeCharsMax);
  checker->Text({OUTCOME "source_identity"}, outcome.source_identity(), kNameCharsMax);
  checker->YesNo(OUTCOME "automated_detection", outcome.automated_detection());
  checker->Text({OUTCOME "automated_decision"}, outcome.automated_decision(), kCodeCharsMax);
  checker->Text({OUTCOME "platform_name"}, outcome.platform_name(), kNameCharsMax);
  checker->Text({OUTCOME "platform_uid"}, outcome.platform_uid(), kDsaPuidCharsMax);
  checker->Time(OUTCOME "created_at", outcome.has_created_at(), outcome.created_at());
}

void CheckOutcome(const v1::TakedownOutcome& outcome, FieldChecker* checker,
                  std::vector<Reference>* references) {
  checker->Known({"record.takedown_outcome"}, outcome);
  if (!v1::ActionTaken_IsValid(outcome.action_taken()))
    checker->Add({OUTCOME "action_taken"}, "no such value");
  if (!v1::AppealResult_IsValid(outcome.appeal_result()))
    checker->Add({OUTCOME "appeal_result"}, "no such value");
  if (outcome.action_taken() == v1::ACTION_TAKEN_UNSPECIFIED && outcome.decision_visibility().empty() &&
      outcome.decision_monetary().empty() && outcome.decision_provision().empty() &&
      outcome.decision_account().empty()) {
    checker->Add({OUTCOME "action_taken"},
                 "an outcome says action_taken, or at least one of the four decisions");
  }
  CheckReference(OUTCOME "notice", outcome.notice(), v1::RECORD_CLASS_TAKEDOWN_NOTICE, checker, references);
  CheckReference(OUTCOME "report", outcome.report(), v1::RECORD_CLASS_OFFENDER_REPORT, checker, references);
  checker->Time(OUTCOME "reinstated_time", outcome.has_reinstated_time(), outcome.reinstated_time());
  CheckStatementDecisions(outcome, checker);
  CheckStatementGrounds(outcome, checker);
  CheckStatementFacts(outcome, checker);
}

void CheckOpinion(const v1::Opinion& opinion, FieldChecker* checker, std::vector<Reference>* references) {
  checker->Known({"record.opinion"}, opinion);
  if (opinion.verdict() == v1::OPINION_VERDICT_UNSPECIFIED ||
      !v1::OpinionVerdict_IsValid(opinion.verdict())) {
    checker->Add({"record.opinion.verdict"}, "is missing or unknown");
  }
  if (opinion.subject().empty()) checker->Add({"record.opinion.subject"}, "is missing: records/{record}");
  CheckReference("record.opinion.subject", opinion.subject(), v1::RECORD_CLASS_UNSPECIFIED, checker,
                 references);
  checker->Text({"record.opinion.comment"}, opinion.comment(), kCommentCharsMax);
}

#undef REPORT
#undef NOTICE
#undef OUTCOME

}  // namespace

void CheckPayload(const v1::Record& record, FieldChecker* checker, std::vector<Reference>* references) {
  switch (record.payload_case()) {
    case v1::Record::kOffenderReport:
      return CheckReport(record.offender_report(), checker);
    case v1::Record::kTakedownNotice:
      return CheckNotice(record.takedown_notice(), checker, references);
    case v1::Record::kTakedownOutcome:
      return CheckOutcome(record.takedown_outcome(), checker, references);
    case v1::Record::kOpinion:
      return CheckOpinion(record.opinion(), checker, references);
    case v1::Record::PAYLOAD_NOT_SET:
      break;
  }
  checker->Add({"record"}, "needs a payload: offender_report, takedown_notice, takedown_outcome or opinion");
}

}  // namespace coalition::exchange
