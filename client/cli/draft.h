// Flags that describe a record, for the verbs that contribute one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/cli/verb.h"
#include "coalition/v1/record.pb.h"
#include "google/protobuf/message.h"

namespace coalition::cli {

// Who sees a record; empty: nothing was said.
struct AudienceFlags {
  std::string label;
  std::vector<std::string> grants;
  std::vector<std::string> exclusions;
  // Named audiences whose grants and exclusions are added.
  std::vector<std::string> includes;

  bool names_anybody() const { return !grants.empty() || !exclusions.empty() || !includes.empty(); }
};
void AddAudienceFlags(Verb verb, AudienceFlags* flags);
// Those of them that say grants and exclusions alone, for audiences without a record.
void AddGrantFlags(Verb verb, AudienceFlags* flags);
absl::Status ApplyGrants(const AudienceFlags& flags, v1::Audience* audience);
// Label and audience onto the record, where said.
absl::Status ApplyAudience(const AudienceFlags& flags, v1::Record* record);

// What all classes have in common.
struct DraftFlags {
  std::string file;
  AudienceFlags audience;
  std::string external_id;
  std::string permitted_action;
  std::string expire;
  std::string request_id;
  bool dry_run = false;
};
void AddDraftFlags(Verb verb, DraftFlags* flags);

// The record of --file (proto-JSON, "-" is standard input) or an empty one.
absl::StatusOr<v1::Record> StartDraft(Session& session, const DraftFlags& flags);
// The common flags onto the record.
absl::Status ApplyDraft(const DraftFlags& flags, v1::Record* record);
// Says on stderr that nobody but the caller sees the record, if it grants nothing. For audiences that were
// not emptied on purpose.
void NoteIfUnshared(Session& session, const v1::Record& record);
// Says on stderr which reports about the same seller were cleared before it, if there are any.
void NoteIfClearedBefore(Session& session, const v1::Record& record);
// Sends it and prints what was stored. Returns the exit code.
int Contribute(Session& session, const v1::Record& record, const DraftFlags& flags);

// A message from proto-JSON, `what` to people: "a record"; unknown fields are refused. INVALID_ARGUMENT.
absl::Status ParseJson(const std::string& json, const char* what, google::protobuf::Message* message);
absl::Status ParseRecordJson(const std::string& json, v1::Record* record);

}  // namespace coalition::cli
