#include "client/cli/draft.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/flatten.h"
#include "client/cli/values.h"
#include "common/file.h"
#include "common/strings.h"
#include "google/protobuf/util/json_util.h"

namespace coalition::cli {
namespace {

constexpr size_t kRecordFileBytesMax = size_t{1} << 20;

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t size = Utf8Character(text, nullptr);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

// Protobuf draws: what is wrong, a piece of the JSON, and below it a ^ where it is wrong. As one line: what
// is wrong, and what stands there.
std::string OneLine(const std::string& drawn) {
  const size_t first = drawn.find('\n');
  const size_t last = drawn.rfind('\n');
  if (first == last || drawn.back() != '^') return drawn;
  const std::string piece = drawn.substr(first + 1, last - first - 1);
  const size_t column = drawn.size() - 1 - (last + 1);
  const absl::string_view there =
      absl::StripAsciiWhitespace(absl::string_view(piece).substr(std::min(column, piece.size())));
  return absl::StrCat(drawn.substr(0, first), there.empty() ? " At the end." : " At: ", there);
}

}  // namespace

void AddGrantFlags(Verb verb, AudienceFlags* flags) {
  verb.AddOption("--grant", flags->grants,
                 "Who sees it, through which view: member:ID=full, group:ID=notice, kind:brand=full, "
                 "everyone=notice. Repeatable; without any, nobody but you sees it")
      .OnePerFlag();
  verb.AddOption("--exclude", flags->exclusions,
                 "Who never sees it: member:ID, group:ID or kind:KIND. Repeatable")
      .OnePerFlag();
}

void AddAudienceFlags(Verb verb, AudienceFlags* flags) {
  verb.AddOption("--label", flags->label, "red, amber-strict, amber, green or clear (amber)");
  AddGrantFlags(verb, flags);
  verb.AddOption("--audience", flags->includes,
                 "Named audience to add (`coalition audience list`): ID of the coalition's, or "
                 "members/MEMBER/audiences/ID of your own. Repeatable")
      .OnePerFlag();
}

absl::Status ApplyGrants(const AudienceFlags& flags, v1::Audience* audience) {
  if (!flags.grants.empty()) audience->clear_grants();
  for (const std::string& text : flags.grants) {
    absl::StatusOr<v1::Grant> grant = ParseGrant(text);
    if (!grant.ok()) return grant.status();
    *audience->add_grants() = *std::move(grant);
  }
  if (!flags.exclusions.empty()) audience->clear_exclusions();
  for (const std::string& text : flags.exclusions) {
    absl::StatusOr<v1::Subject> subject = ParseSubject(text);
    if (!subject.ok()) return subject.status();
    if (subject->everyone())
      return absl::InvalidArgumentError("everyone can't be excluded: leave out the grants");
    *audience->add_exclusions() = *std::move(subject);
  }
  return absl::OkStatus();
}

absl::Status ApplyAudience(const AudienceFlags& flags, v1::Record* record) {
  if (!flags.label.empty()) {
    absl::StatusOr<v1::Label> label = ParseLabel(flags.label);
    if (!label.ok()) return label.status();
    record->set_label(*label);
  }
  if (!flags.names_anybody()) return absl::OkStatus();
  v1::Audience& audience = *record->mutable_audience();
  if (!flags.includes.empty()) audience.clear_include();
  for (const std::string& text : flags.includes) {
    absl::StatusOr<std::string> name = ParseAudience(text);
    if (!name.ok()) return name.status();
    audience.add_include(*std::move(name));
  }
  return ApplyGrants(flags, &audience);
}

void AddDraftFlags(Verb verb, DraftFlags* flags) {
  verb.AddOption("--file", flags->file, "Record as JSON, - is standard input; flags override it");
  AddAudienceFlags(verb, &flags->audience);
  verb.AddOption("--external-id", flags->external_id,
                 "Your own id: repeating the command then changes nothing");
  verb.AddOption(
      "--permitted-action", flags->permitted_action,
      "none, contact-for-instruction, internally-visible-actions, externally-visible-indirect-actions or "
      "externally-visible-direct-actions (contact-for-instruction)");
  verb.AddOption("--expire", flags->expire, "When the record ends: YYYY-MM-DD or RFC 3339");
  verb.AddOption("--request-id", flags->request_id, "UUID that makes this one command repeatable");
  verb.AddFlag("--dry-run", flags->dry_run, "Check, but keep nothing");
}

absl::Status ParseJson(const std::string& json, const char* what, google::protobuf::Message* message) {
  if (!IsUtf8(json)) return absl::InvalidArgumentError("it is not UTF-8");
  const auto status = google::protobuf::util::JsonStringToMessage(json, message);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("it is not ", what, " in JSON: ", OneLine(std::string(status.message()))));
}

absl::Status ParseRecordJson(const std::string& json, v1::Record* record) {
  return ParseJson(json, "a record", record);
}

absl::StatusOr<v1::Record> StartDraft(Session& session, const DraftFlags& flags) {
  v1::Record record;
  if (flags.file.empty()) return record;
  absl::StatusOr<std::string> json =
      flags.file == "-" ? session.ReadIn(kRecordFileBytesMax) : ReadFile(flags.file, kRecordFileBytesMax);
  if (!json.ok()) return json.status();
  if (absl::Status status = ParseRecordJson(*json, &record); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(flags.file, ": ", status.message()));
  }
  return record;
}

absl::Status ApplyDraft(const DraftFlags& flags, v1::Record* record) {
  if (absl::Status status = ApplyAudience(flags.audience, record); !status.ok()) return status;
  if (!flags.external_id.empty()) record->set_external_id(flags.external_id);
  if (!flags.permitted_action.empty()) {
    absl::StatusOr<v1::PermittedAction> action = ParsePermittedAction(flags.permitted_action);
    if (!action.ok()) return action.status();
    record->set_permitted_action(*action);
  }
  if (!flags.expire.empty()) {
    absl::StatusOr<google::protobuf::Timestamp> time = ParseTime(flags.expire);
    if (!time.ok()) return time.status();
    *record->mutable_expire_time() = *time;
  }
  return absl::OkStatus();
}

void NoteIfUnshared(Session& session, const v1::Record& record) {
  if (record.audience().grants_size() > 0 || record.audience().include_size() > 0) return;
  session.Note("No --grant: nobody but you sees this record.");
}

void NoteIfClearedBefore(Session& session, const v1::Record& record) {
  if (record.cleared_before().empty()) return;
  session.Note("This seller was cleared before: " + absl::StrJoin(record.cleared_before(), ", "));
}

int Contribute(Session& session, const v1::Record& record, const DraftFlags& flags) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  client::WriteOptions options;
  options.request_id = flags.request_id;
  options.validate_only = flags.dry_run;
  absl::StatusOr<v1::CreateRecordResponse> response = (*client)->CreateRecord(record, options);
  if (!response.ok()) return session.Fail(response.status());
  const v1::Record& stored = response->record();
  session.One(RecordFacts(stored), ToJson(stored));
  if (flags.dry_run) session.Note("Checked; nothing was kept.");
  if (response->existed()) session.Note("It was there already; nothing has changed.");
  NoteIfClearedBefore(session, stored);
  NoteIfUnshared(session, record);
  return kExitOk;
}

}  // namespace coalition::cli
