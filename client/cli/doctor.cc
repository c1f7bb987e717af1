#include "client/cli/doctor.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/status.h"
#include "client/cli/values.h"
#include "client/client.h"
#include "client/credentials.h"
#include "common/errors.h"
#include "common/host_port.h"
#include "common/tls.h"

namespace coalition::cli {
namespace {

using client::ClientOptions;
using client::Credentials;

Check Ok(std::string name, std::string detail) {
  return {std::move(name), CheckState::kOk, std::move(detail), ""};
}
Check Failed(std::string name, std::string detail, std::string remedy) {
  return {std::move(name), CheckState::kFailed, std::move(detail), std::move(remedy)};
}
Check Skipped(std::string name, std::string why) {
  return {std::move(name), CheckState::kSkipped, std::move(why), ""};
}

void Skip(const std::vector<std::string>& names, const std::string& why, std::vector<Check>& checks) {
  for (const std::string& name : names) checks.push_back(Skipped(name, why));
}

// Whether the CA file is one.
Check CheckFiles(const Credentials& credentials) {
  const std::string remedy =
      "Get the coalition's CA certificate from its administrator and give it with --ca.";
  const auto cas = ParseCertificateChainPem(credentials.ca_pem);
  if (!cas.ok()) return Failed("files", absl::StrCat("the CA certificate: ", cas.status().message()), remedy);
  // One that signed itself is trusted as it stands.
  if (std::none_of(cas->begin(), cas->end(),
                   [](const CertificateFacts& ca) { return ca.is_ca || ca.self_signed; })) {
    return Failed("files", "the CA certificate: it is not a CA's, but that of " + cas->front().subject,
                  remedy);
  }
  return Ok("files", "CA, certificate and key can be read");
}

Check CheckKey(const Credentials& credentials) {
  const absl::Status status = CheckKeyMatchesCertificate(credentials.certificate_pem, credentials.key_pem);
  if (status.ok()) return Ok("key", "the key is the certificate's");
  return Failed("key", std::string(status.message()),
                "Give with --key the unencrypted PEM key that the certificate was requested with.");
}

// What the certificate says it is: one SPIFFE name, fit for a client.
Check CheckCertificate(const absl::StatusOr<CertificateFacts>& facts) {
  if (!facts.ok()) {
    return Failed("certificate", std::string(facts.status().message()),
                  "Give a PEM certificate with --cert.");
  }
  const std::string ask =
      "Ask for a certificate with exactly one URI name, spiffe://TRUST-DOMAIN/member/MEMBER/CREDENTIAL.";
  if (facts->uri_sans.size() != 1) {
    return Failed("certificate", absl::StrCat("it has ", facts->uri_sans.size(), " URI names instead of one"),
                  ask);
  }
  if (absl::StatusOr<SpiffeId> id = ParseSpiffeMemberId(facts->uri_sans[0]); !id.ok()) {
    return Failed("certificate", std::string(id.status().message()), ask);
  }
  if (!facts->client_auth) {
    return Failed("certificate", "its extended key usage does not allow a TLS client",
                  "Ask for a certificate for client authentication.");
  }
  return Ok("certificate", facts->uri_sans[0]);
}

Check CheckDates(const Credentials& credentials, const CertificateFacts& facts, int64_t now_s) {
  const absl::Status status = client::CheckCertificateDates(credentials.certificate_pem, now_s);
  if (status.ok()) return Ok("dates", "valid until " + FormatTime(facts.not_after_s));
  return Failed("dates", std::string(status.message()),
                now_s < facts.not_before_s
                    ? "Wait until then, or set this machine's clock."
                    : "Renew the certificate with the same key, or have a new key registered.");
}

Check CheckClock(const std::optional<CertificateFacts>& ours, const std::optional<CertificateFacts>& servers,
                 int64_t now_s) {
  constexpr int64_t kEarliest = 1'767'225'600;  // 2026-01-01: nothing of this is older
  const std::string now = FormatTime(now_s);
  const std::string remedy = "Set this machine's clock, e.g. with NTP.";
  if (now_s < kEarliest) return Failed("clock", "it says " + now, remedy);
  if (ours.has_value() && servers.has_value()) {
    const bool early = now_s < ours->not_before_s && now_s < servers->not_before_s;
    const bool late = now_s > ours->not_after_s && now_s > servers->not_after_s;
    if (early || late) {
      return Failed(
          "clock", absl::StrCat("it says ", now, ", when neither your certificate nor the server's is valid"),
          remedy);
    }
  }
  return Ok("clock", now);
}

std::string ServerCertificateText(const client::ProbeResult& probe) {
  if (!probe.server_certificate.has_value()) return "";
  const CertificateFacts& facts = *probe.server_certificate;
  std::string names;
  for (const std::string& name : facts.dns_sans) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  for (const std::string& name : facts.ip_sans) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  return absl::StrCat("the server's certificate is for ", names.empty() ? "no name" : names, ", issued by ",
                      facts.issuer, ", valid from ", FormatTime(facts.not_before_s), " to ",
                      FormatTime(facts.not_after_s));
}

Check JudgeTls(const client::ProbeResult& probe, const ClientOptions& options) {
  using client::ProbeFailure;
  const std::string certificate = ServerCertificateText(probe);
  const std::string shown = certificate.empty() ? "" : "; " + certificate;
  const std::string wanted =
      options.server_name.empty() ? ParseHostPort(options.server)->host : options.server_name;
  switch (probe.failure) {
    case ProbeFailure::kNotTls:
      return Failed("tls", "what answers there does not speak TLS: " + probe.detail,
                    "Check host and port: the exchange's members' port is meant, not its HTTP port.");
    case ProbeFailure::kTlsVersion:
      return Failed("tls", "the server does not speak TLS 1.3: " + probe.detail,
                    "Check host and port; something between you and the exchange may be ending TLS.");
    case ProbeFailure::kServerUntrusted:
      return Failed(
          "tls", absl::StrCat("your CA file does not vouch for the server (", probe.detail, ")", shown),
          "Get the coalition's CA certificate from its administrator and give it with --ca. If the file is "
          "right, somebody else answers there.");
    case ProbeFailure::kServerExpired:
      return Failed("tls", "the server's certificate has expired" + shown,
                    "Tell the exchange's operator; check this machine's clock.");
    case ProbeFailure::kServerNotYetValid:
      return Failed("tls", "the server's certificate is not yet valid" + shown,
                    "Check this machine's clock; tell the exchange's operator.");
    case ProbeFailure::kServerName:
      return Failed("tls", absl::StrCat("the server's certificate is not for ", wanted, shown),
                    "Use the name that is in the certificate as --server, or give it with --server-name.");
    case ProbeFailure::kServerPurpose:
      return Failed("tls", "the certificate is not a server's" + shown, "Tell the exchange's operator.");
    default:
      return Failed("tls", "the handshake failed: " + probe.detail,
                    "Check host and port; --verbose says more.");
  }
}

bool IssuedByOneOf(const std::vector<CertificateFacts>& chain, const std::vector<std::string>& issuers) {
  return std::any_of(chain.begin(), chain.end(), [&](const CertificateFacts& certificate) {
    return std::find(issuers.begin(), issuers.end(), certificate.issuer) != issuers.end();
  });
}

// The server turned our certificate away, often without a word: what it is about is found here.
Check JudgeRefusal(const client::ProbeResult& probe, const Credentials& credentials, int64_t now_s) {
  using client::ProbeFailure;
  const auto chain = ParseCertificateChainPem(credentials.certificate_pem);
  const bool known = chain.ok() && !chain->empty();
  // Names of CAs can be the same by chance; the CA file that vouches for the server is most often the
  // coalition's own.
  // At a time when ours is current: OpenSSL counts the last second as past.
  const int64_t when = known
                           ? std::clamp(now_s, chain->front().not_before_s,
                                        std::max(chain->front().not_before_s, chain->front().not_after_s - 1))
                           : now_s;
  const bool stranger =
      known && chain->front().client_auth &&
      !VerifyChain(credentials.certificate_pem, credentials.ca_pem, CertificatePurpose::kClient, when).ok();
  const bool named = known && IssuedByOneOf(*chain, probe.accepted_issuers);
  const bool issuer_wrong = known && ((!probe.accepted_issuers.empty() && !named) || stranger);
  if (probe.failure == ProbeFailure::kClientUnknownCa || issuer_wrong) {
    std::string accepted;
    constexpr size_t kNamed = 3;
    const size_t count = probe.accepted_issuers.size();
    for (size_t i = 0; i < std::min(count, kNamed); ++i) {
      absl::StrAppend(&accepted, accepted.empty() ? "" : " or ", probe.accepted_issuers[i]);
    }
    if (count > kNamed) absl::StrAppend(&accepted, " or ", count - kNamed, " others");
    return Failed(
        "accepted",
        absl::StrCat("the server does not accept certificates issued by ",
                     known ? chain->front().issuer : "that CA",
                     accepted.empty() || named ? "" : ", only by " + accepted,
                     named ? " with that key: its CA has the same name, and is another one" : ""),
        "Use the certificate that the coalition's CA issued to your member; add intermediate certificates to "
        "its file.");
  }
  if (known && now_s > chain->front().not_after_s) {
    return Failed("accepted", "the server refused your certificate: it has expired",
                  "Renew the certificate.");
  }
  if (known && now_s < chain->front().not_before_s) {
    return Failed("accepted", "the server refused your certificate: it is not yet valid",
                  "Wait until it is, or set this machine's clock.");
  }
  if (probe.failure == ProbeFailure::kClientExpired) {
    return Failed("accepted",
                  "the server says that your certificate has expired, which it has not by this clock",
                  "Compare this machine's clock with the server's.");
  }
  if (known && !chain->front().client_auth) {
    return Failed("accepted", "the server refused your certificate: it is not for clients",
                  "Ask for a certificate for client authentication.");
  }
  return Failed("accepted", "the server refused your certificate without saying why: " + probe.detail,
                "Ask the coalition's administrator whether this credential and its key are registered.");
}

bool IsRefusal(client::ProbeFailure failure) {
  using client::ProbeFailure;
  return failure == ProbeFailure::kClientUnknownCa || failure == ProbeFailure::kClientExpired ||
         failure == ProbeFailure::kClientRefused || failure == ProbeFailure::kClosed;
}

// What only the server can say, through the real client.
void AskServer(ClientOptions options, std::vector<Check>& checks) {
  options.retry.attempts_max = 1;
  auto client = client::Client::Make(options);
  absl::StatusOr<v1::WhoAmIResponse> me = client.ok() ? (*client)->WhoAmI() : client.status();
  if (GetErrorReason(me.status()) == v1::ERROR_REASON_MEMBER_NOT_ACTIVE) {
    // It knows us, and says no more than that to whoever is not active.
    checks.push_back(Ok("identity", "the server knows the credential"));
    checks.push_back(Failed("standing", std::string(me.status().message()), Remedy(me.status())));
    Skip({"role", "health"}, "your member's standing comes first", checks);
    return;
  }
  if (!me.ok()) {
    std::string detail(me.status().message());
    if (const auto reason = GetErrorReason(me.status()); reason != v1::ERROR_REASON_UNSPECIFIED) {
      absl::StrAppend(&detail, " (", ReasonName(reason), ")");
    }
    std::string remedy = Remedy(me.status());
    if (remedy.empty() || absl::IsUnavailable(me.status()))
      remedy = "Try again; if it stays so, ask the exchange's operator.";
    checks.push_back(Failed("identity", std::move(detail), std::move(remedy)));
    Skip({"standing", "role", "health"}, "the server does not know you", checks);
    return;
  }
  checks.push_back(Ok("identity", me->credential().name()));
  const std::string standing = EnumText(v1::Standing_Name(me->member().standing()), "STANDING_");
  if (me->member().standing() == v1::STANDING_ACTIVE) {
    checks.push_back(Ok("standing", standing));
  } else {
    checks.push_back(Failed("standing", absl::StrCat(me->member().name(), " is ", standing),
                            "Ask the coalition's secretariat about your member's standing."));
  }
  std::string roles;
  for (const int role : me->credential().roles()) {
    absl::StrAppend(&roles, roles.empty() ? "" : ", ",
                    EnumText(v1::Role_Name(static_cast<v1::Role>(role)), "ROLE_"));
  }
  checks.push_back(roles.empty() ? Failed("role", "the credential has no role",
                                          "Ask the coalition's administrator for the role that you need.")
                                 : Ok("role", roles));
  const absl::StatusOr<bool> serving = (*client)->CheckHealth();
  if (serving.ok() && *serving) {
    checks.push_back(Ok("health", "serving, version " + me->server_version()));
  } else {
    checks.push_back(Failed(
        "health",
        serving.ok() ? "the server says that it does not serve" : std::string(serving.status().message()),
        "Try again later, or ask the exchange's operator."));
  }
}

bool AllOk(const std::vector<Check>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const Check& check) { return check.state != CheckState::kOk; });
}

}  // namespace

std::vector<Check> JudgeProbe(const client::ProbeResult& probe, const ClientOptions& options,
                              const Credentials& credentials, int64_t now_s) {
  using client::ProbeFailure;
  using client::ProbeStep;
  std::vector<Check> checks;
  const std::string where = "the server can't be reached";
  if (probe.reached < ProbeStep::kName) {
    checks.push_back(Failed("name", absl::StrCat(options.server, ": ", probe.detail),
                            "Check the spelling of the host, and this machine's DNS."));
    Skip({"port", "tls", "accepted", "alpn"}, where, checks);
    return checks;
  }
  std::string addresses;
  for (const std::string& address : probe.addresses)
    absl::StrAppend(&addresses, addresses.empty() ? "" : ", ", address);
  checks.push_back(Ok("name", addresses));
  if (probe.reached < ProbeStep::kPort) {
    const bool closed = probe.failure == ProbeFailure::kPortClosed;
    checks.push_back(Failed("port", closed ? "closed: " + probe.detail : "no answer: " + probe.detail,
                            closed ? "Check the port, and whether the exchange runs there."
                                   : "Check the address, and firewalls on the way."));
    Skip({"tls", "accepted", "alpn"}, where, checks);
    return checks;
  }
  checks.push_back(Ok("port", "open"));
  const bool refused = IsRefusal(probe.failure);
  if (probe.reached < ProbeStep::kTls && !refused) {
    checks.push_back(JudgeTls(probe, options));
    Skip({"accepted", "alpn"}, "there is no trusted connection", checks);
    return checks;
  }
  checks.push_back(Ok("tls", absl::StrCat(probe.tls_version, "; ", ServerCertificateText(probe))));
  if (refused) {
    checks.push_back(JudgeRefusal(probe, credentials, now_s));
    Skip({"alpn"}, "the server closed the connection", checks);
    return checks;
  }
  if (probe.failure == ProbeFailure::kHandshake || probe.failure == ProbeFailure::kTlsVersion ||
      probe.failure == ProbeFailure::kNotTls) {
    checks.push_back(JudgeRefusal(probe, credentials, now_s));
    Skip({"alpn"}, "the server closed the connection", checks);
    return checks;
  }
  checks.push_back(Ok("accepted", "the server accepts the certificate"));
  checks.push_back(probe.failure == ProbeFailure::kAlpn
                       ? Failed("alpn", "the server did not choose HTTP/2 (h2): " + probe.alpn,
                                "Check host and port: this is no gRPC server, or a proxy stands before it.")
                       : Ok("alpn", probe.alpn));
  return checks;
}

std::vector<Check> Examine(const absl::StatusOr<ClientOptions>& options, int64_t now_s,
                           std::chrono::milliseconds timeout) {
  std::vector<Check> checks;
  const std::vector<std::string> network = {"name", "port", "tls", "accepted", "alpn"};
  const std::vector<std::string> server = {"identity", "standing", "role", "health"};
  absl::Status config = options.ok() ? client::CheckOptions(*options) : options.status();
  if (!config.ok()) {
    checks.push_back(
        Failed("config", std::string(config.message()),
               "Give --server, --ca, --cert and --key, or choose a context: `coalition context --help`."));
    Skip({"files", "key", "certificate", "dates"}, "there are no settings", checks);
    Skip(network, "there are no settings", checks);
    checks.push_back(CheckClock(std::nullopt, std::nullopt, now_s));
    Skip(server, "there are no settings", checks);
    return checks;
  }
  checks.push_back(Ok("config", options->server));
  const absl::StatusOr<Credentials> credentials = client::LoadCredentials(options->tls);
  std::optional<CertificateFacts> ours, servers;
  bool pair_usable = true;
  if (credentials.ok()) {
    checks.push_back(CheckFiles(*credentials));
    checks.push_back(CheckKey(*credentials));
    pair_usable = checks.back().state == CheckState::kOk;
    const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(credentials->certificate_pem);
    checks.push_back(CheckCertificate(facts));
    if (facts.ok()) {
      ours = *facts;
      checks.push_back(CheckDates(*credentials, *facts, now_s));
    } else {
      Skip({"dates"}, "there is no certificate", checks);
    }
  } else {
    checks.push_back(
        Failed("files", std::string(credentials.status().message()),
               "Check the paths and permissions of the files given with --ca, --cert and --key."));
    Skip({"key", "certificate", "dates"}, "the files can't be read", checks);
  }
  // Name, port and the server's certificate are worth knowing also where our own files are bad.
  const client::ProbeResult probe =
      client::ProbeServer(*options, credentials.ok() ? *credentials : Credentials(), timeout);
  servers = probe.server_certificate;
  const std::vector<Check> reached =
      JudgeProbe(probe, *options, credentials.ok() ? *credentials : Credentials(), now_s);
  for (const Check& check : reached) {
    const bool about_files = check.name != "name" && check.name != "port";
    // Without the pair we showed no certificate at all: that the server minds says nothing about ours.
    const bool about_pair = check.name == "accepted" && check.state == CheckState::kFailed;
    if (about_files && !credentials.ok()) {
      checks.push_back(Skipped(check.name, "the files can't be read"));
    } else if (about_pair && !pair_usable) {
      checks.push_back(Skipped(check.name, "certificate and key can't be used"));
    } else {
      checks.push_back(check);
    }
  }
  checks.push_back(CheckClock(ours, servers, now_s));
  if (AllOk(checks)) {
    ClientOptions with_timeout = *options;
    with_timeout.timeout = timeout;
    AskServer(with_timeout, checks);
  } else {
    Skip(server, "an earlier check failed", checks);
  }
  return checks;
}

}  // namespace coalition::cli
