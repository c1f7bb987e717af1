// coalition ledger audit, cosign, witness-key, log-key: follows the log, and vouches for what was seen of it.
#include <ctime>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/ledger_follow.h"
#include "client/cli/ledger_pin.h"
#include "client/cli/ledger_text.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "common/key_file.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

const char* StepText(LedgerStep step) {
  switch (step) {
    case LedgerStep::kFirst:
      return "first";
    case LedgerStep::kSame:
      return "same";
    case LedgerStep::kGrown:
      return "grown";
    case LedgerStep::kUnsigned:
      return "unsigned";
    default:
      return "conflict";
  }
}

std::string SizeText(const Checkpoint& checkpoint) {
  return checkpoint.size == 0 ? "" : std::to_string(checkpoint.size);
}

// What was found; of a conflict whose note is kept nowhere, the note too.
void Say(Session& session, const LedgerFollowed& followed, const LedgerState& state) {
  const std::string said = FollowedSentence(followed, state);
  const std::string old_size = followed.before ? SizeText(followed.before->checkpoint) : "";
  const std::string since = followed.before ? SecondsText(followed.before->seen_s) : "";
  if (session.format() == Format::kTable) {
    session.io().out << Printable(said) << '\n' << std::flush;
  } else {
    const nlohmann::ordered_json json = {{"result", StepText(followed.step)},
                                         {"oldSize", old_size},
                                         {"oldSeen", since},
                                         {"newSize", SizeText(followed.now.checkpoint)},
                                         {"note", followed.now.note},
                                         {"said", said}};
    session.One({{"result", StepText(followed.step)},
                 {"old_size", old_size},
                 {"old_seen", since},
                 {"new_size", SizeText(followed.now.checkpoint)},
                 {"said", said}},
                ToJson(json));
  }
  if (followed.step == LedgerStep::kConflict && !followed.kept)
    session.Note("The checkpoint that the server shows: " + followed.now.note);
}

// What both verbs work with.
struct Following {
  VerifierKey key;
  LedgerState state;
  client::Client* client;
};

// Errors are Local.
absl::StatusOr<Following> Begin(Session& session, const std::string& state_file) {
  absl::StatusOr<VerifierKey> key = RequiredLedgerKey(session.globals());
  if (!key.ok()) return Local(key.status());
  const absl::StatusOr<std::string> path = LedgerStatePath(session.globals(), state_file);
  if (!path.ok()) return Local(path.status());
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return client.status();
  absl::StatusOr<LedgerState> state = LedgerState::Open(*path);
  if (!state.ok()) return Local(state.status());
  return Following{*std::move(key), *std::move(state), *client};
}

int Audit(Session& session, const std::string& state_file) {
  absl::StatusOr<Following> following = Begin(session, state_file);
  if (!following.ok()) return session.Fail(following.status());
  const absl::StatusOr<LedgerFollowed> followed =
      FollowLedger(*following->client, following->key, following->state, std::time(nullptr));
  if (!followed.ok()) return session.Fail(followed.status());
  Say(session, *followed, following->state);
  return followed->verified() ? kExitOk : kExitNo;
}

struct CosignFlags {
  std::string key_file, name, state;
};

struct Witness {
  std::string name;
  Ed25519Key key;
};

// The name that the key was made with stands beside it.
absl::StatusOr<Witness> ReadWitness(const CosignFlags& flags) {
  absl::StatusOr<Ed25519Key> key = ReadKeyFile(flags.key_file);
  if (!key.ok()) return key.status();
  if (!flags.name.empty()) {
    if (!IsKeyName(flags.name))
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(flags.name), " is no name of a key: no spaces, no +"));
    return Witness{flags.name, *std::move(key)};
  }
  const std::string beside = flags.key_file + ".pub";
  const absl::StatusOr<VerifierKey> verifier = ReadVerifierKeyFile(beside);
  if (absl::IsNotFound(verifier.status()))
    return absl::FailedPreconditionError(
        absl::StrCat(beside, " is not there: say the key's name with --name"));
  if (!verifier.ok()) return verifier.status();
  if (verifier->algorithm() != NoteAlgorithm::kCosignatureV1 || verifier->public_key() != key->public_key())
    return absl::FailedPreconditionError(
        absl::StrCat(beside, " is not the verifier key of ", flags.key_file, ": say its name with --name"));
  return Witness{verifier->name(), *std::move(key)};
}

// Signed only once it is kept: whoever has this cosignature can be sure that we hold later ones against it.
absl::Status Cosign(const Following& following, const Witness& witness) {
  const SeenCheckpoint& seen = *following.state.last();
  // Beside the log's ours alone: the exchange is to judge no other.
  absl::StatusOr<SignedNote> note = ParseNote(seen.note);
  if (!note.ok()) return Local(note.status());
  const std::string& origin = seen.checkpoint.origin;
  std::erase_if(note->signatures, [&](const NoteSignature& one) { return one.name != origin; });
  absl::StatusOr<std::string> given = FormatNote(*note);
  if (given.ok()) {
    given = CosignCheckpoint(*given, witness.name, witness.key, static_cast<uint64_t>(seen.seen_s));
  }
  if (!given.ok()) return Local(given.status());
  return following.client->AddCosignature(*given);
}

int FollowAndCosign(Session& session, const CosignFlags& flags) {
  const absl::StatusOr<Witness> witness = ReadWitness(flags);
  if (!witness.ok()) return session.Fail(Local(witness.status()));
  absl::StatusOr<Following> following = Begin(session, flags.state);
  if (!following.ok()) return session.Fail(following.status());
  absl::Status cosigned;
  constexpr int kTries = 2;  // a tick may be sealed between
  for (int tries = 0; tries < kTries; ++tries) {
    const absl::StatusOr<LedgerFollowed> followed =
        FollowLedger(*following->client, following->key, following->state, std::time(nullptr));
    if (!followed.ok()) return session.Fail(followed.status());
    if (tries == 0 || !followed->verified()) Say(session, *followed, following->state);
    if (!followed->verified()) {
      session.Note("Nothing was cosigned.");
      return kExitNo;
    }
    cosigned = Cosign(*following, *witness);
    if (GetErrorReason(cosigned) != v1::ERROR_REASON_STATE_CONFLICT) break;
  }
  if (!cosigned.ok()) return session.Fail(cosigned);
  session.Note(absl::StrCat("Cosigned as ", witness->name, ": ",
                            WithThousands(following->state.last()->checkpoint.size), " ticks."));
  return kExitOk;
}

struct WitnessKeyFlags {
  std::string out, name;
};

void PrintVerifier(Session& session, const VerifierKey& key) {
  const nlohmann::ordered_json json = {{"key", key.ToText()}, {"name", key.name()}};
  if (session.format() == Format::kTable) {
    session.io().out << Printable(key.ToText()) << '\n' << std::flush;
  } else {
    session.One({{"key", key.ToText()}, {"name", key.name()}}, json.dump());
  }
}

int MakeWitnessKey(Session& session, const WitnessKeyFlags& flags) {
  if (!IsKeyName(flags.name))
    return session.Misused(absl::StrCat(Quoted(flags.name), " is no name of a key: no spaces, no +"));
  const std::string beside = flags.out + ".pub";
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored))
    return session.Misused(beside + " is there already, and is not replaced: name another file");
  SystemRandom random;
  const absl::StatusOr<Ed25519Key> key = Ed25519Key::Generate(random);
  if (!key.ok()) return session.Fail(Local(key.status()));
  const absl::StatusOr<VerifierKey> verifier =
      VerifierKey::Make(flags.name, NoteAlgorithm::kCosignatureV1, key->public_key());
  if (!verifier.ok()) return session.Misused(std::string(verifier.status().message()));
  absl::Status written = WriteKeyFile(flags.out, *key);
  if (written.ok()) written = WriteVerifierKeyFile(beside, *verifier);
  if (!written.ok()) return session.Fail(Local(written));
  PrintVerifier(session, *verifier);
  session.Note(absl::StrCat(flags.out, " is the private key, and stays here. What is printed, and stands in ",
                            beside,
                            ", goes to the exchange's operator (ledger.witness_keys) and to whoever is to "
                            "believe it."));
  return kExitOk;
}

struct LogKeyFlags {
  std::string key_file, name;
};

int PrintLogKey(Session& session, const LogKeyFlags& flags) {
  const absl::StatusOr<Ed25519Key> key = ReadKeyFile(flags.key_file);
  if (!key.ok()) return session.Fail(Local(key.status()));
  const absl::StatusOr<VerifierKey> verifier =
      VerifierKey::Make(flags.name, NoteAlgorithm::kEd25519, key->public_key());
  if (!verifier.ok()) return session.Misused(std::string(verifier.status().message()));
  PrintVerifier(session, *verifier);
  return kExitOk;
}

void AddAudit(App& app, Verb family) {
  auto state = std::make_shared<std::string>();
  Verb verb =
      app.AddVerb(family, "audit",
                  "Follows the log: that the newest checkpoint is signed with the pinned key, and that the "
                  "log begins with "
                  "what\nwas verified the last time. Exit code 1: it does not; both checkpoints are then "
                  "kept as evidence",
                  {{"ledger audit",
                    "By a timer, as often as you like; the newest checkpoint is kept beside the contexts."},
                   {"ledger audit --state other.checkpoint -o json", "With another file, for a program."}},
                  [state](Session& session) { return Audit(session, *state); });
  verb.AddOption(
      "--state", *state,
      "File that keeps the last checkpoint that was verified (ledger/CONTEXT.checkpoint beside the "
      "contexts)");
}

void AddCosign(App& app, Verb family) {
  auto flags = std::make_shared<CosignFlags>();
  Verb verb = app.AddVerb(family, "cosign",
                          "The same as `ledger audit`, and then vouches for the newest checkpoint with a "
                          "witness's key, which the\n"
                          "exchange shows with it. Exit code 1: it does not verify, and nothing was cosigned",
                          {{"ledger cosign --key witness.key", "By a timer."},
                           {"ledger cosign --key witness.key --name aurore.example/witness",
                            "Where witness.key.pub is not beside the key."}},
                          [flags](Session& session) { return FollowAndCosign(session, *flags); });
  verb.AddOption("--key", flags->key_file, "File of `ledger witness-key`").Required();
  verb.AddOption("--name", flags->name, "Name of the key (that of the file beside it, .pub)");
  verb.AddOption("--state", flags->state, "As of `ledger audit`");
}

void AddWitnessKey(App& app, Verb family) {
  auto flags = std::make_shared<WitnessKeyFlags>();
  Verb verb = app.AddVerb(family, "witness-key",
                          "Makes the key of a witness, and prints what others verify its cosignatures with",
                          {{"ledger witness-key --out witness.key --name aurore.example/witness",
                            "The private key, mode 0600, and witness.key.pub."}},
                          [flags](Session& session) { return MakeWitnessKey(session, *flags); });
  verb.AddOption("--out", flags->out, "File for the private key, which must not be there yet").Required();
  verb.AddOption("--name", flags->name, "Name of the key, e.g. your host name and a path").Required();
}

void AddLogKey(App& app, Verb family) {
  auto flags = std::make_shared<LogKeyFlags>();
  Verb verb = app.AddVerb(family, "log-key",
                          "For the operator, on the server's machine: prints the key that members are to "
                          "pin, to be given to them by\n"
                          "another way than the exchange",
                          {{"ledger log-key --key keys/ledger_key.pem --name coalition.example/ledger",
                            "Of the key directory, and the name that ledger.origin says."}},
                          [flags](Session& session) { return PrintLogKey(session, *flags); });
  verb.AddOption("--key", flags->key_file, "The server's ledger_key.pem").Required();
  verb.AddOption("--name", flags->name, "The log's name, its origin").Required();
}

}  // namespace

void AddLedgerWitnessVerbs(App& app, Verb family) {
  AddAudit(app, family);
  AddCosign(app, family);
  AddWitnessKey(app, family);
  AddLogKey(app, family);
}

}  // namespace coalition::cli
