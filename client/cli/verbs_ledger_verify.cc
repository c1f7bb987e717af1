// coalition ledger verify, consistency: what the ledger proves, verified here with the key that is pinned.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/ledger_follow.h"
#include "client/cli/ledger_pin.h"
#include "client/cli/ledger_text.h"
#include "client/cli/line_reader.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/file.h"
#include "common/ledger_verify.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

using ledger::VerifiedEntry;

struct VerifyFlags {
  std::string entry, file;
};

void SayVerified(Session& session, const std::string& name, const VerifierKey& key,
                 const absl::StatusOr<VerifiedEntry>& verified) {
  const std::string reason(verified.status().message());
  std::string size, sealed;
  if (verified.ok()) {
    size = std::to_string(verified->checkpoint.checkpoint.size);
    sealed = TimeText(google::protobuf::util::TimeUtil::MillisecondsToTimestamp(verified->tick_time_ms));
  }
  if (session.format() != Format::kTable) {
    nlohmann::ordered_json json = {{"entry", name}, {"verified", verified.ok()}};
    if (verified.ok()) json.update({{"origin", key.name()}, {"size", size}, {"sealed", sealed}});
    if (!verified.ok()) json["reason"] = reason;
    const Facts facts = {{"entry", name},
                         {"verified", verified.ok() ? "true" : "false"},
                         {"size", size},
                         {"sealed", sealed},
                         {"reason", reason}};
    return session.One(facts, ToJson(json));
  }
  const std::string said =
      verified.ok() ? absl::StrCat(name, " is in the log ", key.name(), ", sealed at ", sealed,
                                   ", by a checkpoint of ", TicksText(verified->checkpoint.checkpoint),
                                   " that is signed with the pinned key. ", LedgerSentence(verified->opened))
                    : absl::StrCat(name, " does NOT verify: ", reason, ".");
  session.io().out << Printable(said) << '\n' << std::flush;
}

int VerifyOne(Session& session, const std::string& text, const VerifierKey& key) {
  const absl::StatusOr<std::string> name = ParseLedgerEntry(text);
  if (!name.ok()) return session.Misused(std::string(name.status().message()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<v1::LedgerEntry> entry = (*client)->GetLedgerEntry(*name);
  if (!entry.ok()) return session.Fail(entry.status());
  absl::StatusOr<VerifiedEntry> verified = ledger::VerifyEntry(*entry, key);
  if (verified.ok() && entry->name() != *name)
    verified = absl::DataLossError("the server has answered with another entry, " + entry->name());
  SayVerified(session, *name, key, verified);
  const std::string key_change = KeyChangeText(entry->proof().note(), key, verified.ok());
  if (!key_change.empty()) session.Note(key_change);
  return verified.ok() ? kExitOk : kExitNo;
}

// Lines of an export, verified one after the other and against each other. Not thread-safe.
class FileVerification {
 public:
  FileVerification(Session& session, const VerifierKey& key)
      : table_(session.format() == Format::kTable),
        key_(key),
        out_(session.io().out),
        printer_(session.List({"line", "entry", "verified", "reason"})) {}

  void Add(const Line& line) {
    v1::LedgerEntry entry;
    const absl::Status status = Verify(line, &entry);
    ++count_;
    if (!status.ok()) ++bad_;
    if (!status.ok() && key_change_.empty()) {
      key_change_ = KeyChangeText(entry.proof().note(), key_, /*verified=*/false);
    }
    const std::string reason(status.message());
    if (table_) {
      if (status.ok()) return;
      out_ << "line " << line.number << (entry.name().empty() ? "" : ", " + Printable(entry.name()))
           << " does NOT verify: " << Printable(reason) << '\n';
      return;
    }
    nlohmann::ordered_json json = {{"line", line.number}, {"entry", entry.name()}, {"verified", status.ok()}};
    if (!status.ok()) json["reason"] = reason;
    printer_.Row({std::to_string(line.number), entry.name(), status.ok() ? "true" : "false", reason},
                 ToJson(json));
  }

  void Finish() {
    if (!table_) return printer_.Finish();
    if (bad_ > 0) {
      out_ << WithThousands(bad_) << " of " << WithThousands(count_) << (count_ == 1 ? " line" : " lines")
           << (bad_ == 1 ? " does" : " do") << " NOT verify.\n";
    } else if (count_ > 0) {
      out_ << WithThousands(count_) << (count_ == 1 ? " entry is" : " entries are") << " in the log "
           << Printable(key_.name()) << ", by checkpoints of up to " << WithThousands(roots_.rbegin()->first)
           << " ticks that are signed with the pinned key.\n";
    }
    out_.flush();
  }

  uint64_t count() const { return count_; }
  uint64_t bad() const { return bad_; }
  // Of the first line that does not verify and has a signature of another key of the log (KeyChangeText).
  const std::string& key_change() const { return key_change_; }

 private:
  absl::Status Verify(const Line& line, v1::LedgerEntry* entry) {
    if (line.partial) return absl::InvalidArgumentError("the line is too long");
    if (const auto parsed = google::protobuf::util::JsonStringToMessage(line.text, entry); !parsed.ok()) {
      entry->Clear();
      return absl::InvalidArgumentError("the line is no entry of an export");
    }
    const absl::StatusOr<VerifiedEntry> verified = ledger::VerifyEntry(*entry, key_);
    if (!verified.ok()) return verified.status();
    const Checkpoint& checkpoint = verified->checkpoint.checkpoint;
    const auto [known, added] = roots_.try_emplace(checkpoint.size, checkpoint.root);
    if (known->second == checkpoint.root) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("CONFLICT: an earlier line has another root of the log of ",
                                            TicksText(checkpoint), ", signed with the same key"));
  }

  const bool table_;
  const VerifierKey key_;
  std::ostream& out_;
  ListPrinter printer_;
  std::map<uint64_t, Sha256Digest> roots_;  // of checkpoints, by their sizes
  uint64_t count_ = 0, bad_ = 0;
  std::string key_change_;
};

int VerifyFile(Session& session, const std::string& file, const VerifierKey& key) {
  absl::StatusOr<ByteSource> source = OpenSource(file, session.io().read_in);
  if (!source.ok()) return session.Fail(Local(source.status()));
  constexpr size_t kLineBytesMax = size_t{64} << 20;
  LineReader reader(*std::move(source), kLineBytesMax);
  FileVerification verification(session, key);
  Line line;
  while (reader.Next(&line)) {
    if (!line.continued) verification.Add(line);
  }
  if (!reader.status().ok()) return session.Fail(Local(reader.status()));
  verification.Finish();
  if (!verification.key_change().empty()) session.Note(verification.key_change());
  // Nobody is to take an export that failed for one that verifies.
  if (verification.count() == 0) return session.Misused(file + " has no entries: nothing was verified");
  return verification.bad() == 0 ? kExitOk : kExitNo;
}

int Verify(Session& session, const VerifyFlags& flags) {
  if (flags.entry.empty() == flags.file.empty())
    return session.Misused("name an entry, or a file of `ledger export` with --file");
  const absl::StatusOr<VerifierKey> key = RequiredLedgerKey(session.globals());
  if (!key.ok()) return session.Fail(Local(key.status()));
  return flags.file.empty() ? VerifyOne(session, flags.entry, *key) : VerifyFile(session, flags.file, *key);
}

struct ConsistencyFlags {
  std::string old_file, new_file;
};

int SayConsistency(Session& session, const Checkpoint& before, const Checkpoint& now,
                   const std::string& what) {
  if (session.format() == Format::kTable) {
    const std::string said =
        what.empty() ? absl::StrCat("The log of ", TicksText(before), " is the beginning of the log of ",
                                    TicksText(now), ": nothing of it was changed.")
                     : absl::StrCat("CONFLICT: ", what, ". Keep both notes: together they prove it.");
    session.io().out << Printable(said) << '\n' << std::flush;
  } else {
    nlohmann::ordered_json json = {{"consistent", what.empty()},
                                   {"oldSize", std::to_string(before.size)},
                                   {"newSize", std::to_string(now.size)}};
    if (!what.empty()) json["reason"] = what;
    session.One({{"consistent", what.empty() ? "true" : "false"},
                 {"old_size", std::to_string(before.size)},
                 {"new_size", std::to_string(now.size)},
                 {"reason", what}},
                ToJson(json));
  }
  return what.empty() ? kExitOk : kExitNo;
}

// A checkpoint of the log, verified; nullopt: it is none, which was said.
std::optional<Checkpoint> Opened(Session& session, const std::string& whose, const std::string& note,
                                 const VerifierKey& key) {
  const absl::StatusOr<SeenCheckpoint> seen = ParseSeenCheckpoint(note);
  absl::StatusOr<OpenedCheckpoint> opened = seen.ok() ? ledger::OpenLogCheckpoint(seen->note, key)
                                                      : absl::StatusOr<OpenedCheckpoint>(seen.status());
  if (opened.ok() && !IsAskable(opened->checkpoint))
    opened = absl::InvalidArgumentError("a log has 1 to 2^63 - 1 ticks");
  if (opened.ok()) return std::move(opened->checkpoint);
  session.Note(
      absl::StrCat("The checkpoint of ", whose, " does not verify: ", opened.status().message(), "."));
  const std::string key_change = KeyChangeText(seen.ok() ? seen->note : note, key, false);
  if (!key_change.empty()) session.Note(key_change);
  return std::nullopt;
}

int Consistency(Session& session, const ConsistencyFlags& flags) {
  const absl::StatusOr<VerifierKey> key = RequiredLedgerKey(session.globals());
  if (!key.ok()) return session.Fail(Local(key.status()));
  constexpr size_t kBytesMax = kNoteBytesMax + 1024;
  const absl::StatusOr<std::string> old_note = ReadFile(flags.old_file, kBytesMax);
  if (!old_note.ok()) return session.Fail(Local(old_note.status()));
  const std::optional<Checkpoint> before = Opened(session, flags.old_file, *old_note, *key);
  if (!before) return kExitNo;
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const bool newest = flags.new_file.empty();
  const absl::StatusOr<std::string> new_note =
      newest ? (*client)->GetLedgerCheckpoint() : ReadFile(flags.new_file, kBytesMax);
  if (!new_note.ok()) return session.Fail(newest ? new_note.status() : Local(new_note.status()));
  const std::optional<Checkpoint> now =
      Opened(session, newest ? "the server" : flags.new_file, *new_note, *key);
  if (!now) return kExitNo;
  if (!newest && now->size < before->size)
    return session.Misused("the checkpoint of --new is of the smaller log: exchange the two");
  const absl::StatusOr<std::string> what = WhyNotGrown(**client, *before, *now);
  if (!what.ok()) return session.Fail(what.status());
  return SayConsistency(session, *before, *now, *what);
}

}  // namespace

void AddLedgerVerifyVerbs(App& app, Verb family) {
  auto verify = std::make_shared<VerifyFlags>();
  Verb verb = app.AddVerb(
      family, "verify",
      "Whether an entry is in the log, by its proof and the pinned key: nothing of it is believed because "
      "the "
      "server\nsays so. Exit code 1: it does not verify",
      {{"ledger verify ledgerEntries/4711-815", "One, fetched with its proof."},
       {"ledger verify --file ledger.jsonl", "All of an export, without the exchange; - is standard input."}},
      [verify](Session& session) { return Verify(session, *verify); });
  verb.AddOption("ENTRY", verify->entry, "Entry");
  verb.AddOption("--file", verify->file, "File of `ledger export`; - is standard input");

  auto consistency = std::make_shared<ConsistencyFlags>();
  Verb between = app.AddVerb(family, "consistency",
                             "Whether the log of one checkpoint is the beginning of that of another, e.g. of "
                             "one that another member "
                             "was\nshown. Exit code 1: it is not, or one of them does not verify",
                             {{"ledger consistency --old theirs.note", "From that one to the newest."},
                              {"ledger consistency --old theirs.note --new ours.note", "Between the two."}},
                             [consistency](Session& session) { return Consistency(session, *consistency); });
  between.AddOption("--old", consistency->old_file, "File of `ledger checkpoint` or `ledger audit`")
      .Required();
  between.AddOption("--new", consistency->new_file, "The same (the newest checkpoint)");
}

}  // namespace coalition::cli
