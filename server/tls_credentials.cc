#include "server/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <string>
#include <type_traits>

#include "common/mutex.h"

namespace coalition::server {
namespace {

using Processor = std::shared_ptr<grpc::AuthMetadataProcessor>;

// Can be made from nothing where gRPC's base class holds nothing.
struct EmptyCredentials : grpc::ServerCredentials {
  void SetAuthMetadataProcessor(const Processor&) override {}
  int AddPortToServer(const std::string&, grpc_server*) override { return 0; }
};
// So in 1.51. In later ones the base class takes gRPC's C credentials and releases them.
constexpr bool kBaseIsEmpty = std::is_default_constructible_v<EmptyCredentials>;

// The C interface can ask for certificates before each handshake, the C++ interface can't; and its own
// wrapper of C credentials is not public.
template <class Base>
class Wrapped : public Base {
 public:
  ~Wrapped() override {
    if constexpr (kBaseIsEmpty) grpc_server_credentials_release(wrapped_);
  }

 protected:
  explicit Wrapped(grpc_server_credentials* wrapped) requires kBaseIsEmpty : wrapped_(wrapped) {}
  explicit Wrapped(grpc_server_credentials* wrapped) requires(!kBaseIsEmpty)
      : Base(wrapped), wrapped_(wrapped) {}

 private:
  // Identity is judged at the call, from the certificate: nothing here uses a processor.
  void SetAuthMetadataProcessor(const Processor&) override {}
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), wrapped_);
  }

  grpc_server_credentials* const wrapped_;
};

// What gRPC asks.
class Source {
 public:
  explicit Source(const TlsReloader& files) : files_(files) {}

  static grpc_ssl_certificate_config_reload_status Fetch(void* self,
                                                         grpc_ssl_server_certificate_config** config) {
    return static_cast<Source*>(self)->Fetch(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsFiles> files = files_.current();
    MutexLock lock(mutex_);
    if (files == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{files->pem.key.c_str(), files->pem.certificate.c_str()};
    *config = grpc_ssl_server_certificate_config_create(files->pem.client_ca.c_str(), &pair, 1);
    given_ = std::move(files);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsReloader& files_;
  Mutex mutex_;
  std::shared_ptr<const TlsFiles> given_ ABSL_GUARDED_BY(mutex_);
};

class ReloadedCredentials final : private Source, public Wrapped<grpc::ServerCredentials> {
 public:
  explicit ReloadedCredentials(const TlsReloader& files)
      : Source(files),
        Wrapped(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &Source::Fetch,
                static_cast<Source*>(this)))) {}
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ReloadedTlsCredentials(const TlsReloader& files) {
  return std::make_shared<ReloadedCredentials>(files);
}

}  // namespace coalition::server
