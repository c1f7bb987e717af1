// coalition audience …: who would see a record, and audiences that are kept under a name.
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/access_text.h"
#include "client/cli/app.h"
#include "client/cli/draft.h"
#include "client/cli/policy_file.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/file.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

struct PreviewFlags {
  DraftFlags draft;
  std::string seller, record_class, about;
};

// The payload of a class, empty: of what it holds only the class counts.
void SetClass(v1::RecordClass record_class, v1::Record* record) {
  switch (record_class) {
    case v1::RECORD_CLASS_TAKEDOWN_NOTICE:
      record->mutable_takedown_notice();
      break;
    case v1::RECORD_CLASS_TAKEDOWN_OUTCOME:
      record->mutable_takedown_outcome();
      break;
    case v1::RECORD_CLASS_OPINION:
      record->mutable_opinion();
      break;
    default:
      record->mutable_offender_report();
  }
}

absl::StatusOr<v1::Record> ToDraft(Session& session, const PreviewFlags& flags) {
  absl::StatusOr<v1::Record> record = StartDraft(session, flags.draft);
  if (!record.ok()) return record.status();
  if (!flags.seller.empty()) {
    absl::StatusOr<v1::Seller> seller = ParseSellerOrPlatform(flags.seller);
    if (!seller.ok()) return seller.status();
    *record->mutable_seller() = *std::move(seller);
  }
  if (!flags.record_class.empty()) {
    absl::StatusOr<v1::RecordClass> record_class = ParseRecordClass(flags.record_class);
    if (!record_class.ok()) return record_class.status();
    SetClass(*record_class, &*record);
  } else if (record->payload_case() == v1::Record::PAYLOAD_NOT_SET) {
    SetClass(flags.about.empty() ? v1::RECORD_CLASS_OFFENDER_REPORT : v1::RECORD_CLASS_OPINION, &*record);
  }
  if (!flags.about.empty()) {
    absl::StatusOr<std::string> subject = ParseRecord(flags.about);
    if (!subject.ok()) return subject.status();
    if (!record->has_opinion()) return absl::InvalidArgumentError("--about is for opinions");
    record->mutable_opinion()->set_subject(*std::move(subject));
  }
  if (!record->has_seller() && !record->has_opinion()) {
    return absl::InvalidArgumentError("the seller is missing: PLATFORM/SELLER, or \"seller\" in --file");
  }
  if (absl::Status status = ApplyAudience(flags.draft.audience, &*record); !status.ok()) return status;
  return record;
}

void PrintPreview(Session& session, const v1::PreviewAudienceResponse& answer) {
  if (session.format() == Format::kTable) {
    if (answer.problems().empty()) {
      WriteAccess(answer.members(), session.io().out_is_terminal, /*causes=*/false, session.io().out);
    }
    session.io().out.flush();
  } else if (session.format() == Format::kCsv) {
    ListPrinter printer = session.List(AccessColumns());
    for (const v1::MemberAccess& access : answer.members()) printer.Row(AccessCells(access), access);
    printer.Finish();
  } else {
    session.One({}, ToJson(answer));
  }
}

int Preview(Session& session, const PreviewFlags& flags) {
  absl::StatusOr<v1::Record> record = ToDraft(session, flags);
  if (!record.ok()) return session.Misused(std::string(record.status().message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::PreviewAudienceResponse> answer = (*client)->PreviewAudience(*record);
  if (!answer.ok()) return session.Fail(answer.status());
  PrintPreview(session, *answer);
  bool label = false;
  for (const v1::AudienceProblem& problem : answer->problems()) {
    session.Note(absl::StrCat(problem.path(), ": ", problem.message()));
    label |= problem.label_forbids();
  }
  if (label) {
    session.Note(
        "RED allows members; AMBER_STRICT also closed groups; AMBER also groups and kinds; GREEN also "
        "everyone.");
  }
  if (!answer->problems().empty()) return kExitNo;
  NoteIfUnshared(session, *record);
  return kExitOk;
}

struct SaveFlags {
  std::string id, file, description;
  AudienceFlags audience;
};

// Of --file, as text or as JSON; empty without one. A text with problems has them in `file`.
absl::Status ReadAudience(Session& session, const std::string& path, v1::Audience* audience, TextFile* file) {
  constexpr size_t kBytesMax = size_t{1} << 20;
  if (path.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> text = path == "-" ? session.ReadIn(kBytesMax) : ReadFile(path, kBytesMax);
  if (!text.ok()) return text.status();
  // No message in text format begins so.
  if (!absl::StartsWith(absl::StripLeadingAsciiWhitespace(*text), "{")) {
    ParseTextFile(*text, path, audience, file);
    return absl::OkStatus();
  }
  absl::Status parsed = ParseJson(*text, "an audience", audience);
  if (parsed.ok()) return parsed;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", parsed.message()));
}

Facts AudienceFacts(const v1::SavedAudience& saved) {
  std::string grants, exclusions;
  for (const v1::Grant& grant : saved.audience().grants()) {
    absl::StrAppend(&grants, grants.empty() ? "" : "; ", GrantText(grant));
  }
  for (const v1::Subject& subject : saved.audience().exclusions()) {
    absl::StrAppend(&exclusions, exclusions.empty() ? "" : "; ", SubjectText(subject));
  }
  return {{"audience", saved.name()},
          {"version", std::to_string(saved.version())},
          {"grants", grants},
          {"exclusions", exclusions},
          {"saved", TimeText(saved.save_time())},
          {"description", saved.description()}};
}

int Save(Session& session, const SaveFlags& flags) {
  v1::SaveAudienceRequest request;
  request.set_audience_id(flags.id);
  request.set_description(flags.description);
  TextFile file;
  absl::Status status = ReadAudience(session, flags.file, request.mutable_audience(), &file);
  if (!file.problems.empty()) return Unusable(session, file);
  if (status.ok()) status = ApplyGrants(flags.audience, request.mutable_audience());
  if (!status.ok()) return session.Misused(std::string(status.message()));
  if (request.audience().grants().empty()) {
    return session.Misused("an audience grants something: --grant, or grants in --file");
  }
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::SavedAudience> saved = (*client)->SaveAudience(request);
  if (!saved.ok()) return session.Fail(saved.status());
  session.One(AudienceFacts(*saved), ToJson(*saved));
  return kExitOk;
}

int List(Session& session) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  std::vector<std::string> columns;
  for (const auto& [name, value] : AudienceFacts({})) columns.push_back(name);
  ListPrinter printer = session.List(columns);
  for (const absl::StatusOr<v1::SavedAudience>& saved : (*client)->ListAudiences()) {
    if (!saved.ok()) return session.Fail(saved.status());
    std::vector<std::string> cells;
    for (const auto& [name, value] : AudienceFacts(*saved)) cells.push_back(value);
    printer.Row(std::move(cells), *saved);
  }
  printer.Finish();
  return kExitOk;
}

void AddPreview(App& app, Verb family) {
  auto flags = std::make_shared<PreviewFlags>();
  Verb verb = app.AddVerb(
      family, "preview", "Who would see a record if you contributed it now; keeps nothing",
      {{"audience preview bazaar.example/shop-4711 --grant kind:brand=full --grant member:bazaar=notice "
        "--exclude member:belmont",
        "A report."},
       {"audience preview bazaar.example --class outcome --label green --grant everyone=notice",
        "An outcome."},
       {"audience preview --file record.json -o json", "A record as JSON, for a program."},
       {"audience preview --about records/aaaaaaaaaaaaaaaaaaaaaaaaaa --grant member:aurore=full",
        "An opinion: nobody sees it who does not see the record it is about."}},
      [flags](Session& session) { return Preview(session, *flags); });
  verb.AddOption("SELLER", flags->seller, "PLATFORM/SELLER, or PLATFORM alone");
  verb.AddOption("--class", flags->record_class, "report, notice, outcome or opinion (report)");
  verb.AddOption("--about", flags->about, "Opinion: record that it is about");
  verb.AddOption("--file", flags->draft.file, "Record as JSON, - is standard input; flags override it");
  AddAudienceFlags(verb, &flags->draft.audience);
}

}  // namespace

void AddAudienceVerbs(App& app) {
  Verb family = app.AddFamily("audience", "Who would see a record; audiences under a name");
  AddPreview(app, family);
  auto flags = std::make_shared<SaveFlags>();
  Verb verb = app.AddVerb(
      family, "save",
      "Keeps an audience of your member's under a name; records that name it stay as they are",
      {{"audience save brands --grant kind:brand=full --exclude member:belmont --description 'Our usual'",
        "A new version, if there is one of that name."},
       {"audience save brands --file audience.textproto", "From a file."}},
      [flags](Session& session) { return Save(session, *flags); });
  verb.AddOption("ID", flags->id, "Small letters, digits and -").Required();
  verb.AddOption("--file", flags->file,
                 "Audience in text format or as JSON, - is standard input; flags override it");
  AddGrantFlags(verb, &flags->audience);
  verb.AddOption("--description", flags->description, "For people");
  app.AddVerb(family, "list", "Named audiences: the coalition's, and your member's own",
              {{"audience list", "What --audience can name."}, {"audience list -o csv", "The same as CSV."}},
              List);
}

}  // namespace coalition::cli
