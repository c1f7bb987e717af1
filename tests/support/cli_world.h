// A test server and the command line of its members.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/test_server.h"
#include "tests/support/tool_run.h"

namespace coalition::testing {

class CliWorld {
 public:
  CliWorld() : CliWorld(TestServer::Options()) {}
  explicit CliWorld(TestServer::Options options) : server_(std::move(options)) {
    directory_ = server_.directory() + "/cli";
    std::filesystem::create_directories(directory_);
    ca_file_ = server_.certificates().WriteCa(directory_);
  }

  TestServer& server() { return server_; }
  const std::string& directory() const { return directory_; }
  const std::string& ca_file() const { return ca_file_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_.port()); }

  Tool As(const Identity& identity) const {
    return Tool(directory_)
        .Connect("127.0.0.1:" + std::to_string(server_.PortFor(identity)), ca_file_, identity, directory_);
  }
  Tool As(const std::string& member) const { return As(server_.IdentityOf(member)); }

  // A file of the test's own; its path.
  std::string Write(const std::string& name, const std::string& contents) const {
    std::ofstream(directory_ + "/" + name, std::ios::binary) << contents;
    return directory_ + "/" + name;
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  TestServer server_;
  std::string directory_;
  std::string ca_file_;
};

}  // namespace coalition::testing
