// coalition credential list, set, register, confirm, revoke: which keys speak for a member.
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_text.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/prompt.h"
#include "client/cli/values.h"
#include "common/errors.h"
#include "common/file.h"
#include "common/tls.h"
#include "common/x509_request.h"

namespace coalition::cli {
namespace {

// The member that the flag names, else the caller's own.
absl::StatusOr<std::string> MemberOf(client::Client& client, const std::string& flag) {
  if (!flag.empty()) {
    absl::StatusOr<std::string> name = ParseMember(flag);
    return name.ok() ? name : Local(name.status());
  }
  absl::StatusOr<v1::WhoAmIResponse> me = client.WhoAmI();
  if (!me.ok()) return me.status();
  return me->member().name();
}

struct CredentialFlags {
  std::string credential, member;
  std::vector<std::string> roles;
  std::string purpose, fingerprint, csr, certificate, reason, keep_previous;
  bool yes = false;
};

// Asks the server whose credential it is only if it is not said.
absl::StatusOr<std::string> NameOf(client::Client& client, const CredentialFlags& flags) {
  std::string member;
  if (flags.credential.find('/') == std::string::npos || !flags.member.empty()) {
    absl::StatusOr<std::string> name = MemberOf(client, flags.member);
    if (!name.ok()) return name.status();
    member = *std::move(name);
  }
  absl::StatusOr<std::string> name = ParseCredential(flags.credential, member);
  return name.ok() ? name : Local(name.status());
}

int List(Session& session, const std::string& member) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<std::string> name = MemberOf(**client, member);
  if (!name.ok()) return session.Fail(name.status());
  ListPrinter printer = session.List(CredentialColumns());
  for (const absl::StatusOr<v1::Credential>& credential : (*client)->ListCredentials(*name)) {
    if (!credential.ok()) return session.Fail(credential.status());
    printer.Row(CredentialCells(*credential), *credential);
  }
  printer.Finish();
  return kExitOk;
}

// Finds the credential, does `act` with it, and prints what it is then.
template <class Act>
int Change(Session& session, const CredentialFlags& flags, Act act) {
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<std::string> name = NameOf(**client, flags);
  if (!name.ok()) return session.Fail(name.status());
  const absl::StatusOr<v1::Credential> changed = act(**client, *name);
  if (!changed.ok()) return session.Fail(changed.status());
  session.One(CredentialFacts(*changed), ToJson(*changed));
  return kExitOk;
}

int Set(Session& session, const CredentialFlags& flags) {
  const absl::StatusOr<std::vector<v1::Role>> roles = ParseRoles(flags.roles);
  if (!roles.ok()) return session.Misused("--role: " + std::string(roles.status().message()));
  return Change(session, flags, [&](client::Client& client, const std::string& name) {
    return client.SetCredential(name, *roles, flags.purpose);
  });
}

absl::Status OfFile(const std::string& path, const absl::Status& status) {
  return {status.code(), absl::StrCat(path, ": ", status.message())};
}

// Said, or of the request or certificate that holds the key.
absl::StatusOr<std::string> KeyOf(const CredentialFlags& flags) {
  if ((flags.fingerprint.empty() ? 0 : 1) + (flags.csr.empty() ? 0 : 1) +
          (flags.certificate.empty() ? 0 : 1) !=
      1) {
    return absl::InvalidArgumentError(
        "name the key with one of --public-key-sha256, --csr and --certificate");
  }
  if (!flags.fingerprint.empty()) return ParseFingerprint(flags.fingerprint);
  const absl::StatusOr<std::string> pem =
      ReadFile(flags.csr.empty() ? flags.certificate : flags.csr, kPemBytesMax);
  if (!pem.ok()) return pem.status();
  if (flags.csr.empty()) {
    const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(*pem);
    if (!facts.ok()) return OfFile(flags.certificate, facts.status());
    return HexEncode(Bytes(facts->spki_sha256));
  }
  const absl::StatusOr<SigningRequestFacts> facts = ParseSigningRequestPem(*pem);
  if (!facts.ok()) return OfFile(flags.csr, facts.status());
  return HexEncode(Bytes(facts->spki_sha256));
}

int Register(Session& session, const CredentialFlags& flags) {
  const absl::StatusOr<std::string> key = KeyOf(flags);
  if (!key.ok()) return session.Fail(Local(key.status()));
  std::string waits;
  const int code = Change(session, flags, [&](client::Client& client, const std::string& name) {
    absl::StatusOr<v1::Credential> registered = client.RegisterKey(name, *key);
    if (registered.ok() && registered->unconfirmed_public_key_sha256() == *key) waits = name;
    return registered;
  });
  if (!waits.empty()) {
    session.Note(
        absl::StrCat("The key is not accepted before an administrator of the member has confirmed it: "
                     "coalition credential confirm ",
                     waits, " --public-key-sha256 ", *key));
  }
  return code;
}

int Confirm(Session& session, const CredentialFlags& flags) {
  const absl::StatusOr<std::string> key = KeyOf(flags);
  if (!key.ok()) return session.Fail(Local(key.status()));
  std::optional<int64_t> keep;
  if (!flags.keep_previous.empty()) {
    const absl::StatusOr<int64_t> seconds = ParseDuration(flags.keep_previous);
    if (!seconds.ok()) return session.Misused("--keep-previous: " + std::string(seconds.status().message()));
    keep = *seconds;
  }
  std::string until;
  const int code = Change(session, flags, [&](client::Client& client, const std::string& name) {
    absl::StatusOr<v1::Credential> confirmed = client.ConfirmKey(name, *key, keep);
    if (confirmed.ok()) until = TimeText(confirmed->previous_key_expire_time());
    return confirmed;
  });
  if (!until.empty()) session.Note("The key before it is accepted too until " + until + ".");
  return code;
}

int Revoke(Session& session, const CredentialFlags& flags) {
  const absl::StatusOr<v1::RevocationReason> reason = ParseRevocationReason(flags.reason);
  if (!reason.ok()) return session.Misused("--reason: " + std::string(reason.status().message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  const absl::StatusOr<std::string> name = NameOf(**client, flags);
  if (!name.ok()) return session.Fail(name.status());
  const int go_on = ConfirmLoss(session, flags.yes,
                                {absl::StrCat("Every key of ", *name, " is refused from now on, for good;"),
                                 "  whoever works with it sees nothing more, and its open calls are cut;",
                                 "  other credentials go on, and this one does once it has a new key."},
                                absl::StrCat("Revoke ", *name, "?"));
  if (go_on != kExitOk) return go_on;
  const absl::StatusOr<v1::RevokeCredentialResponse> revoked = (*client)->RevokeCredential(*name, *reason);
  if (GetErrorReason(revoked.status()) == v1::ERROR_REASON_CREDENTIAL_REVOKED) {
    const absl::StatusOr<SpiffeId> own = session.OwnIdentity();
    if (own.ok() && *name == FormatCredentialName(own->member, own->credential)) {
      session.Note(
          absl::StrCat(*name, " is revoked: it was your own, so this exchange tells you nothing more."));
      return kExitOk;
    }
  }
  if (!revoked.ok()) return session.Fail(revoked.status());
  Facts facts = CredentialFacts(revoked->credential());
  for (auto& fact : CutOffFacts(revoked->cut_off())) facts.push_back(std::move(fact));
  session.One(facts, ToJson(*revoked));
  session.Note(absl::StrCat(*name, " is revoked; ", CutOffText(revoked->cut_off()), "."));
  return kExitOk;
}

constexpr char kKey[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void AddName(Verb verb, CredentialFlags* flags) {
  verb.AddOption("CREDENTIAL", flags->credential, "Id of the credential, or its name").Required();
  verb.AddOption("--member", flags->member, "Id of the member (yours)");
}

void AddKey(Verb verb, CredentialFlags* flags) {
  verb.AddOption("--public-key-sha256", flags->fingerprint, "SHA-256 of the public key, 64 hex digits");
  verb.AddOption("--csr", flags->csr, "PEM file of a signing request of the key");
  verb.AddOption("--certificate", flags->certificate, "PEM file of a certificate of the key");
}

void AddKeyVerbs(App& app, Verb family) {
  auto flags = std::make_shared<CredentialFlags>();
  Verb verb = app.AddVerb(
      family, "register", "Registers a key; accepted at once where the member's administrator does it",
      {{"credential register backend --csr backend.csr", "The key that the request is signed with."},
       {absl::StrCat("credential register backend --member aurore --public-key-sha256 ", kKey),
        "By the coalition's office; aurore confirms it."}},
      [flags](Session& session) { return Register(session, *flags); });
  AddName(verb, flags.get());
  AddKey(verb, flags.get());

  flags = std::make_shared<CredentialFlags>();
  verb = app.AddVerb(family, "confirm", "Says that a registered key is yours: it is accepted from then on",
                     {{absl::StrCat("credential confirm backend --public-key-sha256 ", kKey),
                       "As `coalition credential request` has shown it where the key was made."},
                      {"credential confirm backend --csr backend.csr --keep-previous 1d",
                       "What still works with the key before has a day to change."}},
                     [flags](Session& session) { return Confirm(session, *flags); });
  AddName(verb, flags.get());
  AddKey(verb, flags.get());
  verb.AddOption("--keep-previous", flags->keep_previous,
                 "How long the key before is accepted too, e.g. 12h; 0: not at all (1h)");
}

}  // namespace

void AddCredentialVerbs(App& app) {
  Verb family = app.AddFamily("credential", "Keys and certificates that speak for a member");
  AddEnrolmentVerbs(app, family);
  auto member = std::make_shared<std::string>();
  app.AddVerb(
         family, "list", "A member's credentials, also those without a key",
         {{"credential list", "Your member's."}, {"credential list --member aurore -o json", "Another's."}},
         [member](Session& session) { return List(session, *member); })
      .AddOption("--member", *member, "Id of the member (yours)");

  auto set = std::make_shared<CredentialFlags>();
  Verb verb = app.AddVerb(
      family, "set", "Makes a credential, or sets what it may do",
      {{"credential set screening --role reader --purpose 'seller onboarding'", "Reads, for this."},
       {"credential set backend --role reader,contributor --purpose 'case system'",
        "Reads and contributes."}},
      [set](Session& session) { return Set(session, *set); });
  AddName(verb, set.get());
  verb.AddOption("--role", set->roles,
                 "reader, contributor or member-admin; all that it will have. Repeatable")
      .OnePerFlag()
      .Required();
  verb.AddOption("--purpose", set->purpose, "Why it reads, in your words; a reader needs one");
  AddKeyVerbs(app, family);

  auto revoke = std::make_shared<CredentialFlags>();
  verb = app.AddVerb(
      family, "revoke", "Refuses all keys of a credential, at once and for good",
      {{"credential revoke screening --reason key-compromise", "Asks first, naming what is lost."},
       {"credential revoke screening --member aurore --reason key-compromise --yes", "Does not ask."}},
      [revoke](Session& session) { return Revoke(session, *revoke); });
  AddName(verb, revoke.get());
  verb.AddOption("--reason", revoke->reason,
                 "key-compromise, affiliation-changed, superseded, cessation-of-operation or "
                 "privilege-withdrawn")
      .Required();
  verb.AddFlag("-y,--yes", revoke->yes, "Do not ask");
}

}  // namespace coalition::cli
