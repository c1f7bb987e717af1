#include "client/cli/session.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/certificate_life.h"
#include "client/cli/text.h"
#include "client/credentials.h"

namespace coalition::cli {

Session::Session(const Globals& globals, Io& io)
    : globals_(globals), io_(io), format_(ParseFormat(globals.output).value_or(Format::kTable)) {}

absl::StatusOr<client::Client*> Session::Client() {
  if (client_ == nullptr) {
    absl::StatusOr<client::ClientOptions> options = ResolveOptions(globals_);
    if (!options.ok()) return Local(options.status());
    absl::StatusOr<std::unique_ptr<client::Client>> client = client::Client::Make(*options);
    if (!client.ok()) return Local(client.status());
    if (globals_.verbose) Note("server: " + options->server);
    WarnOfExpiry(options->tls);
    client_ = *std::move(client);
  }
  return client_.get();
}

absl::StatusOr<SpiffeId> Session::OwnIdentity() const {
  const absl::StatusOr<client::ClientOptions> options = ResolveOptions(globals_);
  if (!options.ok()) return Local(options.status());
  const absl::StatusOr<client::Credentials> credentials = client::LoadCredentials(options->tls);
  if (!credentials.ok()) return Local(credentials.status());
  const absl::StatusOr<CertificateFacts> facts = ParseCertificatePem(credentials->certificate_pem);
  if (!facts.ok()) return Local(facts.status());
  absl::StatusOr<SpiffeId> id = ParseSpiffeMemberId(facts->uri_sans.empty() ? "" : facts->uri_sans.front());
  if (!id.ok()) return Local(id.status());
  return id;
}

void Session::WarnOfExpiry(const client::TlsOptions& tls) {
  const absl::StatusOr<client::Credentials> credentials = client::LoadCredentials(tls);
  if (!credentials.ok()) return;
  const std::string warning = ExpiryWarning(credentials->certificate_pem, std::time(nullptr));
  if (!warning.empty()) Note("warning: " + warning);
}

ListPrinter Session::List(std::vector<std::string> columns) {
  return ListPrinter(format_, io_.out_is_terminal, std::move(columns), io_.out);
}

void Session::One(const Facts& facts, const std::string& json) {
  PrintOne(format_, io_.out_is_terminal, facts, json, io_.out);
}

int Session::Fail(const absl::Status& status) {
  PrintError(status, globals_.verbose, io_.err);
  return ExitCode(status);
}

int Session::Misused(const std::string& message) {
  io_.err << "error: " << Printable(message) << '\n';
  return kExitUsage;
}

void Session::Note(const std::string& message) { io_.err << Printable(message) << '\n'; }

absl::StatusOr<std::string> Session::ReadIn(size_t bytes_max) {
  std::string text;
  char buffer[8192];
  for (;;) {
    const ssize_t n = io_.read_in(buffer, sizeof(buffer));
    if (n == 0) return text;
    if (n < 0) return Local(absl::UnknownError(absl::StrCat("standard input: ", std::strerror(errno))));
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > bytes_max) {
      return Local(
          absl::InvalidArgumentError(absl::StrCat("standard input holds more than ", bytes_max, " bytes")));
    }
  }
}

}  // namespace coalition::cli
