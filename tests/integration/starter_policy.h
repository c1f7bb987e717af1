// A coalition that begins with one of examples/policies/.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "common/textproto.h"
#include "tests/support/test_server.h"

namespace coalition::testing {

// The cast of TestServer, by the policy examples/policies/{name}.textproto of this tree.
inline TestServer::Options WithStarterPolicy(const std::string& name) {
  TestServer::Options options;
  options.edit_bootstrap = [name](config::v1::Bootstrap* bootstrap) {
    const absl::Status read = ReadTextproto(COALITION_SOURCE_DIR "/examples/policies/" + name + ".textproto",
                                            bootstrap->mutable_policy());
    EXPECT_TRUE(read.ok()) << read;
  };
  return options;
}

}  // namespace coalition::testing
