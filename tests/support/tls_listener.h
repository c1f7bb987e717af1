// A listener that is not our server: what a misconfigured client may meet.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/certificates.h"

namespace coalition::testing {

class TlsListener {
 public:
  struct Options {
    // Says something that is not TLS instead.
    bool plain_text = false;
    // Accepts and says nothing.
    bool silent = false;
    Identity identity;
    // Asks for client certificates and accepts those of this CA; empty: asks for none.
    std::string client_ca_pem;
    bool tls_1_2_only = false;
    bool alpn_h2 = true;
    // Sends an empty SETTINGS frame after the handshake, as an HTTP/2 server does.
    bool settings = true;
  };

  // On a free port of 127.0.0.1. Aborts if that fails.
  explicit TlsListener(Options options);
  ~TlsListener();
  TlsListener(const TlsListener&) = delete;
  TlsListener& operator=(const TlsListener&) = delete;

  int port() const { return port_; }
  // Connections that were accepted.
  int connections() const { return connections_; }
  // TLS handshakes that were completed.
  int handshakes() const { return handshakes_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve();
  void Handle(int fd);

  const Options options_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0}, handshakes_{0};
  std::thread thread_;
};

}  // namespace coalition::testing
