// The TLS files of a server that runs, as whoever renews them would change them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/test_server.h"

namespace coalition::testing {

// Aborts when the disk fails.
class TlsFilesOnDisk {
 public:
  explicit TlsFilesOnDisk(const TestServer& server) : tls_(server.config().tls()) {}

  void WriteServer(const Identity& identity) const {
    WriteCertificate(identity.certificate_pem);
    WriteKey(identity.key_pem);
  }
  void WriteCertificate(const std::string& pem) const { Write(tls_.certificate_file(), pem); }
  void WriteKey(const std::string& pem) const { Write(tls_.key_file(), pem); }
  void WriteClientCa(const std::string& pem) const { Write(tls_.client_ca_file(), pem); }

 private:
  // By renaming, so that nobody reads half of it.
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    if (std::rename((path + ".new").c_str(), path.c_str()) != 0) std::abort();
  }

  const config::v1::Tls& tls_;
};

// A server that looks at its TLS files only when it is told to, but for whom `reload_ms` is given.
inline TestServer::Options ReloadEvery(int reload_ms = 3'600'000) {
  TestServer::Options options;
  options.edit_config = [reload_ms](config::v1::ServerConfig* config) {
    config->mutable_tls()->set_reload_ms(reload_ms);
  };
  return options;
}

}  // namespace coalition::testing
