#include "common/host_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace coalition {
namespace {

using ::testing::HasSubstr;

TEST(HostPortTest, TakesNamesAndAddresses) {
  struct Case {
    const char* text;
    const char* host;
    int port;
  };
  for (const Case& c : {Case{"exchange.example:7443", "exchange.example", 7443},
                        Case{"127.0.0.1:1", "127.0.0.1", 1}, Case{"[::1]:65535", "::1", 65535},
                        Case{"[fe80::1%eth0]:7443", "fe80::1%eth0", 7443}, Case{"*:7443", "*", 7443}}) {
    for (const int port_min : {0, 1}) {
      const auto parsed = ParseHostPort(c.text, port_min);
      ASSERT_TRUE(parsed.ok()) << c.text << ": " << parsed.status();
      EXPECT_EQ(parsed->host, c.host);
      EXPECT_EQ(parsed->port, c.port);
    }
  }
}

TEST(HostPortTest, PortZeroIsForThoseWhoListen) {
  const auto any = ParseHostPort("127.0.0.1:0");
  ASSERT_TRUE(any.ok()) << any.status();
  EXPECT_EQ(any->port, 0);
  EXPECT_TRUE(absl::IsInvalidArgument(ParseHostPort("127.0.0.1:0", 1).status()));
}

TEST(HostPortTest, RefusesEverythingElseInWords) {
  struct Case {
    std::string text;
    const char* says;
  };
  for (const Case& c : {Case{"", "missing"},
                        Case{"exchange.example", "no port"},
                        Case{":7443", "no host"},
                        Case{"[]:7443", "no host"},
                        Case{":", "no host"},
                        Case{"a:0", "1 to 65535"},
                        Case{"a:65536", "1 to 65535"},
                        Case{"a:99999999999999999999", "1 to 65535"},
                        Case{"a:-1", "1 to 65535"},
                        Case{"a:+1", "1 to 65535"},
                        Case{"a: 1", "1 to 65535"},
                        Case{"a:https", "1 to 65535"},
                        Case{"a:", "1 to 65535"},
                        Case{"::1:7443", "brackets"},
                        Case{"[::1]", "brackets"},
                        Case{"[[::1]]:7443", "host:port"},
                        Case{"a]:7443", "host:port"},
                        Case{"https://a:7443", "host:port"},
                        Case{"a b:7443", "character"},
                        Case{"[a b]:7443", "character"},
                        Case{"a\x1b:7443", "character"},
                        Case{"z\xc3\xbcrich:7443", "character"},
                        Case{std::string("a\0b:7443", 8), "character"}}) {
    const auto parsed = ParseHostPort(c.text, 1);
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << c.text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(c.says)) << c.text;
  }
}

}  // namespace
}  // namespace coalition
