// coalition ledger checkpoint, pin: what the log's owner has signed, and whose signature counts.
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/app.h"
#include "client/cli/ledger_pin.h"
#include "client/cli/ledger_state.h"
#include "client/cli/ledger_text.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/hash.h"
#include "common/ledger_verify.h"
#include "common/strings.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

struct CheckpointFlags {
  std::vector<std::string> witnesses;
  bool cosigned = false;
};

struct Witnessed {
  std::string name;
  int64_t time_s = 0;  // 0: not verified, so that nothing is known
};

// What there is to say of a checkpoint.
struct Looked {
  SeenCheckpoint seen;
  std::string signature;  // "valid", "not verified", or why it is not valid
  bool refused = false;
  std::string key_change = {};  // KeyChangeText
  std::vector<Witnessed> cosignatures;
};

absl::StatusOr<std::vector<VerifierKey>> ParseWitnesses(const std::vector<std::string>& texts) {
  std::vector<VerifierKey> keys;
  for (const std::string& text : texts) {
    absl::StatusOr<VerifierKey> key = VerifierKey::Parse(text);
    if (!key.ok()) return key.status();
    if (key->algorithm() != NoteAlgorithm::kCosignatureV1) {
      return absl::InvalidArgumentError(absl::StrCat("the key of ", Quoted(key->name()),
                                                     " is not a witness's, as `ledger witness-key` makes"));
    }
    keys.push_back(*std::move(key));
  }
  return keys;
}

// Names of those that say to have signed besides the log.
std::vector<Witnessed> Claimed(const SeenCheckpoint& seen) {
  std::vector<Witnessed> claimed;
  const absl::StatusOr<SignedNote> note = ParseNote(seen.note);
  if (!note.ok()) return claimed;
  for (const NoteSignature& signature : note->signatures) {
    if (signature.name != seen.checkpoint.origin) claimed.push_back({signature.name, 0});
  }
  return claimed;
}

Looked Look(SeenCheckpoint seen, const std::optional<VerifierKey>& key,
            const std::vector<VerifierKey>& witnesses) {
  Looked looked;
  looked.seen = std::move(seen);
  if (!key) {
    looked.signature = "not verified";
    looked.cosignatures = Claimed(looked.seen);
    return looked;
  }
  const absl::StatusOr<OpenedCheckpoint> opened =
      OpenCheckpoint(looked.seen.note, std::span(&*key, 1), key->name(), witnesses);
  looked.refused = !opened.ok();
  looked.signature = opened.ok() ? "valid" : std::string(opened.status().message());
  looked.key_change = KeyChangeText(looked.seen.note, *key, opened.ok());
  if (!opened.ok()) return looked;
  if (witnesses.empty()) looked.cosignatures = Claimed(looked.seen);
  for (const Cosignature& cosignature : opened->cosignatures) {
    looked.cosignatures.push_back(
        {witnesses[cosignature.witness].name(), static_cast<int64_t>(cosignature.time_s)});
  }
  return looked;
}

// Byte for byte, but on a terminal.
void PrintNote(Session& session, const std::string& note) {
  std::ostream& out = session.io().out;
  if (!session.io().out_is_terminal) {
    out << note << std::flush;
    return;
  }
  std::string_view left = note;
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size() - 1);
    out << Printable(left.substr(0, left[end] == '\n' ? end : end + 1)) << '\n';
    left.remove_prefix(end + 1);
  }
  out << std::flush;
}

void SayInWords(Session& session, const Looked& looked, bool cosigned) {
  session.Note(absl::StrCat("The log ", looked.seen.checkpoint.origin, " has ",
                            WithThousands(looked.seen.checkpoint.size), " ticks; seen at ",
                            SecondsText(looked.seen.seen_s), "."));
  if (looked.refused) {
    session.Note(absl::StrCat("NOT signed with the pinned key: ", looked.signature, "."));
  } else if (looked.signature == "valid") {
    session.Note("Signed with the pinned key.");
  } else {
    session.Note("No key of the ledger is pinned, so nothing was verified: `coalition ledger pin --help`.");
  }
  if (!looked.key_change.empty()) session.Note(looked.key_change);
  if (!cosigned) return;
  if (looked.cosignatures.empty()) session.Note("No witness that counts has cosigned it.");
  for (const Witnessed& witness : looked.cosignatures) {
    session.Note(
        witness.time_s == 0
            ? absl::StrCat("It says that ", witness.name, " has cosigned it: --witness verifies that.")
            : absl::StrCat("Cosigned by ", witness.name, " at ", SecondsText(witness.time_s), "."));
  }
}

std::string Json(const Looked& looked) {
  nlohmann::ordered_json cosignatures = nlohmann::ordered_json::array();
  for (const Witnessed& witness : looked.cosignatures) {
    cosignatures.push_back(
        {{"name", witness.name}, {"verified", witness.time_s != 0}, {"time", SecondsText(witness.time_s)}});
  }
  const nlohmann::ordered_json json = {{"origin", looked.seen.checkpoint.origin},
                                       {"size", std::to_string(looked.seen.checkpoint.size)},
                                       {"root", absl::Base64Escape(Absl(Bytes(looked.seen.checkpoint.root)))},
                                       {"seen", SecondsText(looked.seen.seen_s)},
                                       {"signature", looked.signature},
                                       {"cosignatures", cosignatures},
                                       {"note", looked.seen.note}};
  return ToJson(json);
}

void Print(Session& session, const Looked& looked, bool cosigned) {
  if (session.format() == Format::kTable) {
    PrintNote(session, looked.seen.note);
    return SayInWords(session, looked, cosigned);
  }
  std::string names;
  for (const Witnessed& witness : looked.cosignatures)
    absl::StrAppend(&names, names.empty() ? "" : "; ", witness.name);
  session.One({{"origin", looked.seen.checkpoint.origin},
               {"size", std::to_string(looked.seen.checkpoint.size)},
               {"root", absl::Base64Escape(Absl(Bytes(looked.seen.checkpoint.root)))},
               {"seen", SecondsText(looked.seen.seen_s)},
               {"signature", looked.signature},
               {"cosigned_by", names}},
              Json(looked));
}

int ShowCheckpoint(Session& session, const CheckpointFlags& flags) {
  const absl::StatusOr<std::vector<VerifierKey>> witnesses = ParseWitnesses(flags.witnesses);
  if (!witnesses.ok()) return session.Misused(std::string(witnesses.status().message()));
  absl::StatusOr<std::optional<VerifierKey>> key = PinnedLedgerKey(session.globals());
  if (key.ok() && !key->has_value() && !witnesses->empty())
    key = RequiredLedgerKey(session.globals()).status();
  if (!key.ok()) return session.Fail(Local(key.status()));
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<std::string> note = (*client)->GetLedgerCheckpoint();
  if (!note.ok()) return session.Fail(note.status());
  absl::StatusOr<SeenCheckpoint> seen = ParseSeenCheckpoint(*note);
  if (!seen.ok()) {
    session.Note(absl::StrCat("What the server shows is no checkpoint: ", seen.status().message(), "."));
    return kExitNo;
  }
  seen->seen_s = std::time(nullptr);
  const bool cosigned = flags.cosigned || !witnesses->empty();
  const Looked looked = Look(*std::move(seen), *key, *witnesses);
  Print(session, looked, cosigned);
  return looked.refused || (cosigned && looked.cosignatures.empty()) ? kExitNo : kExitOk;
}

// A name of a context that is there.
absl::StatusOr<std::string> NameOfContext(const Globals& globals) {
  const absl::StatusOr<std::optional<config::v1::Context>> context = ChosenContext(globals);
  if (!context.ok()) return context.status();
  if (context->has_value()) return (*context)->name();
  return absl::FailedPreconditionError("no context is in use to keep the key in: name one with --context");
}

struct PinFlags {
  std::string key;
  bool no_check = false, replace = false;
};

absl::Status KeepKey(const std::string& path, const std::string& name, const PinFlags& flags) {
  absl::StatusOr<config::v1::ClientConfig> config = LoadConfig(path);
  if (!config.ok()) return config.status();
  for (config::v1::Context& context : *config->mutable_contexts()) {
    if (context.name() != name) continue;
    if (!context.ledger_key().empty() && context.ledger_key() != flags.key && !flags.replace) {
      return absl::AlreadyExistsError(absl::StrCat("another key is pinned in the context ", name, ": ",
                                                   context.ledger_key(),
                                                   "; --replace puts this one in its place"));
    }
    context.set_ledger_key(flags.key);
  }
  return SaveConfig(path, *config);
}

int Pin(Session& session, const PinFlags& flags) {
  const absl::StatusOr<VerifierKey> key = ParseLedgerKey(flags.key);
  if (!key.ok()) return session.Misused(std::string(key.status().message()));
  const absl::StatusOr<std::string> name = NameOfContext(session.globals());
  if (!name.ok()) return session.Fail(Local(name.status()));
  if (!flags.no_check) {
    const absl::StatusOr<client::Client*> client = session.Client();
    if (!client.ok()) return session.Fail(client.status());
    const absl::StatusOr<std::string> note = (*client)->GetLedgerCheckpoint();
    if (!note.ok()) return session.Fail(note.status());
    const auto opened = ledger::OpenLogCheckpoint(*note, *key);
    if (!opened.ok()) {
      session.Note(absl::StrCat("The checkpoint that the server shows does not verify with this key: ",
                                opened.status().message(), ". Nothing was saved."));
    }
    if (const std::string said = KeyChangeText(*note, *key, opened.ok()); !said.empty()) session.Note(said);
    if (!opened.ok()) return kExitNo;
  }
  const absl::Status kept = KeepKey(ConfigPath(session.globals()), *name, flags);
  if (!kept.ok()) return session.Fail(Local(kept));
  session.Note(absl::StrCat("pinned in the context ", *name, ": ", key->name()));
  return kExitOk;
}

void AddCheckpoint(App& app, Verb family) {
  auto flags = std::make_shared<CheckpointFlags>();
  Verb verb = app.AddVerb(
      family, "checkpoint",
      "The newest checkpoint of the log, a signed note. Exit code 1: it is not signed with the pinned key, "
      "or, "
      "with\n--cosigned or --witness, no witness has cosigned it",
      {{"ledger checkpoint",
        "The note, and on stderr what it says. `coalition ledger checkpoint > checkpoint.note` keeps it."},
       {"ledger checkpoint --cosigned", "And who says to have cosigned it."},
       {"ledger checkpoint -o json", "For a program."}},
      [flags](Session& session) { return ShowCheckpoint(session, *flags); });
  verb.AddFlag("--cosigned", flags->cosigned, "Say who has cosigned it; 1: nobody");
  verb.AddOption("--witness", flags->witnesses,
                 "Key of a witness, as `ledger witness-key` printed it: whose cosignatures count. Repeatable")
      .OnePerFlag();
}

void AddPin(App& app, Verb family) {
  auto flags = std::make_shared<PinFlags>();
  Verb verb = app.AddVerb(
      family, "pin",
      "Keeps the key of the ledger in the context, once the newest checkpoint verifies with it. Get it from "
      "the\ncoalition's office, not from the server",
      {{"ledger pin coalition.example/ledger+a7c19819+AT7BmjOL2xHneom3pYNdztmMDFlsv7NgfrY57heneDFP "
        "--no-check",
        "Saves it without asking the exchange."}},
      [flags](Session& session) { return Pin(session, *flags); });
  verb.AddOption("KEY", flags->key, "Key of the ledger, NAME+HASH+KEY").Required();
  verb.AddFlag("--no-check", flags->no_check, "Do not connect");
  verb.AddFlag("--replace", flags->replace, "Put it in the place of another");
}

}  // namespace

void AddLedgerCheckpointVerbs(App& app, Verb family) {
  AddCheckpoint(app, family);
  AddPin(app, family);
}

}  // namespace coalition::cli
