#include "client/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace coalition::client {
namespace {

using ::testing::HasSubstr;

TEST(ParseHostPortTest, TakesNamesAndAddresses) {
  struct Case {
    const char* text;
    const char* host;
    int port;
  };
  for (const Case& c : {Case{"exchange.example:7443", "exchange.example", 7443},
                        Case{"127.0.0.1:1", "127.0.0.1", 1}, Case{"[::1]:65535", "::1", 65535}}) {
    const auto parsed = ParseHostPort(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text << ": " << parsed.status();
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port);
  }
}

TEST(ParseHostPortTest, RefusesEverythingElseInWords) {
  struct Case {
    const char* text;
    const char* says;
  };
  for (const Case& c : {Case{"", "missing"}, Case{"exchange.example", "no port"}, Case{":7443", "no host"},
                        Case{"a:0", "1 to 65535"}, Case{"a:65536", "1 to 65535"}, Case{"a:-1", "1 to 65535"},
                        Case{"a:https", "1 to 65535"}, Case{"a:", "1 to 65535"}, Case{"::1:7443", "brackets"},
                        Case{"https://a:7443", "host:port"}, Case{"a b:7443", "character"},
                        Case{"a\x1b:7443", "character"}}) {
    const auto parsed = ParseHostPort(c.text);
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << c.text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(c.says)) << c.text;
  }
}

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
        Case{"keepalive", [](ClientOptions* o) { o->keepalive = milliseconds(100); }},
        Case{"message_bytes_max", [](ClientOptions* o) { o->message_bytes_max = 0; }},
        Case{"attempts_max", [](ClientOptions* o) { o->retry.attempts_max = 0; }},
        Case{"backoff_initial", [](ClientOptions* o) { o->retry.backoff_initial = milliseconds(0); }},
        Case{"backoff_max", [](ClientOptions* o) { o->retry.backoff_max = milliseconds(1); }},
        Case{"backoff_multiplier", [](ClientOptions* o) { o->retry.backoff_multiplier = 0.5; }},
        Case{"budget", [](ClientOptions* o) { o->retry.budget = milliseconds(0); }},
        Case{"port", [](ClientOptions* o) { o->server = "exchange.example"; }}}) {
    ClientOptions bad = good;
    c.spoil(&bad);
    const absl::Status status = CheckOptions(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.says;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace coalition::client
