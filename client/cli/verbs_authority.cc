// coalition admin ca …, admin credential issue: the coalition's own CA. Its keys stay on the administrator's
// machine.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/authority_dir.h"
#include "client/cli/prompt.h"
#include "client/cli/values.h"
#include "common/file.h"
#include "common/ids.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

struct CaFlags {
  std::string dir, name, trust_domain;
};

void PrintCa(Session& session, const std::string& dir, const std::string& root, const std::string& issuing) {
  const absl::StatusOr<CertificateFacts> top = ParseCertificatePem(root);
  const absl::StatusOr<CertificateFacts> below = ParseCertificatePem(issuing);
  const std::string domain = TrustDomainOf(issuing).value_or("");
  if (!top.ok() || !below.ok()) return;
  session.One({{"root", RootCertificateFile(dir)},
               {"root_expires", FormatTime(top->not_after_s)},
               {"issuing", IssuingCertificateFile(dir)},
               {"issuing_expires", FormatTime(below->not_after_s)},
               {"trust_domain", domain}},
              ToJson({{"root", RootCertificateFile(dir)},
                      {"rootExpireTime", FormatTime(top->not_after_s)},
                      {"issuing", IssuingCertificateFile(dir)},
                      {"issuingExpireTime", FormatTime(below->not_after_s)},
                      {"trustDomain", domain}}));
}

int CaInit(Session& session, const CaFlags& flags) {
  SystemRandom random;
  const AuthoritySpec spec{flags.name, flags.trust_domain, Curve::kP384};
  const int64_t now_s = std::time(nullptr);
  const absl::StatusOr<CertificateAuthority> root = MakeRootCa(spec, now_s, random);
  if (!root.ok()) return session.Misused(std::string(root.status().message()));
  const absl::StatusOr<CertificateAuthority> issuing = MakeIssuingCa(*root, now_s, random);
  if (!issuing.ok()) return session.Fail(Local(issuing.status()));
  if (absl::Status status = MakeAuthorityDir(flags.dir, *root, *issuing); !status.ok()) {
    return session.Fail(Local(status));
  }
  PrintCa(session, flags.dir, root->certificate_pem, issuing->certificate_pem);
  session.Note(
      absl::StrCat(RootCertificateFile(flags.dir),
                   " goes to the server (tls.client_ca_file) and to every member (--ca). Keep root.key "
                   "offline: it is needed again only for `coalition admin ca renew`. Neither key goes to the "
                   "server."));
  return kExitOk;
}

int CaRenew(Session& session, const CaFlags& flags) {
  SystemRandom random;
  const absl::StatusOr<CertificateAuthority> root = ReadRootCa(flags.dir);
  if (!root.ok()) return session.Fail(Local(root.status()));
  const absl::StatusOr<CertificateAuthority> issuing = MakeIssuingCa(*root, std::time(nullptr), random);
  if (!issuing.ok()) return session.Fail(Local(issuing.status()));
  if (absl::Status status = ReplaceIssuingCa(flags.dir, *issuing); !status.ok()) {
    return session.Fail(Local(status));
  }
  PrintCa(session, flags.dir, root->certificate_pem, issuing->certificate_pem);
  session.Note(
      "Certificates that the old issuing key signed go on being accepted: their files hold its "
      "certificate.");
  return kExitOk;
}

struct SignFlags {
  std::string ca_dir, csr, out, fingerprint;
  int64_t days = kMemberLifetimeDays;
  bool yes = false, force = false;
  // Of a server's.
  std::vector<std::string> dns, ip;
  // Of a credential's.
  std::string member, credential, purpose;
  std::vector<std::string> roles;
  bool no_register = false;
};

// What is to be signed, by whom.
struct Signing {
  CertificateAuthority issuer;
  std::string root_pem;
  IssueSpec spec;
  std::string fingerprint;
};

// Reads all that is needed, so that nothing is registered for a certificate that can't be made.
absl::StatusOr<Signing> Prepare(const SignFlags& flags) {
  Signing signing;
  absl::StatusOr<CertificateAuthority> issuer = ReadIssuingCa(flags.ca_dir);
  if (!issuer.ok()) return issuer.status();
  absl::StatusOr<std::string> root = ReadRootCertificate(flags.ca_dir);
  if (!root.ok()) return root.status();
  absl::StatusOr<std::string> csr = ReadFile(flags.csr, kPemBytesMax);
  if (!csr.ok()) return csr.status();
  const absl::StatusOr<SigningRequestFacts> facts = ParseSigningRequestPem(*csr);
  if (!facts.ok()) {
    return absl::Status(facts.status().code(), absl::StrCat(flags.csr, ": ", facts.status().message()));
  }
  std::error_code ignored;
  if (!flags.force && std::filesystem::exists(flags.out, ignored)) {
    return absl::AlreadyExistsError(absl::StrCat(flags.out, " is there already; --force replaces it"));
  }
  signing.issuer = *std::move(issuer);
  signing.root_pem = *std::move(root);
  signing.spec.request_pem = *std::move(csr);
  signing.spec.days = flags.days;
  signing.spec.now_s = std::time(nullptr);
  signing.fingerprint = HexEncode(Bytes(facts->spki_sha256));
  return signing;
}

// Whoever sent the request could have sent another's: that it is the member's is said by another way.
// kExitOk: go on.
int CheckFingerprint(Session& session, const SignFlags& flags, const std::string& found) {
  if (!flags.fingerprint.empty()) {
    const absl::StatusOr<std::string> told = ParseFingerprint(flags.fingerprint);
    if (!told.ok()) return session.Misused("--public-key-sha256: " + std::string(told.status().message()));
    if (*told == found) return kExitOk;
    return session.Misused(
        absl::StrCat("the key in ", flags.csr, " is another one: its SHA-256 is ", found,
                     ". Nothing was signed. Ask the member again, and how the request came to you"));
  }
  if (flags.yes) return kExitOk;
  session.Note(absl::StrCat("The public key in ", flags.csr, " has the SHA-256"));
  session.Note("  " + found);
  if (!CanAsk(session)) {
    return session.Misused("name what you were told with --public-key-sha256, or --yes to sign unseen");
  }
  if (AskLine(session, "Did you hear the same from them by another way? Type yes: ") == "yes") return kExitOk;
  session.Note("Nothing was signed.");
  return kExitNo;
}

// With the issuing CA's certificate, as it is to be presented. It has been checked as the other side will.
absl::StatusOr<std::string> WithIssuer(const Signing& signing, const std::string& leaf,
                                       CertificatePurpose purpose) {
  std::string chain = leaf + signing.issuer.certificate_pem;
  absl::Status status = VerifyChain(chain, signing.root_pem, purpose, signing.spec.now_s);
  if (!status.ok()) return status;
  return chain;
}

absl::Status WriteCertificate(const SignFlags& flags, const std::string& chain) {
  return flags.force ? WriteFileAtomic(flags.out, chain, 0644) : WriteNewFile(flags.out, chain, 0644);
}

int CaServer(Session& session, const SignFlags& flags) {
  absl::StatusOr<Signing> signing = Prepare(flags);
  if (!signing.ok()) return session.Fail(Local(signing.status()));
  if (const int code = CheckFingerprint(session, flags, signing->fingerprint); code != kExitOk) return code;
  SystemRandom random;
  absl::StatusOr<std::string> leaf =
      IssueServerCertificate(signing->issuer, flags.dns, flags.ip, signing->spec, random);
  if (leaf.ok()) leaf = WithIssuer(*signing, *leaf, CertificatePurpose::kServer);
  if (!leaf.ok()) return session.Fail(Local(leaf.status()));
  if (absl::Status status = WriteCertificate(flags, *leaf); !status.ok()) return session.Fail(Local(status));
  const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(*leaf);
  if (!facts.ok()) return session.Fail(Local(facts.status()));
  session.One({{"certificate", flags.out},
               {"expires", FormatTime(facts->not_after_s)},
               {"public_key_sha256", signing->fingerprint}},
              ToJson({{"certificate", flags.out},
                      {"expireTime", FormatTime(facts->not_after_s)},
                      {"publicKeySha256", signing->fingerprint}}));
  return kExitOk;
}

// The member's cut-off of old certificates holds for new ones too: what is signed begins after it.
absl::StatusOr<int64_t> NotBefore(client::Client& client, const SpiffeId& id, int64_t now_s) {
  const absl::StatusOr<v1::Member> member = client.GetMember(FormatMemberName(id.member));
  if (!member.ok()) return member.status();
  const int64_t backdated = now_s - kIssuedBackdatedS;
  return std::clamp(member->certificates_not_before().seconds(), backdated, now_s);
}

// What the exchange knows of the credential when its key is registered.
absl::StatusOr<v1::Credential> Register(client::Client& client, const SignFlags& flags, const SpiffeId& id,
                                        const std::vector<v1::Role>& roles, const std::string& fingerprint) {
  const std::string name = FormatCredentialName(id.member, id.credential);
  if (!roles.empty()) {
    absl::StatusOr<v1::Credential> set = client.SetCredential(name, roles, flags.purpose);
    if (!set.ok()) return set.status();
  }
  return client.RegisterKey(name, fingerprint);
}

bool Administers(const v1::Credential& credential) {
  const auto& roles = credential.roles();
  return std::any_of(roles.begin(), roles.end(),
                     [](int role) { return role == v1::ROLE_COALITION_ADMIN || role == v1::ROLE_AUDITOR; });
}

void SayWhatIsNext(Session& session, const std::string& name, const std::string& fingerprint,
                   const std::optional<v1::Credential>& registered) {
  const CredentialName parts = ParseCredentialName(name).value_or(CredentialName());
  if (!registered.has_value()) {
    session.Note(absl::StrCat("Nothing was registered. Whoever may: coalition credential register ",
                              parts.credential, " --member ", parts.member, " --public-key-sha256 ",
                              fingerprint));
  } else if (registered->public_key_sha256() == fingerprint) {
    session.Note(absl::StrCat(name, " is accepted with this key from now on."));
  } else if (Administers(*registered)) {
    session.Note(
        "The key is registered, and not accepted before another of the coalition's administrators confirms "
        "it:");
    session.Note(absl::StrCat("  coalition credential confirm ", parts.credential, " --member ", parts.member,
                              " --public-key-sha256 ", fingerprint));
  } else {
    session.Note(absl::StrCat("The key is registered, and not accepted before an administrator of ",
                              FormatMemberName(parts.member), " has confirmed it:"));
    session.Note(absl::StrCat("  coalition credential confirm ", parts.credential, " --public-key-sha256 ",
                              fingerprint));
    session.Note(absl::StrCat(
        "While it has none with a key, another administrator of the coalition than you may, with "
        "--member ",
        parts.member, "."));
  }
}

const char* StateOf(const std::optional<v1::Credential>& registered, const std::string& fingerprint) {
  if (!registered.has_value()) return "not-registered";
  return registered->public_key_sha256() == fingerprint ? "accepted" : "waits-for-confirmation";
}

int PrintIssued(Session& session, const SignFlags& flags, const SpiffeId& id, const std::string& chain,
                const std::string& fingerprint, const std::optional<v1::Credential>& registered) {
  const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(chain);
  if (!facts.ok()) return session.Fail(Local(facts.status()));
  const std::string name = FormatCredentialName(id.member, id.credential);
  const std::string state = StateOf(registered, fingerprint);
  session.One({{"credential", name},
               {"certificate", flags.out},
               {"name", FormatSpiffeMemberId(id)},
               {"valid_from", FormatTime(facts->not_before_s)},
               {"expires", FormatTime(facts->not_after_s)},
               {"public_key_sha256", fingerprint},
               {"state", state}},
              ToJson({{"credential", name},
                      {"certificate", flags.out},
                      {"name", FormatSpiffeMemberId(id)},
                      {"validFromTime", FormatTime(facts->not_before_s)},
                      {"expireTime", FormatTime(facts->not_after_s)},
                      {"publicKeySha256", fingerprint},
                      {"state", state}}));
  SayWhatIsNext(session, name, fingerprint, registered);
  return kExitOk;
}

int Issue(Session& session, const SignFlags& flags) {
  const absl::StatusOr<std::vector<v1::Role>> roles = ParseRoles(flags.roles);
  if (!roles.ok()) return session.Misused("--role: " + std::string(roles.status().message()));
  if (flags.no_register && !roles->empty())
    return session.Misused("--role is set at the exchange: not with --no-register");
  if (roles->empty() && !flags.purpose.empty()) return session.Misused("--purpose goes with --role");
  absl::StatusOr<Signing> signing = Prepare(flags);
  if (!signing.ok()) return session.Fail(Local(signing.status()));
  const absl::StatusOr<std::string> domain = TrustDomainOf(signing->issuer.certificate_pem);
  if (!domain.ok()) return session.Fail(Local(domain.status()));
  const SpiffeId id{*domain, flags.member, flags.credential};
  if (const int code = CheckFingerprint(session, flags, signing->fingerprint); code != kExitOk) return code;
  client::Client* client = nullptr;
  if (!flags.no_register) {
    absl::StatusOr<client::Client*> made = session.Client();
    if (!made.ok()) return session.Fail(made.status());
    client = *made;
    const absl::StatusOr<int64_t> not_before = NotBefore(*client, id, signing->spec.now_s);
    if (!not_before.ok()) return session.Fail(not_before.status());
    signing->spec.not_before_s = *not_before;
  }
  SystemRandom random;
  absl::StatusOr<std::string> leaf = IssueMemberCertificate(signing->issuer, id, signing->spec, random);
  if (leaf.ok()) leaf = WithIssuer(*signing, *leaf, CertificatePurpose::kClient);
  if (!leaf.ok()) return session.Fail(Local(leaf.status()));
  std::optional<v1::Credential> registered;
  if (client != nullptr) {
    absl::StatusOr<v1::Credential> done = Register(*client, flags, id, *roles, signing->fingerprint);
    if (!done.ok()) return session.Fail(done.status());
    registered = *std::move(done);
  }
  if (absl::Status status = WriteCertificate(flags, *leaf); !status.ok()) return session.Fail(Local(status));
  return PrintIssued(session, flags, id, *leaf, signing->fingerprint, registered);
}

void AddSigning(Verb verb, const char* dir_flag, SignFlags* flags) {
  verb.AddOption(dir_flag, flags->ca_dir, "Directory of `coalition admin ca init`").Required();
  verb.AddOption("--csr", flags->csr, "PEM file of the signing request").Required();
  verb.AddOption("--out", flags->out, "File for the certificate, with its issuer's").Required();
  verb.AddOption("--days", flags->days, "How long it is valid (90)").AtLeast(1);
  verb.AddOption("--public-key-sha256", flags->fingerprint, "What they told you by another way");
  verb.AddFlag("-y,--yes", flags->yes, "Do not ask whether the key is theirs");
  verb.AddFlag("--force", flags->force, "Replace a file that is there");
}

void AddIssue(App& app, Verb family) {
  auto flags = std::make_shared<SignFlags>();
  Verb verb = app.AddVerb(
      family, "issue",
      "Signs a member's request with the issuing key, here, and registers its key at the exchange.\n"
      "The name in the certificate is the one given here, whatever the request says",
      {{"admin credential issue --ca-dir ca --member aurore --credential backend --csr backend.csr --out "
        "backend.pem",
        "Shows the key's SHA-256 and asks; then an administrator of aurore confirms the key."},
       {"admin credential issue --ca-dir ca --member aurore --credential screening --csr screening.csr --out "
        "screening.pem --role reader --purpose 'seller onboarding'",
        "Makes the credential too, while aurore has no administrator of its own."},
       {"admin credential issue --ca-dir ca --member aurore --credential backend --csr backend.csr --out "
        "backend.pem --no-register --yes",
        "On a machine without a network."}},
      [flags](Session& session) { return Issue(session, *flags); });
  AddSigning(verb, "--ca-dir", flags.get());
  verb.AddOption("--member", flags->member, "Id of the member").Required();
  verb.AddOption("--credential", flags->credential, "Id of the credential").Required();
  verb.AddOption("--role", flags->roles,
                 "reader, contributor or member-admin: makes or changes the credential")
      .OnePerFlag();
  verb.AddOption("--purpose", flags->purpose, "Why it reads");
  verb.AddFlag("--no-register", flags->no_register, "Only sign; reaches for no network");
}

}  // namespace

void AddAuthorityVerbs(App& app, Verb admin) {
  Verb ca = app.AddFamily("ca", "The coalition's own certificate authority", admin);
  auto init = std::make_shared<CaFlags>();
  Verb verb =
      app.AddVerb(ca, "init", "Makes a root for ten years and below it an issuing CA for two",
                  {{"admin ca init --dir ca --name 'Example Coalition' --trust-domain coalition.example",
                    "Into a directory that is made for it, keys with mode 0600."}},
                  [init](Session& session) { return CaInit(session, *init); });
  verb.AddOption("--dir", init->dir, "Directory to make").Required();
  verb.AddOption("--name", init->name, "The coalition's name, in the CAs' subjects").Required();
  verb.AddOption("--trust-domain", init->trust_domain, "Of the members' names, as in the bootstrap file")
      .Required();

  auto renew = std::make_shared<CaFlags>();
  verb = app.AddVerb(ca, "renew", "Makes a new issuing CA in place of the old one; needs root.key",
                     {{"admin ca renew --dir ca", "Nothing else changes: everybody trusts the root."}},
                     [renew](Session& session) { return CaRenew(session, *renew); });
  verb.AddOption("--dir", renew->dir, "Directory of `coalition admin ca init`").Required();

  auto server = std::make_shared<SignFlags>();
  verb = app.AddVerb(
      ca, "server", "Signs the exchange's own certificate",
      {{"admin ca server --dir ca --csr server.csr --out server.pem --dns exchange.example --ip 192.0.2.7",
        "For a request of `coalition credential request --for-server`."}},
      [server](Session& session) { return CaServer(session, *server); });
  AddSigning(verb, "--dir", server.get());
  verb.AddOption("--dns", server->dns, "Name that members reach it by. Repeatable").OnePerFlag();
  verb.AddOption("--ip", server->ip, "Address that they reach it by. Repeatable").OnePerFlag();

  AddIssue(app, app.AddFamily("credential", "Members' certificates", admin));
}

}  // namespace coalition::cli
