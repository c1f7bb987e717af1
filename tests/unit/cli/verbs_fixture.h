// Runs verbs over a connection of the test's own, with a person at the terminal.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "client/cli/app.h"
#include "tests/unit/cli/bytes.h"

namespace coalition::cli {

template <class Connection>
class VerbsFixture : public ::testing::Test {
 protected:
  VerbsFixture() {
    io_.in_is_terminal = true;
    io_.err_is_terminal = true;
    io_.catch_interrupt = [this] { ++catches_; };
  }

  int Run(const std::vector<std::string>& args, const std::string& typed = "") {
    out_.str("");
    err_.str("");
    io_.read_in = FromText(typed);
    App app;
    if (const int code = app.Parse(args, out_, err_); code != kExitOk) return code;
    Session session(app.globals(), io_);
    session.SetClient(std::make_unique<client::Client>(connection_, client::ClientOptions(), random_));
    return app.action()(session);
  }

  const std::shared_ptr<Connection> connection_ = std::make_shared<Connection>();
  SystemRandom random_;
  std::ostringstream out_, err_;
  Io io_{out_, err_, FromText("")};
  int catches_ = 0;
};

}  // namespace coalition::cli
