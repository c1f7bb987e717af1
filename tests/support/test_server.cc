#include "tests/support/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "common/errors.h"
#include "common/file.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/config.h"

namespace coalition::testing {
namespace {

void MustBeOk(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

std::string MakeDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "coalition-server-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

// Of the server's own time: servers of one time have certificates that begin and end together, which whoever
// asks who it is is told.
CertificateFactory::Options CertificatesAt(const Clock* clock) {
  CertificateFactory::Options options;
  if (clock != nullptr) options.now_s = clock->NowS();
  return options;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  google::rpc::Status rpc;
  if (status.ok()) return absl::OkStatus();
  if (!status.error_details().empty() && rpc.ParseFromString(status.error_details()))
    return FromRpcStatus(rpc);
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

HttpAnswer HttpGet(int port, const std::string& path, const std::string& method) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const std::string request =
      method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  std::string text;
  bool connected = true;
  // Again: the server gives a request a second, and this thread may just not have run.
  for (int i = 0; i < 5 && connected && text.empty(); ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    if (connected &&
        send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      char block[4096];
      for (ssize_t got = 0; (got = recv(fd, block, sizeof(block), 0)) > 0;)
        text.append(block, static_cast<size_t>(got));
    }
    close(fd);
  }
  HttpAnswer answer;
  const size_t space = text.find(' ');
  const size_t blank = text.find("\r\n\r\n");
  if (space != std::string::npos)
    answer.code = static_cast<int>(std::strtol(text.c_str() + space, nullptr, 10));
  if (blank != std::string::npos) answer.body = text.substr(blank + 4);
  return answer;
}

TestServer::TestServer() : TestServer(Options()) {}

TestServer::TestServer(Options options)
    : options_(std::move(options)),
      directory_(MakeDirectory()),
      certificates_(CertificatesAt(options_.clock)) {
  WriteFiles();
  Restart();
}

TestServer::~TestServer() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void TestServer::AddCredential(config::v1::BootstrapMember* member, const std::string& id) {
  const Identity identity = certificates_.Member(member->id(), id);
  config::v1::BootstrapCredential* credential = member->add_credentials();
  credential->set_id(id);
  credential->set_purpose("tests");
  credential->set_public_key_sha256(identity.spki_sha256_hex);
  credential->add_roles(v1::ROLE_READER);
  identities_[member->id() + "/" + id] = identity;
}

void TestServer::AddMember(config::v1::Bootstrap* bootstrap, const std::string& id, v1::MemberKind kind) {
  config::v1::BootstrapMember* member = bootstrap->add_members();
  member->set_id(id);
  member->set_display_name("The " + id);
  member->set_kind(kind);
  AddCredential(member, "backend");
  AddCredential(member, "admin");
  member->mutable_credentials(1)->clear_roles();
  member->mutable_credentials(1)->add_roles(v1::ROLE_MEMBER_ADMIN);
  if (kind == v1::MEMBER_KIND_SECRETARIAT) {
    member->mutable_credentials(1)->add_roles(v1::ROLE_COALITION_ADMIN);
    AddCredential(member, "audit");
    member->mutable_credentials(2)->clear_roles();
    member->mutable_credentials(2)->add_roles(v1::ROLE_AUDITOR);
    AddCredential(member, "deputy");
    member->mutable_credentials(3)->clear_roles();
    member->mutable_credentials(3)->add_roles(v1::ROLE_COALITION_ADMIN);
    return;
  }
  member->mutable_credentials(0)->add_roles(v1::ROLE_CONTRIBUTOR);
  if (kind != v1::MEMBER_KIND_MARKETPLACE) return;
  config::v1::BootstrapPlatform* platform = bootstrap->add_platforms();
  platform->set_id(id + ".example");
  platform->set_holder(id);
}

void TestServer::WriteFiles() {
  config::v1::Bootstrap bootstrap;
  bootstrap.set_trust_domain(certificates_.trust_domain());
  config::v1::BootstrapGroup* group = bootstrap.add_groups();
  group->set_id("watchmakers");
  group->set_display_name("Watchmakers");
  group->set_closed(true);
  AddMember(&bootstrap, "aurore", v1::MEMBER_KIND_BRAND);
  AddMember(&bootstrap, "belmont", v1::MEMBER_KIND_BRAND);
  AddMember(&bootstrap, "corsa", v1::MEMBER_KIND_BRAND);
  AddMember(&bootstrap, "bazaar", v1::MEMBER_KIND_MARKETPLACE);
  AddMember(&bootstrap, "souk", v1::MEMBER_KIND_MARKETPLACE);
  AddMember(&bootstrap, "paylink", v1::MEMBER_KIND_PAYMENT);
  AddMember(&bootstrap, "customs", v1::MEMBER_KIND_AUTHORITY);
  AddMember(&bootstrap, "office", v1::MEMBER_KIND_SECRETARIAT);
  bootstrap.mutable_members(0)->add_groups("watchmakers");
  bootstrap.mutable_members(1)->add_groups("watchmakers");
  AddCredential(bootstrap.mutable_members(0), "reader");
  if (options_.edit_bootstrap) options_.edit_bootstrap(&bootstrap);
  for (const auto& member : bootstrap.members()) {
    for (const auto& credential : member.credentials()) {
      for (const int role : credential.roles()) {
        if (role == v1::ROLE_COALITION_ADMIN || role == v1::ROLE_AUDITOR) {
          administrative_keys_.insert(credential.public_key_sha256());
        }
      }
    }
  }
  std::string text;
  google::protobuf::TextFormat::PrintToString(bootstrap, &text);
  MustBeOk(WriteFileAtomic(directory_ + "/bootstrap.textproto", text, 0600), "bootstrap file");

  const IdentityFiles files = CertificateFactory::Write(certificates_.Server(), directory_, "server");
  config_.set_listen("127.0.0.1:0");
  config_.set_admin_listen("127.0.0.1:0");
  config_.set_http_listen("127.0.0.1:0");
  config_.set_store_dir("store");
  config_.set_key_dir("keys");
  config_.set_bootstrap_file("bootstrap.textproto");
  config_.mutable_tls()->set_certificate_file(files.certificate);
  config_.mutable_tls()->set_key_file(files.key);
  config_.mutable_tls()->set_client_ca_file(certificates_.WriteCa(directory_));
  if (options_.edit_config) options_.edit_config(&config_);
  MustBeOk(server::CompleteConfig(directory_ + "/server.textproto", &config_), "configuration");
}

server::ServerOptions TestServer::ServerOptionsFor(config::v1::ServerConfig config) const {
  server::ServerOptions options;
  options.config = std::move(config);
  options.clock = options_.clock;
  options.random = options_.random;
  options.disclosures = options_.disclosures;
  return options;
}

void TestServer::Stop() { server_.reset(); }

void TestServer::Restart() {
  Stop();
  auto started = server::Server::Start(ServerOptionsFor(config_));
  MustBeOk(started.status(), "server");
  server_ = *std::move(started);
}

void TestServer::RestartWith(config::v1::ServerConfig config) {
  config_ = std::move(config);
  Restart();
}

const Identity& TestServer::IdentityOf(const std::string& member, const std::string& credential) const {
  const auto found = identities_.find(member + "/" + credential);
  if (found == identities_.end()) MustBeOk(absl::NotFoundError(member + "/" + credential), "identity");
  return found->second;
}

int TestServer::PortFor(const Identity& identity) const {
  return administrative_keys_.contains(identity.spki_sha256_hex) ? admin_port() : port();
}

std::shared_ptr<grpc::Channel> TestServer::ChannelAs(const Identity& identity, int window_bytes,
                                                     int port) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = certificates_.ca_pem();
  options.pem_cert_chain = identity.certificate_pem;
  options.pem_private_key = identity.key_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  // The windows do not grow: what a client does not read stays with the server.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  if (window_bytes > 0) arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, window_bytes);
  const std::string address = "127.0.0.1:" + std::to_string(port == 0 ? PortFor(identity) : port);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

std::shared_ptr<grpc::Channel> TestServer::ChannelAs(const std::string& member,
                                                     const std::string& credential) const {
  return ChannelAs(IdentityOf(member, credential));
}

std::unique_ptr<v1::ExchangeService::Stub> TestServer::Exchange(const std::string& member,
                                                                const std::string& credential) const {
  return v1::ExchangeService::NewStub(ChannelAs(member, credential));
}

std::unique_ptr<v1::MembershipService::Stub> TestServer::Membership(const std::string& member,
                                                                    const std::string& credential) const {
  return v1::MembershipService::NewStub(ChannelAs(member, credential));
}

std::unique_ptr<v1::PolicyService::Stub> TestServer::Policy(const std::string& member,
                                                            const std::string& credential) const {
  return v1::PolicyService::NewStub(ChannelAs(member, credential));
}

std::unique_ptr<v1::ProposalService::Stub> TestServer::Proposals(const std::string& member,
                                                                 const std::string& credential) const {
  return v1::ProposalService::NewStub(ChannelAs(member, credential));
}

std::unique_ptr<v1::WatchService::Stub> TestServer::Watch(const std::string& member,
                                                          const std::string& credential) const {
  return v1::WatchService::NewStub(ChannelAs(member, credential));
}

absl::StatusOr<v1::WhoAmIResponse> TestServer::WhoAmI(const Identity& identity) const {
  const auto stub = v1::MembershipService::NewStub(ChannelAs(identity));
  return Call(stub, &v1::MembershipService::Stub::WhoAmI, v1::WhoAmIRequest());
}

}  // namespace coalition::testing
