// coalition credential request, status: what a member does about its own keys and certificates, without a
// server.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/administration_values.h"
#include "client/cli/app.h"
#include "client/cli/certificate_life.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "client/credentials.h"
#include "common/file.h"
#include "common/ids.h"
#include "common/tls.h"
#include "common/x509_request.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

struct RequestFlags {
  std::string member, credential, key, csr;
  bool server = false, reuse_key = false, force = false;
};

absl::Status CheckRequestFlags(const RequestFlags& flags) {
  if (flags.server != (flags.member.empty() && flags.credential.empty())) {
    return absl::InvalidArgumentError(
        "name the credential with --member and --credential, or say --for-server, for the exchange's own");
  }
  if (!flags.server) {
    if (absl::Status status = CheckId(flags.member, "member id"); !status.ok()) return status;
    if (absl::Status status = CheckId(flags.credential, "credential id"); !status.ok()) return status;
  }
  if (flags.key == flags.csr) return absl::InvalidArgumentError("--key and --csr are the same file");
  return absl::OkStatus();
}

absl::Status Write(const std::string& path, const std::string& contents, unsigned mode, bool force) {
  absl::Status status = force ? WriteFileAtomic(path, contents, mode) : WriteNewFile(path, contents, mode);
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(absl::StrCat(std::string(status.message()), "; --force replaces it"));
}

// The key, made and kept unless it is to be the one that is there.
absl::StatusOr<std::string> KeyFor(const RequestFlags& flags) {
  if (flags.reuse_key) return ReadFile(flags.key, kPemBytesMax);
  std::error_code ignored;
  // Before the key is there, so that it is not left behind alone.
  if (!flags.force && std::filesystem::exists(flags.csr, ignored)) {
    return absl::AlreadyExistsError(absl::StrCat(flags.csr, " is there already; --force replaces it"));
  }
  absl::StatusOr<std::string> key = NewPrivateKeyPem(Curve::kP256);
  if (!key.ok()) return key.status();
  absl::Status status = Write(flags.key, *key, 0600, flags.force);
  if (absl::IsAlreadyExists(status)) {
    return absl::AlreadyExistsError(absl::StrCat(std::string(status.message()),
                                                 ", and what has its certificate stops working then; "
                                                 "--reuse-key asks for another certificate of it"));
  }
  if (!status.ok()) return status;
  return key;
}

int Request(Session& session, const RequestFlags& flags) {
  if (absl::Status status = CheckRequestFlags(flags); !status.ok()) {
    return session.Misused(std::string(status.message()));
  }
  const absl::StatusOr<std::string> key = KeyFor(flags);
  if (!key.ok()) return session.Fail(Local(key.status()));
  const absl::StatusOr<std::string> csr =
      MakeSigningRequestPem(*key, flags.server ? "exchange" : flags.member);
  if (!csr.ok()) return session.Fail(Local(csr.status()));
  const absl::StatusOr<SigningRequestFacts> facts = ParseSigningRequestPem(*csr);
  if (!facts.ok()) return session.Fail(Local(facts.status()));
  if (absl::Status status = Write(flags.csr, *csr, 0644, flags.force); !status.ok()) {
    return session.Fail(Local(status));
  }
  const std::string fingerprint = HexEncode(Bytes(facts->spki_sha256));
  const std::string name = flags.server ? "" : FormatCredentialName(flags.member, flags.credential);
  nlohmann::ordered_json json = {{"key", flags.key}, {"csr", flags.csr}, {"publicKeySha256", fingerprint}};
  if (!name.empty()) json["credential"] = name;
  session.One(
      {{"credential", name}, {"key", flags.key}, {"csr", flags.csr}, {"public_key_sha256", fingerprint}},
      ToJson(json));
  session.Note(absl::StrCat("Send ", flags.csr,
                            " to the coalition's office, and tell it the public key's "
                            "SHA-256 by another way, e.g. by telephone. ",
                            flags.key, " stays here."));
  return kExitOk;
}

struct StatusFlags {
  std::string certificate;
  std::string expires_in = "30%";
};

struct LifeRow {
  std::string what, file;
  CertificateFacts facts;
  LifeState state = LifeState::kFine;
};

const char* StateText(LifeState state) {
  switch (state) {
    case LifeState::kFine:
      return "fine";
    case LifeState::kExpiresSoon:
      return "expires-soon";
    case LifeState::kExpired:
      return "expired";
    case LifeState::kNotYetValid:
      return "not-yet-valid";
  }
  return "unknown";
}

// All certificates of a file, the first of them called `first`, the others `others`.
absl::Status AddRows(const std::string& file, const char* first, const char* others,
                     const ExpiryThreshold& threshold, int64_t now_s, std::vector<LifeRow>* rows) {
  const absl::StatusOr<std::string> pem = ReadFile(file, kPemBytesMax);
  if (!pem.ok()) return pem.status();
  absl::StatusOr<std::vector<CertificateFacts>> chain = ParseCertificateChainPem(*pem);
  if (!chain.ok()) {
    return absl::Status(chain.status().code(), absl::StrCat(file, ": ", chain.status().message()));
  }
  const char* what = first;
  for (CertificateFacts& facts : *chain) {
    const LifeState state = JudgeLife(facts, threshold, now_s);
    rows->push_back({what, file, std::move(facts), state});
    what = others;
  }
  return absl::OkStatus();
}

void PrintRows(Session& session, const std::vector<LifeRow>& rows, int64_t now_s) {
  ListPrinter printer =
      session.List({"what", "state", "expires", "left", "left_percent", "valid_from", "name", "file"});
  for (const LifeRow& row : rows) {
    const CertificateFacts& facts = row.facts;
    const int64_t left = SecondsUntilExpiry(facts, now_s);
    const int percent = PercentLeft(facts, now_s);
    const std::string name = facts.uri_sans.empty() || facts.is_ca ? facts.subject : facts.uri_sans.front();
    const nlohmann::ordered_json json = {{"what", row.what},
                                         {"state", StateText(row.state)},
                                         {"expireTime", FormatTime(facts.not_after_s)},
                                         {"leftSeconds", left},
                                         {"leftPercent", percent},
                                         {"validFromTime", FormatTime(facts.not_before_s)},
                                         {"name", name},
                                         {"file", row.file}};
    printer.Row(
        {row.what, StateText(row.state), FormatTime(facts.not_after_s), left < 0 ? "0 s" : DurationText(left),
         absl::StrCat(percent, "%"), FormatTime(facts.not_before_s), name, row.file},
        ToJson(json));
  }
  printer.Finish();
}

// Of the CAs trusted, an old one may end beside its successor.
bool AllFine(const std::vector<LifeRow>& rows) {
  bool own_fine = true, any_ca = false, ca_fine = false;
  for (const LifeRow& row : rows) {
    const bool fine = row.state == LifeState::kFine;
    if (row.what == "ca") {
      any_ca = true;
      ca_fine |= fine;
    } else {
      own_fine &= fine;
    }
  }
  return own_fine && (ca_fine || !any_ca);
}

int Status(Session& session, const StatusFlags& flags) {
  const absl::StatusOr<ExpiryThreshold> threshold = ParseExpiryThreshold(flags.expires_in);
  if (!threshold.ok()) return session.Misused("--expires-in: " + std::string(threshold.status().message()));
  std::string certificate = flags.certificate, ca;
  if (certificate.empty()) {
    const absl::StatusOr<client::ClientOptions> options = ResolveOptions(session.globals());
    if (!options.ok()) return session.Fail(Local(options.status()));
    certificate = options->tls.certificate_file;
    ca = options->tls.ca_file;
    if (certificate.empty()) return session.Misused("neither a context nor --cert names a certificate");
  }
  const int64_t now_s = std::time(nullptr);
  std::vector<LifeRow> rows;
  absl::Status status = AddRows(certificate, "certificate", "issuer", *threshold, now_s, &rows);
  if (status.ok() && !ca.empty()) status = AddRows(ca, "ca", "ca", *threshold, now_s, &rows);
  if (!status.ok()) return session.Fail(Local(status));
  PrintRows(session, rows, now_s);
  if (AllFine(rows)) return kExitOk;
  for (const LifeRow& row : rows) {
    if (row.state == LifeState::kFine) continue;
    session.Note(absl::StrCat(row.what, " ", row.file, ": ", StateText(row.state), ", valid from ",
                              FormatTime(row.facts.not_before_s), " to ", FormatTime(row.facts.not_after_s)));
  }
  return kExitNo;
}

void AddRequest(App& app, Verb family) {
  auto flags = std::make_shared<RequestFlags>();
  Verb verb = app.AddVerb(
      family, "request",
      "Makes a private key, which stays here, and a signing request for the coalition's office",
      {{"credential request --member aurore --credential backend --key backend.key --csr backend.csr",
        "The key with mode 0600; prints the SHA-256 to tell the office by another way."},
       {"credential request --member aurore --credential backend --key backend.key --csr again.csr "
        "--reuse-key",
        "For another certificate of a key that is there: nothing has to be registered or confirmed again."},
       {"credential request --for-server --key server.key --csr server.csr",
        "For the exchange's own certificate."}},
      [flags](Session& session) { return Request(session, *flags); });
  verb.AddOption("--member", flags->member, "Id of your member");
  verb.AddOption("--credential", flags->credential, "Id of the credential");
  verb.AddOption("--key", flags->key, "File for the private key").Required();
  verb.AddOption("--csr", flags->csr, "File for the signing request").Required();
  verb.AddFlag("--for-server", flags->server, "For the exchange itself, not for a credential");
  verb.AddFlag("--reuse-key", flags->reuse_key, "Use the key that is in --key");
  verb.AddFlag("--force", flags->force, "Replace files that are there");
}

}  // namespace

void AddEnrolmentVerbs(App& app, Verb family) {
  AddRequest(app, family);
  auto flags = std::make_shared<StatusFlags>();
  Verb verb = app.AddVerb(
      family, "status",
      "When certificates end: yours, its issuers', and the CA's. Reaches for no network.\n"
      "Exit code 1: one ends soon, has ended or is not valid yet",
      {{"credential status", "Of the context in use; soon is when less than 30% of its life is left."},
       {"credential status --expires-in 14d -o json", "For a timer."},
       {"credential status --certificate backend.pem --expires-in 50%", "Of a file."}},
      [flags](Session& session) { return Status(session, *flags); });
  verb.AddOption("--certificate", flags->certificate, "PEM file to look at instead of the context's");
  verb.AddOption("--expires-in", flags->expires_in, "What is soon: a share of the life, or e.g. 14d (30%)");
}

}  // namespace coalition::cli
