// coalition report, notice, outcome, opinion: what a member contributes, as an analyst says it.
#include <memory>

#include "client/cli/app.h"
#include "client/cli/draft.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

// Runs `parse` on each text and hands the value to `take`.
template <class Parse, class Take>
absl::Status Each(const std::vector<std::string>& texts, Parse parse, Take take) {
  for (const std::string& text : texts) {
    auto value = parse(text);
    if (!value.ok()) return value.status();
    take(*std::move(value));
  }
  return absl::OkStatus();
}

// Sets `field` from `text` unless that is empty.
template <class Parse, class Take>
absl::Status IfSaid(const std::string& text, Parse parse, Take take) {
  return text.empty() ? absl::OkStatus() : Each({text}, parse, take);
}

// The first error, if any. Later steps are not run.
#define COALITION_CLI_TRY(expression) \
  if (absl::Status try_status = (expression); !try_status.ok()) return try_status

// Draft, class's own flags, common flags, send.
template <class Apply>
int Run(Session& session, const DraftFlags& draft, Apply apply) {
  absl::StatusOr<v1::Record> record = StartDraft(session, draft);
  if (!record.ok()) return session.Misused(std::string(record.status().message()));
  absl::Status status = apply(&*record);
  if (status.ok()) status = ApplyDraft(draft, &*record);
  if (!status.ok()) return session.Misused(std::string(status.message()));
  return Contribute(session, *record, draft);
}

absl::Status ApplySeller(const std::string& text, bool platform_suffices, v1::Record* record) {
  if (text.empty() && record->has_seller()) return absl::OkStatus();
  if (text.empty())
    return absl::InvalidArgumentError("the seller is missing: PLATFORM/SELLER, or \"seller\" in --file");
  absl::StatusOr<v1::Seller> seller = platform_suffices ? ParseSellerOrPlatform(text) : ParseSeller(text);
  if (!seller.ok()) return seller.status();
  *record->mutable_seller() = *std::move(seller);
  return absl::OkStatus();
}

struct ReportFlags {
  DraftFlags draft;
  std::string seller, display_name, storefront, product_category, case_type, grounds_code, first_observed,
      last_observed, legal_basis, correction_contact, comment;
  std::vector<std::string> infringements, rights, listings, evidence;
  bool human_reviewed = false;
};

absl::Status ApplyReport(const ReportFlags& flags, v1::Record* record) {
  COALITION_CLI_TRY(ApplySeller(flags.seller, false, record));
  v1::OffenderReport& report = *record->mutable_offender_report();
  COALITION_CLI_TRY(Each(flags.infringements, ParseInfringement,
                         [&](std::string k) { report.add_infringement_types(std::move(k)); }));
  const std::string infringement = report.infringement_types_size() > 0 ? report.infringement_types(0) : "";
  COALITION_CLI_TRY(Each(
      flags.rights, [&](const std::string& text) { return ParseRight(text, infringement); },
      [&](v1::Right right) { *report.add_rights() = std::move(right); }));
  COALITION_CLI_TRY(Each(flags.evidence, ParseEvidence,
                         [&](v1::Evidence item) { *report.add_evidence() = std::move(item); }));
  for (const std::string& listing : flags.listings) *report.add_listings() = ParseListing(listing);
  COALITION_CLI_TRY(IfSaid(flags.first_observed, ParseTime,
                           [&](auto time) { *report.mutable_first_observed_time() = time; }));
  COALITION_CLI_TRY(IfSaid(flags.last_observed, ParseTime,
                           [&](auto time) { *report.mutable_last_observed_time() = time; }));
  if (!flags.display_name.empty()) report.set_seller_display_name(flags.display_name);
  if (!flags.storefront.empty()) report.set_seller_storefront_url(flags.storefront);
  if (!flags.product_category.empty()) report.set_product_category(flags.product_category);
  if (!flags.case_type.empty()) report.set_case_type(flags.case_type);
  if (!flags.grounds_code.empty()) report.set_grounds_code(flags.grounds_code);
  if (!flags.legal_basis.empty()) report.set_legal_basis(flags.legal_basis);
  if (!flags.correction_contact.empty()) report.set_correction_contact(flags.correction_contact);
  if (!flags.comment.empty()) report.set_comment(flags.comment);
  if (flags.human_reviewed) report.set_human_reviewed(true);
  return absl::OkStatus();
}

void AddReport(App& app) {
  auto flags = std::make_shared<ReportFlags>();
  Verb verb = app.AddVerb(
      app.root(), "report", "Reports a seller that offends against intellectual property rights",
      {{"report bazaar.example/shop-4711 --infringement trademark --right EUIPO:012345678 "
        "--listing https://bazaar.example/item/1 --label amber --grant kind:brand=full --grant "
        "member:bazaar=notice "
        "--exclude member:belmont --external-id case-42",
        "All brands but belmont see everything, bazaar a notice of it."},
       {"report bazaar.example/shop-4711 --infringement trademark --evidence "
        "test-purchase:sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855:box-3 "
        "--dry-run",
        "Only checks it."},
       {"report --file record.json --grant everyone=notice --label green",
        "A record as JSON, with another audience."}},
      [flags](Session& session) {
        return Run(session, flags->draft, [&](v1::Record* record) { return ApplyReport(*flags, record); });
      });
  verb.AddOption("SELLER", flags->seller, "PLATFORM/SELLER");
  verb.AddOption("--infringement", flags->infringements,
                 "trademark, design, copyright, patent, … or a DSA keyword (KEYWORD_…). Repeatable")
      .OnePerFlag();
  verb.AddOption("--right", flags->rights, "OFFICE:NUMBER or TYPE:OFFICE:NUMBER. Repeatable").OnePerFlag();
  verb.AddOption("--listing", flags->listings, "URL, or the platform's id of the listing. Repeatable")
      .OnePerFlag();
  verb.AddOption("--evidence", flags->evidence, "TYPE[:sha256:HEX[:REFERENCE]]. Repeatable").OnePerFlag();
  verb.AddOption("--display-name", flags->display_name, "What the seller calls itself");
  verb.AddOption("--storefront", flags->storefront, "URL of the seller's shop");
  verb.AddOption("--product-category", flags->product_category, "E.g. handbags");
  verb.AddOption("--case-type", flags->case_type, "E.g. COUNTERFEIT_SALE");
  verb.AddOption("--grounds-code", flags->grounds_code, "Code of the grounds");
  verb.AddOption("--first-observed", flags->first_observed, "YYYY-MM-DD or RFC 3339");
  verb.AddOption("--last-observed", flags->last_observed, "YYYY-MM-DD or RFC 3339");
  verb.AddOption("--legal-basis", flags->legal_basis, "Why you may share it");
  verb.AddOption("--correction-contact", flags->correction_contact,
                 "Where the seller can ask for correction");
  verb.AddOption("--comment", flags->comment, "Free text");
  verb.AddFlag("--human-reviewed", flags->human_reviewed, "A person has looked at it");
  AddDraftFlags(verb, &flags->draft);
}

struct NoticeFlags {
  DraftFlags draft;
  std::string seller, action, right, deadline, report, comment;
  std::vector<std::string> listings;
  bool whole_account = false;
};

absl::Status ApplyNotice(const NoticeFlags& flags, v1::Record* record) {
  COALITION_CLI_TRY(ApplySeller(flags.seller, false, record));
  v1::TakedownNotice& notice = *record->mutable_takedown_notice();
  for (const std::string& listing : flags.listings) *notice.add_listings() = ParseListing(listing);
  COALITION_CLI_TRY(IfSaid(
      flags.right, [](const std::string& text) { return ParseRight(text, ""); },
      [&](v1::Right right) { *notice.mutable_right() = std::move(right); }));
  COALITION_CLI_TRY(
      IfSaid(flags.deadline, ParseTime, [&](auto time) { *notice.mutable_deadline_time() = time; }));
  COALITION_CLI_TRY(
      IfSaid(flags.report, ParseRecord, [&](std::string name) { notice.set_report(std::move(name)); }));
  if (!flags.action.empty()) notice.set_requested_action(EnumName(flags.action));
  if (flags.whole_account) notice.set_whole_account(true);
  if (!flags.comment.empty()) notice.set_comment(flags.comment);
  return absl::OkStatus();
}

void AddNotice(App& app) {
  auto flags = std::make_shared<NoticeFlags>();
  Verb verb = app.AddVerb(
      app.root(), "notice", "Asks a host to act against listings or an account",
      {{"notice bazaar.example/shop-4711 --listing https://bazaar.example/item/1 --action remove-listings "
        "--right EUIPO:012345678 --deadline 2026-12-24 --grant member:bazaar=full",
        "Asks bazaar to remove a listing."},
       {"notice bazaar.example/shop-4711 --whole-account --action suspend-account "
        "--report records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grant member:bazaar=full",
        "Against the account, resting on a report."}},
      [flags](Session& session) {
        return Run(session, flags->draft, [&](v1::Record* record) { return ApplyNotice(*flags, record); });
      });
  verb.AddOption("SELLER", flags->seller, "PLATFORM/SELLER");
  verb.AddOption("--listing", flags->listings, "URL, or the platform's id of the listing. Repeatable")
      .OnePerFlag();
  verb.AddFlag("--whole-account", flags->whole_account, "The account itself, not listings alone");
  verb.AddOption("--action", flags->action, "remove-listings, suspend-account, terminate-account, …");
  verb.AddOption("--right", flags->right, "OFFICE:NUMBER or TYPE:OFFICE:NUMBER");
  verb.AddOption("--deadline", flags->deadline, "YYYY-MM-DD or RFC 3339");
  verb.AddOption("--report", flags->report, "Report that it rests on");
  verb.AddOption("--comment", flags->comment, "Free text");
  AddDraftFlags(verb, &flags->draft);
}

struct OutcomeFlags {
  DraftFlags draft;
  std::string seller, action, notice, report, account, monetary, provision, ground, category, appeal,
      reinstated_at, application_date, facts;
  std::vector<std::string> visibility, keywords;
  bool reinstated = false;
};

// "content-removed" -> DECISION_VISIBILITY_CONTENT_REMOVED; what has the prefix already stays as it is.
std::string WithPrefix(const std::string& prefix, const std::string& text) {
  return text.rfind(prefix, 0) == 0 ? text : prefix + EnumName(text);
}

absl::Status ApplyOutcome(const OutcomeFlags& flags, v1::Record* record) {
  COALITION_CLI_TRY(ApplySeller(flags.seller, true, record));
  v1::TakedownOutcome& outcome = *record->mutable_takedown_outcome();
  COALITION_CLI_TRY(
      IfSaid(flags.action, ParseActionTaken, [&](auto action) { outcome.set_action_taken(action); }));
  COALITION_CLI_TRY(
      IfSaid(flags.notice, ParseRecord, [&](std::string name) { outcome.set_notice(std::move(name)); }));
  COALITION_CLI_TRY(
      IfSaid(flags.report, ParseRecord, [&](std::string name) { outcome.set_report(std::move(name)); }));
  COALITION_CLI_TRY(
      IfSaid(flags.appeal, ParseAppealResult, [&](auto result) { outcome.set_appeal_result(result); }));
  COALITION_CLI_TRY(
      IfSaid(flags.reinstated_at, ParseTime, [&](auto time) { *outcome.mutable_reinstated_time() = time; }));
  COALITION_CLI_TRY(IfSaid(flags.application_date, ParseTime,
                           [&](auto time) { *outcome.mutable_application_date() = time; }));
  COALITION_CLI_TRY(Each(flags.keywords, ParseInfringement,
                         [&](std::string k) { outcome.add_category_specification(std::move(k)); }));
  for (const std::string& one : flags.visibility) {
    outcome.add_decision_visibility(WithPrefix("DECISION_VISIBILITY_", one));
  }
  if (!flags.monetary.empty())
    outcome.set_decision_monetary(WithPrefix("DECISION_MONETARY_", flags.monetary));
  if (!flags.provision.empty())
    outcome.set_decision_provision(WithPrefix("DECISION_PROVISION_", flags.provision));
  if (!flags.account.empty()) outcome.set_decision_account(WithPrefix("DECISION_ACCOUNT_", flags.account));
  if (!flags.ground.empty()) outcome.set_decision_ground(WithPrefix("DECISION_GROUND_", flags.ground));
  if (!flags.category.empty()) outcome.set_category(WithPrefix("STATEMENT_CATEGORY_", flags.category));
  if (!flags.facts.empty()) outcome.set_decision_facts(flags.facts);
  if (flags.reinstated || !flags.reinstated_at.empty()) outcome.set_reinstated(true);
  return absl::OkStatus();
}

void AddOutcome(App& app) {
  auto flags = std::make_shared<OutcomeFlags>();
  Verb verb = app.AddVerb(
      app.root(), "outcome",
      "Publishes what your marketplace did (see also `coalition import --format dsa-sor`)",
      {{"outcome bazaar.example/shop-4711 --action partial --account suspended "
        "--notice records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grant kind:brand=full",
        "In answer to a notice."},
       {"outcome bazaar.example --action yes --visibility content-removed --keyword trademark --grant "
        "everyone=notice "
        "--label green",
        "Without naming the seller: never screened."}},
      [flags](Session& session) {
        return Run(session, flags->draft, [&](v1::Record* record) { return ApplyOutcome(*flags, record); });
      });
  verb.AddOption("SELLER", flags->seller, "PLATFORM/SELLER, or PLATFORM alone");
  verb.AddOption("--action", flags->action, "yes, no or partial");
  verb.AddOption("--notice", flags->notice, "Notice acted on");
  verb.AddOption("--report", flags->report, "Report acted on");
  verb.AddOption("--visibility", flags->visibility, "content-removed, content-disabled, … Repeatable")
      .OnePerFlag();
  verb.AddOption("--monetary", flags->monetary, "suspension, termination, other");
  verb.AddOption("--provision", flags->provision, "partial-suspension, total-suspension, …");
  verb.AddOption("--account", flags->account, "suspended, terminated");
  verb.AddOption("--ground", flags->ground, "illegal-content, incompatible-content");
  verb.AddOption("--category", flags->category, "intellectual-property-infringements, …");
  verb.AddOption("--keyword", flags->keywords, "trademark, … or a DSA keyword (KEYWORD_…). Repeatable")
      .OnePerFlag();
  verb.AddOption("--application-date", flags->application_date, "YYYY-MM-DD or RFC 3339");
  verb.AddOption("--facts", flags->facts, "Facts of the decision, free text");
  verb.AddFlag("--reinstated", flags->reinstated, "The action was undone");
  verb.AddOption("--reinstated-at", flags->reinstated_at, "YYYY-MM-DD or RFC 3339");
  verb.AddOption("--appeal", flags->appeal, "pending, upheld or rejected");
  AddDraftFlags(verb, &flags->draft);
}

struct OpinionFlags {
  DraftFlags draft;
  std::string record, verdict, comment;
};

absl::Status ApplyOpinion(const OpinionFlags& flags, v1::Record* record) {
  v1::Opinion& opinion = *record->mutable_opinion();
  COALITION_CLI_TRY(
      IfSaid(flags.record, ParseRecord, [&](std::string name) { opinion.set_subject(std::move(name)); }));
  COALITION_CLI_TRY(
      IfSaid(flags.verdict, ParseOpinionVerdict, [&](auto verdict) { opinion.set_verdict(verdict); }));
  if (opinion.subject().empty() || opinion.verdict() == v1::OPINION_VERDICT_UNSPECIFIED) {
    return absl::InvalidArgumentError("name the record and the opinion: coalition opinion RECORD confirmed");
  }
  if (!flags.comment.empty()) opinion.set_comment(flags.comment);
  return absl::OkStatus();
}

void AddOpinion(App& app) {
  auto flags = std::make_shared<OpinionFlags>();
  Verb verb = app.AddVerb(
      app.root(), "opinion", "Says what you think of a record that you can see",
      {{"opinion records/aaaaaaaaaaaaaaaaaaaaaaaaaa confirmed --grant kind:brand=full",
        "You have seen the same."},
       {"opinion records/aaaaaaaaaaaaaaaaaaaaaaaaaa false-positive --comment 'authorised dealer' "
        "--grant member:aurore=full",
        "To the contributor alone."}},
      [flags](Session& session) {
        return Run(session, flags->draft, [&](v1::Record* record) { return ApplyOpinion(*flags, record); });
      });
  verb.AddOption("RECORD", flags->record, "Record that it is about");
  verb.AddOption("OPINION", flags->verdict, "confirmed, seen-here, disputed, false-positive or outdated");
  verb.AddOption("--comment", flags->comment, "Free text");
  AddDraftFlags(verb, &flags->draft);
}

}  // namespace

void AddContributeVerbs(App& app) {
  AddReport(app);
  AddNotice(app);
  AddOutcome(app);
  AddOpinion(app);
}

}  // namespace coalition::cli
