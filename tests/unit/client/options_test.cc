#include "client/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace coalition::client {
namespace {

using ::testing::HasSubstr;

TEST(CheckOptionsTest, NamesTheSettingThatIsOutOfRange) {
  ClientOptions good;
  good.server = "exchange.example:7443";
  EXPECT_TRUE(CheckOptions(good).ok());
  struct Case {
    const char* says;
    std::function<void(ClientOptions*)> spoil;
  };
  using std::chrono::milliseconds;
  for (const Case& c :
       {Case{"timeout", [](ClientOptions* o) { o->timeout = milliseconds(0); }},
        Case{"tls.reload_interval", [](ClientOptions* o) { o->tls.reload_interval = milliseconds(-1); }},
        Case{"keepalive", [](ClientOptions* o) { o->keepalive = milliseconds(100); }},
        Case{"message_bytes_max", [](ClientOptions* o) { o->message_bytes_max = 0; }},
        Case{"attempts_max", [](ClientOptions* o) { o->retry.attempts_max = 0; }},
        Case{"backoff_initial", [](ClientOptions* o) { o->retry.backoff_initial = milliseconds(0); }},
        Case{"backoff_max", [](ClientOptions* o) { o->retry.backoff_max = milliseconds(1); }},
        Case{"backoff_multiplier", [](ClientOptions* o) { o->retry.backoff_multiplier = 0.5; }},
        Case{"budget", [](ClientOptions* o) { o->retry.budget = milliseconds(0); }},
        Case{"server: ", [](ClientOptions* o) { o->server.clear(); }},
        Case{"server: ", [](ClientOptions* o) { o->server = "exchange.example"; }},
        // There is nothing to connect to on port 0.
        Case{"1 to 65535", [](ClientOptions* o) { o->server = "exchange.example:0"; }}}) {
    ClientOptions bad = good;
    c.spoil(&bad);
    const absl::Status status = CheckOptions(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.says;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace coalition::client
