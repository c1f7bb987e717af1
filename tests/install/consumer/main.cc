// Uses the installed client library without a network: a client without a certificate must be refused, and in
// words.
#include <cstdio>

#include "client/client.h"
#include "coalition/v1/record.pb.h"

int main() {
  coalition::client::ClientOptions options;
  options.server = "localhost:7443";
  const auto client = coalition::client::Client::Make(options);
  if (client.ok() || client.status().message().empty()) {
    std::fputs("a client without a certificate was made\n", stderr);
    return 1;
  }
  coalition::v1::Record record;
  record.mutable_seller()->set_platform("bazaar.example");
  std::printf("%s: %s\n", record.seller().platform().c_str(), client.status().ToString().c_str());
  return 0;
}
