#include "tests/support/server_process.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/file.h"
#include "common/policy/default_policy.h"

namespace coalition::testing {
namespace {

constexpr std::chrono::seconds kStartTimeout{60};

[[noreturn]] void Abort(const absl::Status& why) {
  std::fprintf(stderr, "%s\n", why.ToString().c_str());
  std::abort();
}

void MustWrite(const std::string& path, const std::string& text) {
  if (absl::Status status = WriteFileAtomic(path, text, 0600); !status.ok()) Abort(status);
}

std::string CredentialText(const std::string& id, const std::string& roles, const std::string& key_sha256) {
  return " credentials { id: \"" + id + "\" roles: " + roles + " purpose: \"tests\" public_key_sha256: \"" +
         key_sha256 + "\" }";
}

// The built-in one without a quorum: tests change it.
std::string PolicyText() {
  v1::CoalitionPolicy policy = policy::DefaultPolicy();
  policy.clear_limits();
  policy.clear_policy_test();
  return "policy { " + policy.DebugString() + " }\n";
}

}  // namespace

ServerProcess::ServerProcess(std::string directory, std::string binary)
    : directory_(std::move(directory)), binary_(std::move(binary)) {
  WriteCoalition();
}

void ServerProcess::WriteCoalition() {
  certificates_.WriteCa(directory_);
  CertificateFactory::Write(certificates_.Server(), directory_, "server");
  std::string bootstrap = "trust_domain: \"" + certificates_.trust_domain() + "\"\n";
  for (const auto& [id, kind] : {std::pair{"aurore", "MEMBER_KIND_BRAND"},
                                 {"belmont", "MEMBER_KIND_BRAND"},
                                 {"bazaar", "MEMBER_KIND_MARKETPLACE"},
                                 {"office", "MEMBER_KIND_SECRETARIAT"}}) {
    const bool office = std::string(id) == "office";
    bootstrap += std::string("members { id: \"") + id + "\" display_name: \"" + id + "\" kind: " + kind;
    for (const auto& [credential, roles] :
         {std::pair{"backend", "[ROLE_READER, ROLE_CONTRIBUTOR]"},
          {"admin", office ? "[ROLE_MEMBER_ADMIN, ROLE_COALITION_ADMIN]" : "[ROLE_MEMBER_ADMIN]"}}) {
      if (office && std::string(credential) == "backend") continue;  // it reads nothing
      const Identity identity = certificates_.Member(id, credential);
      CertificateFactory::Write(identity, directory_, std::string(id) + "-" + credential);
      bootstrap += CredentialText(credential, roles, identity.spki_sha256_hex);
    }
    bootstrap += " }\n";
  }
  MustWrite(directory_ + "/bootstrap.textproto",
            bootstrap + "platforms { id: \"bazaar.example\" holder: \"bazaar\" }\n" + PolicyText());
  MustWrite(directory_ + "/server.textproto",
            "listen: \"" + port_.address() + "\"\nadmin_listen: \"" + admin_port_.address() +
                "\"\nhttp_listen: \"off\"\nstore_dir: \"store\"\n"
                "limits { own_policy_changes_per_day_max: 10000 }\n"
                "bootstrap_file: \"bootstrap.textproto\"\nkey_dir: \"keys\"\n"
                "tls { certificate_file: \"server.pem\" key_file: "
                "\"server.key\" client_ca_file: \"ca.pem\" }\n");
}

absl::Status ServerProcess::Start() {
  process_.reset();
  auto process = Process::Start({binary_, "--config", directory_ + "/server.textproto"}, directory_ + "/log");
  if (!process.ok()) return process.status();
  process_ = *std::move(process);
  return WaitForPort(port_.port(), process_.get(), kStartTimeout);
}

void ServerProcess::Kill() { process_.reset(); }

absl::Status ServerProcess::Stop() {
  if (process_ == nullptr) return absl::FailedPreconditionError("coalitiond does not run");
  absl::Status stopped = process_->Stop();
  process_.reset();
  return stopped;
}

absl::Status ServerProcess::Signal(int signal) {
  if (process_ == nullptr) return absl::FailedPreconditionError("coalitiond does not run");
  if (kill(process_->pid(), signal) != 0) return absl::ErrnoToStatus(errno, "kill");
  return absl::OkStatus();
}

std::string ServerProcess::Log() const {
  absl::StatusOr<std::string> log = ReadFile(directory_ + "/log", size_t{64} << 20);
  return log.ok() ? *std::move(log) : std::string();
}

absl::StatusOr<std::unique_ptr<client::Client>> ServerProcess::Connect(const std::string& member,
                                                                       const std::string& credential) const {
  client::ClientOptions options;
  options.server = member == "office" ? admin_port_.address() : port_.address();
  options.tls.ca_file = directory_ + "/ca.pem";
  options.tls.certificate_file = directory_ + "/" + member + "-" + credential + ".pem";
  options.tls.key_file = directory_ + "/" + member + "-" + credential + ".key";
  options.retry.attempts_max = 1;
  return client::Client::Make(options);
}

}  // namespace coalition::testing
